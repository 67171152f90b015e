//! Instances that were lost, moved or restarted, with the phases in which their time went.

use schemars::JsonSchema;
use serde::Serialize;

use super::seconds;
use crate::measure::{self, OldEnd};

/// One instance's move.
#[derive(Serialize, JsonSchema)]
pub(super) struct Drift<'a> {
    /// Name for people: the old pod's name.
    instance: &'a str,
    /// The step that caused it; null when that cannot be told.
    step: Option<&'a str>,
    /// The injection that it is counted from.
    from_at_s: f64,
    /// From there to the last phase; null when it never came back.
    total_s: Option<f64>,
    /// Whether it came back on another node.
    moved: bool,
    /// The instance that was lost.
    old: Instance<'a>,
    /// How it ended: `graceful`, `killed`, or `never-confirmed` (it may still run).
    old_end: &'static str,
    /// The one that took its place; null when none did.
    new: Option<Instance<'a>>,
    /// The phases that were seen, in order. One that does not apply (no volume) is absent. They sum to the total.
    phases: Vec<Phase<'a>>,
    /// Where it stopped; null when it came back.
    stuck: Option<Stuck<'a>>,
    /// Why the scheduler found no node at first, in its words; empty when it found one at once.
    refused: &'a str,
}

/// A pod.
#[derive(Serialize, JsonSchema)]
struct Instance<'a> {
    /// Its name.
    pod: &'a str,
    /// Its UID.
    uid: &'a str,
    /// Its node; empty when it had none.
    node: &'a str,
    /// The node's zone; empty when that is not known.
    zone: &'a str,
}

/// A phase of a drift.
#[derive(Serialize, JsonSchema)]
struct Phase<'a> {
    /// Its name, that of the edge that ends it: `detected`, `evicted`, `scheduled`, `volume-attached`, `image-pulled`, `started`,
    /// `ready`, `in-endpoints`, `serving`.
    phase: &'static str,
    /// How long it took.
    took_s: f64,
    /// When it ended.
    ended_at_s: f64,
    /// The true end lies at most this much earlier.
    uncertainty_s: f64,
    /// What says so: `watch pods`, `event Pulled`, `probe reads`.
    source: &'a str,
}

/// Where a drift stopped.
#[derive(Serialize, JsonSchema)]
struct Stuck<'a> {
    /// The phase that was not reached.
    phase: &'static str,
    /// Why, naming objects.
    why: &'a str,
}

impl<'a> Drift<'a> {
    pub(super) fn of(drift: &'a measure::Drift) -> Self {
        let phases = drift.edges.iter().zip(drift.phases()).map(|(edge, (phase, took))| Phase {
            phase: phase.word(),
            took_s: seconds(took),
            ended_at_s: seconds(edge.at),
            uncertainty_s: seconds(edge.uncertainty),
            source: &edge.source,
        });
        Self {
            instance: &drift.instance,
            step: drift.step.as_deref(),
            from_at_s: seconds(drift.from),
            total_s: drift.total().map(seconds),
            moved: drift.moved(),
            old: instance(&drift.old),
            old_end: match drift.old_end {
                OldEnd::Graceful => "graceful",
                OldEnd::Killed => "killed",
                OldEnd::NeverConfirmed => "never-confirmed",
            },
            new: drift.new.as_ref().map(instance),
            phases: phases.collect(),
            stuck: drift.stuck.as_ref().map(|stuck| Stuck { phase: stuck.phase.word(), why: &stuck.why }),
            refused: &drift.refused,
        }
    }
}

fn instance(instance: &measure::Instance) -> Instance<'_> {
    Instance { pod: &instance.pod, uid: &instance.uid, node: &instance.node, zone: &instance.zone }
}
