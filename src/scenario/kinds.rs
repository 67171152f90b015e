//! The kinds of Kubernetes and whether their objects live in a namespace. Knows no custom kinds: of those, only the cluster
//! they are on can tell, or the definition that comes with them.

/// API group (empty for the core group), its kinds without a namespace, and those with one, as Kubernetes 1.28 to 1.35 has them.
type Group = (&'static str, &'static [&'static str], &'static [&'static str]);

const BUILT_IN: [Group; 24] = [
    (
        "",
        &["ComponentStatus", "Namespace", "Node", "PersistentVolume"],
        &[
            "Binding",
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
        &[],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"], &[]),
    ("apiregistration.k8s.io", &["APIService"], &[]),
    ("apps", &[], &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"]),
    ("authentication.k8s.io", &["SelfSubjectReview", "TokenReview"], &[]),
    (
        "authorization.k8s.io",
        &["SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"],
        &["LocalSubjectAccessReview"],
    ),
    ("autoscaling", &[], &["HorizontalPodAutoscaler"]),
    ("batch", &[], &["CronJob", "Job"]),
    ("certificates.k8s.io", &["CertificateSigningRequest", "ClusterTrustBundle"], &["PodCertificateRequest"]),
    ("coordination.k8s.io", &[], &["Lease", "LeaseCandidate"]),
    ("discovery.k8s.io", &[], &["EndpointSlice"]),
    ("events.k8s.io", &[], &["Event"]),
    ("flowcontrol.apiserver.k8s.io", &["FlowSchema", "PriorityLevelConfiguration"], &[]),
    ("imagepolicy.k8s.io", &["ImageReview"], &[]),
    ("internal.apiserver.k8s.io", &["StorageVersion"], &[]),
    ("networking.k8s.io", &["IPAddress", "IngressClass", "ServiceCIDR"], &["Ingress", "NetworkPolicy"]),
    ("node.k8s.io", &["RuntimeClass"], &[]),
    ("policy", &["PodSecurityPolicy"], &["Eviction", "PodDisruptionBudget"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"], &["Role", "RoleBinding"]),
    (
        "resource.k8s.io",
        &["DeviceClass", "DeviceTaintRule", "ResourceSlice"],
        &["ResourceClaim", "ResourceClaimTemplate"],
    ),
    ("scheduling.k8s.io", &["PriorityClass"], &["PodGroup", "Workload"]),
    (
        "storage.k8s.io",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
        &["CSIStorageCapacity"],
    ),
    ("storagemigration.k8s.io", &["StorageVersionMigration"], &[]),
];

/// The groups of Kubernetes' own kinds.
pub(super) fn groups() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(group, _, _)| *group)
}

/// Whether a kind of Kubernetes' own has no namespace; nothing for all other kinds.
pub(super) fn is_cluster_scoped(group: &str, kind: &str) -> Option<bool> {
    let (_, cluster, namespaced) = BUILT_IN.iter().find(|(known, _, _)| *known == group)?;
    if cluster.contains(&kind) {
        Some(true)
    } else if namespaced.contains(&kind) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_kinds_are_in_order_and_each_once() {
        let groups: Vec<&str> = BUILT_IN.iter().map(|(group, _, _)| *group).collect();
        assert!(groups.is_sorted() && groups.windows(2).all(|pair| pair[0] != pair[1]), "{groups:?}");
        for (group, cluster, namespaced) in BUILT_IN {
            assert!(cluster.is_sorted() && namespaced.is_sorted(), "{group}");
            assert!(!cluster.iter().any(|kind| namespaced.contains(kind)), "{group}");
        }
    }

    #[test]
    fn a_kind_is_known_by_its_group_and_its_name() {
        assert_eq!(is_cluster_scoped("storage.k8s.io", "StorageClass"), Some(true));
        assert_eq!(is_cluster_scoped("", "Service"), Some(false));
        assert_eq!(is_cluster_scoped("serving.knative.dev", "Service"), None);
        assert_eq!(is_cluster_scoped("apps", "Future"), None);
    }
}
