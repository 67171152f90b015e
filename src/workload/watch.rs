//! Writes, and watches that follow them from where each client got to. In the end one watch at each replica goes over
//! everything again, up to a last write.

use std::sync::Arc;

use super::clients::Turn;
use super::{Action, Kind, Options, Outcome, Target, Until, Verb};
use crate::consistency::{Completion, Value};

/// How far each client got.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    prefix: Arc<str>,
    start: Option<i64>,
    reached: Vec<Option<i64>>,
}

/// After how many events a watch ends.
const EVENTS: usize = 5;

impl Watch {
    const WORD: &str = "watch/k";

    pub(super) fn new(options: &Options) -> Self {
        let prefix = format!("{}watch/", options.prefix).into();
        Self { prefix, start: None, reached: vec![None; options.clients] }
    }

    pub(super) fn next(&self, turn: &mut Turn<'_>) -> (Target, Action) {
        let key = turn.name(Self::WORD);
        let replica = turn.replica();
        let reached = self.reached[turn.client].or(self.start);
        match (turn.verb(Kind::Watch.verbs()), reached) {
            // The first client only writes, else all might wait for each other.
            (Verb::Watch, Some(after)) if turn.client > 0 || turn.options.clients == 1 => {
                let prefix = self.prefix.clone();
                (Target::Replica(replica), Action::Watch { prefix, after, until: Until::Events(EVENTS) })
            }
            // Until a write was acknowledged, nobody knows a revision from which to watch.
            _ => (Target::Any, Action::Write { key, value: turn.fresh() }),
        }
    }

    pub(super) fn completed(&mut self, client: usize, action: &Action, outcome: &Outcome) {
        match (action, outcome.completion) {
            (Action::Write { .. }, Completion::Ok) => self.start = self.start.or(outcome.revision),
            (Action::Watch { .. }, Completion::Ok) => {
                if let Some(revision) = last_revision(&outcome.value) {
                    self.reached[client] = Some(revision);
                }
            }
            _ => {}
        }
    }

    /// The last write, and the watch that must see everything up to it.
    pub(super) fn end(&self, turn: &mut Turn<'_>) -> (Action, Action) {
        let (key, value) = (turn.name(Self::WORD), turn.fresh());
        let (prefix, after) = (self.prefix.clone(), self.start.unwrap_or(0));
        (Action::Write { key, value }, Action::Watch { prefix, after, until: Until::Value(value) })
    }
}

fn last_revision(events: &Value) -> Option<i64> {
    let Value::List(events) = events else { return None };
    let Some(Value::List(event)) = events.last() else { return None };
    match event.first() {
        Some(Value::Int(revision)) => Some(*revision),
        _ => None,
    }
}
