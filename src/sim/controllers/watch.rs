//! Which change concerns which controller. Only enqueues keys; never changes an object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

use super::queue::enqueue;
use super::{Controller, endpointslice, garbage_collector, horizontalpodautoscaler, index, serviceaccount};
use crate::{Change, ChangeType, Key, Kind, Object, State, labels};

/// Reacts to a change of the store by enqueuing work.
pub fn on_change(state: &mut State, change: &Change) {
    state.controllers.index.follow(change);
    garbage_collector::follow(state, change);
    on_namespaced(state, change);
    if change.kind == Kind::Pod {
        on_pod(state, change);
    } else if let Some(controller) = workload(change.kind) {
        // A Deployment also looks again at what it wrote itself: a condition may be the next step's premise.
        if change.kind == Kind::Deployment || !is_status_only(change) {
            enqueue(state, controller, change.key.clone());
        }
        enqueue_owner(state, change);
    } else if change.kind == Kind::Service {
        enqueue(state, Controller::EndpointSlice, change.key.clone());
    } else if change.kind == Kind::Node {
        endpointslice::node_changed(state, change);
        on_node(state, change);
    } else if change.kind == Kind::HorizontalPodAutoscaler {
        if !is_status_only(change) {
            horizontalpodautoscaler::arm(state, &change.key);
        }
    } else if change.kind == Kind::PodDisruptionBudget {
        enqueue(state, Controller::Disruption, change.key.clone());
    } else if change.kind == Kind::EndpointSlice
        && change.change == ChangeType::Deleted
        && let Some(service) = change.new.label("kubernetes.io/service-name")
    {
        enqueue(state, Controller::EndpointSlice, Key::new(change.key.namespace.clone(), service));
    }
}

/// What namespaces need: an account each, and a look when something in a terminating one has gone.
fn on_namespaced(state: &mut State, change: &Change) {
    let deleted = change.change == ChangeType::Deleted;
    if change.kind == Kind::Namespace && !deleted {
        if change.new.is_terminating() {
            enqueue(state, Controller::Namespace, change.key.clone());
        } else {
            enqueue(state, Controller::ServiceAccount, change.key.clone());
        }
    } else if deleted && !change.key.namespace.is_empty() {
        let namespace = Key::cluster(change.key.namespace.clone());
        if state.store.get(Kind::Namespace, &namespace).is_some_and(|namespace| namespace.is_terminating()) {
            enqueue(state, Controller::Namespace, namespace);
        } else if change.kind == Kind::ServiceAccount && change.key.name == serviceaccount::DEFAULT {
            enqueue(state, Controller::ServiceAccount, namespace);
        }
    }
}

/// Workload kinds and their controllers.
const WORKLOADS: [(Kind, Controller); 6] = [
    (Kind::Deployment, Controller::Deployment),
    (Kind::ReplicaSet, Controller::ReplicaSet),
    (Kind::StatefulSet, Controller::StatefulSet),
    (Kind::DaemonSet, Controller::DaemonSet),
    (Kind::Job, Controller::Job),
    (Kind::CronJob, Controller::CronJob),
];

/// The controller of a workload kind.
fn workload(kind: Kind) -> Option<Controller> {
    WORKLOADS.into_iter().find(|(known, _)| *known == kind).map(|(_, controller)| controller)
}

/// The workloads of a namespace that would adopt an orphaned pod.
fn adopters(state: &State, namespace: &str, pod: &Object) -> Vec<(Controller, Key)> {
    let selects = |workload: &Object| {
        let wanted = workload.at("/spec/selector").cloned().unwrap_or(Value::Null);
        serde_json::from_value::<LabelSelector>(wanted)
            .is_ok_and(|wanted| !labels::is_empty(&wanted) && labels::matches(&wanted, pod))
    };
    let owners = WORKLOADS.into_iter().filter(|(kind, _)| *kind != Kind::Deployment);
    owners
        .flat_map(|(kind, controller)| {
            let found = state.store.in_namespace(kind, namespace).filter(|(_, object)| selects(object));
            found.map(move |(key, _)| (controller, key.clone()))
        })
        .collect()
}

fn on_pod(state: &mut State, change: &Change) {
    // A ReplicaSet counts pods by phase and readiness: the noise of container statuses would not change what it does.
    let noise = !concerns_endpoints(change) && is_status_only(change);
    if !noise || !matches!(owner(&change.key, &change.new), Some((Controller::ReplicaSet, _))) {
        enqueue_owner(state, change);
    }
    let namespace = &change.key.namespace;
    if change.change == ChangeType::Deleted
        && let Some((Controller::ReplicaSet, set)) = owner(&change.key, &change.new)
        && let Some(set) = state.store.get(Kind::ReplicaSet, &set).cloned()
        && let Some((deployment, key)) = owner(&change.key, &set)
    {
        // A Recreate waits for the objects of the old pods to go.
        enqueue(state, deployment, key);
    }
    if change.new.controller_uid().is_none() && change.change != ChangeType::Deleted && !is_status_only(change) {
        for (controller, key) in adopters(state, namespace, &change.new) {
            enqueue(state, controller, key);
        }
    }
    if !concerns_endpoints(change) {
        return;
    }
    let mut selecting = index::selecting(state, namespace, &change.new);
    if let Some(old) = change.old.as_ref().filter(|old| metadata(old, "labels") != metadata(&change.new, "labels")) {
        selecting.extend(index::selecting(state, namespace, old));
    }
    for (kind, key) in selecting {
        let controller = if kind == Kind::Service { Controller::EndpointSlice } else { Controller::Disruption };
        enqueue(state, controller, key);
    }
}

/// Labels and taints decide which nodes a DaemonSet's pods belong on; heartbeats do not.
fn on_node(state: &mut State, change: &Change) {
    if is_status_only(change) {
        return;
    }
    let sets: Vec<Key> = state.store.all(Kind::DaemonSet).map(|(key, _)| key.clone()).collect();
    for key in sets {
        enqueue(state, Controller::DaemonSet, key);
    }
}

/// Enqueues the controller of an object, and the one before when it changed.
fn enqueue_owner(state: &mut State, change: &Change) {
    let new = owner(&change.key, &change.new);
    let old = change.old.as_ref().and_then(|old| owner(&change.key, old)).filter(|old| Some(old) != new.as_ref());
    for (controller, key) in new.into_iter().chain(old) {
        enqueue(state, controller, key);
    }
}

fn owner(key: &Key, object: &Object) -> Option<(Controller, Key)> {
    let owners = object.at("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))?;
    let kind = Kind::by_name(owner.get("apiVersion")?.as_str()?, owner.get("kind")?.as_str()?)?;
    Some((workload(kind)?, Key::new(key.namespace.clone(), owner.get("name")?.as_str()?)))
}

/// Whether nothing but the status changed: what a controller itself wrote is no reason to look again.
fn is_status_only(change: &Change) -> bool {
    let Some(old) = &change.old else { return false };
    if change.change == ChangeType::Deleted || old.value().get("spec") != change.new.value().get("spec") {
        return false;
    }
    ["labels", "annotations", "ownerReferences", "finalizers", "deletionTimestamp"]
        .iter()
        .all(|field| metadata(old, field) == metadata(&change.new, field))
}

fn metadata<'a>(object: &'a Object, field: &str) -> Option<&'a Value> {
    object.value().get("metadata")?.get(field)
}

/// Whether a change of a pod can matter to an endpoint or a budget: all but the noise of container statuses.
fn concerns_endpoints(change: &Change) -> bool {
    let Some(old) = change.old.as_ref().filter(|_| change.change != ChangeType::Deleted) else { return true };
    let new = &change.new;
    let plain = ["/metadata/labels", "/metadata/deletionTimestamp", "/status/phase", "/status/podIP", "/spec/nodeName"];
    ready(old) != ready(new) || plain.iter().any(|field| old.at(field) != new.at(field))
}

/// The status of a pod's condition `Ready`.
fn ready(pod: &Object) -> Option<&Value> {
    pod.condition("Ready")?.get("status")
}
