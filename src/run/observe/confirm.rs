//! Asks the API server itself what the watches should have shown: a watch can be dead without a word, and then nothing that
//! did not happen was observed. Adds two requests to a run, not one for each of its seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use crate::evidence::{Change, NodeSeen, some};

use super::super::calls;
use super::super::context::Context;
use super::{Feed, Picture, project};

/// What is on its way in a watch has come after this time.
const CATCH_UP: Duration = Duration::from_secs(2);

/// An object by its kind and its UID (pods) or name (nodes).
type Key = (&'static str, String);

/// What the API server says.
struct Asked {
    pods: Vec<Pod>,
    nodes: Vec<Node>,
}

/// Compares; what no watch has shown becomes part of the picture, and a gap that nothing recovers. Whether there was any.
pub(in crate::run) async fn confirm(context: &Context) -> bool {
    let asked = match ask(context).await {
        Ok(asked) => asked,
        Err(reason) => {
            let what = format!("whether the watches still showed everything could not be confirmed: {reason}");
            context.recorder.gap(what, false);
            return false;
        }
    };
    let truth = states(&asked);
    let first = context.board.look(|picture| shown(picture, &context.scenario.target.namespace));
    let differ: Vec<&Key> = truth.keys().chain(first.keys()).filter(|key| truth.get(*key) != first.get(*key)).collect();
    if differ.is_empty() {
        return false;
    }
    context.clock().sleep(CATCH_UP).await;
    let now = context.board.look(|picture| shown(picture, &context.scenario.target.namespace));
    let stale: Vec<&Key> = differ.into_iter().filter(|key| first.get(*key) == now.get(*key)).collect();
    if stale.is_empty() {
        return false;
    }
    let mut names: Vec<String> = stale.iter().map(|key| name(&asked, context, key)).collect();
    names.sort();
    names.dedup();
    let what = format!("the watches are dead: they did not show what became of {}", some(&names, 3));
    context.recorder.gap(what, false);
    learn(context, &asked, &stale);
    true
}

async fn ask(context: &Context) -> Result<Asked, String> {
    let nodes: Api<Node> = Api::all(context.client());
    let pods: Api<Pod> = Api::namespaced(context.client(), &context.scenario.target.namespace);
    let params = ListParams::default();
    let nodes = if crate::plan::watches_all_nodes(&context.scenario) {
        calls::patiently(context, "list nodes", || nodes.list(&params)).await.map(|list| list.items)
    } else {
        Ok(Vec::new())
    };
    let pods = calls::patiently(context, "list pods", || pods.list(&params)).await;
    match (nodes, pods) {
        (Ok(nodes), Ok(pods)) => Ok(Asked { pods: pods.items, nodes }),
        (Err(error), _) | (_, Err(error)) => Err(calls::text(&error)),
    }
}

fn states(asked: &Asked) -> BTreeMap<Key, String> {
    let pods = asked.pods.iter().map(|pod| (("pod", pod.uid().unwrap_or_default()), version(pod)));
    let nodes = asked.nodes.iter().map(|node| project::node(node, Change::Modified));
    pods.chain(nodes.map(|seen| (("node", seen.name.clone()), line(&seen)))).collect()
}

fn shown(picture: &Picture, namespace: &str) -> BTreeMap<Key, String> {
    let pods = picture.pods.iter().filter(|(_, state)| state.seen.namespace == namespace);
    let pods = pods.map(|(uid, state)| (("pod", uid.clone()), version(&state.pod)));
    let nodes = picture.nodes.values().filter(|_| picture.all_nodes());
    pods.chain(nodes.map(|seen| (("node", seen.name.clone()), line(seen)))).collect()
}

fn version(pod: &Pod) -> String {
    pod.resource_version().unwrap_or_default()
}

/// A node's state, however it was heard of.
fn line(seen: &NodeSeen) -> String {
    format!("{:?}", NodeSeen { change: Change::Modified, ..seen.clone() })
}

fn name(asked: &Asked, context: &Context, (kind, key): &Key) -> String {
    if *kind == "node" {
        return format!("node {key}");
    }
    let listed = asked.pods.iter().find(|pod| pod.uid().as_deref() == Some(key)).map(ResourceExt::name_any);
    let known = || context.board.look(|picture| picture.pods.get(key).map(|state| state.seen.name.clone()));
    format!("pod {}", listed.or_else(known).unwrap_or_default())
}

fn learn(context: &Context, asked: &Asked, stale: &[&Key]) {
    let is_stale = |kind: &'static str, key: &str| stale.iter().any(|(of, name)| *of == kind && name == key);
    Feed::of(context).take(|picture| {
        let mut seen = Vec::new();
        for node in asked.nodes.iter().filter(|node| is_stale("node", &node.name_any())) {
            seen.extend(picture.node(Change::Modified, node));
        }
        for pod in asked.pods.iter().filter(|pod| is_stale("pod", &pod.uid().unwrap_or_default())) {
            seen.extend(picture.pod(Change::Modified, pod.clone()));
        }
        for (_, uid) in stale.iter().filter(|(kind, _)| *kind == "pod") {
            if !asked.pods.iter().any(|pod| pod.uid().as_deref() == Some(uid)) {
                seen.extend(picture.pod_lost(uid));
            }
        }
        seen
    });
}
