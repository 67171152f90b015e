//! Watches, while faults hold, the conditions on which the scenario wants them healed at once. Heals nothing itself.

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};

use crate::evidence::Event;
use crate::scenario::{Abort, Bound};

use super::Stop;
use super::context::Context;
use super::wait::{stopped, within};

/// Becomes true when a condition is met, which is then on record, or when the run is stopped. Never returns otherwise.
pub(super) async fn watch(context: &Context, stop: &mut Stop, heal: tokio::sync::watch::Sender<bool>) {
    let conditions = context.scenario.aborts.iter().enumerate();
    let mut met: FuturesUnordered<_> =
        conditions.map(|(index, abort)| async move { (index, met(context, abort).await) }).collect();
    tokio::select! {
        biased;
        () = stopped(stop) => {}
        Some((condition, reason)) = met.next() => {
            context.recorder.note(Event::Abort { condition, reason });
        }
    }
    let _ = heal.send(true);
    std::future::pending().await
}

/// Returns what was seen when the condition is met.
async fn met(context: &Context, abort: &Abort) -> String {
    match (&abort.probe, abort.outage, &abort.query, &abort.bound) {
        (Some(probe), Some(outage), _, _) => silent(context, probe, outage).await,
        (_, _, Some(query), Some(bound)) => broken(context, query, bound, abort.every).await,
        (_, _, _, _) => std::future::pending().await,
    }
}

/// Waits until a probe has been without an answer for too long.
async fn silent(context: &Context, name: &str, outage: Duration) -> String {
    let Some(index) = context.scenario.probes.iter().position(|probe| probe.name == name) else {
        return std::future::pending().await;
    };
    let clock = context.clock();
    let since =
        |picture: &super::observe::Picture| picture.probes.get(index).and_then(super::observe::Answers::failing_since);
    loop {
        let (from, reason) = context.board.until(since).await;
        let answered = context.board.until(|picture| since(picture).is_none_or(|(now, _)| now != from).then_some(()));
        let left = (from + outage).saturating_sub(clock.elapsed());
        if within(clock, left, answered).await.is_none() {
            let long = humantime::format_duration(outage);
            return format!("probe {name} was without an answer for {long}: {reason}");
        }
    }
}

/// Asks until a sample breaks the bound. No answer is no reason to heal; that the condition was not watched is on record.
async fn broken(context: &Context, query: &str, bound: &str, every: Duration) -> String {
    let Some(limit) = Bound::parse(bound) else { return std::future::pending().await };
    let mut blind = false;
    loop {
        let answer = match &context.world.metrics {
            None => Err("this cluster has no Prometheus to ask".to_owned()),
            Some(metrics) => metrics.query(query, None).await,
        };
        let answer =
            answer.and_then(|values| if values.is_empty() { Err("no samples".to_owned()) } else { Ok(values) });
        match answer {
            Ok(values) => {
                if let Some(value) = values.iter().find(|value| !limit.holds(**value)) {
                    return format!("the query {query} gave {value}, and {bound} must hold");
                }
            }
            Err(reason) if !blind => {
                blind = true;
                context.recorder.gap(format!("the abort condition {query} could not be watched: {reason}"), false);
            }
            Err(_) => {}
        }
        context.clock().sleep(every).await;
    }
}
