//! Brings the agent into a running pod as an ephemeral container. It cannot be removed again: it ends by itself, and stays
//! in the pod's spec, which is why the user must allow it.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::world::{Clock, causes};

/// It must run after this time.
const START: Duration = Duration::from_secs(60);
/// It ends by itself when nobody speaks to it.
const IDLE: &str = "2m";

/// Adds the container and waits until it runs. Returns its name.
pub(super) async fn add(
    client: &kube::Client,
    clock: Clock,
    namespace: &str,
    name: &str,
    image: &str,
) -> Result<String, String> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let container = format!("driftproof-agent-{}", clock.started().as_second());
    let failed = |reason: &str| format!("ephemeral container in pod {namespace}/{name}: {reason}");
    let patch = json!({ "spec": { "ephemeralContainers": [{
        "name": container,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["agent", "--idle-exit", IDLE],
        "stdin": true,
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "runAsNonRoot": true,
            "runAsUser": 65532,
            "capabilities": { "drop": ["ALL"] },
            "seccompProfile": { "type": "RuntimeDefault" },
        },
    }] } });
    let params = PatchParams::default();
    let patched = api.patch_ephemeral_containers(name, &params, &Patch::Strategic(patch)).await;
    patched.map_err(|error| failed(&causes(&error)))?;
    let deadline = clock.elapsed() + START;
    loop {
        let pod = api.get(name).await.map_err(|error| failed(&causes(&error)))?;
        let statuses = pod.status.and_then(|status| status.ephemeral_container_statuses).unwrap_or_default();
        let state = statuses.into_iter().find(|status| status.name == container).and_then(|status| status.state);
        let state = state.unwrap_or_default();
        if state.running.is_some() {
            return Ok(container);
        }
        if let Some(ended) = state.terminated {
            return Err(failed(&format!("it ended with exit code {}", ended.exit_code)));
        }
        if clock.elapsed() >= deadline {
            let waiting = state.waiting.and_then(|waiting| waiting.reason).unwrap_or_default();
            return Err(failed(&format!("it does not run after {}: {waiting}", humantime::format_duration(START))));
        }
        clock.sleep(Duration::from_millis(300)).await;
    }
}
