//! `ServiceAccount`: a pod runs under an account that exists (`plugin/pkg/admission/serviceaccount`). The token's volume is
//! left out: nothing here reads it.

use serde_json::{Value, json};

use crate::api::error::ApiError;
use crate::{Key, Kind, State};

/// Made by a controller in every namespace; the real plugin waits for it.
const DEFAULT: &str = "default";

impl State {
    /// Refuses a pod whose account is not there, and gives it the account's pull secrets when it has none of its own.
    pub(super) fn account(&self, key: &Key, pod: &mut Value) -> Result<(), ApiError> {
        let mirror =
            pod.pointer("/metadata/annotations").is_some_and(|all| all.get("kubernetes.io/config.mirror").is_some());
        if mirror {
            return Ok(());
        }
        let name = pod.pointer("/spec/serviceAccountName").and_then(Value::as_str).unwrap_or(DEFAULT).to_owned();
        let Some(account) = self.store.find(Kind::ServiceAccount, &key.namespace, &name) else {
            if name == DEFAULT {
                return Ok(());
            }
            let why = format!(
                "error looking up service account {}/{name}: serviceaccount \"{name}\" not found",
                key.namespace
            );
            return Err(ApiError::forbidden(Kind::Pod, key, &why));
        };
        let none = pod.pointer("/spec/imagePullSecrets").and_then(Value::as_array).is_none_or(Vec::is_empty);
        if none && let Some(secrets) = account.value().get("imagePullSecrets").filter(|secrets| secrets != &&json!([]))
        {
            pod["spec"]["imagePullSecrets"] = secrets.clone();
        }
        Ok(())
    }
}
