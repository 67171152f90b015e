//! Kinds that extend the API or are only kept: webhooks, services behind the API, CSI drivers, Endpoints.

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, RuleWithOperations, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use k8s_openapi::api::core::v1::Endpoints;
use k8s_openapi::api::storage::v1::CSIDriver;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;

use super::{unless_set, unless_text};

/// The port of HTTPS.
const HTTPS: i32 = 443;

/// What a webhook is called for, and where it is.
fn called(client: &mut WebhookClientConfig, rules: &mut Option<Vec<RuleWithOperations>>) {
    if let Some(service) = &mut client.service {
        unless_set(&mut service.port, HTTPS);
    }
    for rule in rules.iter_mut().flatten() {
        unless_text(&mut rule.scope, "*");
    }
}

/// Webhooks that refuse.
pub(in crate::registry) fn validating_webhooks(configuration: &mut ValidatingWebhookConfiguration) {
    for hook in configuration.webhooks.iter_mut().flatten() {
        called(&mut hook.client_config, &mut hook.rules);
        unless_text(&mut hook.failure_policy, "Fail");
        unless_text(&mut hook.match_policy, "Equivalent");
        hook.namespace_selector.get_or_insert_default();
        hook.object_selector.get_or_insert_default();
        unless_set(&mut hook.timeout_seconds, 10);
    }
}

/// Webhooks that change.
pub(in crate::registry) fn mutating_webhooks(configuration: &mut MutatingWebhookConfiguration) {
    for hook in configuration.webhooks.iter_mut().flatten() {
        called(&mut hook.client_config, &mut hook.rules);
        unless_text(&mut hook.failure_policy, "Fail");
        unless_text(&mut hook.match_policy, "Equivalent");
        unless_text(&mut hook.reinvocation_policy, "Never");
        hook.namespace_selector.get_or_insert_default();
        hook.object_selector.get_or_insert_default();
        unless_set(&mut hook.timeout_seconds, 10);
    }
}

/// An `APIService`.
pub(in crate::registry) fn api_service(service: &mut APIService) {
    if let Some(target) = service.spec.as_mut().and_then(|spec| spec.service.as_mut()) {
        unless_set(&mut target.port, HTTPS);
    }
}

/// A `CSIDriver`.
pub(in crate::registry) fn csi_driver(driver: &mut CSIDriver) {
    let spec = &mut driver.spec;
    unless_set(&mut spec.attach_required, true);
    unless_set(&mut spec.pod_info_on_mount, false);
    unless_set(&mut spec.storage_capacity, false);
    unless_set(&mut spec.requires_republish, false);
    unless_set(&mut spec.se_linux_mount, false);
    unless_set(&mut spec.fs_group_policy, "ReadWriteOnceWithFSType");
    if spec.volume_lifecycle_modes.as_ref().is_none_or(Vec::is_empty) {
        spec.volume_lifecycle_modes = Some(vec!["Persistent".to_owned()]);
    }
}

/// Endpoints.
pub(in crate::registry) fn endpoints(endpoints: &mut Endpoints) {
    let subsets = endpoints.subsets.iter_mut().flatten();
    for port in subsets.flat_map(|subset| subset.ports.iter_mut().flatten()) {
        unless_text(&mut port.protocol, "TCP");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::Kind;
    use crate::registry::defaulted;

    #[test]
    fn what_a_manifest_leaves_out_is_filled_in_as_the_real_server_does() {
        let webhooks =
            Kind::by_name("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration").expect("a kind");
        let hook = json!({ "name": "a.example.com", "clientConfig": { "service": { "name": "a", "namespace": "b" } },
            "rules": [{ "operations": ["CREATE"] }], "sideEffects": "None", "admissionReviewVersions": ["v1"] });
        let given =
            defaulted(webhooks, json!({ "metadata": { "name": "a" }, "webhooks": [hook] })).expect("it decodes");
        let hook = &given["webhooks"][0];
        assert_eq!(hook["clientConfig"]["service"]["port"], 443);
        assert_eq!(hook["rules"][0]["scope"], "*");
        assert_eq!((&hook["failurePolicy"], &hook["matchPolicy"]), (&json!("Fail"), &json!("Equivalent")));
        assert_eq!((&hook["namespaceSelector"], &hook["timeoutSeconds"]), (&json!({}), &json!(10)));
        let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" });
        let scaler = json!({ "metadata": { "name": "a" },
            "spec": { "scaleTargetRef": target, "maxReplicas": 3, "behavior": { "scaleDown": { "stabilizationWindowSeconds": 60 } } } });
        let given = defaulted(Kind::HorizontalPodAutoscaler, scaler).expect("it decodes");
        let percent = json!({ "type": "Percent", "value": 100, "periodSeconds": 15 });
        let wanted = json!({
            "scaleDown": { "stabilizationWindowSeconds": 60, "selectPolicy": "Max", "policies": [percent] },
            "scaleUp": { "stabilizationWindowSeconds": 0, "selectPolicy": "Max",
                "policies": [{ "type": "Pods", "value": 4, "periodSeconds": 15 }, percent] },
        });
        assert_eq!(given["spec"]["behavior"], wanted);
    }
}
