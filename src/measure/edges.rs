//! The edges of one drift: when each phase ended, what says so, and how exactly. Never before an edge of an earlier phase.

use crate::evidence::{Change, PodSeen};
use crate::plan::TAINT_KEY;
use crate::scenario::Phase;

use super::loss::{Fate, Loss};
use super::model::Edge;
use super::served::{Listed, answered, listed};
use super::timeline::{PodLife, Timeline, in_strength, is_lost, is_removed};

/// Edges in the order of phases; each at or after the one before, none before the injection.
pub(super) struct Edges {
    from: u64,
    edges: Vec<Edge>,
}

impl Edges {
    const fn new(from: u64) -> Self {
        Self { from, edges: Vec::new() }
    }

    fn last(&self) -> u64 {
        self.edges.last().map_or(self.from, |edge| edge.at)
    }

    fn push(&mut self, phase: Phase, at: u64, source: &str, uncertainty: u64) {
        let floor = self.last();
        let at = at.max(floor);
        self.edges.push(Edge { phase, at, source: source.to_owned(), uncertainty: uncertainty.min(at - floor) });
    }

    fn has(&self, phase: Phase) -> bool {
        self.edges.iter().any(|edge| edge.phase == phase)
    }
}

/// All edges that were seen of a loss whose place `new` took.
pub(super) fn edges(timeline: &Timeline<'_>, loss: &Loss, new: Option<&PodLife<'_>>) -> Vec<Edge> {
    let mut edges = Edges::new(loss.from);
    let old = &timeline.pods[loss.pod];
    let delay = timeline.watch_delay();
    detected(timeline, loss, old, &mut edges);
    match loss.fate {
        Fate::Removed(removed) => {
            edges.push(Phase::Evicted, removed, "watch pods", delay);
            if let Some(new) = new {
                moved(timeline, new, &mut edges);
                served(timeline, old, new, &mut edges);
            }
        }
        Fate::Back { ready, restarted } => {
            let started = old.when(loss.at, |pod| runs(pod) && !is_removed(pod)).filter(|_| restarted);
            if let Some(at) = started {
                edges.push(Phase::Started, at.min(ready), "watch pods", 1_000_000);
            }
            edges.push(Phase::Ready, ready, "watch pods", delay);
            served(timeline, old, old, &mut edges);
        }
        Fate::Open => {}
    }
    edges.edges
}

/// The node's condition tells of a lost node, its cordon announces a drain; a killed pod is detected by its deletion.
fn detected(timeline: &Timeline<'_>, loss: &Loss, old: &PodLife<'_>, edges: &mut Edges) {
    let until = match loss.fate {
        Fate::Removed(at) => at,
        Fate::Back { ready, .. } => ready,
        Fate::Open => timeline.observed,
    };
    let node = timeline.nodes.get(old.node()).into_iter().flatten();
    let mut node = node.filter(|(t, _)| (loss.from..=until).contains(t));
    if let Some((t, _)) = node.clone().find(|(_, node)| is_lost(node)) {
        edges.push(Phase::Detected, *t, "watch nodes: not Ready", timeline.watch_delay());
    } else if let Some((t, _)) = node.clone().find(|(_, node)| node.cordoned) {
        edges.push(Phase::Detected, *t, "watch nodes: cordoned", timeline.watch_delay());
    } else if let Some((t, _)) = node.find(|(_, node)| node.taints.iter().any(|taint| taint.starts_with(TAINT_KEY))) {
        edges.push(Phase::Detected, *t, "watch nodes: tainted", timeline.watch_delay());
    } else {
        edges.push(Phase::Detected, loss.at, "watch pods", timeline.watch_delay());
    }
}

/// From the new pod's binding to its readiness.
fn moved(timeline: &Timeline<'_>, new: &PodLife<'_>, edges: &mut Edges) {
    let delay = timeline.watch_delay();
    let Some(scheduled) = new.when(0, |pod| !pod.node.is_empty()) else { return };
    edges.push(Phase::Scheduled, scheduled, "watch pods", delay);
    let started = new.when(scheduled, |pod| runs(pod) || pod.ready);
    match attached(timeline, new) {
        Attached::At(at) => {
            let at = started.map_or(at, |started| at.min(started));
            edges.push(Phase::VolumeAttached, at, "watch volumeattachments", delay);
        }
        Attached::Never if started.is_none() => return,
        Attached::NoNeed | Attached::Never => {}
    }
    if let Some(at) = pulled(timeline, new) {
        // Events travel on their own way; one that came after the start tells that the image was there before.
        let at = started.map_or(at, |started| at.min(started));
        edges.push(Phase::ImagePulled, at, "event Pulled", 1_000_000);
    }
    let Some(started) = started else { return };
    edges.push(Phase::Started, started, "watch pods", started_uncertainty(timeline, new, started));
    if let Some(ready) = new.when(started, in_strength) {
        edges.push(Phase::Ready, ready, "watch pods", delay);
    }
}

/// Whether all containers run.
pub(super) fn runs(pod: &PodSeen) -> bool {
    pod.change != Change::Deleted
        && !pod.containers.is_empty()
        && pod.containers.iter().all(|container| container.state == "running")
}

/// `startedAt` has a grain of one second: the containers ran at some time between it and the watch's news.
fn started_uncertainty(timeline: &Timeline<'_>, new: &PodLife<'_>, at: u64) -> u64 {
    let seen = new.seen.iter().find(|(t, _)| *t == at).map(|(_, pod)| &pod.containers);
    let stamps = seen.into_iter().flatten().filter_map(|container| timeline.instant(&container.started));
    stamps.max().map_or(1_000_000, |stamp| at.saturating_sub(stamp))
}

/// Whether the new pod's network volumes are attached to its node.
pub(super) enum Attached {
    /// It has none that attach.
    NoNeed,
    /// All, since then.
    At(u64),
    /// Not all.
    Never,
}

pub(super) fn attached(timeline: &Timeline<'_>, new: &PodLife<'_>) -> Attached {
    let node = new.node();
    let mut all = Attached::NoNeed;
    let claims = new.seen.last().map(|(_, pod)| &pod.claims);
    for claim in claims.into_iter().flatten() {
        let of_claim = || timeline.attachments.iter().filter(|(_, seen)| seen.claim == *claim);
        if of_claim().next().is_none() {
            continue;
        }
        let bound = new.when(0, |pod| !pod.node.is_empty()).unwrap_or(timeline.observed);
        let on_node = |until: u64| of_claim().rfind(move |(t, seen)| seen.node == node && *t <= until);
        let holds = |seen: &crate::evidence::AttachmentSeen| seen.attached && seen.change != Change::Deleted;
        let at = match on_node(bound) {
            Some((t, seen)) if holds(seen) => Some(*t),
            Some(_) | None => {
                of_claim().find(|(t, seen)| *t >= bound && seen.node == node && holds(seen)).map(|(t, _)| *t)
            }
        };
        all = match (all, at) {
            (Attached::Never, _) | (_, None) => Attached::Never,
            (Attached::NoNeed, Some(at)) => Attached::At(at),
            (Attached::At(before), Some(at)) => Attached::At(before.max(at)),
        };
    }
    all
}

fn pulled(timeline: &Timeline<'_>, new: &PodLife<'_>) -> Option<u64> {
    timeline
        .events
        .iter()
        .filter(|(_, event)| event.uid == new.uid() && event.reason == "Pulled")
        .map(|(t, _)| *t)
        .max()
}

/// From readiness to the first answered probe.
fn served(timeline: &Timeline<'_>, old: &PodLife<'_>, new: &PodLife<'_>, edges: &mut Edges) {
    if !edges.has(Phase::Ready) {
        return;
    }
    match listed(timeline, old, new, edges.last()) {
        Listed::At(at) => edges.push(Phase::InEndpoints, at, "watch endpointslices", timeline.watch_delay()),
        Listed::NoNeed => {}
        Listed::Never => return,
    }
    if let Some((at, source, uncertainty)) = answered(timeline, old, new, edges.last()) {
        edges.push(Phase::Serving, at, &source, uncertainty);
    }
}
