//! The real scheduler and volume controller behind a real API server, in a control plane without nodes of its own
//! (`control-plane`). Everything that is created is deleted again.

use std::time::Duration;

use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::words;
use crate::worlds::{self, Places, Volumes};

/// Until informers have seen what was written.
const SEEN: Duration = Duration::from_millis(250);
const PODS: &str = "/api/v1/namespaces/default/pods";
const CLAIMS: &str = "/api/v1/namespaces/default/persistentvolumeclaims";
const VOLUMES: &str = "/api/v1/persistentvolumes";

/// A connection.
pub(crate) struct Real {
    client: kube::Client,
}

impl Real {
    /// Connects to a context of the kubeconfig, and makes the classes.
    pub(crate) async fn connect(context: &str) -> Result<Self, String> {
        let kubeconfig = Kubeconfig::read().map_err(|error| error.to_string())?;
        let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
        let config =
            kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| error.to_string())?;
        let real = Self { client: kube::Client::try_from(config).map_err(|error| error.to_string())? };
        let (_, nodes) = real.send("GET", "/api/v1/nodes", &Value::Null).await?;
        if nodes["items"].as_array().is_some_and(|nodes| !nodes.is_empty()) {
            return Err("this cluster has nodes of its own: use a control plane without any".to_owned());
        }
        for class in worlds::priority_classes() {
            real.send("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", &class).await?;
        }
        for class in worlds::storage_classes() {
            real.send("POST", "/apis/storage.k8s.io/v1/storageclasses", &class).await?;
        }
        Ok(real)
    }

    /// What becomes of each newcomer of a world.
    pub(crate) async fn place(&self, world: &Places) -> Result<Vec<String>, String> {
        for node in &world.nodes {
            let path = format!("/api/v1/nodes/{}", name(node));
            self.send("POST", "/api/v1/nodes", node).await?;
            // Admission has tainted it as not ready.
            let (_, mut known) = self.send("GET", &path, &Value::Null).await?;
            known["spec"]["taints"] = node["spec"]["taints"].clone();
            self.send("PUT", &path, &known).await?;
            let (_, mut known) = self.send("GET", &path, &Value::Null).await?;
            known["status"] = node["status"].clone();
            self.send("PUT", &format!("{path}/status"), &known).await?;
        }
        let mut outcomes = Vec::new();
        self.stand(world).await?;
        for newcomer in &world.newcomers {
            let (outcome, spoiled) = self.ask(newcomer).await?;
            outcomes.push(outcome);
            if spoiled {
                self.clear(PODS).await?;
                self.stand(world).await?;
            }
        }
        self.clear(PODS).await?;
        self.clear("/api/v1/nodes").await?;
        tokio::time::sleep(SEEN).await;
        Ok(outcomes)
    }

    /// Creates the pods that stand on nodes.
    async fn stand(&self, world: &Places) -> Result<(), String> {
        for pod in &world.placed {
            self.send("POST", PODS, pod).await?;
            let path = format!("{PODS}/{}", name(pod));
            let (_, mut known) = self.send("GET", &path, &Value::Null).await?;
            known["status"]["phase"] = pod["status"]["phase"].clone();
            known["status"]["startTime"] = pod["status"]["startTime"].clone();
            self.send("PUT", &format!("{path}/status"), &known).await?;
        }
        tokio::time::sleep(SEEN).await;
        Ok(())
    }

    /// The outcome of one newcomer, and whether the world is no longer what it was.
    async fn ask(&self, newcomer: &Value) -> Result<(String, bool), String> {
        let (code, _) = self.send("POST", PODS, newcomer).await?;
        if code >= 400 {
            return Ok(("refused".to_owned(), false));
        }
        let path = format!("{PODS}/{}", name(newcomer));
        let mut outcome = None;
        for _ in 0..400 {
            let (_, pod) = self.send("GET", &path, &Value::Null).await?;
            if let Some(decided) = words::outcome(&pod, &[]) {
                outcome = Some(decided);
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let Some(mut decided) = outcome else { return Ok(("nothing".to_owned(), true)) };
        let mut spoiled = false;
        if decided != "scheduled" && !decided.contains("preemption:") {
            // Pods are being ended for it: who, is known a moment later.
            tokio::time::sleep(Duration::from_millis(600)).await;
            let (_, pod) = self.send("GET", &path, &Value::Null).await?;
            let (_, all) = self.send("GET", PODS, &Value::Null).await?;
            let ending = all["items"].as_array().into_iter().flatten();
            let ending = ending.filter(|pod| pod["metadata"]["deletionTimestamp"].is_string());
            let mut ended: Vec<_> = ending.map(|pod| name(pod).to_owned()).collect();
            ended.sort();
            decided = words::outcome(&pod, &ended).unwrap_or(decided);
            spoiled = true;
        }
        self.delete(&path).await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok((decided, spoiled))
    }

    /// What becomes of the claims and volumes of a world.
    pub(crate) async fn bind(&self, world: &Volumes) -> Result<String, String> {
        for volume in &world.volumes {
            let (code, answer) = self.send("POST", VOLUMES, volume).await?;
            if code >= 400 {
                return Err(format!("a volume was refused: {}", answer["message"]));
            }
        }
        tokio::time::sleep(SEEN).await;
        for claim in &world.claims {
            self.send("POST", CLAIMS, claim).await?;
            tokio::time::sleep(SEEN).await;
        }
        let mut found = Vec::new();
        for (objects, path) in [(&world.volumes, VOLUMES), (&world.claims, CLAIMS)] {
            for object in objects {
                let (_, known) = self.send("GET", &format!("{path}/{}", name(object)), &Value::Null).await?;
                found.push((name(object).to_owned(), known));
            }
        }
        let outcome = words::bindings(&found);
        for (objects, path) in [(&world.claims, CLAIMS), (&world.volumes, VOLUMES)] {
            for object in objects {
                let path = format!("{path}/{}", name(object));
                self.delete(&path).await?;
                let unheld = json!({ "metadata": { "finalizers": null } });
                self.patch(&path, &unheld).await?;
            }
        }
        Ok(outcome)
    }

    async fn clear(&self, path: &str) -> Result<(), String> {
        let (_, all) = self.send("GET", path, &Value::Null).await?;
        for object in all["items"].as_array().into_iter().flatten() {
            self.delete(&format!("{path}/{}", name(object))).await?;
        }
        Ok(())
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
