//! Tolerations, priority and quality of service of new pods.

use k8s_openapi::api::core::v1::PodSpec;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::api::error::ApiError;
use crate::registry::qos::qos_class;
use crate::{Key, Kind, State};

/// Classes that every cluster has, also without their objects.
const SYSTEM_PRIORITIES: [(&str, i64); 2] =
    [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];

/// The class of service follows from the resources that admission settled on.
pub(super) fn classify(pod: &mut Value) {
    if let Ok(spec) = PodSpec::deserialize(&pod["spec"]) {
        pod["status"]["qosClass"] = json!(qos_class(&spec));
    }
}

impl State {
    /// `DefaultTolerationSeconds`: unless the pod says otherwise it stays on a failing node for this long.
    pub(super) fn tolerate_failing_nodes(&self, pod: &mut Value) {
        let seconds = self.settings.timings.default_toleration_seconds;
        let mut tolerations = pod["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
        for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let tolerated = tolerations.iter().any(|toleration| {
                let text = |field: &str| toleration.get(field).and_then(Value::as_str).unwrap_or_default();
                (text("key") == taint || text("key").is_empty())
                    && (text("effect") == "NoExecute" || text("effect").is_empty())
            });
            if !tolerated {
                tolerations.push(json!({
                    "key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds,
                }));
            }
        }
        if !tolerations.is_empty() {
            pod["spec"]["tolerations"] = json!(tolerations);
        }
    }

    /// `Priority`: the number of the pod's class, of the global default, or 0.
    pub(super) fn prioritise(&self, key: &Key, pod: &mut Value) -> Result<(), ApiError> {
        let name = pod.pointer("/spec/priorityClassName").and_then(Value::as_str).unwrap_or_default().to_owned();
        let policy = |class: &Value| class["preemptionPolicy"].as_str().unwrap_or("PreemptLowerPriority").to_owned();
        let (priority, policy) = if name.is_empty() {
            let default =
                self.store.all(Kind::PriorityClass).find(|(_, class)| class.value()["globalDefault"] == json!(true));
            if let Some((class_key, class)) = default {
                pod["spec"]["priorityClassName"] = json!(class_key.name);
                (class.value()["value"].as_i64().unwrap_or(0), policy(class.value()))
            } else {
                (0, policy(&Value::Null))
            }
        } else if let Some(class) = self.store.get(Kind::PriorityClass, &Key::cluster(name.as_str())) {
            (class.value()["value"].as_i64().unwrap_or(0), policy(class.value()))
        } else if let Some((_, priority)) = SYSTEM_PRIORITIES.iter().find(|(known, _)| *known == name) {
            (*priority, policy(&Value::Null))
        } else {
            return Err(ApiError::forbidden(Kind::Pod, key, &format!("no PriorityClass with name {name} was found")));
        };
        pod["spec"]["priority"] = json!(priority);
        if pod.pointer("/spec/preemptionPolicy").is_none() {
            pod["spec"]["preemptionPolicy"] = json!(policy);
        }
        Ok(())
    }
}
