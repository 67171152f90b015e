//! `RuntimeClass`: a pod's class exists, and brings its overhead and its nodes along (`plugin/pkg/admission/runtimeclass`).

use serde_json::{Value, json};

use crate::api::error::ApiError;
use crate::{Key, Kind, State};

impl State {
    /// Refuses a pod whose class is not there, or contradicts it.
    pub(super) fn runtime_class(&self, key: &Key, pod: &mut Value) -> Result<(), ApiError> {
        let refuse = |why: &str| Err(ApiError::forbidden(Kind::Pod, key, why));
        let Some(name) = pod.pointer("/spec/runtimeClassName").and_then(Value::as_str) else {
            let overhead = pod.pointer("/spec/overhead").and_then(Value::as_object).is_some_and(|all| !all.is_empty());
            if overhead {
                return refuse("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
            }
            return Ok(());
        };
        let Some(class) = self.store.get(Kind::RuntimeClass, &Key::cluster(name)).cloned() else {
            return refuse(&format!("pod rejected: RuntimeClass \"{name}\" not found"));
        };
        if let Some(fixed) = class.value().pointer("/overhead/podFixed") {
            let own = pod.pointer("/spec/overhead").filter(|own| own.as_object().is_some_and(|own| !own.is_empty()));
            if own.is_some_and(|own| own != fixed) {
                return refuse("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
            }
            pod["spec"]["overhead"] = fixed.clone();
        }
        let nodes = class.value().pointer("/scheduling/nodeSelector").and_then(Value::as_object);
        for (label, wanted) in nodes.into_iter().flatten() {
            let own = &mut pod["spec"]["nodeSelector"][label.as_str()];
            if !own.is_null() && own != wanted {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                return refuse(&format!(
                    "conflict: runtimeClass.scheduling.nodeSelector[{label}] = {}; pod.spec.nodeSelector[{label}] = {}",
                    text(wanted),
                    text(own)
                ));
            }
            *own = wanted.clone();
        }
        if let Some(more) = class.value().pointer("/scheduling/tolerations").and_then(Value::as_array) {
            let mut all = pod.pointer("/spec/tolerations").and_then(Value::as_array).cloned().unwrap_or_default();
            all.extend(more.iter().filter(|one| !all.contains(one)).cloned().collect::<Vec<_>>());
            pod["spec"]["tolerations"] = json!(all);
        }
        Ok(())
    }
}
