//! The agent's pod: as little as it can be, with no right on the cluster, away from the target's nodes when there are others.

use std::time::Duration;

use serde_json::{Value, json};

use crate::plan::{MANAGED_BY, MANAGER, RUN, label};
use crate::world::agent::PORT;

/// What differs from one agent to the next.
#[derive(Clone, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) run: &'a str,
    pub(super) image: &'a str,
    /// Nodes on which it should not run.
    pub(super) away_from: Vec<String>,
    /// It ends after this time, whatever became of the run.
    pub(super) deadline: Duration,
}

/// The manifest.
pub(super) fn pod(wanted: &Wanted<'_>) -> Value {
    let undo = json!({
        "undo": "delete-object", "api_version": "v1", "kind": "Pod",
        "namespace": wanted.namespace, "name": wanted.name,
    });
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": wanted.name,
            "namespace": wanted.namespace,
            "labels": {
                "app.kubernetes.io/name": "driftproof-agent",
                MANAGED_BY: MANAGER,
                RUN: label(wanted.run),
            },
            "annotations": { "driftproof.dev/undo": undo.to_string() },
        },
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": wanted.deadline.as_secs(),
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "nodeSelector": { "kubernetes.io/os": "linux" },
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [{
                "name": "agent",
                "image": wanted.image,
                "imagePullPolicy": "IfNotPresent",
                "args": ["agent", "--listen", PORT.to_string()],
                "stdin": true,
                "ports": [{ "name": "agent", "containerPort": PORT }],
                "resources": {
                    "requests": { "cpu": "10m", "memory": "32Mi" },
                    "limits": { "memory": "256Mi" },
                },
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": { "drop": ["ALL"] },
                },
            }],
        },
    });
    if !wanted.away_from.is_empty() {
        let elsewhere = json!([{ "key": "kubernetes.io/hostname", "operator": "NotIn", "values": wanted.away_from }]);
        pod["spec"]["affinity"] = json!({ "nodeAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution":
                [{ "weight": 100, "preference": { "matchExpressions": elsewhere } }],
        } });
    }
    pod
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Pod;

    use super::*;

    fn wanted(away_from: &[&str]) -> Pod {
        let away_from = away_from.iter().map(|node| (*node).to_owned()).collect();
        let deadline = Duration::from_secs(900);
        let wanted = Wanted { namespace: "shop", name: "agent", run: "r1", image: "driftproof:1", away_from, deadline };
        serde_json::from_value(pod(&wanted)).unwrap()
    }

    #[test]
    fn it_may_do_nothing_that_a_restricted_namespace_forbids() {
        let spec = wanted(&[]).spec.unwrap();
        let outer = spec.security_context.unwrap();
        let inner = spec.containers[0].security_context.clone().unwrap();
        assert_eq!(outer.run_as_non_root, Some(true));
        assert_eq!(outer.seccomp_profile.unwrap().type_, "RuntimeDefault");
        assert_eq!(inner.allow_privilege_escalation, Some(false));
        assert_eq!(inner.capabilities.unwrap().drop, Some(vec!["ALL".to_owned()]));
        assert_eq!(spec.automount_service_account_token, Some(false));
        assert_eq!(spec.active_deadline_seconds, Some(900));
        assert!(spec.affinity.is_none());
    }

    #[test]
    fn other_nodes_are_preferred_and_not_required() {
        let affinity = wanted(&["worker-1"]).spec.unwrap().affinity.unwrap().node_affinity.unwrap();
        assert!(affinity.required_during_scheduling_ignored_during_execution.is_none());
        assert_eq!(affinity.preferred_during_scheduling_ignored_during_execution.unwrap().len(), 1);
    }
}
