//! Runs a workload against a store and records what happened, in the native format. Judges nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use driftproof::consistency::{Completion, Value};
use driftproof::store::Store;
use driftproof::workload::{Generator, Kind, Options, Outcome, ReadFrom, Request};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

/// One event of a history.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Nanoseconds since the beginning.
    pub(crate) time: u64,
    /// What was asked.
    pub(crate) request: Request,
    /// What became of it; none for the call.
    pub(crate) outcome: Option<Outcome>,
}

/// How to drive.
#[derive(Clone, Debug)]
pub(crate) struct Drive {
    /// Which workload.
    pub(crate) kind: Kind,
    /// Its shape.
    pub(crate) options: Options,
    /// The least time from one request of a client to its next.
    pub(crate) pace: Duration,
    /// When to give up on a request.
    pub(crate) timeout: Duration,
    /// Whether the store cannot remove what was written, and must say so.
    pub(crate) leaves: bool,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    /// In order.
    pub(crate) events: Vec<Event>,
}

/// The usual shape. What is written is removed at the end, so that the same prefix serves all.
pub(crate) fn options(clients: usize, keys: usize, replicas: usize) -> Options {
    let prefix = "driftproof-".to_owned();
    Options { seed: 7, clients, keys, rotate_after: 0, prefix, replicas, reads: ReadFrom::Anywhere, mix: Vec::new() }
}

struct Shared {
    generator: Mutex<Generator>,
    recording: Mutex<Recording>,
    start: Instant,
}

impl Shared {
    fn record(&self, request: &Request, outcome: Option<Outcome>) {
        let mut recording = self.recording.lock().expect("never poisoned");
        // Under the lock, so that the order of times is the order of events.
        let time = u64::try_from(self.start.elapsed().as_nanos()).expect("a short run");
        recording.events.push(Event { time, request: request.clone(), outcome });
    }
}

impl Drive {
    /// Prepares the store, runs the workload while `during` lasts, then the final phase, and removes what it made.
    pub(crate) async fn run(
        self,
        mut make: impl FnMut(usize) -> Box<dyn Store>,
        during: impl Future<Output = Result<(), String>>,
    ) -> Result<Recording, String> {
        let generator = Generator::new(self.kind, self.options.clone()).map_err(|error| error.to_string())?;
        let setup = generator.setup();
        let mut first = make(0);
        first.prepare(Duration::from_secs(20)).await?;
        for request in setup {
            let outcome = first.perform(&request, Duration::from_secs(10)).await;
            if outcome.completion != Completion::Ok {
                return Err(format!("set up: {:?}", outcome.error));
            }
        }
        let recording = Mutex::new(Recording::default());
        let shared = Arc::new(Shared { generator: Mutex::new(generator), recording, start: Instant::now() });
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let clients: Vec<_> = (0..self.options.clients)
            .map(|client| tokio::spawn(self.clone().client(make(client), client, shared.clone(), stopped.clone())))
            .collect();
        let result = during.await;
        let _ = stop.send(true);
        for client in clients {
            client.await.map_err(|error| error.to_string())?;
        }
        result?;
        self.finish(&mut make, &shared).await?;
        first = make(0);
        let removed = first.remove(&self.options.prefix, Duration::from_secs(20)).await;
        match (removed, self.leaves) {
            (Ok(()), false) | (Err(_), true) => {}
            (Err(error), false) => return Err(error),
            (Ok(()), true) => return Err("the store said that it removed what it cannot remove".to_owned()),
        }
        Ok(std::mem::take(&mut *shared.recording.lock().expect("never poisoned")))
    }

    async fn client(
        self,
        mut store: Box<dyn Store>,
        client: usize,
        shared: Arc<Shared>,
        stopped: tokio::sync::watch::Receiver<bool>,
    ) {
        while !*stopped.borrow() {
            let due = Instant::now() + self.pace;
            let request = shared.generator.lock().expect("never poisoned").next(client);
            shared.record(&request, None);
            let outcome = store.perform(&request, self.timeout).await;
            shared.record(&request, Some(outcome.clone()));
            shared.generator.lock().expect("never poisoned").completed(client, &outcome);
            store.settle().await;
            tokio::time::sleep_until(due).await;
        }
    }

    async fn finish(&self, make: &mut impl FnMut(usize) -> Box<dyn Store>, shared: &Shared) -> Result<(), String> {
        let requests = shared.generator.lock().expect("never poisoned").final_reads(self.options.replicas);
        let mut store = make(0);
        for request in requests {
            shared.record(&request, None);
            let outcome = store.perform(&request, Duration::from_secs(10)).await;
            shared.record(&request, Some(outcome.clone()));
            if outcome.completion != Completion::Ok && request.action.is_read() {
                return Err(format!("final read: {:?}: {:?}", request.action, outcome.error));
            }
        }
        Ok(())
    }
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Number(text) | Value::Text(text) | Value::Keyword(text) => json!(text.as_ref()),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => {
            let entry = |(key, value): &(Value, Value)| match key {
                Value::Text(text) => (text.to_string(), to_json(value)),
                other => (other.to_string(), to_json(value)),
            };
            entries.iter().map(entry).collect()
        }
    }
}

impl Recording {
    /// How many of each function ended how.
    pub(crate) fn counts(&self) -> BTreeMap<(&'static str, Completion), usize> {
        let mut counts = BTreeMap::new();
        for event in &self.events {
            if let (Some(verb), Some(outcome)) = (event.request.action.verb(), &event.outcome) {
                *counts.entry((verb.name(), outcome.completion)).or_insert(0) += 1;
            }
        }
        counts
    }

    /// The same in a line.
    pub(crate) fn summary(&self) -> String {
        self.counts().iter().fold(String::new(), |mut out, ((verb, completion), count)| {
            let completion = format!("{completion:?}").to_lowercase();
            let _ = write!(out, "{}{verb} {completion} {count}", if out.is_empty() { "" } else { ", " });
            out
        })
    }

    /// Why requests did not end well, each reason once.
    pub(crate) fn reasons(&self) -> BTreeMap<String, usize> {
        let mut reasons = BTreeMap::new();
        for outcome in self.events.iter().filter_map(|event| event.outcome.as_ref()) {
            if let Some(error) = &outcome.error {
                *reasons.entry(format!("{:?}: {error}", outcome.completion)).or_insert(0) += 1;
            }
        }
        reasons
    }

    /// JSON Lines, as `consistency` reads them.
    pub(crate) fn lines(&self) -> String {
        let mut out = String::new();
        for (index, event) in self.events.iter().enumerate() {
            let action = &event.request.action;
            let Some(verb) = action.verb() else { continue };
            let (kind, value) = match &event.outcome {
                None => ("invoke", action.input()),
                Some(Outcome { completion: Completion::Ok, value, .. }) => ("ok", value.clone()),
                Some(Outcome { completion: Completion::Fail, .. }) => ("fail", action.input()),
                Some(Outcome { completion: Completion::Info, .. }) => ("info", action.input()),
            };
            let (time, process) = (event.time, event.request.process);
            let _ = write!(out, r#"{{"i":{index},"t":{time},"p":{process},"type":"{kind}","f":"{}""#, verb.name());
            if let Some(key) = action.key() {
                let _ = write!(out, r#","k":{}"#, json!(key.as_ref()));
            }
            if value != Value::Nil {
                let _ = write!(out, r#","v":{}"#, to_json(&value));
            }
            if let Some(outcome) = &event.outcome {
                if let Some(node) = &outcome.node {
                    let _ = write!(out, r#","node":{}"#, json!(node.as_ref()));
                }
                if outcome.unreplicated {
                    out.push_str(r#","unreplicated":true"#);
                }
            }
            out.push_str("}\n");
        }
        out
    }
}
