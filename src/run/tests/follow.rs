//! A watch that breaks in every way that an API server knows.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt;
use kube::api::Api;
use serde_json::{Value, json};

use super::super::observe::{Feed, Filter, Notice, follow};
use super::super::wait::within;
use super::fake::{Answer, Script, context, gaps};

fn node(name: &str, version: u32) -> Value {
    json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "uid": name, "resourceVersion": version.to_string() } })
}

fn list(version: u32, nodes: &[Value]) -> Answer {
    Answer::Now(
        200,
        json!({ "kind": "NodeList", "metadata": { "resourceVersion": version.to_string() }, "items": nodes }),
    )
}

fn failure(code: u16, reason: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": reason })
}

fn event(kind: &str, object: &Value) -> Value {
    json!({ "type": kind, "object": object })
}

/// A server that does not send a collection as a watch.
fn unstreamed() -> Answer {
    Answer::Now(422, failure(422, "Invalid"))
}

/// A collection as the first events of a watch.
fn initial(version: u32, nodes: &[Value]) -> Vec<Value> {
    let meta =
        json!({ "resourceVersion": version.to_string(), "annotations": { "k8s.io/initial-events-end": "true" } });
    let end = event("BOOKMARK", &json!({ "apiVersion": "v1", "kind": "Node", "metadata": meta }));
    nodes.iter().map(|node| event("ADDED", node)).chain([end]).collect()
}

/// Follows nodes for twenty seconds; what was heard, the requests, and the gaps. A server that then says nothing is not asked again within them.
async fn heard(answers: Vec<Answer>) -> (Vec<String>, Vec<String>, Vec<(String, bool)>) {
    heard_for(Duration::from_secs(20), answers).await
}

async fn heard_for(limit: Duration, answers: Vec<Answer>) -> (Vec<String>, Vec<String>, Vec<(String, bool)>) {
    let script = Script::new(answers);
    let (context, memory) = context(&script, |_| true);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let to = heard.clone();
    let api: Api<Node> = Api::all(context.client());
    let following = follow(Feed::of(&context), "nodes".to_owned(), api, Filter::default(), move |notice| {
        to.lock().unwrap().push(match notice {
            Notice::Object(change, node) => format!("{change:?} {}", node.name_any()),
            Notice::Lost(uid) => format!("Lost {uid}"),
            Notice::Listed => "Listed".to_owned(),
        });
    });
    within(context.clock(), limit, following).await;
    let heard = heard.lock().unwrap().clone();
    let asked = script.asked.lock().unwrap().clone();
    (heard, asked, gaps(&memory))
}

#[tokio::test(start_paused = true)]
async fn an_expired_version_is_listed_again_and_what_vanished_is_told() {
    let before = [node("a", 1), node("b", 2)];
    let after = [node("b", 8), node("c", 6), node("d", 9)];
    let broken = vec![event("ADDED", &node("c", 6)), event("ERROR", &failure(410, "Expired"))];
    let streamed =
        vec![Answer::Events([initial(5, &before), broken.clone()].concat()), Answer::Events(initial(9, &after))];
    let listed = vec![unstreamed(), list(5, &before), Answer::Events(broken), list(9, &after)];
    for (answers, requests) in [(streamed, 3), (listed, 5)] {
        let (heard, asked, gaps) = heard(answers).await;
        let wanted = ["Initial a", "Initial b", "Listed", "Added c", "Modified b", "Modified c", "Added d", "Lost a"];
        assert_eq!(heard, wanted);
        assert_eq!(gaps, [("watch of nodes: its version had expired; listed again".to_owned(), true)]);
        assert_eq!(asked.len(), requests, "{asked:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_among_its_first_events_is_not_taken_for_a_list() {
    let cut = initial(5, &[node("a", 1), node("b", 2)]).into_iter().take(1).collect();
    let (heard, asked, _) = heard(vec![Answer::Events(cut), list(5, &[node("a", 1), node("b", 2)])]).await;
    assert_eq!(heard, ["Initial a", "Initial a", "Initial b", "Listed"]);
    assert!(asked[0].contains("sendInitialEvents=true") && !asked[1].contains("watch"), "{asked:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_is_resumed_where_it_was() {
    let bookmark = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "resourceVersion": "7" } });
    let (heard, asked, gaps) = heard(vec![
        Answer::Events(initial(5, &[])),
        Answer::Events(vec![event("ADDED", &node("a", 6)), event("BOOKMARK", &bookmark)]),
    ])
    .await;
    assert_eq!(heard, ["Listed", "Added a"]);
    assert_eq!(gaps, []);
    assert!(asked[2].contains("resourceVersion=7"), "{asked:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_is_asked_again_less_and_less_often() {
    let away = || Answer::Now(503, failure(503, "ServiceUnavailable"));
    let mut answers = vec![Answer::Events(initial(5, &[]))];
    answers.extend((0..4).map(|_| away()));
    let (_, asked, gaps) = heard(answers).await;
    assert_eq!(asked.len(), 6);
    assert_eq!(gaps, [], "it has not been resumed yet");
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_watch_is_given_up_and_said() {
    let (heard, asked, gaps) = heard(vec![Answer::Now(403, failure(403, "Forbidden"))]).await;
    assert_eq!(heard, ["Listed"]);
    assert_eq!(gaps, [("watch of nodes: Forbidden".to_owned(), false)]);
    assert_eq!(asked.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_every_watch_at_once_is_not_asked_in_a_loop() {
    let mut answers = vec![Answer::Events(initial(5, &[]))];
    answers.extend((0..1000).map(|_| Answer::Events(Vec::new())));
    let (_, asked, _) = heard_for(Duration::from_secs(600), answers).await;
    assert!((10..60).contains(&asked.len()), "{} requests in ten minutes", asked.len());
}
