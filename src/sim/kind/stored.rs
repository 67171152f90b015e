//! Kinds of Kubernetes' own that nothing here acts on: they are checked as far as their types go, kept and served, so that
//! real manifests need no editing. Which of them a fixture holds is told in its report.

use super::{Facts, facts};

/// How many there are.
pub(super) const COUNT: usize = 22;

/// In the order of their groups.
pub(super) static STORED: [Facts; COUNT] = [
    facts("", "v1", "endpoints", "Endpoints").short(&["ep"]),
    facts("", "v1", "podtemplates", "PodTemplate"),
    facts("", "v1", "replicationcontrollers", "ReplicationController").status().scale().short(&["rc"]),
    registration("mutatingwebhookconfigurations", "MutatingWebhookConfiguration"),
    registration("validatingadmissionpolicies", "ValidatingAdmissionPolicy").status(),
    registration("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"),
    registration("validatingwebhookconfigurations", "ValidatingWebhookConfiguration"),
    facts("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")
        .cluster()
        .status()
        .short(&["crd", "crds"]),
    facts("apiregistration.k8s.io", "v1", "apiservices", "APIService").cluster().status(),
    facts("certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest")
        .cluster()
        .status()
        .short(&["csr"]),
    facts("flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "FlowSchema").cluster().status(),
    facts("flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "PriorityLevelConfiguration")
        .cluster()
        .status(),
    facts("networking.k8s.io", "v1", "ingressclasses", "IngressClass").cluster(),
    facts("networking.k8s.io", "v1", "ingresses", "Ingress").status().short(&["ing"]),
    facts("networking.k8s.io", "v1", "ipaddresses", "IPAddress").cluster().short(&["ip"]),
    facts("networking.k8s.io", "v1", "servicecidrs", "ServiceCIDR").cluster().status(),
    facts("resource.k8s.io", "v1", "deviceclasses", "DeviceClass").cluster(),
    facts("resource.k8s.io", "v1", "resourceclaims", "ResourceClaim").status(),
    facts("resource.k8s.io", "v1", "resourceclaimtemplates", "ResourceClaimTemplate"),
    facts("storage.k8s.io", "v1", "csidrivers", "CSIDriver").cluster(),
    facts("storage.k8s.io", "v1", "csinodes", "CSINode").cluster(),
    facts("storage.k8s.io", "v1", "volumeattributesclasses", "VolumeAttributesClass").cluster().short(&["vac"]),
];

const fn registration(plural: &'static str, kind: &'static str) -> Facts {
    facts("admissionregistration.k8s.io", "v1", plural, kind).cluster()
}
