//! Asks the API server itself what the watches should have shown: a watch can be dead without a word, and then nothing that
//! did not happen was observed. Adds two requests to a run, not one for each of its seconds.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt;
use kube::api::{Api, ListParams, ObjectList};

use crate::evidence::{Change, some};

use super::super::calls;
use super::super::context::Context;
use super::Feed;
use super::newest::{Listed, Missed};

/// What is on its way in a watch has come after this time.
const CATCH_UP: Duration = Duration::from_secs(2);

/// What the API server says.
struct Asked {
    pods: ObjectList<Pod>,
    /// Absent where not every node is watched.
    nodes: Option<ObjectList<Node>>,
}

/// What it says and no watch has shown.
#[derive(Debug, PartialEq, Eq)]
struct Unseen {
    pods: Vec<Missed>,
    nodes: Vec<Missed>,
}

/// Compares; what no watch has shown becomes part of the picture, and a gap that nothing recovers. Whether there was any.
///
/// While the list is on its way the watches go on: what they show beyond it is newer, and only what they have not come to
/// is missed.
pub(in crate::run) async fn confirm(context: &Context) -> bool {
    let asked = match ask(context).await {
        Ok(asked) => asked,
        Err(reason) => {
            let what = format!("whether the watches still showed everything could not be confirmed: {reason}");
            context.recorder.gap(what, false);
            return false;
        }
    };
    if unseen(context, &asked).is_none() {
        return false;
    }
    context.clock().sleep(CATCH_UP).await;
    let Some(unseen) = unseen(context, &asked) else { return false };
    let pods = unseen.pods.iter().map(|missed| format!("pod {}", missed.name));
    let mut names: Vec<String> =
        pods.chain(unseen.nodes.iter().map(|missed| format!("node {}", missed.name))).collect();
    names.sort();
    names.dedup();
    let what = format!("the watches are dead: they did not show what became of {}", some(&names, 3));
    context.recorder.gap(what, false);
    learn(context, &asked, &unseen);
    true
}

async fn ask(context: &Context) -> Result<Asked, String> {
    let nodes: Api<Node> = Api::all(context.client());
    let pods: Api<Pod> = Api::namespaced(context.client(), &context.scenario.target.namespace);
    let params = ListParams::default();
    let nodes = if crate::plan::watches_all_nodes(&context.scenario) {
        calls::patiently(context, "list nodes", || nodes.list(&params)).await.map(Some)
    } else {
        Ok(None)
    };
    let pods = calls::patiently(context, "list pods", || pods.list(&params)).await;
    match (nodes, pods) {
        (Ok(nodes), Ok(pods)) => Ok(Asked { pods, nodes }),
        (Err(error), _) | (_, Err(error)) => Err(calls::text(&error)),
    }
}

/// What the lists know beyond the watches at this moment; none when that is nothing.
fn unseen(context: &Context, asked: &Asked) -> Option<Unseen> {
    let pods = listed(&asked.pods, &context.scenario.target.namespace);
    let nodes = asked.nodes.as_ref().map(|nodes| listed(nodes, ""));
    let unseen = context.board.look(|picture| Unseen {
        pods: picture.newest_pods.missed(&pods),
        nodes: nodes.map(|nodes| picture.newest_nodes.missed(&nodes)).unwrap_or_default(),
    });
    (!unseen.pods.is_empty() || !unseen.nodes.is_empty()).then_some(unseen)
}

fn listed<K: ResourceExt + Clone>(list: &ObjectList<K>, namespace: &str) -> Listed {
    let object = |object: &K| {
        let version = object.resource_version().unwrap_or_default();
        (object.uid().unwrap_or_default(), (object.name_any(), version))
    };
    Listed {
        version: list.metadata.resource_version.clone().unwrap_or_default(),
        namespace: namespace.to_owned(),
        objects: list.items.iter().map(object).collect(),
    }
}

fn learn(context: &Context, asked: &Asked, unseen: &Unseen) {
    Feed::of(context).take(|picture| {
        let mut seen = Vec::new();
        for missed in &unseen.nodes {
            match asked.nodes.iter().flatten().find(|node| node.uid().as_ref() == Some(&missed.uid)) {
                Some(node) => seen.extend(picture.node(Change::Modified, node)),
                None => seen.extend(picture.node_lost(&missed.uid, &missed.name)),
            }
        }
        for missed in &unseen.pods {
            match asked.pods.iter().find(|pod| pod.uid().as_ref() == Some(&missed.uid)) {
                Some(pod) => seen.extend(picture.pod(Change::Modified, pod.clone())),
                None => seen.extend(picture.pod_lost(&missed.uid)),
            }
        }
        seen
    });
}
