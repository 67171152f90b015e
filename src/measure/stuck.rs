//! Where a drift that never ended stands, and why: from events first, then from the rules of Kubernetes.

use crate::evidence::{EventSeen, PodSeen};
use crate::scenario::Phase;

use super::edges::{Attached, attached};
use super::loss::{Fate, Loss};
use super::model::{Edge, Stuck};
use super::served::{Listed, listed};
use super::timeline::{PodLife, Timeline};

/// The phase that was not reached, or `None` when the instance is back.
pub(super) fn stuck(timeline: &Timeline<'_>, loss: &Loss, new: Option<&PodLife<'_>>, edges: &[Edge]) -> Option<Stuck> {
    let has = |phase| edges.iter().any(|edge| edge.phase == phase);
    let old = &timeline.pods[loss.pod];
    let at = |phase, why| Some(Stuck { phase, why });
    let new = match (loss.fate, new) {
        (Fate::Open, _) => return Some(open(timeline, loss, old)),
        (Fate::Back { .. }, _) => old,
        (Fate::Removed(_), None) => return at(Phase::Scheduled, not_replaced(timeline, old)),
        (Fate::Removed(_), Some(new)) => new,
    };
    if loss.fate_moves() && !has(Phase::Scheduled) {
        return at(Phase::Scheduled, unscheduled(timeline, new));
    }
    if !has(Phase::Ready) {
        return Some(unready(timeline, new, has(Phase::VolumeAttached), has(Phase::ImagePulled), has(Phase::Started)));
    }
    let ready = edges.iter().find(|edge| edge.phase == Phase::Ready).map_or(0, |edge| edge.at);
    if !has(Phase::InEndpoints) && matches!(listed(timeline, old, new, ready), Listed::Never) {
        return at(
            Phase::InEndpoints,
            format!("{} is Ready, yet no watched Service has it as a ready endpoint", new.name()),
        );
    }
    let last = edges.last().map_or(ready, |edge| edge.at);
    let asked = timeline.attempts.iter().any(|attempt| attempt.due >= last && attempt.due <= timeline.observed);
    if !has(Phase::Serving) && asked {
        return at(Phase::Serving, format!("{} is Ready, yet no probe was answered since", new.name()));
    }
    None
}

impl Loss {
    const fn fate_moves(&self) -> bool {
        matches!(self.fate, Fate::Removed(_))
    }
}

/// Lost, neither removed nor back.
fn open(timeline: &Timeline<'_>, loss: &Loss, old: &PodLife<'_>) -> Stuck {
    let (name, node) = (old.name(), old.node());
    if timeline.node_lost(node, timeline.observed) {
        let why = match stays(old).as_str() {
            "" => format!("{name} is still bound to {node}, which is lost, and was not evicted so far"),
            stays => format!("{name} waits for {node}, which is lost: {stays}"),
        };
        return Stuck { phase: Phase::Evicted, why };
    }
    let restarted = old.seen.iter().any(|(t, pod)| *t >= loss.at && super::edges::runs(pod));
    let phase = if restarted { Phase::Ready } else { Phase::Started };
    Stuck { phase, why: why_unready(timeline, old) }
}

/// Why nothing ever takes a pod from a node that is lost; empty when it is evicted in time.
pub(super) fn stays(old: &PodLife<'_>) -> String {
    if old.owner_kind() == "DaemonSet" {
        return "a DaemonSet's pod stays with its node".to_owned();
    }
    let tolerates = old.seen.last().is_some_and(|(_, pod)| pod.stays);
    if tolerates { "it tolerates the loss of its node for ever".to_owned() } else { String::new() }
}

/// What the pod's own conditions and spec say that it waits for.
fn waits_for<'a>(pod: &PodLife<'a>) -> &'a str {
    pod.seen.last().map_or("", |(_, pod)| pod.waits_for.as_str())
}

fn not_replaced(timeline: &Timeline<'_>, old: &PodLife<'_>) -> String {
    let (name, node) = (old.name(), old.node());
    let (_, seen) = old.first();
    if old.gone().is_none() && !waits_for(old).is_empty() {
        return format!("{name} stays Terminating on {node}: {}", waits_for(old));
    }
    if old.owner_kind() == "StatefulSet" && old.gone().is_none() {
        let lost = if timeline.node_lost(node, timeline.observed) { ", which is lost" } else { "" };
        return format!(
            "{name} stays Terminating on {node}{lost}: a StatefulSet waits until the old pod object is gone"
        );
    }
    let about = |event: &EventSeen| event.about == seen.owner && event.reason == "FailedCreate";
    if let Some(event) = last_event(timeline, about) {
        return format!("{} cannot create the replacement of {name}: {}", seen.owner, event.message);
    }
    match old.owner_kind() {
        "" => format!("nothing replaces the bare pod {}/{name}", seen.namespace),
        "DaemonSet" => format!("{name} belongs to {node}: a DaemonSet does not place it elsewhere"),
        _ if old.gone().is_none() => format!("{name} stays Terminating on {node} and nothing took its place"),
        _ => format!("{} has made no replacement of {name}", seen.owner),
    }
}

/// What the scheduler last said when it found no node for a pod that it placed later, empty when it always found one.
pub(super) fn refused(timeline: &Timeline<'_>, new: &PodLife<'_>) -> String {
    let of_new = |event: &EventSeen| event.uid == new.uid() && event.reason == "FailedScheduling";
    let said = last_event(timeline, of_new).map(|event| event.message.as_str()).unwrap_or_default();
    // The scheduler appends what preemption would (not) do, which explains nothing about the nodes.
    said.split(" preemption:").next().unwrap_or_default().trim_end_matches(['.', ' ']).to_owned()
}

fn unscheduled(timeline: &Timeline<'_>, new: &PodLife<'_>) -> String {
    let name = new.name();
    if let Some((claim, why)) = unprovisioned(timeline, new) {
        return format!("{name} cannot be scheduled: its claim {claim} has no volume: {why}");
    }
    let of_new = |event: &EventSeen| event.uid == new.uid() && event.reason == "FailedScheduling";
    let Some(event) = last_event(timeline, of_new) else {
        let waits = waits_for(new);
        return if waits.is_empty() {
            format!("{name} was not bound to a node")
        } else {
            format!("{name} was not bound to a node: {waits}")
        };
    };
    let message = &event.message;
    let hint = if message.contains("nvidia.com/gpu") || message.contains("Insufficient") {
        " (no other node has the resources free)"
    } else if ["volume node affinity", "PersistentVolume's node affinity"].iter().any(|words| message.contains(words)) {
        " (its volume is pinned to a node or zone that is not available)"
    } else {
        ""
    };
    format!("{name} cannot be scheduled{hint}: {message}")
}

/// The first claim of a pod whose volume could not be made, and why.
fn unprovisioned<'a>(timeline: &Timeline<'a>, new: &PodLife<'a>) -> Option<(&'a str, &'a str)> {
    let (_, seen) = new.seen.last()?;
    seen.claims.iter().find_map(|claim| {
        let about = format!("PersistentVolumeClaim/{claim}");
        let failed = |event: &EventSeen| event.about == about && event.reason == "ProvisioningFailed";
        Some((claim.as_str(), last_event(timeline, failed)?.message.as_str()))
    })
}

/// Bound, but not Ready: which step is missing, and what the kubelet says about it.
fn unready(timeline: &Timeline<'_>, new: &PodLife<'_>, has_volume: bool, has_image: bool, started: bool) -> Stuck {
    let (name, node) = (new.name(), new.node());
    let event = |reasons: &[&str]| {
        last_event(timeline, |event| event.uid == new.uid() && reasons.contains(&event.reason.as_str()))
    };
    if started {
        return Stuck { phase: Phase::Ready, why: why_unready(timeline, new) };
    }
    // The kubelet's timeout is the consequence of what the attach controller refused.
    let failed = event(&["FailedAttachVolume"]).or_else(|| event(&["FailedMount"]));
    if !has_volume && (matches!(attached(timeline, new), Attached::Never) || failed.is_some()) {
        let said = failed.map_or_else(String::new, |event| format!(": {}", event.message));
        return Stuck {
            phase: Phase::VolumeAttached,
            why: format!("the volumes of {name} are not attached to {node}{said}"),
        };
    }
    let image = |(reason, _): &(String, String)| reason.contains("Image") || reason == "ErrImageNeverPull";
    if let Some((reason, container)) = waiting(new).filter(image) {
        let said = event(&["Failed", "BackOff"]).map_or_else(String::new, |event| format!(": {}", event.message));
        return Stuck {
            phase: Phase::ImagePulled,
            why: format!("container {container} of {name} waits in {reason}{said}"),
        };
    }
    let phase = if has_image || event(&["Pulling"]).is_none() { Phase::Started } else { Phase::ImagePulled };
    Stuck { phase, why: why_unready(timeline, new) }
}

fn why_unready(timeline: &Timeline<'_>, pod: &PodLife<'_>) -> String {
    let name = pod.name();
    if !waits_for(pod).is_empty() {
        return format!("{name} is not Ready on {}: {}", pod.node(), waits_for(pod));
    }
    let said = last_event(timeline, |event| {
        event.uid == pod.uid()
            && event.level == "Warning"
            && !matches!(event.reason.as_str(), "FailedScheduling" | "NodeNotReady")
    });
    let said = said.map_or_else(String::new, |event| format!(": {} {}", event.reason, event.message));
    if let Some((reason, container)) = waiting(pod) {
        return format!("container {container} of {name} waits in {reason}{said}");
    }
    let state = pod.seen.last().map_or("", |(_, pod)| pod.phase.as_str());
    format!("{name} is {state} on {} and not Ready{said}", pod.node())
}

/// Reason and name of the first container that waits.
fn waiting(pod: &PodLife<'_>) -> Option<(String, String)> {
    let (_, seen): &(u64, &PodSeen) = pod.seen.last()?;
    let container =
        seen.containers.iter().find(|container| container.state == "waiting" && !container.reason.is_empty())?;
    Some((container.reason.clone(), container.name.clone()))
}

fn last_event<'a>(timeline: &Timeline<'a>, wanted: impl Fn(&EventSeen) -> bool) -> Option<&'a EventSeen> {
    timeline.events.iter().rev().map(|(_, event)| *event).find(|event| wanted(event))
}
