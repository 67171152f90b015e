//! Kinds of Kubernetes' own that a supported cluster no longer serves under the version that a manifest says, or never did: with
//! what to write instead.

use super::kinds::{groups, is_cluster_scoped};

/// API version, its kinds that are gone, the release that removed them, and what to write; nothing where nothing took their place.
type Gone = (&'static str, &'static [&'static str], &'static str, &'static str);

const GONE: [Gone; 22] = [
    (
        "admissionregistration.k8s.io/v1beta1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
        "1.22",
        "admissionregistration.k8s.io/v1",
    ),
    ("apiextensions.k8s.io/v1beta1", &["CustomResourceDefinition"], "1.22", "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", &["APIService"], "1.22", "apiregistration.k8s.io/v1"),
    ("apps/v1beta1", &["Deployment", "StatefulSet", "ControllerRevision"], "1.16", "apps/v1"),
    (
        "apps/v1beta2",
        &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ControllerRevision"],
        "1.16",
        "apps/v1",
    ),
    ("autoscaling/v2beta1", &["HorizontalPodAutoscaler"], "1.25", "autoscaling/v2"),
    ("autoscaling/v2beta2", &["HorizontalPodAutoscaler"], "1.26", "autoscaling/v2"),
    ("batch/v1beta1", &["CronJob"], "1.25", "batch/v1"),
    ("batch/v2alpha1", &["CronJob"], "1.21", "batch/v1"),
    ("coordination.k8s.io/v1beta1", &["Lease"], "1.22", "coordination.k8s.io/v1"),
    ("discovery.k8s.io/v1beta1", &["EndpointSlice"], "1.25", "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", &["Event"], "1.25", "events.k8s.io/v1"),
    ("extensions/v1beta1", &["DaemonSet", "Deployment", "ReplicaSet"], "1.16", "apps/v1"),
    ("extensions/v1beta1", &["NetworkPolicy"], "1.16", "networking.k8s.io/v1"),
    ("extensions/v1beta1", &["Ingress"], "1.22", "networking.k8s.io/v1"),
    ("extensions/v1beta1", &["PodSecurityPolicy"], "1.16", ""),
    ("networking.k8s.io/v1beta1", &["Ingress", "IngressClass"], "1.22", "networking.k8s.io/v1"),
    ("node.k8s.io/v1beta1", &["RuntimeClass"], "1.25", "node.k8s.io/v1"),
    ("policy/v1beta1", &["PodDisruptionBudget"], "1.25", "policy/v1"),
    ("policy/v1beta1", &["PodSecurityPolicy"], "1.25", ""),
    (
        "rbac.authorization.k8s.io/v1beta1",
        &["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"],
        "1.22",
        "rbac.authorization.k8s.io/v1",
    ),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"], "1.22", "scheduling.k8s.io/v1"),
];

/// Why no supported cluster serves this kind under this version, and what to write: as kubectl says it. Nothing when it may be
/// served, which of custom kinds only a cluster knows.
pub(super) fn refusal(api_version: &str, kind: &str) -> Option<(String, String)> {
    let start = format!("no matches for kind \"{kind}\" in version \"{api_version}\"");
    let gone = GONE.iter().find(|(version, kinds, _, _)| *version == api_version && kinds.contains(&kind));
    if let Some((_, _, release, instead)) = gone {
        let help = if instead.is_empty() {
            "nothing took its place: leave it out".to_owned()
        } else {
            format!("write apiVersion: {instead} (its fields may differ, too)")
        };
        return Some((format!("{start}: it was removed in Kubernetes {release}"), help));
    }
    let (group, _) = api_version.split_once('/').unwrap_or(("", api_version));
    let ours = group == "extensions" || groups().any(|known| known == group);
    if !ours || is_cluster_scoped(group, kind).is_some() {
        return None;
    }
    let elsewhere: Vec<&str> = groups().filter(|other| is_cluster_scoped(other, kind).is_some()).collect();
    let help = match elsewhere.first() {
        Some(&"") => format!("{kind} is of apiVersion: v1"),
        Some(other) => format!("{kind} is of the group {other}: write apiVersion: {other}/…"),
        None => "is it misspelt? `kubectl api-resources` lists what a cluster serves".to_owned(),
    };
    Some((start, help))
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn what_is_gone_is_told_with_what_to_write() {
        let told = |version, kind| refusal(version, kind).map(|(message, help)| format!("{message} | {help}"));
        for (version, kind, wanted) in [
            (
                "policy/v1beta1",
                "PodDisruptionBudget",
                Some("removed in Kubernetes 1.25 | write apiVersion: policy/v1 "),
            ),
            ("extensions/v1beta1", "Deployment", Some("removed in Kubernetes 1.16 | write apiVersion: apps/v1 ")),
            ("v1", "Deployment", Some("| Deployment is of the group apps")),
            ("apps/v1", "Service", Some("| Service is of apiVersion: v1")),
            ("apps/v1", "Deployement", Some("is it misspelt?")),
            ("apps/v1", "Deployment", None),
            ("db.example.com/v1", "Cluster", None),
        ] {
            let found = told(version, kind);
            assert_eq!(found.is_some(), wanted.is_some(), "{version} {kind}: {found:?}");
            assert!(
                wanted.is_none_or(|wanted| found.as_ref().is_some_and(|found| found.contains(wanted))),
                "{found:?}"
            );
        }
    }
}
