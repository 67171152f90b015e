//! The request templates of data checks, and what their answers mean.

use serde_json::Value;

use crate::evidence::Ack;
use crate::world::{NetworkError, Reply};

/// `PUT /set/driftproof/{value}` as method and path, with the value filled in.
pub(super) fn request(template: &str, value: Option<u64>) -> (String, String) {
    let (method, path) = template.trim().split_once(char::is_whitespace).unwrap_or(("GET", template.trim()));
    let path = match value {
        Some(value) => path.trim().replace("{value}", &value.to_string()),
        None => path.trim().to_owned(),
    };
    (method.to_ascii_uppercase(), path)
}

/// Whether a write happened. Only what was definitely not delivered, or what the application definitely declined, has
/// failed; a server error may have come after the write took effect.
pub(super) fn acknowledged(answer: &Result<Reply, NetworkError>) -> Ack {
    match answer {
        Ok(reply) => match reply.status {
            200..=299 => Ack::Ok,
            // 408: the server gave up waiting, perhaps halfway.
            408 => Ack::Info,
            400..=499 => Ack::Fail,
            _ => Ack::Info,
        },
        Err(NetworkError::Refused(_) | NetworkError::Unsupported(_)) => Ack::Fail,
        Err(NetworkError::Broken(_) | NetworkError::Timeout(_) | NetworkError::Blind(_)) => Ack::Info,
    }
}

/// The values of a set: a JSON array of numbers, or of numbers as strings.
///
/// # Errors
/// What the answer was instead.
pub(super) fn values(answer: Result<Reply, NetworkError>) -> Result<Vec<u64>, String> {
    let reply = answer.map_err(|error| error.to_string())?;
    if !(200..300).contains(&reply.status) {
        return Err(format!("status {}", reply.status));
    }
    let wrong = || {
        let start: String = reply.body.chars().take(60).collect();
        format!("the answer is not a JSON array of numbers: {start}")
    };
    let Ok(Value::Array(items)) = serde_json::from_str(&reply.body) else { return Err(wrong()) };
    let number = |item: &Value| item.as_u64().or_else(|| item.as_str()?.parse().ok());
    items.iter().map(number).collect::<Option<Vec<u64>>>().ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[expect(clippy::unnecessary_wraps, reason = "an answer is a reply or an error")]
    fn reply(status: u16, body: &str) -> Result<Reply, NetworkError> {
        Ok(Reply { status, body: body.to_owned(), pod: None })
    }

    #[test]
    fn templates() {
        for (template, value, method, path) in [
            ("PUT /set/driftproof/{value}", Some(7), "PUT", "/set/driftproof/7"),
            ("get  /set", None, "GET", "/set"),
            ("/set", None, "GET", "/set"),
            ("POST /add?v={value}&again={value}", Some(1), "POST", "/add?v=1&again=1"),
        ] {
            assert_eq!(request(template, value), (method.to_owned(), path.to_owned()), "{template}");
        }
    }

    #[test]
    fn an_unknown_outcome_stays_unknown() {
        for (answer, expected) in [
            (reply(200, ""), Ack::Ok),
            (reply(204, ""), Ack::Ok),
            (reply(409, ""), Ack::Fail),
            (reply(429, ""), Ack::Fail),
            (reply(408, ""), Ack::Info),
            (reply(302, ""), Ack::Info),
            (reply(500, ""), Ack::Info),
            (reply(503, ""), Ack::Info),
            (Err(NetworkError::Refused("no endpoint".to_owned())), Ack::Fail),
            (Err(NetworkError::Broken("reset".to_owned())), Ack::Info),
            (Err(NetworkError::Timeout(Duration::from_secs(1))), Ack::Info),
        ] {
            assert_eq!(acknowledged(&answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn only_an_array_of_numbers_is_a_set() {
        assert_eq!(values(reply(200, "[3, 1, \"2\", 3]")), Ok(vec![3, 1, 2, 3]));
        assert_eq!(values(reply(200, "[]")), Ok(vec![]));
        for body in ["{}", "[1, null]", "oops", "[-1]", ""] {
            assert!(values(reply(200, body)).is_err(), "{body}");
        }
        assert_eq!(values(reply(503, "[1]")), Err("status 503".to_owned()));
    }
}
