//! Probes: how often they were answered, how fast, and their outages.

use schemars::JsonSchema;
use serde::Serialize;

use super::seconds;
use crate::measure::{self, ProbeMeasure};

/// One probe, from the first injection until the end of settling.
#[derive(Serialize, JsonSchema)]
pub(super) struct Probe<'a> {
    /// Its name.
    name: &'a str,
    /// Whether it is a control: it probes what no fault touches, and no objective counts it.
    control: bool,
    /// Attempts that were due.
    attempts: u64,
    /// Of these: answered in time.
    ok: u64,
    /// Of these: answered, later than ten times the median of the steady window and at least 100 ms.
    late: u64,
    /// The share that was answered; null without an attempt.
    availability_percent: Option<f64>,
    /// Median latency of the answered ones, counted from when they were due; null without one.
    p50_s: Option<f64>,
    /// 99th percentile of the same.
    p99_s: Option<f64>,
    /// The longest outage; 0 without one.
    longest_outage_s: f64,
    /// The sum of all outages.
    total_downtime_s: f64,
    /// Attempts before the first injection.
    attempts_before: u64,
    /// Of these: answered.
    ok_before: u64,
    /// Stretches without an answer.
    outages: Vec<Outage<'a>>,
}

/// A stretch without an answer.
#[derive(Serialize, JsonSchema)]
struct Outage<'a> {
    /// When the first failed attempt was due.
    from_at_s: f64,
    /// Until the next one that was answered was due, or the evidence ends.
    length_s: f64,
    /// Failed attempts.
    failed: u64,
    /// What they saw, the most frequent first: `timeout`, `status 503`.
    seen: &'a str,
    /// Steps that were in force during it.
    steps: &'a [String],
    /// The phase of a drift in which most of it fell; null outside of one.
    phase: Option<&'static str>,
    /// The instance of that drift.
    instance: Option<&'a str>,
}

impl<'a> Probe<'a> {
    pub(super) fn of(probe: &'a ProbeMeasure) -> Self {
        let (attempts_before, ok_before) = probe.before;
        Self {
            name: &probe.name,
            control: probe.control,
            attempts: probe.attempts,
            ok: probe.ok,
            late: probe.late,
            availability_percent: probe.availability(),
            p50_s: probe.p50.map(seconds),
            p99_s: probe.p99.map(seconds),
            longest_outage_s: seconds(probe.longest_outage()),
            total_downtime_s: seconds(probe.total_downtime()),
            attempts_before,
            ok_before,
            outages: probe.outages.iter().map(outage).collect(),
        }
    }
}

fn outage(outage: &measure::Outage) -> Outage<'_> {
    Outage {
        from_at_s: seconds(outage.from),
        length_s: seconds(outage.to - outage.from),
        failed: outage.failed,
        seen: &outage.seen,
        steps: &outage.steps,
        phase: outage.phase.as_ref().map(|(phase, _)| phase.word()),
        instance: outage.phase.as_ref().map(|(_, instance)| instance.as_str()),
    }
}
