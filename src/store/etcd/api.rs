//! The bodies of the gateway's requests and answers. Knows their form; knows nothing of connections or outcomes.
//! Keys and values are base64; 64-bit numbers come as text.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

/// A key as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) revision: i64,
}

/// The answer of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Txn {
    pub(super) succeeded: bool,
    pub(super) revision: Option<i64>,
    /// What each range found, in order; puts and deletions are empty.
    pub(super) ranges: Vec<Vec<Found>>,
}

pub(super) fn encode(text: &str) -> String {
    STANDARD.encode(text)
}

fn decode(json: &Json) -> Option<String> {
    match json {
        // An empty value is left out.
        Json::Null => Some(String::new()),
        other => String::from_utf8(STANDARD.decode(other.as_str()?).ok()?).ok(),
    }
}

/// A 64-bit number: text in the gateway, which leaves out zeros.
pub(super) fn number(json: &Json) -> Option<i64> {
    match json {
        Json::Null => Some(0),
        Json::String(text) => text.parse().ok(),
        other => other.as_i64(),
    }
}

/// The end of the range of all keys with a prefix, encoded.
pub(super) fn prefix_end(prefix: &str) -> String {
    let mut end = prefix.as_bytes().to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return STANDARD.encode(end);
        }
    }
    STANDARD.encode([0])
}

pub(super) fn range(key: &str, serializable: bool) -> Json {
    json!({ "key": encode(key), "serializable": serializable })
}

pub(super) fn range_prefix(prefix: &str, serializable: bool) -> Json {
    json!({ "key": encode(prefix), "range_end": prefix_end(prefix), "serializable": serializable })
}

pub(super) fn put(key: &str, value: &str) -> Json {
    json!({ "key": encode(key), "value": encode(value) })
}

/// A transaction that puts a value if the present one is another given one, and else says what it is.
pub(super) fn cas(key: &str, from: &str, to: &str) -> Json {
    json!({
        "compare": [{ "target": "VALUE", "result": "EQUAL", "key": encode(key), "value": encode(from) }],
        "success": [{ "requestPut": put(key, to) }],
        "failure": [{ "requestRange": range(key, false) }],
    })
}

/// A transaction that only reads: one snapshot.
pub(super) fn snapshot(keys: &[Arc<str>], serializable: bool) -> Json {
    let ranges: Vec<Json> = keys.iter().map(|key| json!({ "requestRange": range(key, serializable) })).collect();
    json!({ "success": ranges })
}

/// A transaction that puts values if no key has changed since its revision (0 for a key that was not there).
pub(super) fn unchanged(revisions: &[(Arc<str>, i64)], puts: &[(Arc<str>, String)]) -> Json {
    let compare: Vec<Json> = revisions
        .iter()
        .map(|(key, revision)| {
            json!({ "target": "MOD", "result": "EQUAL", "key": encode(key), "modRevision": revision.to_string() })
        })
        .collect();
    let success: Vec<Json> = puts.iter().map(|(key, value)| json!({ "requestPut": put(key, value) })).collect();
    json!({ "compare": compare, "success": success })
}

/// A transaction that creates a key bound to a lease, if it is not there.
pub(super) fn create(key: &str, value: &str, lease: i64) -> Json {
    json!({
        "compare": [{ "target": "CREATE", "result": "EQUAL", "key": encode(key), "createRevision": "0" }],
        "success": [{ "requestPut": { "key": encode(key), "value": encode(value), "lease": lease.to_string() } }],
    })
}

/// A transaction that deletes a key if it is still the one that a revision created.
pub(super) fn delete_created(key: &str, revision: i64) -> Json {
    json!({
        "compare": [{
            "target": "CREATE", "result": "EQUAL", "key": encode(key), "createRevision": revision.to_string(),
        }],
        "success": [{ "requestDeleteRange": { "key": encode(key) } }],
    })
}

/// What a range found. None if it is not the answer to one.
pub(super) fn found(answer: &Json) -> Option<Vec<Found>> {
    let Some(keys) = answer.get("kvs") else { return Some(Vec::new()) };
    let one = |entry: &Json| {
        let (key, value) = (decode(&entry["key"])?, decode(&entry["value"])?);
        Some(Found { key, value, revision: number(&entry["mod_revision"])? })
    };
    keys.as_array()?.iter().map(one).collect()
}

/// The revision of the whole store when it answered.
pub(super) fn revision(answer: &Json) -> Option<i64> {
    answer["header"].get("revision").and_then(number)
}

/// The answer of a transaction. None if it is not one.
pub(super) fn txn(answer: &Json) -> Option<Txn> {
    answer.get("header")?;
    let succeeded = answer.get("succeeded").and_then(Json::as_bool).unwrap_or(false);
    let none = Vec::new();
    let responses = answer.get("responses").map_or(Some(&none), Json::as_array)?;
    let ranges = responses.iter().map(|response| response.get("response_range").map_or(Some(Vec::new()), found));
    Some(Txn { succeeded, revision: revision(answer), ranges: ranges.collect::<Option<_>>()? })
}
