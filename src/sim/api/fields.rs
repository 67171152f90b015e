//! Field selectors: the few fields of each kind that the real API server can select by.

use serde_json::Value;

use crate::Kind;

use super::error::ApiError;

/// A conjunction of (field, wanted value, whether it must be equal).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSelector(Vec<(String, String, bool)>);

impl FieldSelector {
    /// Parses the text of `fieldSelector` for a kind.
    pub(super) fn parse(kind: Kind, text: &str) -> Result<Self, ApiError> {
        let mut rules = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (field, value, equal) = if let Some((field, value)) = part.split_once("!=") {
                (field, value, false)
            } else if let Some((field, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (field, value, true)
            } else {
                return Err(ApiError::bad_request(format!("invalid selector: '{part}'; can't understand '{part}'")));
            };
            if !matches!(field, "metadata.name" | "metadata.namespace") && !selectable(kind).contains(&field) {
                let facts = kind.facts();
                let message = format!(
                    "Unable to find \"{}/{}, Resource={}\" that match label selector \"\", field selector \"{text}\": \
                     field label not supported: {field}",
                    facts.group, facts.version, facts.plural
                );
                return Err(ApiError::bad_request(message));
            }
            rules.push((field.to_owned(), value.to_owned(), equal));
        }
        Ok(Self(rules))
    }

    /// Whether nothing is required.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object satisfies every requirement.
    pub(super) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(field, wanted, equal)| (value(object, field) == *wanted) == *equal)
    }
}

/// From the `SelectableFields` and field label conversions of each kind in `pkg/registry` and `pkg/apis`.
fn selectable(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Pod => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        Kind::Node => &["spec.unschedulable"],
        Kind::Namespace => &["status.phase"],
        Kind::Service => &["spec.clusterIP", "spec.type"],
        Kind::Secret => &["type"],
        Kind::ReplicaSet => &["status.replicas"],
        Kind::Job => &["status.successful"],
        Kind::Event => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        Kind::ConfigMap
        | Kind::ServiceAccount
        | Kind::PersistentVolume
        | Kind::PersistentVolumeClaim
        | Kind::Deployment
        | Kind::StatefulSet
        | Kind::DaemonSet
        | Kind::ControllerRevision
        | Kind::PodDisruptionBudget
        | Kind::EndpointSlice
        | Kind::NetworkPolicy
        | Kind::StorageClass
        | Kind::VolumeAttachment
        | Kind::Lease
        | Kind::PriorityClass
        | Kind::Role
        | Kind::RoleBinding
        | Kind::ClusterRole
        | Kind::ClusterRoleBinding
        | Kind::CronJob
        | Kind::HorizontalPodAutoscaler
        | Kind::LimitRange
        | Kind::ResourceQuota
        | Kind::RuntimeClass
        | Kind::Stored(_) => &[],
    }
}

fn value(object: &Value, field: &str) -> String {
    let path = match field {
        "source" => "source.component",
        "status.successful" => "status.succeeded",
        other => other,
    };
    match path.split('.').try_fold(object, |value, part| value.get(part)) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => match field {
            "spec.unschedulable" | "spec.hostNetwork" => "false".to_owned(),
            "status.replicas" | "status.successful" => "0".to_owned(),
            _ => String::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_select_and_unknown_ones_are_refused() {
        let pod =
            json!({ "metadata": { "name": "a" }, "spec": { "nodeName": "n1" }, "status": { "phase": "Running" } });
        let table: &[(&str, bool)] = &[
            ("metadata.name=a", true),
            ("spec.nodeName!=n1", false),
            ("spec.nodeName==n1,status.phase=Running", true),
            ("spec.hostNetwork=false", true),
        ];
        for (text, wanted) in table {
            assert_eq!(FieldSelector::parse(Kind::Pod, text).expect(text).matches(&pod), *wanted, "{text}");
        }
        let refused = FieldSelector::parse(Kind::Pod, "spec.foo=1").expect_err("unknown field");
        assert!(refused.message.ends_with("field label not supported: spec.foo"), "{}", refused.message);
    }
}
