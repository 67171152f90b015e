//! What is judged, and how a judgement is made. Holds no rule of its own.

use crate::evidence::{Ending, Stage};
use crate::measure::{Drift, FaultSpan, Measurements, ProbeMeasure};
use crate::scenario::{Scenario, WorkloadKind};

use super::{Judgement, Outcome};

/// One scenario with what was measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) measured: &'a Measurements,
}

impl<'a> Case<'a> {
    pub(super) const fn new(scenario: &'a Scenario, measured: &'a Measurements) -> Self {
        Self { scenario, measured }
    }

    /// The probes that objectives count: all but the controls.
    pub(super) fn probes(&self) -> impl Iterator<Item = &'a ProbeMeasure> {
        self.measured.probes.iter().filter(|probe| !probe.control)
    }

    /// Whether anything was injected at all.
    pub(super) fn injected(&self) -> bool {
        self.measured.faults.iter().any(|fault| fault.injected.is_some())
    }

    /// Whether the run went to its planned end and was observed throughout: only then what did not happen is a failure.
    pub(super) fn complete(&self) -> bool {
        self.measured.ending == Some(Ending::Completed) && self.measured.gaps.is_empty()
    }

    /// `Fail`, unless something that was not observed could have shown otherwise.
    pub(super) fn fail_if_observed(&self) -> Outcome {
        if self.measured.lost == 0 { Outcome::Fail } else { Outcome::Inconclusive }
    }

    /// `Fail` where more evidence could not change it; `Inconclusive` while it could.
    pub(super) fn fail_if_complete(&self) -> Outcome {
        if self.complete() { Outcome::Fail } else { Outcome::Inconclusive }
    }

    /// The end of settling, as far as the run came.
    pub(super) fn observed(&self) -> u64 {
        let last = |wanted| self.measured.stages.iter().rev().find(|span| span.stage == wanted).map(|span| span.to);
        last(Stage::Settle).or_else(|| last(Stage::Fault)).unwrap_or(self.measured.end)
    }

    /// The target for people: `statefulset/db`, or its selector.
    pub(super) fn target(&self) -> String {
        let target = &self.scenario.target;
        match (&target.workload, &target.selector) {
            (Some(workload), _) => workload.to_string(),
            (None, Some(selector)) => format!("the pods {selector}"),
            (None, None) => format!("namespace {}", target.namespace),
        }
    }

    pub(super) fn is_statefulset(&self) -> bool {
        self.scenario.target.workload.as_ref().is_some_and(|workload| workload.kind == WorkloadKind::StatefulSet)
    }

    pub(super) fn fault(&self, step: &str) -> Option<&'a FaultSpan> {
        self.measured.faults.iter().find(|fault| fault.step == step)
    }

    /// Kind of the fault that a drift is counted from, empty when it cannot be told.
    pub(super) fn cause(&self, drift: &Drift) -> &'a str {
        drift.step.as_deref().and_then(|step| self.fault(step)).map_or("", |fault| fault.kind.as_str())
    }
}

impl Judgement {
    pub(super) fn new(objective: impl Into<String>, outcome: Outcome, reason: impl Into<String>) -> Self {
        Self {
            objective: objective.into(),
            outcome,
            value: None,
            limit: None,
            measured: String::new(),
            bound: String::new(),
            reason: reason.into(),
            knob: String::new(),
        }
    }

    pub(super) fn pass(objective: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(objective, Outcome::Pass, reason)
    }

    pub(super) fn inconclusive(objective: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(objective, Outcome::Inconclusive, reason)
    }

    pub(super) fn fail(objective: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(objective, Outcome::Fail, reason)
    }

    pub(super) fn measured(mut self, measured: impl Into<String>) -> Self {
        self.measured = measured.into();
        self
    }

    pub(super) fn bound(mut self, bound: impl Into<String>) -> Self {
        self.bound = bound.into();
        self
    }

    pub(super) fn knob(mut self, knob: impl Into<String>) -> Self {
        self.knob = knob.into();
        self
    }
}
