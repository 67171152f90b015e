//! The embedded API server against what a real one (1.36) said to the same objects, as `tests/apidiff/main.rs --record` wrote it.

mod ask;
#[path = "seeds.rs"]
mod seeds;

use ask::{Embedded, Question};
use serde_json::Value;

/// Where objects are asked for; a real cluster needs a namespace of its own, here any does.
const NAMESPACE: &str = "apidiff";

#[test]
fn the_embedded_server_takes_what_a_real_one_takes() {
    let recorded: Vec<Value> = serde_json::from_str(include_str!("recorded.json")).expect("the recorded table");
    assert!(recorded.len() >= 2000, "only {} objects are recorded", recorded.len());
    let mut embedded = Embedded::new();
    let mut wrong = Vec::new();
    for entry in recorded {
        let Some(kind) = embedded.kind(&entry["object"]) else { panic!("no kind: {entry}") };
        let question = Question { apply: entry["apply"] == true, object: entry["object"].clone(), kind };
        let answer = embedded.ask(&question);
        if answer.taken != (entry["taken"] == true) {
            wrong.push(format!("{}\n    {}", question.object, answer.message));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_sound_objects_are_sound() {
    let mut embedded = Embedded::new();
    for object in seeds::all() {
        let Some(kind) = embedded.kind(&object) else { panic!("no kind: {object}") };
        let answer = embedded.ask(&Question { apply: false, object, kind });
        // The namespaces and classes of a fresh cluster are there already.
        assert!(answer.taken || answer.code == 409, "{}", answer.message);
    }
}
