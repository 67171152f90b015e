//! One scenario: its outcome and why, its objectives with their numbers, and what was measured.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::data::{Data, Difference, Query};
use super::drifts::Drift;
use super::faults::Fault;
use super::probes::Probe;
use super::seconds;
use crate::evidence::WorldName;
use crate::measure::ClockMeasure;
use crate::report::knobs::knobs;
use crate::report::{Entry, Figures, Recovery, Row, Status};
use crate::scenario::Comparison;
use crate::verdict::{Judgement, Unit};

/// How a scenario or an objective ended.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Word {
    /// It held, and the evidence shows it.
    Pass,
    /// It did not hold.
    Fail,
    /// It cannot be told.
    Inconclusive,
    /// It could not be run.
    Error,
    /// It was not reached.
    NotRun,
}

impl From<Status> for Word {
    fn from(status: Status) -> Self {
        match status {
            Status::Pass => Self::Pass,
            Status::Fail => Self::Fail,
            Status::Inconclusive => Self::Inconclusive,
            Status::Error => Self::Error,
            Status::NotRun => Self::NotRun,
        }
    }
}

/// One selected scenario.
#[derive(Serialize, JsonSchema)]
pub(super) struct Scenario<'a> {
    /// Its name, and that of its folder beside this file; unique in a run.
    name: &'a str,
    /// How it ended.
    outcome: Word,
    /// Why, for people: the verdict's line, or why there is no verdict.
    reason: &'a str,
    /// The settings that decide what did not hold, the most important first.
    knobs: Vec<&'a str>,
    /// Its file as it was named on the command line; null when that is not known.
    file: Option<&'a str>,
    /// The seed of its choices.
    seed: u64,
    /// The command that runs it again; null when that is not known.
    again: Option<&'a str>,
    /// What is left on the cluster.
    dirty: &'a [String],
    /// Worst recovery time of all injections; null when none was measured, or when it never recovered.
    rto_s: Option<f64>,
    /// Acknowledged writes that are gone; null when no check counts them.
    rpo: Option<usize>,
    /// Availability of the worst probe; null without one.
    availability_percent: Option<f64>,
    /// Longest outage that any probe saw; null without one.
    longest_outage_s: Option<f64>,
    /// Each objective; empty when it was not judged.
    objectives: Vec<Objective<'a>>,
    /// What was run and measured; null when there is an error or it was not run.
    run: Option<Run<'a>>,
}

/// One objective: a measured value beside its limit.
#[derive(Serialize, JsonSchema)]
struct Objective<'a> {
    /// Stable name: `rto`, `rpo`, `availability`, `phase.scheduled`, `same.images`, `query.errors`, `faults`, `evidence`, `clean`.
    objective: &'a str,
    /// How it ended.
    outcome: Word,
    /// What was measured, in `unit`; null when it is no number, or was not measured (it never recovered).
    value: Option<f64>,
    /// The unit of `value` and `limit`: `s`, `%`, `count`; null where they have none.
    unit: Option<&'static str>,
    /// How `value` must stand to `limit`: `<=` and so on; null without a limit.
    comparison: Option<&'static str>,
    /// The number that the scenario asks for; null without one.
    limit: Option<f64>,
    /// The measured value for people: `6m52s`.
    measured: &'a str,
    /// The bound for people: `≤ 2m`.
    bound: &'a str,
    /// Why, for people.
    reason: &'a str,
    /// The setting that decides it; empty when none is known.
    knob: &'a str,
}

/// What was run, where and when, and what was measured.
#[derive(Serialize, JsonSchema)]
struct Run<'a> {
    /// Name of the run in the cluster.
    run: &'a str,
    /// What the scenario says of itself.
    description: &'a str,
    /// Its tags.
    tags: &'a [String],
    /// The cluster.
    cluster: Cluster<'a>,
    /// What `started` and `ended` are read from: the `wall` clock, or the `simulated` one of the embedded cluster.
    clock: Clock,
    /// When it began (RFC 3339): the zero of all `_at_s`.
    started: &'a str,
    /// When it ended (RFC 3339); null when `started` cannot be read.
    ended: Option<String>,
    /// From start to end.
    length_s: f64,
    /// When the target was steady before the first fault; null when never.
    steady_before_at_s: Option<f64>,
    /// When the target was steady for good after the last heal; null when never.
    steady_after_at_s: Option<f64>,
    /// Guard rails that the scenario lifted.
    lifted: Vec<&'static str>,
    /// Injections.
    faults: Vec<Fault<'a>>,
    /// Instances that were lost, moved or restarted.
    drifts: Vec<Drift<'a>>,
    /// Probes, without their points over time.
    probes: Vec<Probe<'a>>,
    /// Data checks.
    data: Vec<Data<'a>>,
    /// Queries.
    queries: Vec<Query<'a>>,
    /// What is not the same afterwards.
    differences: Vec<Difference<'a>>,
    /// Clocks inside the cluster.
    clocks: Vec<AgentClock<'a>>,
    /// What could not be observed.
    gaps: &'a [String],
    /// What the run did without: rights that it lacks and can spare, watches that were resumed.
    notes: &'a [String],
    /// SHA-256 of all lines of the evidence; null for evidence that is not what the run wrote, or of which that cannot be told.
    evidence_sha256: Option<&'a str>,
}

/// Where it ran.
#[derive(Serialize, JsonSchema)]
struct Cluster<'a> {
    /// `embedded`: simulated; `live`: a real one.
    kind: &'static str,
    /// The kubeconfig context; null on the embedded cluster.
    context: Option<&'a str>,
    /// What the API server says of its version; null on the embedded cluster.
    kubernetes_version: Option<&'a str>,
    /// Nodes that were seen; null when none was.
    nodes: Option<usize>,
}

/// A clock.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Clock {
    /// The clock of the machine that ran it.
    Wall,
    /// The embedded cluster's own, the same in every run.
    Simulated,
}

/// How an agent's clock stood to the run's. Times of its attempts were translated.
#[derive(Serialize, JsonSchema)]
struct AgentClock<'a> {
    /// Namespace and name of the agent's pod.
    agent: &'a str,
    /// How often it was measured.
    times: u64,
    /// The agent's clock minus the run's.
    offset_s: f64,
    /// By how much that changed.
    spread_s: f64,
    /// The truth is at most this far away.
    error_s: f64,
}

impl<'a> Scenario<'a> {
    pub(super) fn of(row: &'a Row) -> Self {
        let given = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        let entry = row.entry();
        let figures = entry.map(|entry| Figures::of(&entry.measurements)).unwrap_or_default();
        Self {
            name: &row.name,
            outcome: row.status().into(),
            reason: row.line(),
            knobs: entry.map(|entry| knobs(&entry.verdict)).unwrap_or_default(),
            file: given(&row.file),
            seed: row.seed,
            again: given(&row.again),
            dirty: row.dirty(),
            rto_s: figures.rto.and_then(|rto| match rto {
                Recovery::After(micros) => Some(seconds(micros)),
                Recovery::Never => None,
            }),
            rpo: figures.rpo,
            availability_percent: figures.availability,
            longest_outage_s: figures.longest_outage.map(seconds),
            objectives: entry.map(|entry| entry.verdict.objectives.iter().map(objective).collect()).unwrap_or_default(),
            run: entry.map(Run::of),
        }
    }
}

fn objective(judgement: &Judgement) -> Objective<'_> {
    Objective {
        objective: &judgement.objective,
        outcome: Status::from(judgement.outcome).into(),
        value: judgement.value,
        unit: judgement.limit.and_then(|limit| limit.unit).map(Unit::word),
        comparison: judgement.limit.map(|limit| limit.comparison).map(Comparison::word),
        limit: judgement.limit.map(|limit| limit.number),
        measured: &judgement.measured,
        bound: &judgement.bound,
        reason: &judgement.reason,
        knob: &judgement.knob,
    }
}

impl<'a> Run<'a> {
    fn of(entry: &'a Entry) -> Self {
        let (header, measured) = (&entry.header, &entry.measurements);
        let (clock, kind, live) = match &header.world {
            WorldName::Embedded => (Clock::Simulated, "embedded", None),
            WorldName::Live { context, version } => (Clock::Wall, "live", Some((context.as_str(), version.as_str()))),
        };
        let started = header.started.parse::<Timestamp>().ok();
        let ended = started.and_then(|started| started.checked_add(Duration::from_micros(measured.end)).ok());
        Self {
            run: &header.run,
            description: &header.scenario.description,
            tags: &header.scenario.tags,
            cluster: Cluster {
                kind,
                context: live.map(|(context, _)| context),
                kubernetes_version: live.map(|(_, version)| version),
                nodes: Some(entry.surroundings.nodes).filter(|nodes| *nodes > 0),
            },
            clock,
            started: &header.started,
            ended: ended.map(|ended| ended.to_string()),
            length_s: seconds(measured.end),
            steady_before_at_s: measured.steady_before.map(seconds),
            steady_after_at_s: measured.steady_after.map(seconds),
            lifted: entry.plan.iter().flat_map(|plan| &plan.lifted).map(|rail| rail.word()).collect(),
            faults: measured.faults.iter().map(Fault::of).collect(),
            drifts: measured.drifts.iter().map(Drift::of).collect(),
            probes: measured.probes.iter().map(Probe::of).collect(),
            data: measured.data.iter().map(Data::of).collect(),
            queries: measured.queries.iter().map(Query::of).collect(),
            differences: measured.same.iter().flat_map(Difference::all).collect(),
            clocks: measured.clocks.iter().map(agent_clock).collect(),
            gaps: &measured.gaps,
            notes: &measured.notes,
            evidence_sha256: Some(measured.evidence_sha256.as_str()).filter(|digest| !digest.is_empty()),
        }
    }
}

fn agent_clock(clock: &ClockMeasure) -> AgentClock<'_> {
    AgentClock {
        agent: &clock.agent,
        times: clock.times,
        offset_s: clock.offset as f64 / 1e6,
        spread_s: seconds(clock.spread),
        error_s: seconds(clock.error_max),
    }
}
