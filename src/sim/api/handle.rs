//! One request against the state: who may do it, and which file does it.

use bytes::Bytes;
use http::Method;
use http::request::Parts;
use serde::Serialize;
use serde_json::Value;

use crate::State;

use super::error::ApiError;
use super::proxy::ProxyPlan;
use super::query::Query;
use super::route::{Route, Target, route};
use super::watch::WatchPlan;
use super::{access, discovery, evict, list, proxy, remove, scale, write};

/// A request, read to its end.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) raw_query: String,
    pub(super) query: Query,
    pub(super) content_type: String,
    pub(super) agent: String,
    pub(super) body: Bytes,
}

impl Call {
    /// Takes what matters of a request.
    pub(super) fn new(parts: &Parts, body: Bytes) -> Self {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        Self {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query: Query::parse(&raw_query),
            raw_query,
            content_type: header("content-type").split(';').next().unwrap_or_default().trim().to_owned(),
            agent: header("user-agent").to_owned(),
            body,
        }
    }

    /// The body as JSON (or YAML, which contains it).
    pub(super) fn json(&self) -> Result<Value, ApiError> {
        // JSON is YAML too, but the strict parser is the faster one.
        if self.content_type.contains("yaml") && self.body.first() != Some(&b'{') {
            let text = std::str::from_utf8(&self.body).map_err(|error| ApiError::bad_request(error.to_string()))?;
            return serde_saphyr::from_str(text)
                .map_err(|error| ApiError::bad_request(format!("error parsing YAML: {error}")));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| ApiError::bad_request(format!("couldn't get version/kind; json parse error: {error}")))
    }

    /// The body as JSON, `null` when there is none.
    pub(super) fn json_or_null(&self) -> Result<Value, ApiError> {
        if self.body.is_empty() { Ok(Value::Null) } else { self.json() }
    }

    /// Whether nothing may be stored.
    pub(super) fn dry_run(&self) -> bool {
        self.query.get("dryRun") == Some("All")
    }

    /// Who writes, for `managedFields`: the parameter, else the first word of the user agent.
    pub(super) fn manager(&self) -> String {
        let agent = self.agent.split(['/', ' ']).next().filter(|agent| !agent.is_empty()).unwrap_or("unknown");
        self.query.get("fieldManager").unwrap_or(agent).to_owned()
    }
}

/// What is to be answered.
#[derive(Debug)]
pub(super) enum Outcome {
    /// A complete JSON body.
    Json(u16, Vec<u8>),
    /// A complete text.
    Text(u16, String),
    /// A stream of events.
    Watch(Box<WatchPlan>),
    /// Whatever an application answers.
    Proxy(Box<ProxyPlan>),
    /// A refusal.
    Refused(Box<ApiError>),
}

impl Outcome {
    /// One object, in the version that was asked for.
    pub(super) fn object(code: u16, target: &Target, value: &Value) -> Self {
        Self::json(code, &*target.shown(value))
    }

    /// A JSON answer.
    pub(super) fn json(code: u16, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => Self::Json(code, bytes),
            Err(error) => Self::Text(500, error.to_string()),
        }
    }
}

/// Answers a request.
pub(super) fn handle(state: &mut State, call: &Call) -> Outcome {
    let served = match route(&state.store, &call.path) {
        Route::Resource(target) => resource(state, call, &target),
        Route::AccessReview => access::review(state, call),
        Route::RulesReview => access::rules(state, call),
        Route::Other(segments) => discovery::serve(&state.store, call, &segments),
    };
    served.unwrap_or_else(|error| Outcome::Refused(Box::new(error)))
}

fn resource(state: &mut State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    let facts = target.kind.facts();
    access::check(state, verb(call, target)?, target)?;
    match (target.sub.as_deref(), &target.name) {
        (Some("proxy"), Some(_)) => proxy::start(state, call, target),
        (Some("scale"), Some(_)) if facts.scale => scale::serve(state, call, target),
        (Some("eviction"), Some(_)) => evict::evict(state, call, target),
        (Some("binding"), Some(_)) => evict::bind(state, call, target),
        (Some("status"), Some(_)) if facts.status => object(state, call, target),
        (Some("finalize"), Some(_)) if call.method == Method::PUT => write::finalize(state, call, target),
        (Some(_), _) => Err(ApiError::unknown_path()),
        (None, Some(_)) => object(state, call, target),
        (None, None) => collection(state, call, target),
    }
}

fn object(state: &mut State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    match call.method {
        Method::GET if call.query.flag("watch") => list::watch(state, call, target),
        Method::GET => list::get(state, target),
        Method::PUT => write::update(state, call, target),
        Method::PATCH => write::patch(state, call, target),
        Method::DELETE if target.sub.is_none() => remove::delete(state, call, target),
        _ => Err(ApiError::method_not_allowed()),
    }
}

fn collection(state: &mut State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    let placed = target.namespace.is_some() || !target.kind.facts().namespaced;
    match call.method {
        Method::GET if call.query.flag("watch") => list::watch(state, call, target),
        Method::GET => list::list(state, call, target),
        Method::POST if placed => write::create(state, call, target),
        Method::DELETE if placed => remove::delete_collection(state, call, target),
        _ => Err(ApiError::method_not_allowed()),
    }
}

fn verb(call: &Call, target: &Target) -> Result<&'static str, ApiError> {
    Ok(match (&call.method, &target.name) {
        (&Method::GET, _) if call.query.flag("watch") => "watch",
        (&Method::GET, Some(_)) => "get",
        (&Method::GET, None) => "list",
        (&Method::POST, _) => "create",
        (&Method::PUT, _) => "update",
        (&Method::PATCH, _) => "patch",
        (&Method::DELETE, Some(_)) => "delete",
        (&Method::DELETE, None) => "deletecollection",
        _ => return Err(ApiError::method_not_allowed()),
    })
}
