//! The real API server: asks it, by dry run, what it makes of an object, and reads its schema. Writes nothing but the
//! namespace in which it asks.

use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::ask::{Answer, Question};

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
        Ok(real)
    }

    /// What it says to an object.
    pub(crate) async fn ask(&self, question: &Question) -> Result<Answer, String> {
        let (code, body) =
            self.send(question.method(), &question.target(), question.content_type(), &question.object).await?;
        Ok(Answer::new(code, &body))
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
