//! Ctrl-C while a fault is being injected, and what a fault leaves that breaks off.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use tokio::sync::watch;

use crate::evidence::{Life, Record, Undo};
use crate::plan::{Action, NodeTarget, Step};
use crate::scenario::{CommandPair, FailureMode};
use crate::world::{Machines, Means};

use super::super::context::Context;
use super::super::faults::{self, Release};
use super::super::wait::within;
use super::super::{ledger, undo};
use super::fake::{Answer, Script, context, gaps};

/// Machines whose power switch never answers, or breaks off; they are brought back at once.
struct Stubborn {
    panics: bool,
}

impl Machines for Stubborn {
    fn means(&self, _: FailureMode, _: Option<&CommandPair>) -> Result<Means, String> {
        Ok(Means::Hands)
    }

    fn fail<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: FailureMode,
        _: Option<&'a CommandPair>,
    ) -> BoxFuture<'a, Result<(), String>> {
        assert!(!self.panics, "planted");
        std::future::pending().boxed()
    }

    fn restore<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: FailureMode,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), String>> {
        std::future::ready(Ok(())).boxed()
    }
}

fn step() -> Step {
    let node = NodeTarget { name: "w1".to_owned(), ip: String::new(), zone: String::new() };
    Step {
        id: "1-node-failure".to_owned(),
        name: "node-failure".to_owned(),
        fault: 0,
        repeat: 0,
        at: Duration::ZERO,
        hold: Duration::from_secs(10),
        action: Action::NodeFailure { nodes: vec![node], mode: FailureMode::PowerOff, command: None },
        drawn: None,
    }
}

/// A run on a cluster whose machines are stubborn. The record of the run takes the undo, and nothing else is asked.
fn stubborn(panics: bool) -> (Context, crate::evidence::Memory) {
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "record", "namespace": "shop" } });
    let (mut context, memory) = context(&Script::new([Answer::Now(200, map)]), |_| true);
    context.world.machines = Arc::new(Stubborn { panics });
    (context, memory)
}

fn lives(memory: &crate::evidence::Memory) -> Vec<String> {
    let text = memory.text();
    let records = text.lines().map(|line| serde_json::from_str::<Record>(line).expect("a record"));
    let word = |life: &Life| serde_json::to_value(life).expect("JSON")["life"].as_str().unwrap_or_default().to_owned();
    records
        .filter_map(|record| match &record.event {
            crate::evidence::Event::Fault(fault) => Some(word(&fault.life)),
            _ => None,
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_an_injection_that_never_ends_and_heals() {
    let (context, memory) = stubborn(false);
    let (stop, released) = watch::channel(false);
    let (living, planned) = (context.clone(), step());
    let living = tokio::spawn(async move { faults::live(&living, &planned, Release(released)).await });
    context.clock().sleep(Duration::from_secs(60)).await;
    assert_eq!(lives(&memory), ["intent", "injecting"]);
    stop.send(true).expect("it listens");
    // The proof of healing is waited for; the healing itself is not.
    let ended = within(context.clock(), Duration::from_secs(1_000), living).await;
    assert!(ended.is_some(), "it is still at it");
    let lives = lives(&memory);
    assert_eq!(lives[..5], ["intent", "injecting", "inject-failed", "healing", "healed"], "{lives:?}");
    assert_eq!(ledger::take_back(&context).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_panics_is_told_and_taken_back() {
    let (context, memory) = stubborn(true);
    let (_stop, released) = watch::channel(false);
    let ended = faults::live(&context, &step(), Release(released)).await;
    assert_eq!(ended.dirty, [""; 0]);
    let told = "fault 1-node-failure: driftproof itself broke off here (planted); please report this";
    assert_eq!(gaps(&memory), [(told.to_owned(), false)]);
}

#[tokio::test(start_paused = true)]
async fn a_lock_of_another_run_is_left_alone() {
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "lock", "namespace": "shop" },
        "spec": { "holderIdentity": "another" },
    });
    let script = Script::new([Answer::Now(200, lease)]);
    let (context, _) = context(&script, |_| true);
    let lock = Undo::DeleteObject {
        api_version: "coordination.k8s.io/v1".to_owned(),
        kind: "Lease".to_owned(),
        namespace: "shop".to_owned(),
        name: "lock".to_owned(),
    };
    assert_eq!(undo::apply(&context, &lock).await, Ok(()));
    let asked = script.asked.lock().expect("nobody panicked").clone();
    assert!(asked.len() == 1 && asked[0].starts_with("GET"), "{asked:?}");
}
