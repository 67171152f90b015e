//! Which answers of a service are definite: only the 4xx that its user has named. Everything else but success is `info`.

use serde_json::Value as Json;

use super::Call;
use crate::consistency::Value;
use crate::store::values;
use crate::workload::Outcome;

/// What an answer means to a request that wanted something changed.
pub(super) fn change(call: &Call, status: u16, body: &str, done: Value) -> Outcome {
    if (200..=299).contains(&status) {
        return Outcome::ok(done);
    }
    let actual = call.actual.as_ref().filter(|_| is_definite(call, status)).and_then(|at| pick(body, at));
    Outcome { actual, ..refusal(call, status, body) }
}

/// What an answer means to a read.
pub(super) fn read(call: &Call, status: u16, body: &str, absent: Value) -> Outcome {
    match status {
        200..=299 => match pick(body, &call.value) {
            Some(value) => Outcome::ok(value),
            None => Outcome::info(format!("there is nothing at `{}` in the answer", call.value)),
        },
        400..=499 if call.absent.contains(&status) => Outcome::ok(absent),
        _ => refusal(call, status, body),
    }
}

fn is_definite(call: &Call, status: u16) -> bool {
    (400..=499).contains(&status) && call.definite.contains(&status)
}

fn refusal(call: &Call, status: u16, body: &str) -> Outcome {
    let shown: String = body.chars().take(200).collect();
    let text = format!("status {status}: {shown}");
    if is_definite(call, status) { Outcome::fail(text) } else { Outcome::info(text) }
}

/// The value at a place in a body. A body that is not JSON is one text.
fn pick(body: &str, pointer: &str) -> Option<Value> {
    match serde_json::from_str::<Json>(body) {
        Ok(json) => json.pointer(pointer).map(values::from_json),
        Err(_) if pointer.is_empty() => Some(values::from_text(body.trim_end())),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consistency::Completion::{self, Fail, Info, Ok as Done};
    use crate::store::http::Template;

    fn call() -> Call {
        Call {
            method: "POST".to_owned(),
            path: Template::parse("/{key}").expect("valid"),
            body: None,
            value: "/item/value".to_owned(),
            definite: vec![409, 412, 503],
            absent: vec![404],
            actual: Some("/actual".to_owned()),
        }
    }

    #[test]
    fn only_what_the_user_named_is_definite_and_never_a_5xx() {
        let cases: [(u16, Completion); 11] = [
            (200, Done),
            (204, Done),
            (301, Info),
            (400, Info),
            (404, Info),
            (409, Fail),
            (412, Fail),
            (429, Info),
            (500, Info),
            (503, Info),
            (504, Info),
        ];
        for (status, completion) in cases {
            assert_eq!(change(&call(), status, "{}", Value::Nil).completion, completion, "{status}");
        }
        let refused = change(&call(), 409, r#"{"actual":"41"}"#, Value::Nil);
        assert_eq!(refused.actual, Some(Value::Int(41)));
        assert_eq!(change(&call(), 500, r#"{"actual":"41"}"#, Value::Nil).actual, None, "not an answer to trust");
    }

    #[test]
    fn a_read_takes_its_value_from_where_the_user_said() {
        let read = |status, body| read(&call(), status, body, Value::Nil);
        assert_eq!(read(200, r#"{"item":{"value":41}}"#).value, Value::Int(41));
        assert_eq!(read(200, r#"{"item":{"value":null}}"#), Outcome::ok(Value::Nil));
        assert_eq!(read(200, r#"{"other":1}"#).completion, Info);
        assert_eq!(read(200, "<html>").completion, Info);
        assert_eq!(read(404, ""), Outcome::ok(Value::Nil));
        assert_eq!(read(500, "").completion, Info);
        assert_eq!(pick("41\n", ""), Some(Value::Int(41)));
        assert_eq!(pick("forty-one", ""), Some(Value::Text("forty-one".into())));
    }
}
