//! A watch over the gateway's stream: one JSON document a line. What came before the deadline is an observation like any
//! other, so a watch that ends by its deadline is `ok` with what it has.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value as Json, json};

use super::client::{At, Etcd};
use super::{api, classify};
use crate::consistency::Value;
use crate::store::{HttpCall, SendError, http1, values};
use crate::workload::{Outcome, Until, words};

/// A longer line is no event of ours.
const LINE_MAX: usize = 16 << 20;

/// What one line of the stream says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
    /// Changes, each as `[revision, key, value]`; the value is nothing where the key was deleted.
    Events(Vec<Value>),
    /// The watch cannot be: what it asks for is compacted.
    Compacted(String),
    /// The watch ended for another reason.
    Ended(String),
}

pub(super) async fn follow(
    etcd: &mut Etcd,
    at: At,
    prefix: &str,
    after: i64,
    until: Until,
) -> Result<Outcome, Outcome> {
    let mut seen = Vec::new();
    let mut begun = false;
    let body = json!({ "create_request": {
        "key": api::encode(prefix), "range_end": api::prefix_end(prefix), "start_revision": (after + 1).to_string(),
    } });
    let body = body.to_string();
    let work = stream(etcd, at, &body, until, (&mut begun, &mut seen));
    match tokio::time::timeout_at(at.deadline.end(), work).await {
        Ok(Ok(())) => Ok(Outcome::ok(words::list(seen))),
        Ok(Err(outcome)) => {
            etcd.route.failed(at.index);
            Err(outcome)
        }
        Err(_) => match until {
            // That nothing came is an observation too, once etcd has said that the watch is there.
            Until::Events(_) if begun => Ok(Outcome::ok(words::list(seen))),
            Until::Events(_) => Err(Outcome::info(at.deadline.passed())),
            // The caller waits for one value; without it, there may be a gap at the end.
            Until::Value(_) => Err(Outcome::info(format!("{}, only {} events", at.deadline.passed(), seen.len()))),
        },
    }
}

async fn stream(
    etcd: &Etcd,
    at: At,
    body: &str,
    until: Until,
    (begun, seen): (&mut bool, &mut Vec<Value>),
) -> Result<(), Outcome> {
    let endpoint = etcd.route.endpoint(at.index);
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let call = HttpCall { method: "POST", path: "/v3/watch", headers: &headers, body };
    let failed = |error: SendError| error.outcome();
    let mut connection = http1::open(etcd.dial.as_ref(), endpoint).await.map_err(failed)?;
    let answer = connection.send(endpoint, call).await.map_err(failed)?;
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(classify::refusal(status, ""));
    }
    let mut lines = Lines { body: answer.into_body(), rest: Vec::new() };
    while !enough(until, seen) {
        match parse(&lines.next().await?)? {
            Line::Events(mut events) => {
                *begun = true;
                seen.append(&mut events);
            }
            Line::Compacted(why) => return Err(Outcome::fail(why)),
            Line::Ended(why) => return Err(Outcome::info(why)),
        }
    }
    Ok(())
}

fn enough(until: Until, seen: &[Value]) -> bool {
    match until {
        Until::Events(count) => seen.len() >= count,
        Until::Value(value) => seen.iter().any(|event| match event {
            Value::List(parts) => parts.get(2) == Some(&Value::Int(value)),
            _ => false,
        }),
    }
}

struct Lines {
    body: Incoming,
    rest: Vec<u8>,
}

impl Lines {
    async fn next(&mut self) -> Result<Vec<u8>, Outcome> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let after = self.rest.split_off(end + 1);
                return Ok(std::mem::replace(&mut self.rest, after));
            }
            if self.rest.len() > LINE_MAX {
                return Err(Outcome::info(format!("a line of the watch has more than {LINE_MAX} bytes")));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => self.rest.extend(frame.into_data().unwrap_or_default()),
                Some(Err(error)) => return Err(Outcome::info(format!("the watch broke off: {error}"))),
                None => return Err(Outcome::info("the watch ended")),
            }
        }
    }
}

pub(super) fn parse(line: &[u8]) -> Result<Line, Outcome> {
    let unreadable = || Outcome::info("a line of the watch has not the form that etcd documents");
    let json: Json = serde_json::from_slice(line).map_err(|_| unreadable())?;
    if let Some(error) = json.get("error") {
        return Ok(Line::Ended(format!("the watch failed: {error}")));
    }
    let result = json.get("result").ok_or_else(unreadable)?;
    if result["canceled"] == Json::Bool(true) {
        let reason = result["cancel_reason"].as_str().unwrap_or("no reason given");
        return Ok(match result.get("compact_revision").and_then(api::number) {
            Some(revision) if revision > 0 => {
                Line::Compacted(format!("required revision has been compacted: the oldest is {revision}"))
            }
            _ => Line::Ended(format!("the watch was cancelled: {reason}")),
        });
    }
    let none = Vec::new();
    let events = result.get("events").map_or(Some(&none), Json::as_array).ok_or_else(unreadable)?;
    let event = |event: &Json| {
        let found = api::found(&json!({ "kvs": [event["kv"]] }))?.pop()?;
        let value = if event["type"] == "DELETE" { Value::Nil } else { values::from_text(&found.value) };
        Some(words::list([Value::Int(found.revision), Value::Text(found.key.into()), value]))
    };
    events.iter().map(event).collect::<Option<Vec<_>>>().map(Line::Events).ok_or_else(unreadable)
}
