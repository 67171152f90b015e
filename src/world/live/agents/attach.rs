//! Dials an agent: the `attach` subresource of its pod, over the API server's websocket. Says which failures are for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use kube::client::UpgradeConnectionError;

use super::Key;
use crate::world::agent::{Dial, DialError, Line};
use crate::world::causes;

/// Bytes between the websocket and its reader; a burst of late reports must not block what goes the other way.
const BUFFER: usize = 1 << 16;

/// Opens streams to the container of a pod; to its only one, when none is named.
pub(super) fn dial(client: kube::Client, pod: Key, container: Option<String>) -> Dial {
    let attached = Arc::new(AtomicBool::new(false));
    Box::new(move || {
        let (client, pod, container) = (client.clone(), pod.clone(), container.clone());
        let attached = attached.clone();
        async move {
            let api: Api<Pod> = Api::namespaced(client, &pod.0);
            let mut params = AttachParams::default().stdin(true).stdout(true).stderr(false);
            params.container = container;
            let params = params.max_stdin_buf_size(BUFFER).max_stdout_buf_size(BUFFER);
            let mut process = match api.attach(&pod.1, &params).await {
                Ok(process) => process,
                Err(error) => return Err(why(&api, &pod.1, &error, attached.load(Ordering::SeqCst)).await),
            };
            attached.store(true, Ordering::SeqCst);
            match (process.stdout(), process.stdin()) {
                (Some(input), Some(output)) => {
                    Ok(Line { input: Box::new(input), output: Box::new(output), keep: Box::new(process) })
                }
                _ => Err(DialError { reason: "attach: no input or no output".to_owned(), hopeless: false }),
            }
        }
        .boxed()
    })
}

/// A pod that has ended, and a right that is missing, do not come back. Neither does a subresource that was never there;
/// later a kubelet that was started anew may not know the pod for a moment.
async fn why(api: &Api<Pod>, name: &str, error: &kube::Error, attached: bool) -> DialError {
    let (code, said) = match error {
        kube::Error::Api(status) => (status.code, status.message.clone()),
        kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(status)) => {
            (status.as_u16(), causes(error))
        }
        error => (0, causes(error)),
    };
    let reason = format!("attach: {said}");
    let refused = matches!(code, 401 | 403);
    let absent = matches!(code, 404 | 405);
    match api.get_opt(name).await {
        Ok(None) => DialError { reason: "its pod is gone".to_owned(), hopeless: true },
        Ok(Some(pod)) => {
            let status = pod.status.unwrap_or_default();
            let phase = status.phase.unwrap_or_default();
            if matches!(phase.as_str(), "Succeeded" | "Failed") {
                let why = status.reason.map(|reason| format!(", {reason}")).unwrap_or_default();
                return DialError { reason: format!("its pod ended ({phase}{why})"), hopeless: true };
            }
            DialError { reason, hopeless: refused || (absent && !attached) }
        }
        Err(_) => DialError { reason, hopeless: refused },
    }
}
