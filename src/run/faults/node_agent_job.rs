//! The Job that puts our agent on a node. Pure: the same step gives the same manifest. A Job, since Kubernetes itself removes
//! it some time after its end, also when the run that made it is dead.

use std::time::Duration;

use serde_json::{Value, json};

use crate::node_agent::{PATIENCE, PORT, UID_VARIABLE};
use crate::plan::NodeTarget;
use crate::scenario::FailureMode;
use crate::world::NodeAgent;

/// The agent whose node can still be reached is asked to heal; it does so by itself only this much later.
const MARGIN: Duration = Duration::from_secs(60);
/// What a run that was killed has left is removed so long after its end.
const REMOVED_AFTER: u32 = 120;

/// The agent's own timer. Nobody can reach a node without network: there the timer alone ends the fault.
pub(super) fn timer(mode: FailureMode, hold: Duration) -> Duration {
    match mode {
        FailureMode::NetworkCut => hold,
        FailureMode::KubeletStop | FailureMode::PowerOff | FailureMode::Taint => hold.saturating_add(MARGIN),
    }
}

/// A predictable name, so that what a crash left can be found.
pub(super) fn name(run: &str, step: &str, index: usize) -> String {
    format!("driftproof-{run}-{step}-{}", index + 1)
}

/// The manifest. With `node` absent it only serves to ask whether such a pod would be admitted.
pub(super) fn manifest(
    agent: &NodeAgent,
    name: &str,
    labels: &Value,
    node: Option<&NodeTarget>,
    mode: FailureMode,
    hold: Duration,
) -> Value {
    let timer = timer(mode, hold);
    let mut arguments = vec![
        "node-agent".to_owned(),
        "--mode".to_owned(),
        mode.word().to_owned(),
        "--timer".to_owned(),
        format!("{}ms", timer.as_millis()),
    ];
    if let Some(node) = node.filter(|node| !node.ip.is_empty()) {
        arguments.extend(["--ip".to_owned(), node.ip.clone()]);
    }
    // As much as it asks for, and no more: such a pod is the last one to be killed when memory is short.
    let resources = json!({ "cpu": "50m", "memory": "64Mi" });
    let uid = json!({ "name": UID_VARIABLE, "valueFrom": { "fieldRef": { "fieldPath": "metadata.uid" } } });
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name, "namespace": agent.namespace, "labels": labels },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": (PATIENCE + timer + MARGIN).as_secs(),
            "ttlSecondsAfterFinished": REMOVED_AFTER,
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "restartPolicy": "Never",
                    "nodeName": node.map(|node| node.name.clone()),
                    "hostPID": true,
                    "automountServiceAccountToken": false,
                    "enableServiceLinks": false,
                    "terminationGracePeriodSeconds": 5,
                    "tolerations": [{ "operator": "Exists" }],
                    "containers": [{
                        "name": "node-agent",
                        "image": agent.image,
                        "args": arguments,
                        "env": [uid],
                        "ports": [{ "containerPort": PORT }],
                        "securityContext": { "privileged": true, "runAsUser": 0 },
                        "resources": { "requests": resources, "limits": resources },
                        "terminationMessagePolicy": "FallbackToLogsOnError",
                    }],
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_is_pinned_to_its_node_and_carries_its_timer() {
        let agent = NodeAgent { image: "driftproof:test".to_owned(), namespace: "kube-system".to_owned() };
        let node = NodeTarget { name: "w1".to_owned(), ip: "10.0.0.1".to_owned(), zone: String::new() };
        let hold = Duration::from_secs(90);
        let job =
            manifest(&agent, &name("r1", "1-node-failure", 0), &json!({}), Some(&node), FailureMode::NetworkCut, hold);
        assert_eq!(job["metadata"]["name"], "driftproof-r1-1-node-failure-1");
        let pod = &job["spec"]["template"]["spec"];
        assert_eq!(pod["nodeName"], "w1");
        assert_eq!(
            pod["containers"][0]["args"],
            json!(["node-agent", "--mode", "network-cut", "--timer", "90000ms", "--ip", "10.0.0.1"])
        );
        assert_eq!(job["spec"]["activeDeadlineSeconds"], 750);
        assert_eq!(timer(FailureMode::KubeletStop, hold), Duration::from_secs(150));
    }
}
