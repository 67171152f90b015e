//! The moves of instances: each loss with its replacement, the edges between them, and how the old one ended.

use crate::scenario::Phase;

use super::edges::edges;
use super::loss::{Fate, Loss, losses};
use super::model::{Drift, FaultSpan, Instance};
use super::old_end::old_end;
use super::replacement::replacements;
use super::stuck::{refused, stays, stuck};
use super::timeline::{PodLife, Timeline};

impl Drift {
    /// Duration of each phase: from the edge before (or the injection) to its own. They sum to the total.
    #[must_use]
    pub fn phases(&self) -> Vec<(Phase, u64)> {
        let mut before = self.from;
        self.edges
            .iter()
            .map(|edge| {
                let duration = edge.at.saturating_sub(before);
                before = before.max(edge.at);
                (edge.phase, duration)
            })
            .collect()
    }

    /// From the injection to the last edge, when the instance came back.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        if self.stuck.is_some() {
            return None;
        }
        Some(self.edges.last()?.at.saturating_sub(self.from))
    }

    /// Whether it came back on another node.
    #[must_use]
    pub fn moved(&self) -> bool {
        self.new.as_ref().is_some_and(|new| new.node != self.old.node)
    }
}

/// One drift for each instance that was lost after an injection.
pub(super) fn drifts(timeline: &Timeline<'_>, faults: &[FaultSpan]) -> Vec<Drift> {
    let losses = losses(timeline, faults);
    let replaced = replacements(timeline, &losses);
    let drift = |(loss, new): (&Loss, Option<usize>)| {
        let old = &timeline.pods[loss.pod];
        let new = new.map(|new| &timeline.pods[new]);
        let edges = edges(timeline, loss, new);
        let in_place = matches!(loss.fate, Fate::Back { .. });
        Drift {
            step: loss.step.clone(),
            instance: old.name().to_owned(),
            old: instance(timeline, old),
            new: if in_place { Some(instance(timeline, old)) } else { new.map(|new| instance(timeline, new)) },
            from: loss.from,
            old_end: old_end(timeline, loss),
            stuck: stuck(timeline, loss, new, &edges),
            tainted: tainted(timeline, loss, old),
            stays: stays(old),
            refused: new.map_or_else(String::new, |new| refused(timeline, new)),
            edges,
        }
    };
    losses.iter().zip(replaced).map(drift).collect()
}

/// When the node of a lost pod got the taint by which its pods are evicted.
fn tainted(timeline: &Timeline<'_>, loss: &Loss, old: &PodLife<'_>) -> Option<u64> {
    let keys = ["node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready"];
    let evicts = |taint: &String| taint.ends_with(":NoExecute") && keys.iter().any(|key| taint.starts_with(key));
    let seen = timeline.nodes.get(old.node()).into_iter().flatten();
    let mut seen = seen.filter(|(t, node)| *t >= loss.from && node.taints.iter().any(evicts));
    seen.next().map(|(t, _)| *t)
}

fn instance(timeline: &Timeline<'_>, life: &PodLife<'_>) -> Instance {
    Instance {
        pod: life.name().to_owned(),
        uid: life.uid().to_owned(),
        node: life.node().to_owned(),
        zone: timeline.zone(life.node()),
    }
}
