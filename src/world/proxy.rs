//! HTTP to Services and pods through the API server's proxy: the one path that both worlds share.
//! Tells the API server's own answers from the application's.

use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::client::Body;
use serde_json::Value;

use super::{Call, NetworkError, Place, Reply, causes, direct};

/// The path of a place below the API server; `None` for a URL.
fn proxy_path(to: &Place, path: &str) -> Option<String> {
    let (namespace, plural, name, port) = match to {
        Place::Service { namespace, name, port } => (namespace, "services", name, port),
        Place::Pod { namespace, name, port } => (namespace, "pods", name, port),
        Place::Url(_) => return None,
    };
    let path = path.strip_prefix('/').unwrap_or(path);
    Some(format!("/api/v1/namespaces/{namespace}/{plural}/{name}:{port}/proxy/{path}"))
}

/// Sends one request through the proxy.
///
/// # Errors
/// [`NetworkError`]; an answer of the application, whatever its status, is a [`Reply`].
pub(super) async fn request(
    client: &kube::Client,
    to: &Place,
    call: Call<'_>,
    timeout: Duration,
) -> Result<Reply, NetworkError> {
    let Call { method, path, headers, body } = call;
    let asked = async {
        let to = numbered(client, to).await?;
        let uri = proxy_path(&to, path)
            .ok_or_else(|| NetworkError::Unsupported("a URL is not reached through a proxy".to_owned()))?;
        let plain = Request::builder().method(method).uri(uri);
        let typed = headers.iter().fold(plain, |request, (name, value)| request.header(name, value));
        let content = if body.is_empty() { Body::empty() } else { Body::from(body.as_bytes().to_vec()) };
        let request =
            typed.body(content).map_err(|error| NetworkError::Unsupported(format!("{method} {path}: {error}")))?;
        answer(client, request).await
    };
    tokio::time::timeout(timeout, asked).await.unwrap_or(Err(NetworkError::Timeout(timeout)))
}

/// The proxy knows the names of a Service's ports, but not those of a pod's: an API server of 1.36 drops the connection.
async fn numbered(client: &kube::Client, to: &Place) -> Result<Place, NetworkError> {
    let Place::Pod { namespace, name, port } = to else { return Ok(to.clone()) };
    if port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(to.clone());
    }
    let found = Api::<Pod>::namespaced(client.clone(), namespace).get_opt(name).await;
    let pod = found.map_err(|error| match error {
        kube::Error::Api(status) => NetworkError::Refused(status.message.clone()),
        other => NetworkError::Blind(causes(&other)),
    })?;
    let pod = pod.ok_or_else(|| NetworkError::Refused(format!("pods \"{name}\" not found")))?;
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
    let number = ports.find(|one| one.name.as_deref() == Some(port)).map(|one| one.container_port);
    let number = number.ok_or_else(|| NetworkError::Refused(format!("pod {namespace}/{name} has no port {port}")))?;
    Ok(Place::Pod { namespace: namespace.clone(), name: name.clone(), port: number.to_string() })
}

async fn answer(client: &kube::Client, request: Request<Body>) -> Result<Reply, NetworkError> {
    // Whatever becomes of the service behind it, the API server answers; that it does not is its own affair.
    let response = client.send(request).await.map_err(|error| NetworkError::Blind(causes(&error)))?;
    let status = response.status().as_u16();
    let pod = response.headers().get("x-embedded-pod").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = Limited::new(response.into_body(), direct::ANSWER_MAX).collect().await;
    let body = body.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
        Some(_) => direct::too_long(),
        None => NetworkError::Broken(error.to_string()),
    })?;
    let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    match refusal(status, &body) {
        Some(error) => Err(error),
        None => Ok(Reply { status, body, pod }),
    }
}

/// Reads an error of the proxy itself. The API server answers with a `Status`; an application's 503 has another body.
/// Its messages: `no endpoints available for service`, `error trying to reach service: dial tcp …: connect: connection refused`.
fn refusal(status: u16, body: &str) -> Option<NetworkError> {
    if status < 400 {
        return None;
    }
    let answer: Value = serde_json::from_str(body).ok()?;
    if answer["kind"] != "Status" || answer["apiVersion"] != "v1" {
        return None;
    }
    let message = answer["message"].as_str().unwrap_or_default().to_owned();
    // Throttled, or not let in by a server that has just started: the request has not left it.
    if matches!(status, 401 | 403 | 429) {
        return Some(NetworkError::Blind(message));
    }
    let refused = ["no endpoints available", "connection refused", "not found", "no route to host"];
    Some(if refused.iter().any(|phrase| message.contains(phrase)) {
        NetworkError::Refused(message)
    } else {
        NetworkError::Broken(message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(message: &str) -> String {
        serde_json::json!({ "kind": "Status", "apiVersion": "v1", "message": message, "code": 503 }).to_string()
    }

    #[test]
    fn the_proxys_own_answers_are_told_from_the_applications() {
        let no_endpoints = status("no endpoints available for service \"web\"");
        assert!(matches!(refusal(503, &no_endpoints), Some(NetworkError::Refused(_))));
        let reset = status("error trying to reach service: read: connection reset by peer");
        assert!(matches!(refusal(502, &reset), Some(NetworkError::Broken(_))));
        assert!(matches!(refusal(429, &status("Too many requests")), Some(NetworkError::Blind(_))));
        assert_eq!(refusal(503, "{\"error\":\"no leader\"}"), None);
        assert_eq!(refusal(503, "overloaded"), None);
        assert_eq!(refusal(200, &no_endpoints), None);
    }

    #[test]
    fn a_path_keeps_its_query_and_loses_one_slash() {
        let to = Place::Service { namespace: "shop".into(), name: "web".into(), port: "http".into() };
        assert_eq!(
            proxy_path(&to, "/a/b?c=d").as_deref(),
            Some("/api/v1/namespaces/shop/services/web:http/proxy/a/b?c=d")
        );
        assert_eq!(proxy_path(&Place::Url("http://x".into()), "/"), None);
    }
}
