//! Which errors of etcd are definite. A whitelist: whatever does not stand here is `info`.

use serde_json::Value as Json;

use crate::workload::Outcome;

/// What etcd refuses before it changes anything.
const DEFINITE: [&str; 2] = ["duplicate key given in txn request", "required revision has been compacted"];

/// The outcome of an answer whose status is not 200. (A comparison that did not hold is an answer with status 200, and a
/// request that was not sent has no answer.)
pub(super) fn refusal(status: u16, body: &str) -> Outcome {
    let json: Option<Json> = serde_json::from_str(body).ok();
    let message = json.as_ref().and_then(|json| ["message", "error"].iter().find_map(|name| json[name].as_str()));
    match message {
        Some(message) if DEFINITE.iter().any(|definite| message.contains(definite)) => Outcome::fail(message),
        Some(message) => Outcome::info(format!("status {status}: {message}")),
        None => Outcome::info(format!("status {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consistency::Completion;

    #[test]
    fn only_the_whitelist_is_definite() {
        let cases = [
            (400, "etcdserver: duplicate key given in txn request", Completion::Fail),
            (400, "etcdserver: mvcc: required revision has been compacted", Completion::Fail),
            (503, "etcdserver: request timed out", Completion::Info),
            (503, "etcdserver: request timed out, possibly due to previous leader failure", Completion::Info),
            (503, "etcdserver: leader changed", Completion::Info),
            (503, "etcdserver: no leader", Completion::Info),
            (429, "etcdserver: too many requests", Completion::Info),
            (507, "etcdserver: mvcc: database space exceeded", Completion::Info),
            (500, "etcdserver: server stopped", Completion::Info),
            (400, "context deadline exceeded", Completion::Info),
        ];
        for (status, message, completion) in cases {
            let body = serde_json::json!({ "error": message, "code": 3, "message": message }).to_string();
            assert_eq!(refusal(status, &body).completion, completion, "{message}");
        }
        assert_eq!(refusal(502, "<html>bad gateway</html>").completion, Completion::Info);
        assert_eq!(refusal(404, "").completion, Completion::Info);
    }
}
