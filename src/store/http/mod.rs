//! Any JSON service, by templates: which request reads a key, writes it, compares and sets it, adds to a set. Never retries.
//!
//! In templates, `{key}`, `{value}`, `{from}` and `{to}` stand for what their names say; in a path they are
//! percent-encoded, in a body they are JSON text without quotes. A request goes through [`HttpSend`], so that the same
//! client serves the embedded cluster, whose key-value store is the preset [`HttpOptions::kv`].
//!
//! [`HttpSend`]: super::HttpSend

mod classify;
mod client;
mod preset;
mod template;
#[cfg(test)]
mod tests;

pub use client::Http;
pub use template::{Template, TemplateError};

/// How to speak to a service.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HttpOptions {
    /// Headers of every request.
    pub headers: Vec<(String, String)>,
    /// Reads `{key}`.
    pub read: Option<Call>,
    /// Writes `{value}` to `{key}`.
    pub write: Option<Call>,
    /// Makes `{key}` `{to}` if it is `{from}`.
    pub cas: Option<Call>,
    /// Adds `{value}` to the set `{key}`.
    pub add: Option<Call>,
    /// Reads the set `{key}` as the service as a whole sees it.
    pub members: Option<Call>,
    /// Reads the set `{key}` as the endpoint that is asked has it; `members` where there is no difference.
    pub local_members: Option<Call>,
}

/// One kind of request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Method, in capitals.
    pub method: String,
    /// Path and query.
    pub path: Template,
    /// Body.
    pub body: Option<Template>,
    /// Where the value is in the answer of a read: a JSON pointer (RFC 6901), empty for the whole body.
    pub value: String,
    /// The 4xx that mean for certain that nothing happened.
    pub definite: Vec<u16>,
    /// The 4xx by which a read says that there is no value.
    pub absent: Vec<u16>,
    /// Where a compare-and-set that was refused says what the value is: a JSON pointer.
    pub actual: Option<String>,
}
