//! The dead-man's switch: a Job that never runs anything and ends at its deadline. What is owned by it is then removed by
//! Kubernetes' own garbage collector, also when the runner and its machine are gone. Its pod is held back by a scheduling
//! gate, so that it needs no image and no node, and cannot be lost with one.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use crate::evidence::Undo;
use crate::plan::{self, MANAGED_BY, MANAGER, RUN, STEP};

use super::calls;
use super::context::Context;

/// Proof and healing may take this much longer than the hold before the switch lifts the fault by itself.
const MARGIN: Duration = Duration::from_secs(120);

/// A switch that is armed.
#[derive(Clone, Debug)]
pub(super) struct Switch {
    name: String,
    uid: String,
}

fn name(run: &str, step: &str) -> String {
    plan::object_name(run, &format!("{step}-failsafe"))
}

/// How the switch of a step is taken back; nothing when there is none.
pub(super) fn undo(context: &Context, step: &str, namespace: &str) -> Option<Undo> {
    context.failsafe.then(|| Undo::DeleteObject {
        api_version: "batch/v1".to_owned(),
        kind: "Job".to_owned(),
        namespace: namespace.to_owned(),
        name: name(&context.run, step),
    })
}

/// Arms a switch that goes off when a fault should long have been healed.
///
/// # Errors
/// The API server's refusal.
pub(super) async fn arm(context: &Context, step: &str, namespace: &str, hold: Duration) -> Result<Switch, String> {
    let name = name(&context.run, step);
    let what = format!("create Job {namespace}/{name}, the failsafe of {step}");
    let manifest = manifest(&context.run, step, namespace, hold.saturating_add(MARGIN));
    let job: Job = serde_json::from_value(manifest).map_err(|error| format!("{what}: {error}"))?;
    let api: Api<Job> = Api::namespaced(context.client(), namespace);
    let params = PostParams::default();
    let made = calls::called(context, &what, || api.create(&params, &job)).await;
    let made = match made.echo() {
        Some(409) => calls::patiently(context, &what, || api.get(&name)).await,
        _ => made.result,
    };
    let made = made.map_err(|error| format!("{what}: {}; --no-failsafe goes without", calls::text(&error)))?;
    Ok(Switch { uid: made.uid().unwrap_or_default(), name })
}

/// Makes the switch the owner of an object in its namespace.
pub(super) fn own(switch: &Switch, object: &mut Value) {
    object["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "batch/v1", "kind": "Job", "name": switch.name, "uid": switch.uid, "blockOwnerDeletion": false,
    }]);
}

fn manifest(run: &str, step: &str, namespace: &str, deadline: Duration) -> Value {
    let labels = json!({
        MANAGED_BY: MANAGER, RUN: plan::label(run), STEP: plan::label(step),
        "app.kubernetes.io/component": "failsafe",
    });
    json!({
        "metadata": { "name": name(run, step), "namespace": namespace, "labels": labels },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": deadline.as_secs(),
            "ttlSecondsAfterFinished": 0,
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "restartPolicy": "Never",
                    "schedulingGates": [{ "name": "driftproof.dev/never-runs" }],
                    "automountServiceAccountToken": false,
                    "securityContext": {
                        "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": { "type": "RuntimeDefault" },
                    },
                    "containers": [{
                        "name": "never-runs",
                        "image": "driftproof.invalid/never-pulled",
                        "resources": {
                            "requests": { "cpu": "1m", "memory": "1Mi" }, "limits": { "cpu": "1m", "memory": "1Mi" },
                        },
                        "securityContext": {
                            "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] },
                        },
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
    fn the_switch_goes_off_by_itself_and_never_runs() {
        let job = manifest("r1", "1-network-partition", "shop", Duration::from_secs(150));
        let spec = &job["spec"];
        assert_eq!((&spec["activeDeadlineSeconds"], &spec["ttlSecondsAfterFinished"]), (&json!(150), &json!(0)));
        assert_eq!(spec["template"]["spec"]["schedulingGates"][0]["name"], "driftproof.dev/never-runs");
        let mut policy = json!({ "metadata": { "name": "p" } });
        own(&Switch { name: "j".to_owned(), uid: "u".to_owned() }, &mut policy);
        assert_eq!(policy["metadata"]["ownerReferences"][0]["uid"], "u");
        assert!(serde_json::from_value::<Job>(job).is_ok());
    }
}
