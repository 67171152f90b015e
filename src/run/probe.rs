//! Open-loop probes: each attempt starts when it is due, whatever became of the ones before, and every one is recorded.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::task::JoinSet;

use crate::evidence::{Attempt, Event, Outcome};
use crate::scenario::{Probe, ProbeKind};
use crate::world::{NetworkError, Place, Reply, Vantage};

use super::context::Context;
use super::observe::{Answers, Group};
use super::wait::Bell;

/// More attempts than this are never under way at a time; the next ones are recorded as not sent.
const UNDER_WAY: usize = 512;

/// Probes that run until they are stopped.
#[derive(Debug)]
pub(super) struct Probes {
    tasks: JoinSet<()>,
    stop: Arc<Bell>,
}

impl Probes {
    /// Starts every probe of the scenario.
    pub(super) fn start(context: &Context) -> Self {
        let stop: Arc<Bell> = Arc::default();
        let mut tasks = JoinSet::new();
        let probes = &context.scenario.probes;
        context.board.change(|picture| picture.probes = vec![Answers::default(); probes.len()]);
        for index in 0..probes.len() {
            tasks.spawn(drive(context.clone(), index, stop.clone()));
        }
        Self { tasks, stop }
    }

    /// Sends nothing more and waits for the answers that are still out: at most one timeout.
    pub(super) async fn finish(mut self) {
        self.stop.ring();
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn drive(context: Context, index: usize, stop: Arc<Bell>) {
    let probe = &context.scenario.probes[index];
    let clock = context.clock();
    let begun = clock.elapsed();
    let mut under_way = FuturesUnordered::new();
    let mut number: u32 = 0;
    let mut blind = Blind::default();
    loop {
        let due = begun + Duration::from_secs_f64(f64::from(number) / probe.rate);
        tokio::select! {
            biased;
            () = stop.ever() => break,
            Some(attempt) = under_way.next() => ended(&context, index, attempt, &mut blind),
            () = clock.sleep_until(due) => {
                if under_way.len() >= UNDER_WAY {
                    let reason = format!("not sent: {UNDER_WAY} attempts are under way");
                    record(&context, index, due, Outcome::Error { reason });
                } else {
                    under_way.push(attempt(&context, probe, number, due));
                }
                number += 1;
            }
        }
    }
    while let Some(attempt) = under_way.next().await {
        ended(&context, index, attempt, &mut blind);
    }
    blind.end(&context, &probe.name);
}

/// Attempts in a row that could not be sent.
#[derive(Debug, Default)]
struct Blind {
    /// Due time of the first, of the last, and why.
    since: Option<(Duration, Duration, String)>,
}

impl Blind {
    /// Puts what was not observed on record: it is neither an answer nor an outage of the service.
    fn end(&mut self, context: &Context, probe: &str) {
        let Some((first, last, reason)) = self.since.take() else { return };
        let (first, last) = (first.as_secs_f64(), last.as_secs_f64());
        let what = format!(
            "probe {probe} saw nothing from +{first:.1}s to +{last:.1}s: its attempts could not be sent ({reason})"
        );
        context.recorder.gap(what, false);
    }
}

fn ended(context: &Context, probe: usize, (due, outcome): (Duration, Result<Outcome, String>), blind: &mut Blind) {
    match outcome {
        Ok(outcome) => {
            blind.end(context, &context.scenario.probes[probe].name);
            record(context, probe, due, outcome);
        }
        Err(reason) => {
            let since = blind.since.get_or_insert((due, due, reason));
            since.1 = since.1.max(due);
        }
    }
}

fn record(context: &Context, probe: usize, due: Duration, outcome: Outcome) {
    let failure = match &outcome {
        Outcome::Ok { .. } => None,
        Outcome::Status { status } => Some(format!("status {status}")),
        Outcome::Error { reason } => Some(reason.clone()),
        Outcome::Timeout => Some("timeout".to_owned()),
    };
    let took = micros(context.clock().elapsed().saturating_sub(due));
    context.recorder.note(Event::Attempt(Attempt { probe, due: micros(due), took, outcome }));
    context.board.change_if(|picture| picture.probes.get_mut(probe).is_some_and(|answers| answers.take(due, failure)));
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// One attempt; `Err` when it could not be sent.
async fn attempt(context: &Context, probe: &Probe, number: u32, due: Duration) -> (Duration, Result<Outcome, String>) {
    let Some(from) = vantage(context, probe, number) else {
        return (due, Ok(Outcome::Error { reason: "no running pod to probe from".to_owned() }));
    };
    let to = place(context, probe);
    // The timeout counts from when the attempt was due.
    let timeout = probe.timeout.saturating_sub(context.clock().elapsed().saturating_sub(due));
    let network = &context.world.network;
    let outcome = match probe.kind {
        ProbeKind::Http => of_reply(network.http(&from, &to, "GET", &probe.path, timeout).await, &probe.status),
        ProbeKind::Tcp => match network.connect(&from, &to, timeout).await {
            Ok(_) => Ok(Outcome::Ok { pod: None }),
            Err(error) => of_error(&error),
        },
    };
    (due, outcome)
}

/// Where an attempt starts: attempts take turns over the running pods of the set, in the order of their names.
fn vantage(context: &Context, probe: &Probe, number: u32) -> Option<Vantage> {
    let Some(set) = &probe.from else { return Some(Vantage::Outside) };
    let group = Group::of(Some(set), &context.scenario);
    context.board.look(|picture| {
        let pods = picture.running(&group);
        let pod = pods.get(number as usize % pods.len().max(1))?;
        Some(Vantage::Pod { namespace: pod.seen.namespace.clone(), name: pod.seen.name.clone() })
    })
}

fn place(context: &Context, probe: &Probe) -> Place {
    match (&probe.service, &probe.url) {
        (Some(port), _) => super::data::service(port, &context.scenario),
        (None, url) => Place::Url(url.clone().unwrap_or_default()),
    }
}

fn of_reply(reply: Result<Reply, NetworkError>, accepted: &[u16]) -> Result<Outcome, String> {
    match reply {
        Ok(Reply { status, pod, .. }) => {
            let expected = if accepted.is_empty() { (200..400).contains(&status) } else { accepted.contains(&status) };
            Ok(if expected { Outcome::Ok { pod } } else { Outcome::Status { status } })
        }
        Err(error) => of_error(&error),
    }
}

fn of_error(error: &NetworkError) -> Result<Outcome, String> {
    match error {
        NetworkError::Blind(reason) => Err(reason.clone()),
        NetworkError::Timeout(_) => Ok(Outcome::Timeout),
        NetworkError::Refused(_) | NetworkError::Broken(_) | NetworkError::Unsupported(_) => {
            Ok(Outcome::Error { reason: error.to_string() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_by_its_status() {
        let reply = |status| Ok(Reply { status, body: String::new(), pod: Some("web-1".to_owned()) });
        for (status, accepted, ok) in [
            (200, vec![], true),
            (302, vec![], true),
            (404, vec![], false),
            (404, vec![404], true),
            (200, vec![404], false),
        ] {
            assert_eq!(
                matches!(of_reply(reply(status), &accepted), Ok(Outcome::Ok { .. })),
                ok,
                "{status} {accepted:?}"
            );
        }
        assert_eq!(of_reply(Err(NetworkError::Timeout(Duration::from_secs(1))), &[]), Ok(Outcome::Timeout));
        assert!(of_reply(Err(NetworkError::Blind("refused".to_owned())), &[]).is_err());
    }
}
