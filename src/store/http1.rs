//! HTTP/1.1 over dialled connections, which stay open between requests. Never sends a request twice: when a kept
//! connection turns out to be closed before anything was sent on it, a new one is dialled; after that, nothing is tried.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;

use super::{Deadline, Dial, Endpoint, HttpAnswer, HttpCall, HttpSend, SendError};

/// More than any answer that a workload should get.
const BODY_MAX: usize = 64 << 20;

/// HTTP/1.1 with one kept connection for each endpoint.
pub struct Http1 {
    dial: Arc<dyn Dial>,
    kept: BTreeMap<Arc<str>, Kept>,
}

/// An open connection; closed when dropped.
pub(super) struct Kept {
    sender: SendRequest<Full<Bytes>>,
    task: JoinHandle<()>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Http1 {
    /// Over these connections.
    #[must_use]
    pub fn new(dial: Arc<dyn Dial>) -> Self {
        Self { dial, kept: BTreeMap::new() }
    }

    async fn exchange(&mut self, to: &Endpoint, call: HttpCall<'_>, sent: &mut bool) -> Result<HttpAnswer, SendError> {
        let mut kept = match self.kept.remove(&to.name) {
            Some(kept) => kept.or_new(self.dial.as_ref(), to).await?,
            None => open(self.dial.as_ref(), to).await?,
        };
        *sent = true;
        let answer = kept.send(to, call).await?;
        let status = answer.status().as_u16();
        let closes = answer.headers().get("connection").is_some_and(|value| value.as_bytes() == b"close");
        let body = Limited::new(answer.into_body(), BODY_MAX).collect().await;
        let body = body.map_err(|error| SendError::Broken(format!("the answer broke off: {error}")))?.to_bytes();
        if !closes {
            self.kept.insert(to.name.clone(), kept);
        }
        Ok(HttpAnswer { status, body: String::from_utf8_lossy(&body).into_owned(), node: None })
    }
}

impl HttpSend for Http1 {
    fn send<'a>(
        &'a mut self,
        to: &'a Endpoint,
        call: HttpCall<'a>,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<HttpAnswer, SendError>> {
        Box::pin(async move {
            let mut sent = false;
            let deadline = Deadline::after(timeout);
            match tokio::time::timeout_at(deadline.end(), self.exchange(to, call, &mut sent)).await {
                Ok(result) => result,
                Err(_) if sent => Err(SendError::Timeout(timeout)),
                Err(_) => Err(SendError::Refused(format!("no connection to {}: {}", to.name, deadline.passed()))),
            }
        })
    }
}

/// A new connection.
pub(super) async fn open(dial: &dyn Dial, to: &Endpoint) -> Result<Kept, SendError> {
    let refused = |error: &dyn std::fmt::Display| SendError::Refused(format!("connect to {}: {error}", to.name));
    let stream = dial.dial(to).await.map_err(|error| refused(&error))?;
    let (sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| refused(&error))?;
    // Errors of the connection reach whoever waits for an answer.
    let task = tokio::spawn(async move { drop(connection.await) });
    Ok(Kept { sender, task })
}

impl Kept {
    /// This connection if it still is one.
    async fn or_new(mut self, dial: &dyn Dial, to: &Endpoint) -> Result<Self, SendError> {
        if self.sender.ready().await.is_ok() { Ok(self) } else { open(dial, to).await }
    }

    /// One request; the body of the answer is still to be read.
    pub(super) async fn send(
        &mut self,
        to: &Endpoint,
        call: HttpCall<'_>,
    ) -> Result<hyper::Response<Incoming>, SendError> {
        let mut request = hyper::Request::builder().method(call.method).uri(call.path).header("host", &to.address);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(Bytes::copy_from_slice(call.body.as_bytes())))
            .map_err(|error| SendError::Refused(format!("{} {}: {error}", call.method, call.path)))?;
        self.sender.send_request(request).await.map_err(|error| SendError::Broken(format!("{}: {error}", to.name)))
    }
}
