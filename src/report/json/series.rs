//! `series.json`: what was measured over time, as columns of equal length. Written without spaces: it is long.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{VERSION, seconds};
use crate::measure::{Bucket, Lane, LaneState, Measurements, ProbeMeasure, StrengthPoint};
use crate::report::Results;

/// Name of the file, beside `report.json`.
pub(super) const FILE: &str = "series.json";

/// `series.json`: what was measured over time. Lists of one object are columns: they have the same length, and values at the
/// same index belong together.
#[derive(Serialize, JsonSchema)]
pub(super) struct Series<'a> {
    /// Version of this format, the same as of `report.json`.
    version: u32,
    /// By the name of the scenario; those without a verdict are absent.
    scenarios: BTreeMap<&'a str, Points<'a>>,
}

/// One scenario over time.
#[derive(Serialize, JsonSchema)]
struct Points<'a> {
    /// Answers of each probe.
    probes: Vec<Answers<'a>>,
    /// Pods of the target.
    strength: Strength,
    /// Each pod of the target.
    pods: Vec<Pod<'a>>,
}

/// A probe, in stretches of time of equal length.
#[derive(Serialize, JsonSchema)]
struct Answers<'a> {
    /// Its name.
    probe: &'a str,
    /// Beginning of each stretch.
    from_at_s: Vec<f64>,
    /// Attempts in it.
    attempts: Vec<u32>,
    /// Failed ones.
    failed: Vec<u32>,
    /// Median latency of the answered ones; null without one.
    p50_s: Vec<Option<f64>>,
    /// Highest latency of the answered ones; null without one.
    max_s: Vec<Option<f64>>,
}

/// Pods of the target; each value holds until the next.
#[derive(Serialize, JsonSchema)]
struct Strength {
    /// From this time on.
    from_at_s: Vec<f64>,
    /// Ready pods.
    ready: Vec<u32>,
    /// Wanted pods.
    desired: Vec<u32>,
}

/// A pod in each of its states.
#[derive(Serialize, JsonSchema)]
struct Pod<'a> {
    /// Its name.
    pod: &'a str,
    /// Its UID.
    uid: &'a str,
    /// Beginning of each state.
    from_at_s: Vec<f64>,
    /// End of each state.
    to_at_s: Vec<f64>,
    /// Node in each state; empty until it was bound.
    node: Vec<&'a str>,
    /// `pending`, `running` (not ready), `ready`, `terminating`.
    state: Vec<&'static str>,
}

/// Renders `series.json`. Ends with a newline.
///
/// # Errors
/// When it cannot be written as JSON, which would be a defect.
pub fn series(results: &Results) -> Result<String, serde_json::Error> {
    let scenarios = results.entries().map(|entry| (entry.name.as_str(), points(&entry.measurements))).collect();
    serde_json::to_string(&Series { version: VERSION, scenarios }).map(|text| text + "\n")
}

fn points(measured: &Measurements) -> Points<'_> {
    Points {
        probes: measured.probes.iter().map(answers).collect(),
        strength: strength(&measured.strength),
        pods: measured.lanes.iter().map(pod).collect(),
    }
}

fn answers(probe: &ProbeMeasure) -> Answers<'_> {
    let answered = |bucket: &Bucket, latency: u64| (bucket.attempts > bucket.failed).then(|| seconds(latency));
    Answers {
        probe: &probe.name,
        from_at_s: probe.series.iter().map(|bucket| seconds(bucket.from)).collect(),
        attempts: probe.series.iter().map(|bucket| bucket.attempts).collect(),
        failed: probe.series.iter().map(|bucket| bucket.failed).collect(),
        p50_s: probe.series.iter().map(|bucket| answered(bucket, bucket.p50)).collect(),
        max_s: probe.series.iter().map(|bucket| answered(bucket, bucket.max)).collect(),
    }
}

fn strength(points: &[StrengthPoint]) -> Strength {
    Strength {
        from_at_s: points.iter().map(|point| seconds(point.at)).collect(),
        ready: points.iter().map(|point| point.ready).collect(),
        desired: points.iter().map(|point| point.desired).collect(),
    }
}

fn pod(lane: &Lane) -> Pod<'_> {
    let state = |state: LaneState| match state {
        LaneState::Pending => "pending",
        LaneState::Running => "running",
        LaneState::Ready => "ready",
        LaneState::Terminating => "terminating",
    };
    Pod {
        pod: &lane.pod,
        uid: &lane.uid,
        from_at_s: lane.spans.iter().map(|span| seconds(span.from)).collect(),
        to_at_s: lane.spans.iter().map(|span| seconds(span.to)).collect(),
        node: lane.spans.iter().map(|span| span.node.as_str()).collect(),
        state: lane.spans.iter().map(|span| state(span.state)).collect(),
    }
}
