//! One sync of a DaemonSet: for each node, whether its pod is missing, to stay, or to go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetSpec};
use k8s_openapi::api::core::v1::{Node, PodSpec};
use serde_json::{Value, json};

use super::eligible::{Place, judge};
use super::{pods, status, update};
use crate::controllers::queue::{self, TryAgain};
use crate::controllers::{Controller, control, history, pod};
use crate::labels;
use crate::{Key, Kind, Object, State};

/// How long a failed daemon pod is left before it is deleted; the real one backs off from 1 s to 15 min.
const FAILED_BACKOFF: Duration = Duration::from_secs(1);

/// A DaemonSet in the middle of a sync.
pub(super) struct Set {
    pub(super) key: Key,
    pub(super) object: Arc<Object>,
    /// The template with the automatic tolerations.
    pub(super) template: Value,
    /// Hash of the present template's revision.
    pub(super) hash: String,
    pub(super) collisions: Option<i32>,
    /// What shall become of the pod of each node.
    pub(super) places: BTreeMap<String, Place>,
}

impl Set {
    pub(super) fn spec(&self) -> Option<&DaemonSetSpec> {
        self.object.typed::<DaemonSet>().spec.as_ref()
    }

    pub(super) fn min_ready_seconds(&self) -> i32 {
        self.spec().and_then(|spec| spec.min_ready_seconds).unwrap_or(0)
    }

    /// The set's pods by node.
    pub(super) fn by_node(&self, state: &State) -> BTreeMap<String, Vec<Arc<Object>>> {
        let owned = state.store.owned_by(self.object.uid()).filter(|(kind, ..)| *kind == Kind::Pod);
        pods::by_node(owned.map(|(_, _, pod)| pod.clone()).collect())
    }
}

/// Reconciles one DaemonSet.
pub(in crate::controllers) fn sync(state: &mut State, key: &Key) -> Result<(), TryAgain> {
    let Some(object) = state.store.get(Kind::DaemonSet, key).cloned() else { return Ok(()) };
    let typed = object.typed::<DaemonSet>();
    let Some(spec) = typed.spec.as_ref() else { return Ok(()) };
    if labels::is_empty(&spec.selector) || object.is_terminating() {
        return Ok(());
    }
    control::claim_pods(state, Kind::DaemonSet, &object, &spec.selector, |_| true);
    let mut collisions = typed.status.as_ref().and_then(|status| status.collision_count);
    let revision = history::ensure(state, Kind::DaemonSet, &object, &mut collisions);
    let Ok(revision) = revision else {
        let _ = state.modify_value(Kind::DaemonSet, key, |value| value["status"]["collisionCount"] = json!(collisions));
        return Err(TryAgain);
    };
    let template = pods::tolerant(object.at("/spec/template").unwrap_or(&Value::Null));
    let places = places(state, &template);
    let hash = history::hash_of(&revision).to_owned();
    let set = Set { key: key.clone(), object: object.clone(), template, hash, collisions, places };
    let outcome = manage(state, &set);
    update::roll(state, &set);
    status::store(state, &set);
    outcome
}

fn places(state: &State, template: &Value) -> BTreeMap<String, Place> {
    let spec = template.get("spec").cloned().unwrap_or(Value::Null);
    let Ok(spec) = serde_json::from_value::<PodSpec>(spec) else { return BTreeMap::new() };
    let nodes = state.store.all(Kind::Node);
    nodes.map(|(key, node)| (key.name.clone(), judge(&spec, node.typed::<Node>()))).collect()
}

fn manage(state: &mut State, set: &Set) -> Result<(), TryAgain> {
    let mut by_node = set.by_node(state);
    let mut outcome = Ok(());
    for (node, place) in &set.places {
        let pods = by_node.remove(node).unwrap_or_default();
        match place {
            // A pod that still ends holds the place: two daemons on a node would fight over it.
            Place::Run if pods.is_empty() => outcome = create(state, set, node).and(outcome),
            Place::Run | Place::Stay => thin_out(state, set, node, &pods),
            Place::Leave => delete_all(state, set, &pods),
        }
    }
    // Pods that wait for a node that is no more; bound ones are the pod garbage collector's.
    for pods in by_node.values() {
        let waiting: Vec<_> = pods.iter().filter(|pod| pod.text("/spec/nodeName").is_empty()).cloned().collect();
        delete_all(state, set, &waiting);
    }
    outcome
}

/// Makes the pod of a node.
pub(super) fn create(state: &mut State, set: &Set, node: &str) -> Result<(), TryAgain> {
    let pod = pods::build(&set.object, &set.template, &set.hash, node);
    control::create_pod(state, Kind::DaemonSet, &set.key, pod).map(drop).map_err(|_| TryAgain)
}

fn delete_all(state: &mut State, set: &Set, pods: &[Arc<Object>]) {
    for pod in pods.iter().filter(|pod| !pod.is_terminating()) {
        control::delete_pod(state, Kind::DaemonSet, &set.key, pod);
    }
}

/// Deletes pods that ended, and all but the oldest of those that run; a surge may leave two of different revisions.
fn thin_out(state: &mut State, set: &Set, node: &str, pods: &[Arc<Object>]) {
    let mut running: Vec<&Arc<Object>> = Vec::new();
    for pod in pods.iter().filter(|pod| !pod.is_terminating()) {
        if pod::is_finished(pod) {
            delete_ended(state, set, node, pod);
        } else {
            running.push(pod);
        }
    }
    if update::surge(set) == 0 {
        for pod in running.into_iter().skip(1) {
            control::delete_pod(state, Kind::DaemonSet, &set.key, pod);
        }
    }
}

fn delete_ended(state: &mut State, set: &Set, node: &str, pod: &Object) {
    let failed = pod::phase(pod) == "Failed";
    let age = pod::created_at(pod).map_or(i64::MAX, |since| state.timestamp().as_second() - since.as_second());
    if failed && age < 1 {
        queue::enqueue_after(state, Controller::DaemonSet, set.key.clone(), FAILED_BACKOFF);
        return;
    }
    let name = format!("{}/{}", set.key.namespace, pod.text("/metadata/name"));
    let (event_type, reason, message) = if failed {
        ("Warning", "FailedDaemonPod", format!("Found failed daemon pod {name} on node {node}, will try to kill it"))
    } else {
        (
            "Normal",
            "SucceededDaemonPod",
            format!("Found succeeded daemon pod {name} on node {node}, will try to delete it"),
        )
    };
    control::record(state, Kind::DaemonSet, &set.key, event_type, reason, &message);
    control::delete_pod(state, Kind::DaemonSet, &set.key, pod);
}
