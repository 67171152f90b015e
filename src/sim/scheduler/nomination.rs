//! Pods that wait for the room that was made for them: nobody of the same or a lower priority may take it meanwhile.
//! Never makes the room: that is `preemption`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::cache::PodInfo;
use crate::{Key, Kind, State};

/// Nominated pods with their nodes (`nominator`).
#[derive(Debug, Default)]
pub(super) struct Nominations(BTreeMap<Key, (String, Arc<PodInfo>)>);

impl Nominations {
    /// The node that a pod waits for.
    pub(super) fn node_of(&self, key: &Key) -> Option<&str> {
        self.0.get(key).map(|(node, _)| node.as_str())
    }

    /// The other pods of at least a priority that wait for a node.
    pub(super) fn ahead_of<'a>(&'a self, pod: &'a PodInfo, node: &'a str) -> impl Iterator<Item = &'a Arc<PodInfo>> {
        let all = self.0.iter().filter(move |(key, (on, _))| on == node && **key != pod.key);
        all.map(|(_, (_, other))| other).filter(|other| other.priority() >= pod.priority())
    }

    /// Forgets a pod that is placed or gone. True when it had a node.
    pub(super) fn forget(&mut self, key: &Key) -> bool {
        self.0.remove(key).is_some()
    }
}

/// Notes the node that a pod waits for.
pub(super) fn set(state: &mut State, pod: &Arc<PodInfo>, node: &str) {
    state.scheduler.nominations.0.insert(pod.key.clone(), (node.to_owned(), pod.clone()));
    write(state, &pod.key, Some(node));
}

/// A pod waits for no node any more.
pub(super) fn clear(state: &mut State, key: &Key) {
    if state.scheduler.nominations.forget(key) {
        write(state, key, None);
    }
}

/// Lower pods that waited for a node have to look for another one.
pub(super) fn clear_lower(state: &mut State, node: &str, priority: i32) {
    let all = state.scheduler.nominations.0.iter();
    let lower: Vec<Key> =
        all.filter(|(_, (on, pod))| on == node && pod.priority() < priority).map(|(key, _)| key.clone()).collect();
    for key in lower {
        clear(state, &key);
    }
}

fn write(state: &mut State, key: &Key, node: Option<&str>) {
    // A pod that is gone waits for nothing.
    drop(state.modify_value(Kind::Pod, key, |pod| match node {
        Some(node) => pod["status"]["nominatedNodeName"] = json!(node),
        None => {
            if let Some(status) = pod.get_mut("status").and_then(Value::as_object_mut) {
                status.remove("nominatedNodeName");
            }
        }
    }));
}
