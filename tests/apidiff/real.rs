//! The real API server: asks it, by dry run, what it makes of an object, and reads its schema. Writes nothing but the
//! namespace in which it asks and the kinds of our own.

use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::ask::{Answer, DEFINITIONS, Question};
use crate::seeds;

/// How often is asked whether a defined kind is served, once in half a second.
const LOOKS: usize = 120;

/// How often a question is asked that breaks off.
const TRIES: usize = 3;

/// Where objects are asked for.
pub(crate) const NAMESPACE: &str = "apidiff";

/// A connection.
pub(crate) struct Real {
    client: kube::Client,
}

impl Real {
    /// Connects to the context, and makes the namespace and its account.
    pub(crate) async fn connect(context: &str) -> Result<Self, String> {
        let kubeconfig = Kubeconfig::read().map_err(|error| error.to_string())?;
        let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
        let config =
            kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| error.to_string())?;
        let client = kube::Client::try_from(config).map_err(|error| error.to_string())?;
        let real = Self { client };
        let named = |kind: &str, name: &str| json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": name } });
        real.send("POST", "/api/v1/namespaces", "application/json", &named("Namespace", NAMESPACE)).await?;
        let accounts = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts");
        real.send("POST", &accounts, "application/json", &named("ServiceAccount", "default")).await?;
        for definition in seeds::definitions() {
            real.send("POST", DEFINITIONS, "application/json", &definition).await?;
        }
        real.served("/apis/apidiff.example.com/v1/sites").await?;
        real.served(&format!("/apis/apidiff.example.com/v1/namespaces/{NAMESPACE}/ledgers")).await?;
        Ok(real)
    }

    /// Waits until a collection is there.
    async fn served(&self, target: &str) -> Result<(), String> {
        for _ in 0..LOOKS {
            if self.send("GET", target, "application/json", &Value::Null).await?.0 == 200 {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
        Err(format!("{target} is not served"))
    }

    /// What it says to an object; 500 when it breaks off each time.
    pub(crate) async fn ask(&self, question: &Question) -> Answer {
        let mut wrong = String::new();
        for _ in 0..TRIES {
            match self.send(question.method(), &question.target(), question.content_type(), &question.object).await {
                Ok((code, body)) => return Answer::new(code, &body),
                Err(error) => wrong = error,
            }
        }
        // It panics over some definitions, and drops the connection.
        Answer::new(500, &json!({ "message": wrong }))
    }

    /// The schemas of all its kinds, by the name of their type.
    pub(crate) async fn schemas(&self) -> Result<serde_json::Map<String, Value>, String> {
        let (_, index) = self.send("GET", "/openapi/v3", "application/json", &Value::Null).await?;
        let mut schemas = serde_json::Map::new();
        for (path, entry) in index["paths"].as_object().into_iter().flatten() {
            if path.matches('/').count() < 1 || path.contains("apiextensions") && path.contains("beta") {
                continue;
            }
            let Some(address) = entry["serverRelativeURL"].as_str() else { continue };
            let (_, document) = self.send("GET", address, "application/json", &Value::Null).await?;
            for (name, schema) in
                document.pointer("/components/schemas").and_then(Value::as_object).into_iter().flatten()
            {
                schemas.insert(name.clone(), schema.clone());
            }
        }
        Ok(schemas)
    }

    async fn send(&self, method: &str, target: &str, content_type: &str, body: &Value) -> Result<(u16, Value), String> {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = http::Request::builder().method(method).uri(target).header("content-type", content_type);
        let request = request.body(Body::from(bytes)).map_err(|error| error.to_string())?;
        let answer = self.client.send(request).await.map_err(|error| format!("{method} {target}: {error}"))?;
        let code = answer.status().as_u16();
        let bytes = answer.into_body().collect_bytes().await.map_err(|error| error.to_string())?;
        Ok((code, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }
}
