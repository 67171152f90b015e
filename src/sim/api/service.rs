//! The tower `Service`: reads a request, waits the API's latency, acts on the state in one step, streams the answer.

use std::convert::Infallible;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use kube::client::Body;
use serde_json::json;
use tower::Service;

use crate::engine::Shared;

use super::error::ApiError;
use super::handle::{Call, Outcome, handle};
use super::{proxy, watch};

/// The largest request body that the real API server takes.
const BODY_LIMIT: usize = 3 << 20;

/// Body of an answer.
pub type AnswerBody = UnsyncBoxBody<Bytes, Infallible>;

/// The API server of one embedded cluster, to be given to `kube::Client::new`.
#[derive(Clone, Debug)]
pub struct ApiServer {
    shared: Shared,
}

impl ApiServer {
    /// Serves a state.
    #[must_use]
    pub fn new(shared: Shared) -> Self {
        Self { shared }
    }
}

impl Service<Request<Body>> for ApiServer {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = self.shared.clone();
        Box::pin(async move { Ok(answer(shared, request).await) })
    }
}

async fn answer(shared: Shared, request: Request<Body>) -> Response<AnswerBody> {
    let latency = shared.look(|state| state.settings.timings.api_latency);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let (parts, body) = request.into_parts();
    let outcome = match body.collect().await.map(http_body_util::Collected::to_bytes) {
        Ok(body) if body.len() > BODY_LIMIT => {
            let message = format!("Request entity too large: limit is {BODY_LIMIT}");
            Outcome::Refused(Box::new(ApiError::plain(413, "RequestEntityTooLarge", message)))
        }
        Ok(body) => {
            let call = Call::new(&parts, body);
            shared.with(|state| handle(state, &call))
        }
        Err(error) => Outcome::Refused(Box::new(ApiError::bad_request(format!("cannot read the body: {error}")))),
    };
    match outcome {
        Outcome::Json(code, body) => respond(code, "application/json", &[], body.into()),
        Outcome::Text(code, text) => respond(code, "text/plain; charset=utf-8", &[], text.into()),
        Outcome::Watch(plan) => {
            let body = BodyExt::boxed_unsync(watch::stream(shared, *plan));
            build(200, "application/json", &[], body)
        }
        Outcome::Proxy(plan) => proxy::wait(*plan, &shared).await,
        Outcome::Refused(error) => refuse(&error),
    }
}

/// A refusal; one that tells when to come again tells it as a header too.
pub(super) fn refuse(error: &ApiError) -> Response<AnswerBody> {
    let retry = error.details.get("retryAfterSeconds").map(|seconds| ("retry-after", seconds.to_string()));
    let headers: Vec<(&str, String)> = retry.into_iter().collect();
    respond(error.code, "application/json", &headers, Bytes::from(error.body().to_string()))
}

/// An answer whose body is complete.
pub(super) fn respond(code: u16, content_type: &str, headers: &[(&str, String)], body: Bytes) -> Response<AnswerBody> {
    build(code, content_type, headers, BodyExt::boxed_unsync(Full::new(body)))
}

fn build(code: u16, content_type: &str, headers: &[(&str, String)], body: AnswerBody) -> Response<AnswerBody> {
    let mut builder = Response::builder().status(code).header("content-type", content_type);
    for (name, value) in headers {
        builder = builder.header(*name, value);
    }
    builder.body(body).unwrap_or_else(|error| {
        let body = json!({ "kind": "Status", "message": error.to_string() }).to_string();
        Response::new(BodyExt::boxed_unsync(Full::new(Bytes::from(body))))
    })
}
