//! Order, back-off, helpful events, and the same choice for the same seed.

use std::time::Duration;

use serde_json::{Value, json};

use super::{cluster, cpu, node, node_of, pod, run};
use crate::{Key, Kind, State};

fn attempts(state: &State) -> u64 {
    let events =
        state.store.in_namespace(Kind::Event, "shop").filter(|(_, each)| each.text("/reason") == "FailedScheduling");
    events.map(|(_, event)| event.at("/series/count").and_then(Value::as_u64).unwrap_or(1)).sum()
}

#[test]
fn a_helpful_event_ends_the_wait() {
    let mut state = cluster();
    node(&mut state, "n1", "a", json!({}));
    pod(&mut state, "first", json!({}), cpu("3"));
    run(&mut state, 1);
    pod(&mut state, "second", json!({}), cpu("3"));
    run(&mut state, 100);
    assert_eq!((node_of(&state, "second"), attempts(&state)), (String::new(), 1));
    let condition = state.store.find(Kind::Pod, "shop", "second").unwrap().at("/status/conditions/0").cloned().unwrap();
    assert_eq!((&condition["status"], &condition["reason"]), (&json!("False"), &json!("Unschedulable")));
    state.remove(Kind::Pod, &Key::new("shop", "first"));
    state.advance(state.now + Duration::from_millis(100));
    assert_eq!(node_of(&state, "second"), "n1");
}

#[test]
fn a_pod_that_fails_again_and_again_backs_off() {
    let mut state = cluster();
    node(&mut state, "n1", "a", json!({}));
    pod(&mut state, "big", json!({}), cpu("30"));
    let mut counts = Vec::new();
    for second in 0..40 {
        let key = Key::cluster("n1");
        state
            .modify_value(Kind::Node, &key, |node| node["metadata"]["labels"]["tick"] = json!(second.to_string()))
            .expect("there");
        run(&mut state, 1);
        counts.push(attempts(&state));
    }
    // Attempts at 0, 1, 3, 7, 15, 25 and 35 s.
    assert_eq!(
        [counts[0], counts[2], counts[5], counts[10], counts[20], counts[30], counts[39]],
        [1, 2, 3, 4, 5, 6, 7]
    );
}

#[test]
fn the_flush_tries_without_an_event() {
    let mut state = cluster();
    node(&mut state, "n1", "a", json!({}));
    pod(&mut state, "big", json!({}), cpu("30"));
    run(&mut state, 299);
    assert_eq!(attempts(&state), 1);
    run(&mut state, 2);
    assert_eq!(attempts(&state), 2);
}

#[test]
fn priority_goes_before_age() {
    let mut state = cluster();
    let class = json!({ "metadata": { "name": "high" }, "value": 1000 });
    state.create(Kind::PriorityClass, class).expect("a class");
    pod(&mut state, "low", json!({}), cpu("3"));
    let mut high = cpu("3");
    high["spec"]["priorityClassName"] = json!("high");
    pod(&mut state, "high", json!({}), high);
    node(&mut state, "n1", "a", json!({}));
    run(&mut state, 1);
    assert_eq!((node_of(&state, "high").as_str(), node_of(&state, "low").as_str()), ("n1", ""));
}

#[test]
fn the_same_seed_gives_the_same_places() {
    let places = || {
        let mut state = cluster();
        for index in 0..7 {
            node(&mut state, &format!("n{index}"), "a", json!({}));
        }
        for index in 0..20 {
            pod(&mut state, &format!("p{index}"), json!({}), json!({}));
        }
        run(&mut state, 1);
        (0..20).map(|index| node_of(&state, &format!("p{index}"))).collect::<Vec<_>>()
    };
    let first = places();
    assert!(first.iter().all(|node| !node.is_empty()));
    assert_eq!(first, places());
}
