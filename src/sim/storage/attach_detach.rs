//! The attach/detach controller: network volumes are attached where pods need them and detached where none does.
//! Never detaches what a kubelet still has mounted, unless the node is out of service or has been unhealthy too long.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::attachment::{self, Attachment, Phase};
use super::watch::{claim_of, enqueue};
use super::{Work, index};
use crate::{Event, Key, Kind, Object, State};

const COMPONENT: &str = "attachdetach-controller";
const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// Whether a node's Ready condition is True.
pub(super) fn is_ready(node: &Object) -> bool {
    let conditions = node.at("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Whether a person said that a node is shut down for good.
pub(super) fn is_out_of_service(node: &Object) -> bool {
    let taints = node.at("/spec/taints").and_then(Value::as_array);
    taints.into_iter().flatten().any(|taint| taint["key"] == OUT_OF_SERVICE)
}

/// Whether a volume is attached, attaching or detaching anywhere.
pub(super) fn is_attached(state: &State, volume: &str) -> bool {
    nodes_of(state, volume).next().is_some()
}

/// Whether a volume can be mounted on a node.
pub(super) fn is_attached_to(state: &State, volume: &str, node: &str) -> bool {
    let attachment = state.storage.attachments.get(&(volume.to_owned(), node.to_owned()));
    attachment.is_some_and(|attachment| attachment.phase == Phase::Attached)
}

fn nodes_of<'a>(state: &'a State, volume: &'a str) -> impl Iterator<Item = (&'a str, &'a Attachment)> {
    let all = state.storage.attachments.range((volume.to_owned(), String::new())..);
    let of_volume = all.take_while(move |((name, _), _)| name == volume);
    of_volume.map(|((_, node), attachment)| (node.as_str(), attachment))
}

/// Compares where a volume is attached with where pods need it.
pub(super) fn reconcile(state: &mut State, volume: &str) {
    let wanted = wanted(state, volume);
    let known: Vec<_> = nodes_of(state, volume).map(|(node, attachment)| (node.to_owned(), attachment.phase)).collect();
    for (node, phase) in known {
        let wanted = wanted.contains_key(&node);
        match phase {
            Phase::Attached if !wanted => unwanted(state, volume, &node),
            Phase::Attaching | Phase::Attached | Phase::Detaching if wanted => {
                if let Some(attachment) = state.storage.attachments.get_mut(&(volume.to_owned(), node)) {
                    attachment.unwanted_since = None;
                }
            }
            Phase::Attaching | Phase::Attached | Phase::Detaching => {}
        }
    }
    for (node, pods) in wanted {
        if !state.storage.attachments.contains_key(&(volume.to_owned(), node.clone())) {
            attach(state, volume, &node, &pods);
        }
    }
}

/// The pods that need a volume, by node.
fn wanted(state: &State, volume: &str) -> BTreeMap<String, Vec<Key>> {
    let mut wanted: BTreeMap<String, Vec<Key>> = BTreeMap::new();
    let Some(object) = state.store.get(Kind::PersistentVolume, &Key::cluster(volume)) else { return wanted };
    let claim_key = claim_of(object);
    let claim = state.store.get(Kind::PersistentVolumeClaim, &claim_key);
    if !attachment::needs_attach(object) || claim.is_none_or(|claim| claim.text("/spec/volumeName") != volume) {
        return wanted;
    }
    for (key, pod) in index::pods_of(state, &claim_key) {
        let node = pod.text("/spec/nodeName");
        if !node.is_empty() && !index::has_ended(pod) {
            wanted.entry(node.to_owned()).or_default().push(key);
        }
    }
    wanted
}

fn attach(state: &mut State, volume: &str, node: &str, pods: &[Key]) {
    let Some(object) = state.store.get(Kind::PersistentVolume, &Key::cluster(volume)) else { return };
    if state.store.get(Kind::Node, &Key::cluster(node)).is_none() {
        return;
    }
    if !attachment::allows_many(object) && is_attached(state, volume) {
        return tell_multi_attach(state, volume, node, pods);
    }
    attachment::create(state, volume, node);
    let begun =
        Attachment { phase: Phase::Attaching, unwanted_since: None, mounted_by: std::collections::BTreeSet::new() };
    state.storage.attachments.insert((volume.to_owned(), node.to_owned()), begun);
    let delay = state.settings.timings.volume_attach;
    state.after(delay, Event::Storage(Work::Attached(volume.to_owned(), node.to_owned())));
}

/// Tells each pod once that its volume is at another node.
fn tell_multi_attach(state: &mut State, volume: &str, node: &str, pods: &[Key]) {
    let others: Vec<String> = {
        let elsewhere = wanted(state, volume).into_iter().filter(|(other, _)| other != node);
        elsewhere.flat_map(|(_, pods)| pods).map(|pod| pod.name).collect()
    };
    let why = if others.is_empty() {
        "Volume is already exclusively attached to one node and can't be attached to another".to_owned()
    } else {
        format!("Volume is already used by pod(s) {}", others.join(", "))
    };
    let message = format!("Multi-Attach error for volume \"{volume}\" {why}");
    for pod in pods {
        let Some(uid) = state.store.get(Kind::Pod, pod).map(|pod| pod.uid().to_owned()) else { continue };
        if state.storage.told.insert((uid, volume.to_owned())) {
            state.event(Kind::Pod, pod, "Warning", "FailedAttachVolume", COMPONENT, &message);
        }
    }
}

/// A volume is attached to a node now.
pub(super) fn attached(state: &mut State, volume: &str, node: &str) {
    let key = (volume.to_owned(), node.to_owned());
    let Some(attachment) = state.storage.attachments.get_mut(&key) else { return };
    attachment.phase = Phase::Attached;
    attachment::confirm(state, volume, node);
    let message = format!("AttachVolume.Attach succeeded for volume \"{volume}\"");
    for pod in wanted(state, volume).remove(node).unwrap_or_default() {
        state.event(Kind::Pod, &pod, "Normal", "SuccessfulAttachVolume", COMPONENT, &message);
        state.volumes_changed(&pod);
    }
    enqueue(state, Work::Attachments(volume.to_owned()));
}

/// No pod of the node uses the volume: it is detached when its kubelet has let go, or need not be waited for.
fn unwanted(state: &mut State, volume: &str, node: &str) {
    let (now, limit) = (state.now, state.settings.timings.force_detach_after);
    let object = state.store.get(Kind::Node, &Key::cluster(node));
    let healthy = object.is_some_and(|node| is_ready(node));
    let out_of_service = object.is_some_and(|node| is_out_of_service(node));
    let key = (volume.to_owned(), node.to_owned());
    let Some(attachment) = state.storage.attachments.get_mut(&key) else { return };
    let first = attachment.unwanted_since.is_none();
    let since = *attachment.unwanted_since.get_or_insert(now);
    let forced = out_of_service || (!healthy && now >= since + limit);
    if attachment.mounted_by.is_empty() || forced {
        attachment.phase = Phase::Detaching;
        attachment::withdraw(state, volume, node);
        let delay = state.settings.timings.volume_detach;
        state.after(delay, Event::Storage(Work::Detached(key.0, key.1)));
    } else if first {
        state.after(limit, Event::Storage(Work::Overdue(key.0, key.1)));
    }
}

/// A volume is detached from a node now: whoever waits for it may have it.
pub(super) fn detached(state: &mut State, volume: &str, node: &str) {
    let Some(gone) = state.storage.attachments.remove(&(volume.to_owned(), node.to_owned())) else { return };
    for uid in gone.mounted_by {
        if let Some(mounted) = state.storage.mounted.get_mut(&uid) {
            mounted.volumes.remove(volume);
        }
    }
    attachment::remove(state, volume, node);
    reconcile(state, volume);
    enqueue(state, Work::Volume(volume.to_owned()));
}

/// A pod's kubelet has unmounted its volumes. The controller learns of it by the node's next status.
pub(super) fn unmounted(state: &mut State, uid: &str) {
    let Some(mounted) = state.storage.mounted.remove(uid) else { return };
    for volume in mounted.volumes {
        report(state, &mounted.node, volume, uid);
    }
}

fn report(state: &mut State, node: &str, volume: String, uid: &str) {
    let delay = until_status(state, node);
    state.after(delay, Event::Storage(Work::Unused(node.to_owned(), volume, uid.to_owned())));
}

/// Time until the node's kubelet compares its status, `volumesInUse` among it, with the API's (every
/// `nodeStatusUpdateFrequency`, in the phase of its lease).
fn until_status(state: &State, node: &str) -> Duration {
    let nodes = &state.settings.nodes;
    let index = nodes.iter().position(|spec| spec.name == node).unwrap_or_default();
    let period = state.settings.timings.lease_renew_interval.max(Duration::from_millis(1));
    let phase = period.mul_f64(1.0 - index as f64 / nodes.len().max(1) as f64);
    let into = (state.now + period).saturating_sub(phase).as_nanos() % period.as_nanos();
    period.saturating_sub(Duration::from_nanos(u64::try_from(into).unwrap_or_default()))
}

/// A node's status says that a pod no longer uses a volume, or the node is unreachable and says so later.
pub(super) fn unused(state: &mut State, node: &str, volume: &str, uid: &str) {
    let key = (volume.to_owned(), node.to_owned());
    if !state.storage.attachments.get(&key).is_some_and(|attachment| attachment.mounted_by.contains(uid)) {
        return;
    }
    if !state.can_report(node) {
        return report(state, node, key.0, uid);
    }
    if let Some(attachment) = state.storage.attachments.get_mut(&key) {
        attachment.mounted_by.remove(uid);
    }
    reconcile(state, volume);
}
