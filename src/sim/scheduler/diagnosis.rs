//! Why a pod fits nowhere, as the real scheduler words it (`FitError`).

use std::collections::{BTreeMap, BTreeSet};

use super::plugins::{Plugin, Rejection};

/// The refusals of one cycle.
#[derive(Debug, Default)]
pub(super) struct Diagnosis {
    nodes: usize,
    /// The reason for which no node was looked at.
    at_once: Option<String>,
    reasons: BTreeMap<String, usize>,
    removing_helps: usize,
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
    pub(super) fn refuse(&mut self, rejection: Rejection) {
        self.plugins.insert(rejection.plugin);
        self.removing_helps += usize::from(rejection.removing_helps);
        for reason in rejection.reasons {
            *self.reasons.entry(reason).or_default() += 1;
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
        let preemption = histogram([
            ("No preemption victims found for incoming pod", self.removing_helps),
            ("Preemption is not helpful for scheduling", nodes - self.removing_helps.min(nodes)),
        ]);
        format!("0/{nodes} nodes are available: {why}. preemption: 0/{nodes} nodes are available: {preemption}.")
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
        some.refuse(Rejection::by(Plugin::NodeResourcesFit, "Insufficient cpu"));
        some.refuse(Rejection::for_good(Plugin::TaintToleration, "node(s) had untolerated taint {a: b}"));
        some.refuse(Rejection::for_good(Plugin::TaintToleration, "node(s) had untolerated taint {a: b}"));
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
