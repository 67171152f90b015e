//! A scripted API server, and a world around it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Request, Response};
use kube::client::Body;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use crate::evidence::{Event, Log, Memory, Record, WorldName};
use crate::scenario::{CommandPair, FailureMode, Probe, Scenario};
use crate::world::{
    Agents, Breaks, Bytes, Call, Clock, Connection, Heard, Machines, Means, Network, NetworkError, Place, Reply,
    Vantage, Volumes, World,
};

use super::super::Job;
use super::super::context::Context;

/// What the API server answers to one request.
pub(super) enum Answer {
    /// A status and a body.
    Now(u16, Value),
    /// A watch: these events, then the end.
    Events(Vec<Value>),
    /// Nothing, ever.
    Never,
}

/// The requests so far, and the answers to come; with none left nothing is answered any more.
#[derive(Clone, Default)]
pub(super) struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    pub(super) asked: Arc<Mutex<Vec<String>>>,
}

impl Script {
    pub(super) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), asked: Arc::default() }
    }

    fn client(&self) -> kube::Client {
        let script = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            script.asked.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
            let answer = script.answers.lock().unwrap().pop_front().unwrap_or(Answer::Never);
            async move {
                let (status, body) = match answer {
                    Answer::Now(status, body) => (status, body.to_string()),
                    Answer::Events(events) => (200, lines(&events)),
                    Answer::Never => std::future::pending().await,
                };
                let response = Response::builder().status(status).body(Body::from(body.into_bytes()));
                Ok::<_, tower::BoxError>(response.expect("a response"))
            }
        });
        kube::Client::new(service, "default")
    }
}

fn lines(events: &[Value]) -> String {
    let mut lines: Vec<String> = events.iter().map(Value::to_string).collect();
    lines.push(String::new());
    lines.join("\n")
}

/// Traffic passes while this says so.
pub(super) struct Wires {
    /// Whether a new connection passes, by the time since the start.
    pub(super) passes: fn(Duration) -> bool,
    clock: Clock,
}

impl Network for Wires {
    fn http<'a>(
        &'a self,
        _: &'a Vantage,
        _: &'a Place,
        _: Call<'a>,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Reply, NetworkError>> {
        async move {
            if (self.passes)(self.clock.elapsed()) {
                return Ok(Reply { status: 404, body: String::new(), pod: None });
            }
            self.clock.sleep(timeout).await;
            Err(NetworkError::Timeout(timeout))
        }
        .boxed()
    }

    fn stream<'a>(&'a self, _: &'a Place) -> BoxFuture<'a, Result<Bytes, NetworkError>> {
        std::future::ready(Err(NetworkError::Unsupported("no streams here".to_owned()))).boxed()
    }

    fn connect<'a>(
        &'a self,
        _: &'a Vantage,
        _: &'a Place,
        _: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, NetworkError>> {
        std::future::ready(Err(NetworkError::Unsupported("no raw connections here".to_owned()))).boxed()
    }
}

/// A network that tells of every attempt, and answers it.
pub(super) struct Counted(std::sync::mpsc::Sender<()>);

impl Counted {
    pub(super) fn new(attempt: std::sync::mpsc::Sender<()>) -> Self {
        Self(attempt)
    }
}

impl Network for Counted {
    fn http<'a>(
        &'a self,
        _: &'a Vantage,
        _: &'a Place,
        _: Call<'a>,
        _: Duration,
    ) -> BoxFuture<'a, Result<Reply, NetworkError>> {
        // Nobody counts any more once there were enough.
        let _ = self.0.send(());
        std::future::ready(Ok(Reply { status: 200, body: String::new(), pod: None })).boxed()
    }

    fn stream<'a>(&'a self, _: &'a Place) -> BoxFuture<'a, Result<Bytes, NetworkError>> {
        std::future::ready(Err(NetworkError::Unsupported("no streams here".to_owned()))).boxed()
    }

    fn connect<'a>(
        &'a self,
        _: &'a Vantage,
        _: &'a Place,
        _: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, NetworkError>> {
        std::future::ready(Err(NetworkError::Unsupported("no raw connections here".to_owned()))).boxed()
    }
}

struct Nothing;

impl Machines for Nothing {
    fn means(&self, _: FailureMode, _: Option<&CommandPair>) -> Result<Means, String> {
        Err("no machines here".to_owned())
    }

    fn fail<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: FailureMode,
        _: Option<&'a CommandPair>,
    ) -> BoxFuture<'a, Result<(), String>> {
        std::future::ready(Err("no machines here".to_owned())).boxed()
    }
    fn restore<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: FailureMode,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), String>> {
        std::future::ready(Err("no machines here".to_owned())).boxed()
    }
}

impl Volumes for Nothing {
    fn digest<'a>(&'a self, _: &'a str, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<(String, u64), String>> {
        std::future::ready(Err("no volumes here".to_owned())).boxed()
    }
    fn write<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: &'a str,
        _: &'a str,
        _: &'a str,
    ) -> BoxFuture<'a, Result<(), String>> {
        std::future::ready(Err("no volumes here".to_owned())).boxed()
    }
}

impl Agents for Nothing {
    fn image(&self) -> &'static str {
        "none"
    }
    fn needed(&self) -> bool {
        false
    }
    fn lend<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<(), String>> {
        std::future::ready(Ok(())).boxed()
    }
    fn join<'a>(&'a self, _: &'a str, _: &'a str, _: UnboundedSender<Heard>) -> BoxFuture<'a, Result<(), String>> {
        std::future::ready(Err("no agents here".to_owned())).boxed()
    }
    fn probe<'a>(
        &'a self,
        _: (&'a str, &'a str),
        _: usize,
        _: &'a Probe,
        _: &'a Place,
    ) -> BoxFuture<'a, Result<(), String>> {
        std::future::ready(Err("no agents here".to_owned())).boxed()
    }
    fn stop<'a>(&'a self, _: &'a str, _: &'a str, _: usize) -> BoxFuture<'a, ()> {
        std::future::ready(()).boxed()
    }
    fn stream<'a>(&'a self, _: (&'a str, &'a str), _: &'a Place) -> BoxFuture<'a, Result<Bytes, NetworkError>> {
        std::future::ready(Err(NetworkError::Unsupported("no agents here".to_owned()))).boxed()
    }
    fn reached(&self, _: (&str, &str)) -> bool {
        false
    }
    fn leave<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, ()> {
        std::future::ready(()).boxed()
    }
}

pub(super) fn scenario() -> Scenario {
    let text = r#"{
        "name": "test",
        "target": { "namespace": "shop", "workload": "deployment/web" },
        "probe": [{ "name": "reads", "kind": "http", "service": "web:80" }],
        "fault": [{ "kind": "pod-kill" }]
    }"#;
    serde_json::from_str(text).expect("a scenario")
}

/// A run's context on a scripted API server, and its evidence.
pub(super) fn context(script: &Script, passes: fn(Duration) -> bool) -> (Context, Memory) {
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time"));
    let world = World {
        name: WorldName::Embedded,
        client: script.client(),
        clock,
        network: Arc::new(Wires { passes, clock }),
        agents: Arc::new(Nothing),
        machines: Arc::new(Nothing),
        volumes: Arc::new(Nothing),
        metrics: None,
        breaks: Breaks::default(),
    };
    let job = Job {
        scenario: scenario(),
        manifests: Vec::new(),
        apply_fixtures: false,
        seed: 1,
        run: "r".to_owned(),
        again: String::new(),
        allow_commands: false,
        failsafe: true,
        break_lock: false,
        skipped: Vec::new(),
    };
    let memory = Memory::default();
    let (progress, _) = tokio::sync::mpsc::unbounded_channel();
    (Context::new(&world, &job, Log::new(Box::new(memory.clone())), progress), memory)
}

/// The gaps on record, each with whether it was recovered.
pub(super) fn gaps(memory: &Memory) -> Vec<(String, bool)> {
    let records = memory.text();
    let records = records.lines().map(|line| serde_json::from_str::<Record>(line).expect("a record"));
    records
        .filter_map(|record| match record.event {
            Event::Gap { what, recovered } => Some((what, recovered)),
            _ => None,
        })
        .collect()
}
