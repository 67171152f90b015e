//! `services/NAME:PORT/proxy` and `pods/NAME:PORT/proxy`: a request into the cluster's network, from outside of it.

use std::future::pending;

use bytes::Bytes;
use http::Response;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::engine::Shared;
use crate::network::{Answer, Destination, Request, Vantage};
use crate::{Key, Kind, Object, State};

use super::error::ApiError;
use super::handle::{Call, Outcome};
use super::route::Target;
use super::service::{AnswerBody, refuse, respond};

/// An answer that an application owes.
#[derive(Debug)]
pub(super) struct ProxyPlan {
    answer: oneshot::Receiver<Answer>,
    to: Destination,
}

/// Sends the request into the network.
pub(super) fn start(state: &mut State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    if !matches!(target.kind, Kind::Service | Kind::Pod) {
        return Err(ApiError::unknown_path());
    }
    let namespace = target.namespace.clone().unwrap_or_default();
    let (name, port) = name_and_port(target.name.as_deref().unwrap_or_default());
    let key = Key::new(namespace.clone(), name.clone());
    let object = state.store.get(target.kind, &key).ok_or_else(|| ApiError::not_found(target.kind, &key))?;
    let to = if target.kind == Kind::Service {
        let port = service_port(object.value(), &name, port)?;
        Destination::Service { namespace, name, port }
    } else {
        let first = object.value().pointer("/spec/containers/0/ports/0/containerPort").map(Value::to_string);
        let port = port.or(first).unwrap_or_else(|| "80".to_owned());
        // Names are for Services. Older servers look a name up among the well-known ports, newer ones drop the connection.
        if port.bytes().any(|byte| !byte.is_ascii_digit()) {
            let message = format!("error trying to reach service: dial tcp: lookup tcp/{port}: unknown port");
            return Err(ApiError::plain(503, "ServiceUnavailable", message));
        }
        Destination::Pod { namespace, name, port }
    };
    // `/api/v1/namespaces/NAMESPACE/services/NAME/proxy` comes before the inner path.
    let inner = call.path.splitn(9, '/').nth(8).unwrap_or_default();
    let query = if call.raw_query.is_empty() { String::new() } else { format!("?{}", call.raw_query) };
    let request = Request {
        method: call.method.to_string(),
        path: format!("/{inner}{query}"),
        body: String::from_utf8_lossy(&call.body).into_owned(),
    };
    let (reply, answer) = oneshot::channel();
    state.send(&Vantage::Outside, &to, request, reply);
    Ok(Outcome::Proxy(Box::new(ProxyPlan { answer, to })))
}

/// `name`, `name:port` or `scheme:name:port`.
fn name_and_port(text: &str) -> (String, Option<String>) {
    let some = |port: &str| Some(port.to_owned()).filter(|port| !port.is_empty());
    match text.split(':').collect::<Vec<_>>().as_slice() {
        ["http" | "https", name, port] | [name, port] => ((*name).to_owned(), some(port)),
        _ => (text.to_owned(), None),
    }
}

fn service_port(service: &Value, name: &str, wanted: Option<String>) -> Result<String, ApiError> {
    let ports = service.pointer("/spec/ports").and_then(Value::as_array).cloned().unwrap_or_default();
    let number = |port: &Value| port.get("port").map(Value::to_string);
    let found = match &wanted {
        Some(wanted) => {
            ports.iter().find(|port| port["name"] == wanted.as_str() || number(port).as_ref() == Some(wanted))
        }
        None => ports.first(),
    };
    found.and_then(number).ok_or_else(|| {
        let wanted = wanted.unwrap_or_default();
        ApiError::plain(503, "ServiceUnavailable", format!("no service port \"{wanted}\" found for service \"{name}\""))
    })
}

/// Waits for the application; for ever when nothing comes back, since only the client's patience ends that.
pub(super) async fn wait(plan: ProxyPlan, shared: &Shared) -> Response<AnswerBody> {
    let error = match plan.answer.await {
        Ok(Answer::Response { status, body, pod }) => {
            let json = serde_json::from_str::<Value>(&body).is_ok();
            let content_type = if json { "application/json" } else { "text/plain; charset=utf-8" };
            return respond(status, content_type, &[("x-embedded-pod", pod)], Bytes::from(body));
        }
        Ok(Answer::Refused) => shared.look(|state| refused(state, &plan.to)),
        Ok(Answer::Reset) => {
            let message = "error trying to reach service: read tcp: read: connection reset by peer";
            ApiError::plain(502, "BadGateway", message)
        }
        // A sender that was dropped belongs to something that is gone and will never answer.
        Ok(Answer::Silent) | Err(_) => pending().await,
    };
    refuse(&error)
}

fn refused(state: &State, to: &Destination) -> ApiError {
    let address = match to {
        Destination::Service { namespace, name, port } => {
            let Some(address) = ready_address(state, namespace, name, port) else {
                let message = format!("no endpoints available for service \"{name}\"");
                return ApiError::plain(503, "ServiceUnavailable", message);
            };
            address
        }
        Destination::Pod { namespace, name, port } => {
            let ip = state.store.find(Kind::Pod, namespace, name).map(|pod| pod.text("/status/podIP"));
            format!("{}:{port}", ip.unwrap_or_default())
        }
        Destination::Address { ip, port } => format!("{ip}:{port}"),
    };
    let message = format!("error trying to reach service: dial tcp {address}: connect: connection refused");
    ApiError::plain(503, "ServiceUnavailable", message)
}

/// Address and target port of a ready endpoint that has this port of the Service; an endpoint without it is none.
fn ready_address(state: &State, namespace: &str, service: &str, port: &str) -> Option<String> {
    let ports = state.store.find(Kind::Service, namespace, service)?.at("/spec/ports")?.as_array()?;
    let wanted = ports.iter().find(|known| known["port"].to_string() == port)?;
    let name = |port: &Value| port["name"].as_str().unwrap_or_default().to_owned();
    let slices = state.store.in_namespace(Kind::EndpointSlice, namespace).map(|(_, slice)| slice);
    let mut own = slices.filter(|slice| slice.label("kubernetes.io/service-name") == Some(service));
    let list = |slice: &Object, field: &str| slice.value()[field].as_array().cloned().unwrap_or_default();
    own.find_map(|slice| {
        let port = list(slice, "ports").into_iter().find(|port| name(port) == name(wanted))?;
        let endpoints = list(slice, "endpoints").into_iter();
        let mut ready = endpoints.filter(|one| one.pointer("/conditions/ready") != Some(&Value::Bool(false)));
        let ip = ready.find_map(|one| one.pointer("/addresses/0")?.as_str().map(str::to_owned))?;
        Some(format!("{ip}:{}", port["port"]))
    })
}
