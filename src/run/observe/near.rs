//! Reads the nodes on which watched pods are, one by one, where no fault takes nodes: what a run reads must not grow with
//! the cluster. A node is read when the first pod is seen on it, and again
//! whenever a pod on it stops being Ready, or is Ready again after its node was not.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt;
use kube::api::Api;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::evidence::{Change, Seen};

use super::super::calls;
use super::super::context::Context;
use super::{Feed, Picture};

/// Asks for nodes to be read; each watch of pods has one.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    to: mpsc::UnboundedSender<String>,
    known: BTreeSet<String>,
    /// Whether a pod was Ready when it was seen last, by UID.
    ready: BTreeMap<String, bool>,
}

impl Asker {
    /// Takes in what a watch has shown of pods, and asks for their nodes where that says something new.
    pub(super) fn pods(&mut self, seen: &[Seen], picture: &Picture) {
        for seen in seen {
            let Seen::Pod(pod) = seen else { continue };
            if pod.node.is_empty() || pod.change == Change::Deleted {
                self.ready.remove(&pod.uid);
                continue;
            }
            let was_ready = self.ready.insert(pod.uid.clone(), pod.ready).unwrap_or_default();
            let is_new = self.known.insert(pod.node.clone());
            let failed = was_ready && !pod.ready && pod.deletion.is_empty();
            let node_failed = || picture.nodes.get(&pod.node).is_some_and(|node| node.ready != "True");
            if is_new || failed || (pod.ready && !was_ready && node_failed()) {
                let _ = self.to.send(pod.node.clone());
            }
        }
    }
}

/// Begins to read what is asked for; nothing when the run may not read nodes.
pub(super) fn start(context: &Context, tasks: &mut JoinSet<()>) -> Option<Asker> {
    if context.unreadable.contains("nodes") {
        return None;
    }
    let (to, mut asked) = mpsc::unbounded_channel::<String>();
    let context = context.clone();
    tasks.spawn(async move {
        let api: Api<Node> = Api::all(context.client());
        let feed = Feed::of(&context);
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        while let Some(name) = asked.recv().await {
            match calls::patiently(&context, &format!("get node {name}"), || api.get_opt(&name)).await {
                Ok(Some(node)) => {
                    let before = known.insert(name, node.uid().unwrap_or_default());
                    let change = if before.is_none() { Change::Initial } else { Change::Modified };
                    feed.take(|picture| picture.node(change, &node));
                }
                Ok(None) => {
                    if let Some(uid) = known.remove(&name) {
                        feed.take(|picture| picture.node_lost(&uid, &name));
                    }
                }
                Err(error) => feed.gap(format!("node {name} could not be read: {}", calls::text(&error)), true),
            }
        }
    });
    Some(Asker { to, known: BTreeSet::new(), ready: BTreeMap::new() })
}
