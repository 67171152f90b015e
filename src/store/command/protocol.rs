//! The lines of the protocol: requests written, answers read. Starts nothing.

use serde_json::{Map, Value as Json, json};

use crate::consistency::Value;
use crate::store::{Endpoint, values};
use crate::workload::{Action, Outcome, Request, Target, Until};

/// A request as a line, without its end.
pub(super) fn request(id: u64, request: &Request, endpoint: &Endpoint, timeout_ms: u64) -> String {
    let mut line = Map::new();
    line.insert("id".to_owned(), json!(id));
    line.insert("process".to_owned(), json!(request.process));
    line.insert("op".to_owned(), json!(operation(&request.action)));
    if let Some(verb) = request.action.verb() {
        line.insert("f".to_owned(), json!(verb.name()));
    }
    if let Some(key) = request.action.key() {
        line.insert("k".to_owned(), json!(key.as_ref()));
    }
    let input = request.action.input();
    if input != Value::Nil {
        line.insert("v".to_owned(), values::to_json(&input));
    }
    match &request.action {
        Action::OpenAccounts { accounts, balance } => {
            line.insert("accounts".to_owned(), names(accounts));
            line.insert("balance".to_owned(), json!(balance));
        }
        Action::Balances { accounts } => drop(line.insert("accounts".to_owned(), names(accounts))),
        Action::Watch { until, .. } => {
            let until = match until {
                Until::Events(count) => json!({ "events": count }),
                Until::Value(value) => json!({ "value": value }),
            };
            line.insert("until".to_owned(), until);
        }
        _ => {}
    }
    line.insert("endpoint".to_owned(), json!(endpoint.address));
    line.insert("node".to_owned(), json!(endpoint.name.as_ref()));
    line.insert("any".to_owned(), json!(request.target == Target::Any));
    line.insert("timeout_ms".to_owned(), json!(timeout_ms));
    Json::Object(line).to_string()
}

fn names(accounts: &[std::sync::Arc<str>]) -> Json {
    accounts.iter().map(|name| json!(name.as_ref())).collect()
}

/// What is not part of a workload: `prepare`, and `remove` with a prefix.
pub(super) fn housekeeping(id: u64, operation: &str, prefix: Option<&str>) -> String {
    json!({ "id": id, "op": operation, "k": prefix }).to_string()
}

fn operation(action: &Action) -> &'static str {
    match action {
        Action::Read { .. } => "read",
        Action::Write { .. } => "write",
        Action::Cas { .. } => "cas",
        Action::Add { .. } => "add",
        Action::Members { .. } => "members",
        Action::Transact { .. } => "txn",
        Action::OpenAccounts { .. } => "open",
        Action::Transfer { .. } => "transfer",
        Action::Balances { .. } => "balances",
        Action::Enqueue { .. } => "enqueue",
        Action::Dequeue { .. } => "dequeue",
        Action::Drain { .. } => "drain",
        Action::Increment { .. } => "increment",
        Action::Count { .. } => "count",
        Action::Acquire { .. } => "acquire",
        Action::Release { .. } => "release",
        Action::Watch { .. } => "watch",
    }
}

/// The outcome that a line gives. An error says why the line is no answer to the request with this number: the program
/// cannot be trusted any more.
pub(super) fn answer(id: u64, line: &str) -> Result<Outcome, String> {
    let shown = || line.chars().take(200).collect::<String>();
    let json: Json = serde_json::from_str(line).map_err(|error| format!("not JSON: {error}: `{}`", shown()))?;
    match json.get("id").and_then(Json::as_u64) {
        Some(found) if found == id => {}
        Some(found) => return Err(format!("an answer to request {found}, not to {id}")),
        None => return Err(format!("an answer without `id`: `{}`", shown())),
    }
    let text = |name: &str| json.get(name).and_then(Json::as_str);
    let error = text("error").unwrap_or("no reason given").to_owned();
    let mut outcome = match text("type") {
        Some("ok") => Outcome::ok(json.get("v").map_or(Value::Nil, values::from_json)),
        Some("fail") => {
            let actual = json.get("actual").map(values::from_json);
            Outcome { actual, ..Outcome::fail(error) }
        }
        Some("info") => Outcome::info(error),
        other => {
            let other = other.unwrap_or("nothing");
            return Err(format!("`type` must be `ok`, `fail` or `info`, not `{other}`"));
        }
    };
    outcome.node = text("node").map(Into::into);
    outcome.revision = json.get("revision").and_then(Json::as_i64);
    Ok(outcome)
}
