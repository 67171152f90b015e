//! Speaks to a user's store: one request in, one outcome out, by a deadline. Never repeats a request, never sleeps inside
//! one, never judges: what cannot be classified for certain is `info`.
//!
//! An outcome is `ok` when the store said that it happened, and `fail` only for what is written down as definite for that
//! store (see `classify.rs` in each room) or when not a byte of the request left this machine. All the rest is `info`:
//! it may have happened, or may yet.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::workload::{Outcome, Request};

pub mod command;
pub mod etcd;
pub mod http;
pub mod postgres;
pub mod redis;

mod deadline;
mod dial;
mod http1;
mod route;
#[cfg(test)]
mod testing;
mod values;

pub use deadline::Deadline;
pub use dial::Tcp;
pub use http1::Http1;

/// One endpoint of a store. Named, so that the pod that answered is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Name of the pod or member.
    pub name: Arc<str>,
    /// `host:port`, or whatever the [`Dial`] in use understands.
    pub address: String,
}

/// Connections to endpoints: over TCP, or through the Kubernetes API.
pub trait Dial: Send + Sync {
    /// A connection. An error means that nothing was sent.
    fn dial<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, io::Result<BoxStream>>;
}

/// A byte stream in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Any byte stream.
pub type BoxStream = Box<dyn Stream>;

/// A prefix that may be removed from a store: an empty one would be everything in it.
fn removable(prefix: &str) -> Result<(), String> {
    if prefix.is_empty() {
        Err("nothing is removed without a prefix: it would be everything".to_owned())
    } else {
        Ok(())
    }
}

/// Why a store could not be prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unprepared {
    /// For people.
    pub reason: String,
    /// Whether something may have been made all the same.
    pub sent: bool,
}

impl From<Unprepared> for String {
    fn from(why: Unprepared) -> Self {
        why.reason
    }
}

/// One client of a store.
pub trait Store: Send {
    /// Makes what the workload needs in the store (tables). Before the first request; idempotent.
    ///
    /// # Errors
    /// What could not be made.
    fn prepare(&mut self, timeout: Duration) -> BoxFuture<'_, Result<(), Unprepared>>;

    /// Does one request. Ends by the timeout.
    fn perform<'a>(&'a mut self, request: &'a Request, timeout: Duration) -> BoxFuture<'a, Outcome>;

    /// Between requests: waits before the next attempt after an endpoint could not be reached. Bounded; at once when
    /// all is well.
    fn settle(&mut self) -> BoxFuture<'_, ()>;

    /// Removes whatever begins with the prefix of the workload. After everything was read; idempotent.
    ///
    /// # Errors
    /// What is left and why, for people.
    fn remove<'a>(&'a mut self, prefix: &'a str, timeout: Duration) -> BoxFuture<'a, Result<(), String>>;
}

/// Sends single HTTP requests: over connections, or inside the embedded cluster, which has none.
pub trait HttpSend: Send {
    /// One request and its answer, within the timeout.
    fn send<'a>(
        &'a mut self,
        to: &'a Endpoint,
        call: HttpCall<'a>,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<HttpAnswer, SendError>>;
}

/// An HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpCall<'a> {
    /// Method, in capitals.
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// Names and values of headers; `host` and `content-length` are added.
    pub headers: &'a [(String, String)],
    /// Body; empty for none.
    pub body: &'a str,
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Status.
    pub status: u16,
    /// Body.
    pub body: String,
    /// The pod that answered, where the sender knows better than the endpoint's name.
    pub node: Option<Arc<str>>,
}

/// Why there is no HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// Not a byte was sent.
    Refused(String),
    /// It may have arrived.
    Broken(String),
    /// No answer in time: it may have arrived.
    Timeout(Duration),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "not sent: {why}"),
            Self::Broken(why) => write!(f, "broken: {why}"),
            Self::Timeout(timeout) => write!(f, "no answer within {}", humantime::format_duration(*timeout)),
        }
    }
}

impl std::error::Error for SendError {}

impl SendError {
    /// The outcome of a request that got no answer.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Refused(_) => Outcome::fail(self.to_string()),
            Self::Broken(_) | Self::Timeout(_) => Outcome::info(self.to_string()),
        }
    }
}
