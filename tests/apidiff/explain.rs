//! Disagreements that are no mistake, each with its reason.

use crate::ask::{Answer, Question};

/// Why the two may differ here, if they may.
pub(crate) fn reason(_question: &Question, ours: &Answer, theirs: &Answer) -> Option<&'static str> {
    if theirs.code == 500 && ours.code >= 400 {
        return Some("both refuse; the real server fails on it");
    }
    let unknown_to_us = theirs.taken && ours.message.contains("unknown field");
    if unknown_to_us && NEWER.iter().any(|field| ours.message.contains(field)) {
        return Some("a field that is newer than 1.33, the version that the embedded server claims");
    }
    None
}

/// Fields that came after 1.33.
const NEWER: [&str; 12] = [
    "hostnameOverride",
    "restartPolicyRules",
    "fileKeyRef",
    "podCertificate",
    "workloadRef",
    "schedulingGroup",
    "nodeAllocatableResourceClaimStatuses",
    "extendedResourceClaimStatus",
    "allocatedResources",
    "serviceAccountTokenInSecrets",
    "nodeAllocatableUpdatePeriodSeconds",
    "terminatingReplicas",
];
