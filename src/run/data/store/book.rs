//! The history of one check: each call and each outcome on a line of its own, in one order, as it happens. Keeps nothing in
//! memory but its last line.

use std::fmt::Write;

use serde_json::json;

use crate::consistency::format::native;
use crate::consistency::{Completion, Value};
use crate::evidence::{Beside, HistorySeen, LineDigest};
use crate::workload::{Outcome, Request};
use crate::world::Clock;

/// Of an error so many characters are written down.
const ERROR_MAX: usize = 200;

/// Where the history goes.
pub(super) struct Book {
    clock: Clock,
    file: Beside,
    next: u64,
    digest: LineDigest,
}

impl Book {
    pub(super) fn new(clock: Clock, file: Beside) -> Self {
        Self { clock, file, next: 0, digest: LineDigest::default() }
    }

    /// A request is about to be sent.
    pub(super) fn call(&mut self, request: &Request) {
        self.line(request, None, &request.action.input(), "");
    }

    /// What became of it.
    pub(super) fn end(&mut self, request: &Request, outcome: &Outcome) {
        let value = match outcome.completion {
            Completion::Ok => outcome.value.clone(),
            Completion::Fail | Completion::Info => request.action.input(),
        };
        let mut more = String::new();
        if outcome.unreplicated {
            more.push_str(",\"unreplicated\":true");
        }
        if let Some(revision) = outcome.revision {
            let _ = write!(more, ",\"revision\":{revision}");
        }
        if let Some(error) = &outcome.error {
            let short: String = error.chars().take(ERROR_MAX).collect();
            let _ = write!(more, ",\"error\":{}", json!(short));
        }
        self.line(request, Some(outcome), &value, &more);
    }

    /// `more` are further fields, which readers of histories pass over.
    fn line(&mut self, request: &Request, outcome: Option<&Outcome>, value: &Value, more: &str) {
        // What prepares a store is no part of its history.
        let Some(verb) = request.action.verb() else { return };
        let key = request.action.key().map(Value::Text);
        let event = native::Event {
            index: self.next,
            time: i64::try_from(self.clock.elapsed().as_nanos()).unwrap_or(i64::MAX),
            process: request.process,
            completion: outcome.map(|outcome| outcome.completion),
            function: verb.name(),
            key: key.as_ref(),
            value,
            node: outcome.and_then(|outcome| outcome.node.as_deref()),
            saw: outcome.and_then(Outcome::saw),
        };
        self.next += 1;
        let mut line = String::new();
        event.write(&mut line);
        if !more.is_empty() {
            line.truncate(line.trim_end().len() - 1);
            line.push_str(more);
            line.push_str("}\n");
        }
        self.digest.add(line.as_bytes());
        self.file.append(line.into_bytes());
    }

    /// Closes the file, and says what it is.
    pub(super) async fn close(self, seen: &mut HistorySeen) {
        (seen.lines, seen.sha256) = self.digest.end();
        if let Err(error) = self.file.close().await {
            seen.reason = format!("write the history: {error}");
        }
    }
}
