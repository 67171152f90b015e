//! The real scheduler and volume controller behind a real API server, in a control plane without nodes of its own
//! (`control-plane`). Everything that is created is deleted again.

mod bind;
mod consume;
mod place;

use std::time::Duration;

use futures::StreamExt;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::worlds;

/// Between two looks at what became of an object.
const GLANCE: Duration = Duration::from_millis(5);
/// How many requests are under way at once.
const AT_ONCE: usize = 24;
const NODES: &str = "/api/v1/nodes";
const PODS: &str = "/api/v1/namespaces/default/pods";
const CLAIMS: &str = "/api/v1/namespaces/default/persistentvolumeclaims";
const VOLUMES: &str = "/api/v1/persistentvolumes";
const CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";

/// A connection.
pub(crate) struct Real {
    client: kube::Client,
}

impl Real {
    /// Connects to a context of the kubeconfig, and makes the classes of priority.
    pub(crate) async fn connect(context: &str) -> Result<Self, String> {
        let kubeconfig = Kubeconfig::read().map_err(|error| error.to_string())?;
        let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
        let config =
            kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| error.to_string())?;
        let real = Self { client: kube::Client::try_from(config).map_err(|error| error.to_string())? };
        if !real.list(NODES).await?.is_empty() {
            return Err("this cluster has nodes of its own: use a control plane without any".to_owned());
        }
        for class in worlds::priority_classes() {
            real.send("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", &class).await?;
        }
        Ok(real)
    }

    /// Creates nodes that are ready, with the taints that they were drawn with.
    async fn create_nodes(&self, nodes: &[Value]) -> Result<(), String> {
        for node in nodes {
            let path = of(NODES, node);
            self.send("POST", NODES, node).await?;
            // Admission has tainted it as not ready.
            let (_, mut known) = self.send("GET", &path, &Value::Null).await?;
            known["spec"]["taints"] = node["spec"]["taints"].clone();
            self.send("PUT", &path, &known).await?;
            let (_, mut known) = self.send("GET", &path, &Value::Null).await?;
            known["status"] = node["status"].clone();
            self.send("PUT", &format!("{path}/status"), &known).await?;
        }
        Ok(())
    }

    /// Creates a pod that stands on its node, with the status that it was drawn with.
    async fn create_placed(&self, pod: &Value) -> Result<(), String> {
        self.send("POST", PODS, pod).await?;
        let path = of(PODS, pod);
        let (_, mut known) = self.send("GET", &path, &Value::Null).await?;
        known["status"]["phase"] = pod["status"]["phase"].clone();
        known["status"]["startTime"] = pod["status"]["startTime"].clone();
        self.send("PUT", &format!("{path}/status"), &known).await.map(drop)
    }

    /// Creates many; one that is refused is an error.
    async fn create_all<'a>(&self, path: &str, objects: impl Iterator<Item = &'a Value>) -> Result<(), String> {
        let requests = objects.map(|object| async move {
            match self.send("POST", path, object).await? {
                (code, answer) if code >= 400 => Err(format!("create {}: {}", of(path, object), answer["message"])),
                _ => Ok(()),
            }
        });
        let answers: Vec<_> = futures::stream::iter(requests).buffered(AT_ONCE).collect().await;
        answers.into_iter().collect()
    }

    /// Deletes everything of a kind, also what holds on to itself.
    async fn clear(&self, path: &str) -> Result<(), String> {
        let all = self.list(path).await?;
        let requests = all.iter().map(|object| async move {
            let path = of(path, object);
            self.delete(&path).await?;
            if object["metadata"]["finalizers"].is_array() {
                self.patch(&path, &json!({ "metadata": { "finalizers": null } })).await?;
            }
            Ok(())
        });
        let answers: Vec<_> = futures::stream::iter(requests).buffered(AT_ONCE).collect().await;
        answers.into_iter().collect()
    }

    async fn list(&self, path: &str) -> Result<Vec<Value>, String> {
        let (_, mut all) = self.send("GET", path, &Value::Null).await?;
        Ok(all["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    async fn delete(&self, path: &str) -> Result<(), String> {
        let now = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0 });
        self.send("DELETE", path, &now).await.map(drop)
    }

    async fn patch(&self, path: &str, patch: &Value) -> Result<(), String> {
        self.exchange("PATCH", path, "application/merge-patch+json", patch).await.map(drop)
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Result<(u16, Value), String> {
        self.exchange(method, path, "application/json", body).await
    }

    async fn exchange(&self, method: &str, path: &str, kind: &str, body: &Value) -> Result<(u16, Value), String> {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = http::Request::builder().method(method).uri(path).header("content-type", kind);
        let request = request.body(Body::from(bytes)).map_err(|error| error.to_string())?;
        let answer = self.client.send(request).await.map_err(|error| format!("{method} {path}: {error}"))?;
        let code = answer.status().as_u16();
        let bytes = answer.into_body().collect_bytes().await.map_err(|error| format!("{method} {path}: {error}"))?;
        Ok((code, serde_json::from_slice(&bytes).unwrap_or_default()))
    }
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// The path of an object of a kind.
fn of(path: &str, object: &Value) -> String {
    format!("{path}/{}", name(object))
}
