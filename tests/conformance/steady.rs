//! When a namespace and the nodes are steady: everything that was asked for is there and ready. Waits, with a deadline.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::objects::list;

/// How often it looks.
const PERIOD: Duration = Duration::from_millis(200);
/// How long a namespace may take to become ready, or to go.
const DEADLINE: Duration = Duration::from_secs(120);
/// How long it is left alone before it is disturbed.
const SETTLE: Duration = Duration::from_millis(2500);

fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

fn is_true(object: &Value, kind: &str) -> bool {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| condition["type"] == kind && condition["status"] == "True")
}

/// What is missing in a namespace; `None` when nothing is.
async fn missing(client: &kube::Client, namespace: &str) -> Result<Option<String>, String> {
    for (kind, wanted, ready) in [
        ("Deployment", "/spec/replicas", "/status/readyReplicas"),
        ("StatefulSet", "/spec/replicas", "/status/readyReplicas"),
        ("DaemonSet", "/status/desiredNumberScheduled", "/status/numberReady"),
    ] {
        for object in list(client, "apps/v1", kind, Some(namespace)).await? {
            let (wanted, ready) = (count(&object, wanted), count(&object, ready));
            let current = count(&object, "/metadata/generation") == count(&object, "/status/observedGeneration");
            if !current || wanted == 0 || ready != wanted {
                return Ok(Some(format!("{kind} {}: {ready} of {wanted} ready", object["metadata"]["name"])));
            }
        }
    }
    let pods = list(client, "v1", "Pod", Some(namespace)).await?;
    for pod in &pods {
        if !is_true(pod, "Ready") || pod.pointer("/metadata/deletionTimestamp").is_some() {
            return Ok(Some(format!("Pod {} is not ready", pod["metadata"]["name"])));
        }
    }
    endpoints(client, namespace, &pods).await
}

async fn endpoints(client: &kube::Client, namespace: &str, pods: &[Value]) -> Result<Option<String>, String> {
    let slices = list(client, "discovery.k8s.io/v1", "EndpointSlice", Some(namespace)).await?;
    for service in list(client, "v1", "Service", Some(namespace)).await? {
        let name = &service["metadata"]["name"];
        let app = &service["spec"]["selector"]["app"];
        let wanted = pods.iter().filter(|pod| pod["metadata"]["labels"]["app"] == *app).count();
        let own = slices.iter().filter(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == *name);
        let all = own.filter_map(|slice| slice["endpoints"].as_array()).flatten();
        let ready = all.filter(|endpoint| endpoint["conditions"]["ready"] == true).count();
        if ready != wanted {
            return Ok(Some(format!("Service {name}: {ready} of {wanted} endpoints ready")));
        }
    }
    Ok(None)
}

/// What is wrong with the nodes; `None` when nothing is.
async fn ailing(client: &kube::Client) -> Result<Option<String>, String> {
    let nodes = list(client, "v1", "Node", None).await?;
    if nodes.len() < 3 {
        return Ok(Some(format!("{} of 3 nodes", nodes.len())));
    }
    let ill = nodes.iter().find(|node| {
        let tainted = node.pointer("/spec/taints").and_then(Value::as_array).is_some_and(|taints| !taints.is_empty());
        !is_true(node, "Ready") || tainted || node.pointer("/spec/unschedulable") == Some(&Value::Bool(true))
    });
    Ok(ill.map(|node| format!("Node {} is not well", node["metadata"]["name"])))
}

/// Waits until every node is ready and free of taints.
pub(crate) async fn nodes(client: &kube::Client) -> Result<(), String> {
    wait(async || ailing(client).await).await
}

/// Waits until a namespace is complete, and some more.
pub(crate) async fn namespace(client: &kube::Client, namespace: &str) -> Result<(), String> {
    wait(async || missing(client, namespace).await).await?;
    sleep(SETTLE).await;
    Ok(())
}

/// Waits until a namespace is gone.
pub(crate) async fn gone(client: &kube::Client, namespace: &str) -> Result<(), String> {
    wait(async || {
        let all = list(client, "v1", "Namespace", None).await?;
        let left = all.iter().any(|known| known["metadata"]["name"] == namespace);
        Ok(left.then(|| format!("namespace {namespace} is still there")))
    })
    .await
}

/// Waits until nothing is missing. What the API cannot say now is asked again.
async fn wait(missing: impl AsyncFn() -> Result<Option<String>, String>) -> Result<(), String> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let why = match missing().await {
            Ok(None) => return Ok(()),
            Ok(Some(why)) | Err(why) => why,
        };
        if Instant::now() > deadline {
            return Err(format!("not steady after {} s: {why}", DEADLINE.as_secs()));
        }
        sleep(PERIOD).await;
    }
}
