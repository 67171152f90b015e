//! Which change concerns which volume. Only enqueues keys; never changes an object.

use super::index::{self, has_ended};
use super::{VolumeId, Work};
use crate::{Change, ChangeType, Event, Key, Kind, Object, State};

/// Reacts to a change of the store by enqueuing work.
pub fn on_change(state: &mut State, change: &Change) {
    match change.kind {
        Kind::Pod => pod(state, change),
        Kind::PersistentVolumeClaim => claim(state, change),
        Kind::PersistentVolume => volume(state, change),
        Kind::StorageClass => retry_unbound(state),
        Kind::ConfigMap | Kind::Secret => wake(state, change.kind, &change.key),
        Kind::Node => node(state, change),
        Kind::Namespace
        | Kind::Service
        | Kind::ServiceAccount
        | Kind::Event
        | Kind::Deployment
        | Kind::ReplicaSet
        | Kind::StatefulSet
        | Kind::DaemonSet
        | Kind::ControllerRevision
        | Kind::Job
        | Kind::PodDisruptionBudget
        | Kind::EndpointSlice
        | Kind::NetworkPolicy
        | Kind::VolumeAttachment
        | Kind::Lease
        | Kind::PriorityClass
        | Kind::Role
        | Kind::RoleBinding
        | Kind::ClusterRole
        | Kind::ClusterRoleBinding
        | Kind::CronJob
        | Kind::HorizontalPodAutoscaler
        | Kind::LimitRange
        | Kind::ResourceQuota
        | Kind::RuntimeClass
        | Kind::Stored(_) => {}
    }
}

/// Lets work happen after the usual delay of a controller, unless it waits already.
pub(super) fn enqueue(state: &mut State, work: Work) {
    state.after_once(state.settings.timings.controller_latency, Event::Storage(work));
}

fn pod(state: &mut State, change: &Change) {
    if change.new.at("/spec/volumes").is_none() {
        return;
    }
    state.storage.users.follow(change);
    let matters = change.change == ChangeType::Deleted
        || change.old.as_ref().is_none_or(|old| {
            old.text("/spec/nodeName") != change.new.text("/spec/nodeName") || has_ended(old) != has_ended(&change.new)
        });
    if !matters {
        return;
    }
    for claim in index::claims(&change.key, &change.new) {
        let Some(object) = state.store.get(Kind::PersistentVolumeClaim, &claim) else { continue };
        let (volume, terminating) = (object.text("/spec/volumeName").to_owned(), object.is_terminating());
        if state.storage.unbound.contains(&claim) || terminating {
            enqueue(state, Work::Claim(claim));
        }
        if !volume.is_empty() {
            enqueue(state, Work::Attachments(volume));
        }
    }
    if change.change == ChangeType::Added && index::has_ephemeral(&change.new) {
        enqueue(state, Work::Ephemeral(change.key.clone()));
    }
    if change.change == ChangeType::Deleted {
        let uid = change.new.uid();
        state.storage.told.retain(|(told, _)| told != uid);
    }
}

fn claim(state: &mut State, change: &Change) {
    let volume = change.new.text("/spec/volumeName").to_owned();
    let bound = super::binding::is_bound(&change.new);
    if change.change == ChangeType::Deleted || bound {
        state.storage.unbound.remove(&change.key);
    } else {
        state.storage.unbound.insert(change.key.clone());
    }
    enqueue(state, Work::Claim(change.key.clone()));
    if !volume.is_empty() {
        enqueue(state, Work::Volume(volume.clone()));
    }
    if bound && change.old.as_ref().is_none_or(|old| !super::binding::is_bound(old)) {
        enqueue(state, Work::Attachments(volume));
        wake(state, Kind::PersistentVolumeClaim, &change.key);
    }
}

fn volume(state: &mut State, change: &Change) {
    let name = &change.key.name;
    if change.change == ChangeType::Deleted {
        state.storage.contents.remove(&VolumeId::Persistent(name.clone()));
        state.storage.contents.remove(&VolumeId::Local(name.clone()));
        let claim = claim_of(&change.new);
        return enqueue(state, Work::Claim(claim));
    }
    enqueue(state, Work::Volume(name.clone()));
}

/// The claim that a volume is for.
pub(super) fn claim_of(volume: &Object) -> Key {
    Key::new(volume.text("/spec/claimRef/namespace"), volume.text("/spec/claimRef/name"))
}

/// Something new may help any claim that has no volume.
pub(super) fn retry_unbound(state: &mut State) {
    for claim in state.storage.unbound.clone() {
        enqueue(state, Work::Claim(claim));
    }
}

/// Lets the pods that wait for an object ask again.
fn wake(state: &mut State, kind: Kind, key: &Key) {
    for pod in state.storage.users.of(kind, key) {
        let starts = state.store.get(Kind::Pod, &pod).is_some_and(|pod| {
            !pod.text("/spec/nodeName").is_empty() && matches!(pod.text("/status/phase"), "" | "Pending")
        });
        if starts {
            enqueue(state, Work::Wake(pod));
        }
    }
}

/// A node's health, taints and existence decide whether its volumes may be taken from it.
fn node(state: &mut State, change: &Change) {
    let facts = |node: &Object| (super::attach_detach::is_ready(node), super::attach_detach::is_out_of_service(node));
    let same = change.old.as_ref().is_some_and(|old| facts(old) == facts(&change.new));
    if same && change.change == ChangeType::Modified {
        return;
    }
    let name = &change.key.name;
    let volumes: Vec<_> =
        state.storage.attachments.keys().filter(|(_, node)| node == name).map(|(volume, _)| volume.clone()).collect();
    for volume in volumes {
        enqueue(state, Work::Attachments(volume));
    }
}
