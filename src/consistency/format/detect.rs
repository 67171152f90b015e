//! Which format a file has, from its first bytes. Reads no more of it than that, and judges nothing.

use std::collections::BTreeMap;

use serde::Deserialize as _;

use super::edn::{self, Lexer};
use super::{Format, log};
use crate::history::Value;

/// The format of a file that begins so; of an empty one, our own.
///
/// # Errors
/// What it looks like, and what to do.
pub fn detect(head: &[u8]) -> Result<Format, String> {
    let sound = match std::str::from_utf8(head) {
        Ok(text) => text,
        // What is given may end within a character.
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    let text = sound.trim_start_matches('\u{feff}').trim_start();
    if text.is_empty() && head.len() == sound.len() {
        return Ok(Format::Native);
    }
    if is_json(text) {
        return of_json(text);
    }
    let format = if text.starts_with(['{', '[', '(', '#', ';']) { of_edn(text) } else { None };
    format.or_else(|| log::is_log(text).then_some(Format::JepsenLog)).ok_or_else(|| {
        let begin: String = text.chars().take(40).filter(|letter| !letter.is_control()).collect();
        let formats: Vec<&str> = Format::ALL.iter().map(|format| format.word()).collect();
        format!(
            "begins with `{begin}`, which is no history of a known format; name it with --format: {}",
            formats.join(", ")
        )
    })
}

/// Whether the first event is an object of JSON: its first key is a text.
pub(super) fn is_json(text: &str) -> bool {
    let inside = text.trim_start().trim_start_matches('[').trim_start();
    let object = inside.strip_prefix('{').map(str::trim_start);
    object.is_some_and(|object| object.starts_with('"') || object.starts_with('}')) || text.trim() == "[]"
}

fn of_json(text: &str) -> Result<Format, String> {
    let Some(begin) = text.find('{') else { return Ok(Format::JepsenJson) };
    let mut objects = serde_json::Deserializer::from_str(&text[begin..]);
    // An object that is cut off or strange is told by the reader.
    let Ok(first) = BTreeMap::<String, Value>::deserialize(&mut objects) else { return Ok(Format::Native) };
    let has = |field: &str| first.contains_key(field);
    if let Some(refused) = foreign(&first) {
        return Err(refused.to_owned());
    }
    Ok(match (has("i") || has("p"), has("process") || has("value") || has("index")) {
        (_, false) => Format::Native,
        (false, true) if is_transaction(first.get("f"), first.get("value")) => Format::Elle,
        (false, true) => Format::JepsenJson,
        (true, true) => Format::Native,
    })
}

/// Files of other tools that are known and not read, with the reason.
fn foreign(first: &BTreeMap<String, Value>) -> Option<&'static str> {
    let has = |field: &str| first.contains_key(field);
    if has("ClientId") && has("Call") && has("Return") {
        return Some(
            "looks like operations of Porcupine (etcd's robustness reports have them): an answer of etcd there tells revisions and \
             leases that no model here knows, so it is not read",
        );
    }
    if has("params") && has("data") {
        return Some("looks like a history of dbcop, which has sessions of events; convert it to Elle's form first");
    }
    None
}

fn of_edn(text: &str) -> Option<Format> {
    let first = first_map(text)?;
    let field = |name: &str| first.iter().find(|(key, _)| key.word() == Some(name)).map(|(_, value)| value);
    field("type")?;
    let function = field("f").and_then(Value::word);
    Some(match (field("key"), function) {
        (Some(_), Some("get" | "put" | "append")) => Format::PorcupineKv,
        _ if is_transaction(field("f"), field("value")) => Format::Elle,
        _ => Format::JepsenEdn,
    })
}

/// The first map of a text that may end anywhere.
fn first_map(text: &str) -> Option<Vec<(Value, Value)>> {
    let mut rest = text;
    // A vector around the events, tags and comments before the first.
    for _ in 0..1000 {
        let begin = rest.find(['{', ';'])?;
        if rest[begin..].starts_with(';') {
            rest = rest[begin..].split_once('\n')?.1;
            continue;
        }
        return match edn::value(&mut Lexer::new(&rest[begin..])) {
            Ok(Some(Value::Map(entries))) => Some(entries.to_vec()),
            _ => None,
        };
    }
    None
}

/// Whether an event is of a transaction: it says so, or it is a list of micro-operations.
fn is_transaction(function: Option<&Value>, value: Option<&Value>) -> bool {
    let word = function.and_then(Value::word).map(|word| word.trim_start_matches(':'));
    let is_micro = |micro: &Value| {
        let Value::List(parts) = micro else { return false };
        parts.len() == 3 && parts[0].word().is_some()
    };
    match (word, value) {
        (Some("txn"), _) => true,
        (None, Some(Value::List(micros))) => micros.iter().all(is_micro),
        _ => false,
    }
}
