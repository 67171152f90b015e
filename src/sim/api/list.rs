//! get, list and the start of a watch: what the store holds now, or held at a version that is still in its log.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{Change, Key, Object, State};

use super::error::ApiError;
use super::fields::FieldSelector;
use super::handle::{Call, Outcome};
use super::route::Target;
use super::selector::Selector;
use super::watch::{Filter, WatchPlan};

#[derive(Serialize)]
struct List<'a> {
    kind: String,
    #[serde(rename = "apiVersion")]
    api_version: String,
    metadata: Value,
    items: Vec<Cow<'a, Value>>,
}

/// Answers one object.
pub(super) fn get(state: &State, target: &Target) -> Result<Outcome, ApiError> {
    let key = target.key();
    let object = state.store.get(target.kind, &key).ok_or_else(|| ApiError::not_found(target.kind, &key))?;
    Ok(Outcome::object(200, target, object.value()))
}

/// Answers a collection, in pages when `limit` is given; all pages show the version of the first.
pub(super) fn list(state: &State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    let filter = filter(call, target)?;
    let from = call.query.get("continue").map(page_start).transpose()?;
    let version = match &from {
        Some((version, _)) => *version,
        None if call.query.get("resourceVersionMatch") == Some("Exact") => version(call)?.unwrap_or(0),
        None => state.store.version(),
    };
    let all = at_version(state, target, version, from.is_some())?;
    let mut items = all.iter().filter(|(key, object)| {
        from.as_ref().is_none_or(|(_, after)| **key > after) && filter.matches(key, object.value())
    });
    let limit = call.query.get("limit").and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0);
    let page: Vec<_> = items.by_ref().take(limit.unwrap_or(usize::MAX)).collect();
    let mut metadata = json!({ "resourceVersion": version.to_string() });
    let left = items.count();
    if let Some((last, _)) = page.last()
        && left > 0
    {
        metadata["continue"] = json!(format!("{version}:{}/{}", last.namespace, last.name));
        if filter.selects_all() {
            metadata["remainingItemCount"] = json!(left);
        }
    }
    let facts = target.kind.facts();
    let items = page.into_iter().map(|(_, object)| target.shown(object.value())).collect();
    let list = List { kind: format!("{}List", facts.kind), api_version: facts.api_version(), metadata, items };
    Ok(Outcome::json(200, &list))
}

/// All objects of a kind as they were at a version: today's, with every later change undone.
fn at_version<'a>(
    state: &'a State,
    target: &Target,
    version: u64,
    paged: bool,
) -> Result<BTreeMap<&'a Key, &'a Arc<Object>>, ApiError> {
    let here = |key: &Key| target.namespace.as_ref().is_none_or(|namespace| *namespace == key.namespace);
    let mut objects: BTreeMap<&Key, &Arc<Object>> = state.store.all(target.kind).filter(|(key, _)| here(key)).collect();
    if version >= state.store.version() {
        return Ok(objects);
    }
    let later: Vec<&Arc<Change>> = match state.store.since(version) {
        Some(later) => later.filter(|change| change.kind == target.kind && here(&change.key)).collect(),
        None if paged => {
            let message = "The provided continue parameter is too old to display a consistent list result. You can \
                           start a new list without the continue parameter.";
            return Err(ApiError::expired(message));
        }
        None => return Err(too_old(version, state.store.compacted())),
    };
    for change in later.into_iter().rev() {
        match &change.old {
            Some(old) => objects.insert(&change.key, old),
            None => objects.remove(&change.key),
        };
    }
    Ok(objects)
}

/// Starts a watch: the events that are due at once, and the version from which it goes on.
pub(super) fn watch(state: &State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    let filter = filter(call, target)?;
    let bookmarks = call.query.flag("allowWatchBookmarks");
    let initial = call.query.get("sendInitialEvents").map(|_| call.query.flag("sendInitialEvents"));
    let start = version(call)?.filter(|version| *version > 0);
    let seconds = call.query.get("timeoutSeconds").and_then(|seconds| seconds.parse().ok()).filter(|s| *s > 0);
    // kube-apiserver --min-request-timeout: watches without a timeout of their own end after 30 to 60 minutes.
    let timeout = Duration::from_secs(seconds.unwrap_or(1800));
    let mut plan = WatchPlan::new(filter, state.store.version(), timeout, state.changed.clone());
    plan.bookmarks = bookmarks;
    match (initial, start) {
        (Some(true), _) | (None, None) => {
            for (key, object) in state.store.all(target.kind) {
                if plan.filter.matches(key, object.value()) {
                    plan.event("ADDED", object.value());
                }
            }
            if initial == Some(true) && bookmarks {
                plan.bookmark(true);
            }
        }
        (Some(false) | None, Some(version)) if version < state.store.compacted() => {
            plan.event("ERROR", &too_old(version, state.store.compacted()).body());
            plan.timeout = Duration::ZERO;
        }
        (Some(false) | None, Some(version)) => plan.after = version,
        (Some(false), None) => {}
    }
    Ok(Outcome::Watch(Box::new(plan)))
}

/// 410 as the watch cache words it.
pub(super) fn too_old(version: u64, oldest: u64) -> ApiError {
    ApiError::expired(format!("too old resource version: {version} ({oldest})"))
}

fn version(call: &Call) -> Result<Option<u64>, ApiError> {
    let parse = |text: &str| {
        text.parse().map_err(|_| {
            let message = format!("resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: invalid syntax");
            ApiError::bad_request(message)
        })
    };
    call.query.get("resourceVersion").map(parse).transpose()
}

fn page_start(token: &str) -> Result<(u64, Key), ApiError> {
    let parsed = token.split_once(':').and_then(|(version, key)| {
        let (namespace, name) = key.split_once('/')?;
        Some((version.parse().ok()?, Key::new(namespace, name)))
    });
    parsed.ok_or_else(|| ApiError::bad_request("continue key is not valid"))
}

/// The selection that a request asks for.
pub(super) fn filter(call: &Call, target: &Target) -> Result<Filter, ApiError> {
    let mut query = call.query.clone();
    if let Some(name) = &target.name {
        query.narrow("fieldSelector", &format!("metadata.name={name}"));
    }
    Ok(Filter {
        kind: target.kind,
        namespace: target.namespace.clone(),
        labels: Selector::parse(query.get("labelSelector").unwrap_or_default())?,
        fields: FieldSelector::parse(target.kind, query.get("fieldSelector").unwrap_or_default())?,
    })
}
