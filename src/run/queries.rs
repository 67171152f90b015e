//! Asks Prometheus what the scenario asks. No answer is recorded as such, with its reason.

use crate::evidence::{Event, QueryAnswer};

use super::context::Context;

/// Asks every query; a range query covers the whole run so far.
pub(super) async fn ask(context: &Context) {
    for (index, query) in context.scenario.queries.iter().enumerate() {
        let range = query.step.map(|step| (context.clock().elapsed(), step));
        let answer = match &context.world.metrics {
            None => Err("this cluster has no Prometheus to ask".to_owned()),
            Some(metrics) => metrics.query(&query.expr, range).await,
        };
        let answer = match answer {
            Ok(values) => QueryAnswer { query: index, values: Some(values), reason: String::new() },
            Err(reason) => QueryAnswer { query: index, values: None, reason },
        };
        context.recorder.note(Event::Query(answer));
    }
}
