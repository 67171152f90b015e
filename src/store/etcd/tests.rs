//! The client against servers that answer by rule, and the forms of the gateway.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use super::{Etcd, EtcdOptions, Reads, api, watch};
use crate::consistency::{Completion, Value};
use crate::store::Store;
use crate::store::testing::{Reply, Servers, endpoint, http_answer, http_frame, read, request, write};
use crate::workload::{Action, Micro, Outcome, Request, Until, words};

const SECOND: Duration = Duration::from_secs(1);

fn client(servers: Servers, names: &[&str]) -> Etcd {
    let endpoints = names.iter().map(|name| endpoint(name)).collect();
    Etcd::new(Arc::new(servers), endpoints, 0, EtcdOptions::default())
}

async fn one(request: &Request, rule: impl FnMut(&str) -> Reply + Send + 'static) -> Outcome {
    client(Servers::default().with("a", http_frame, rule), &["a"]).perform(request, SECOND).await
}

fn cas() -> Request {
    request(Action::Cas { key: "k".into(), from: 1, to: 2 })
}

#[tokio::test(start_paused = true)]
async fn a_write_is_ok_with_its_revision_and_who_answered() {
    let write = write();
    let outcome = one(&write, |text| {
        assert!(text.starts_with("POST /v3/kv/put HTTP/1.1\r\n"), "{text}");
        assert!(text.ends_with(&json!({ "key": "aw==", "value": "NDE=" }).to_string()), "{text}");
        http_answer(200, r#"{"header":{"revision":"7"}}"#)
    });
    let outcome = outcome.await;
    assert_eq!((outcome.completion, outcome.revision), (Completion::Ok, Some(7)));
    assert_eq!(outcome.node.as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_arrived_is_unknown() {
    for (reply, why) in [
        (Reply::Close, "broken"),
        (Reply::Silence, "no answer within 1s"),
        (Reply::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned()), "no answer within 1s"),
        (http_answer(503, r#"{"message":"etcdserver: leader changed"}"#), "leader changed"),
        (http_answer(200, "<html>"), "unreadable"),
        (http_answer(200, "{}"), "form"),
    ] {
        let reply = move |_: &str| reply.clone();
        let outcome = one(&write(), reply).await;
        assert_eq!(outcome.completion, Completion::Info, "{outcome:?}");
        assert!(outcome.error.as_ref().is_some_and(|error| error.contains(why)), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_not_sent_failed_and_the_next_goes_elsewhere() {
    let found =
        http_answer(200, r#"{"header":{},"kvs":[{"key":"aw==","mod_revision":"3","value":"NDE="}],"count":"1"}"#);
    let servers = Servers::default().with("b", http_frame, move |_| found.clone());
    let mut client = client(servers, &["a", "b"]);
    let refused = client.perform(&read(), SECOND).await;
    assert_eq!((refused.completion, refused.node.as_deref()), (Completion::Fail, Some("a")));
    client.settle().await;
    let outcome = client.perform(&read(), SECOND).await;
    assert_eq!((outcome.value, outcome.node.as_deref()), (Value::Int(41), Some("b")));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_closed_between_requests_is_replaced_before_anything_is_sent() {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let servers = Servers::default().with("a", http_frame, move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Reply::Bytes(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 27\r\n\r\n{\"header\":{\"revision\":\"7\"}}"
                .to_owned(),
        )
    });
    let mut client = client(servers, &["a"]);
    for _ in 0..3 {
        assert_eq!(client.perform(&write(), SECOND).await.completion, Completion::Ok);
    }
    assert_eq!(count.load(Ordering::Relaxed), 3, "each request was sent once");
}

#[tokio::test(start_paused = true)]
async fn a_comparison_that_did_not_hold_failed_and_says_what_is_there() {
    let found = r#"{"header":{"revision":"9"},"responses":[{"response_range":{"kvs":[{"key":"aw==","mod_revision":"3","value":"NDE="}]}}]}"#;
    let outcome = one(&cas(), move |_| http_answer(200, found)).await;
    assert_eq!((outcome.completion, outcome.actual), (Completion::Fail, Some(Value::Int(41))));
    let done = r#"{"header":{"revision":"9"},"succeeded":true,"responses":[{"response_put":{}}]}"#;
    assert_eq!(one(&cas(), move |_| http_answer(200, done)).await.completion, Completion::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_writes_what_it_read_and_fails_when_that_changed() {
    let steps = [Micro::Append("k".into(), 3), Micro::Read("k".into())];
    let request = request(Action::Transact { steps: Arc::new(steps.clone()) });
    for (succeeded, completion) in [(true, Completion::Ok), (false, Completion::Fail)] {
        let outcome = one(&request, move |text| {
            if text.contains("compare") {
                assert!(text.contains(r#""modRevision":"8""#) && text.contains("MSwyLDM="), "1,2,3: {text}");
                return http_answer(200, &json!({ "header": {}, "succeeded": succeeded }).to_string());
            }
            let kvs = json!([{ "key": "aw==", "value": "MSwy", "mod_revision": "8" }]);
            let range = json!({ "response_range": { "kvs": kvs } });
            http_answer(200, &json!({ "header": {}, "succeeded": true, "responses": [range] }).to_string())
        });
        let outcome = outcome.await;
        assert_eq!(outcome.completion, completion, "{outcome:?}");
        if succeeded {
            let list = words::list([Value::Int(1), Value::Int(2), Value::Int(3)]);
            assert_eq!(
                outcome.value,
                words::list([words::micro(&steps[0], Value::Nil), words::micro(&steps[1], list)])
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_gathers_events_and_what_came_before_the_deadline_counts() {
    let watch = |until| request(Action::Watch { prefix: "p/".into(), after: 4, until });
    let stream = || {
        let created = r#"{"result":{"header":{"revision":"9"},"created":true}}"#;
        let event = |revision, value| {
            let kv = json!({ "key": "cC9r", "mod_revision": revision, "value": value });
            json!({ "result": { "header": {}, "events": [{ "kv": kv }] } }).to_string()
        };
        let lines = format!("{created}\n{}\n{}\n", event("5", "MQ=="), event("6", "Mg=="));
        Reply::Bytes(format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{lines}\r\n", lines.len()))
    };
    let event = |revision, value| words::list([Value::Int(revision), words::text("p/k"), Value::Int(value)]);
    let both = words::list([event(5, 1), event(6, 2)]);
    let two = watch(Until::Events(2));
    let enough = one(&two, move |text| {
        assert!(text.contains(r#""start_revision":"5""#), "{text}");
        stream()
    });
    assert_eq!(enough.await.value, both);
    let late = one(&watch(Until::Events(3)), move |_| stream()).await;
    assert_eq!((late.completion, late.value), (Completion::Ok, both.clone()));
    assert_eq!(one(&watch(Until::Value(2)), move |_| stream()).await.value, both);
    let gap = one(&watch(Until::Value(3)), move |_| stream()).await;
    assert_eq!(gap.completion, Completion::Info, "the last value never came");
}

#[test]
fn lines_of_a_watch() {
    let parse = |line: serde_json::Value| watch::parse(line.to_string().as_bytes());
    let compacted = parse(json!({ "result": { "canceled": true, "compact_revision": "12" } }));
    assert!(matches!(compacted, Ok(watch::Line::Compacted(_))), "{compacted:?}");
    let ended = parse(json!({ "result": { "canceled": true, "cancel_reason": "no leader" } }));
    assert!(matches!(ended, Ok(watch::Line::Ended(_))), "{ended:?}");
    assert!(matches!(parse(json!({ "error": { "message": "x" } })), Ok(watch::Line::Ended(_))));
    assert_eq!(parse(json!({ "result": { "created": true } })), Ok(watch::Line::Events(Vec::new())));
    let deleted = json!({ "type": "DELETE", "kv": { "key": "aw==", "mod_revision": "3" } });
    let gone = words::list([Value::Int(3), words::text("k"), Value::Nil]);
    assert_eq!(parse(json!({ "result": { "events": [deleted] } })), Ok(watch::Line::Events(vec![gone])));
    assert!(watch::parse(b"{").is_err() && watch::parse(b"{}").is_err());
}

proptest::proptest! {
    #[test]
    fn no_answer_is_too_odd(json in r#"\{("(kvs|header|responses|result|events|error|succeeded)":(\[\]|\{\}|1|null|"x"|\[\{"kv":1\}\]|\{"events":[01]\}),?){0,4}\}"#) {
        let _ = watch::parse(json.as_bytes());
        if let Ok(json) = serde_json::from_str(&json) {
            let _ = (api::txn(&json), api::found(&json), api::revision(&json));
        }
    }
}

#[test]
fn a_prefix_ends_before_the_next_one() {
    let decode =
        |text: String| base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).expect("base64");
    assert_eq!(decode(api::prefix_end("p/")), b"p0");
    assert_eq!(decode(api::prefix_end("\u{ff}")), [0xc3, 0xc0]);
    assert_eq!(decode(api::prefix_end("")), [0]);
}

#[tokio::test(start_paused = true)]
async fn without_a_prefix_nothing_is_removed() {
    let servers = Servers::default().with("a", http_frame, |text| panic!("{text}"));
    let error = client(servers, &["a"]).remove("", SECOND).await.expect_err("refused");
    assert!(error.contains("everything"), "{error}");
}

#[test]
fn reads_are_as_they_were_chosen() {
    assert_eq!(EtcdOptions::default().reads, Reads::Linearizable);
    assert_eq!(api::range("k", true)["serializable"], json!(true));
}
