//! Why a pod fits nowhere, as the real scheduler words it (`FitError`).

use std::collections::{BTreeMap, BTreeSet};

use super::plugins::{Plugin, Rejection};

/// What came of the search for pods to end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Preemption {
    /// Ending pods would not help, or not enough.
    #[default]
    InVain,
    /// The pod may not have others ended, and why.
    NotEligible(&'static str),
    /// Others are being ended.
    Begun,
}

/// The refusals of one cycle.
#[derive(Debug, Default)]
pub(super) struct Diagnosis {
    nodes: usize,
    /// The reason for which no node was looked at.
    at_once: Option<String>,
    reasons: BTreeMap<String, usize>,
    /// Nodes that the end of pods there could make fit.
    pub(super) potential: Vec<String>,
    /// Why these would not fit all the same.
    spared: BTreeMap<String, usize>,
    tried: usize,
    pub(super) preemption: Preemption,
    pub(super) plugins: BTreeSet<Plugin>,
}

impl Diagnosis {
    /// Of a cluster with so many nodes.
    pub(super) fn of(nodes: usize) -> Self {
        Self { nodes, ..Self::default() }
    }

    /// No node was looked at.
    pub(super) fn refuse_all(mut self, rejection: &Rejection) -> Self {
        self.at_once = Some(rejection.reasons.join(", "));
        self.plugins.insert(rejection.plugin);
        self
    }

    /// One node was refused.
    pub(super) fn refuse(&mut self, node: &str, rejection: Rejection) {
        if rejection.removing_helps {
            self.potential.push(node.to_owned());
        }
        self.leave_out(1, rejection);
    }

    /// So many nodes were refused together, for good.
    pub(super) fn leave_out(&mut self, nodes: usize, rejection: Rejection) {
        self.plugins.insert(rejection.plugin);
        for reason in rejection.reasons {
            *self.reasons.entry(reason).or_default() += nodes;
        }
    }

    /// Pods of one node are not ended, for it would not fit even then.
    pub(super) fn spare(&mut self, reasons: Vec<String>) {
        self.tried += 1;
        for reason in reasons {
            *self.spared.entry(reason).or_default() += 1;
        }
    }

    /// The message of the `FailedScheduling` event and of the `PodScheduled` condition.
    pub(super) fn message(&self) -> String {
        let nodes = self.nodes;
        if nodes == 0 {
            return "no nodes available to schedule pods".to_owned();
        }
        let why = match &self.at_once {
            Some(reason) => reason.clone(),
            None => histogram(self.reasons.iter().map(|(reason, count)| (reason.as_str(), *count))),
        };
        let why = format!("0/{nodes} nodes are available: {why}.");
        match self.preemption {
            Preemption::Begun => why,
            Preemption::NotEligible(reason) => format!("{why} preemption: {reason}"),
            Preemption::InVain => {
                let rest = ("Preemption is not helpful for scheduling", nodes - self.tried.min(nodes));
                let spared = self.spared.iter().map(|(reason, count)| (reason.as_str(), *count));
                format!("{why} preemption: 0/{nodes} nodes are available: {}.", histogram(spared.chain([rest])))
            }
        }
    }
}

/// `1 Insufficient cpu, 2 Too many pods`, sorted as text, as the real one does.
fn histogram<'a>(reasons: impl IntoIterator<Item = (&'a str, usize)>) -> String {
    let counted = reasons.into_iter().filter(|(_, count)| *count > 0);
    let mut parts: Vec<_> = counted.map(|(reason, count)| format!("{count} {reason}")).collect();
    parts.sort();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_worded_as_the_real_ones() {
        assert_eq!(Diagnosis::of(0).message(), "no nodes available to schedule pods");
        let mut some = Diagnosis::of(3);
        some.refuse("n1", Rejection::by(Plugin::NodeResourcesFit, "Insufficient cpu"));
        some.refuse("n2", Rejection::for_good(Plugin::TaintToleration, "node(s) had untolerated taint {a: b}"));
        some.spare(vec!["No preemption victims found for incoming pod".to_owned()]);
        some.refuse("n3", Rejection::for_good(Plugin::TaintToleration, "node(s) had untolerated taint {a: b}"));
        assert_eq!(
            some.message(),
            "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {a: b}. \
             preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, \
             2 Preemption is not helpful for scheduling."
        );
        let all = Rejection::for_good(Plugin::VolumeBinding, "pod has unbound immediate PersistentVolumeClaims");
        assert_eq!(
            Diagnosis::of(2).refuse_all(&all).message(),
            "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. \
             preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
        );
    }
}
