//! The HTTP protocol, the role label, and the handover of a leader that is told to stop.

use serde_json::json;

use super::{Db, MS, S, names};

#[test]
fn any_replica_answers_and_all_come_to_hold_the_same() {
    let mut db = Db::new(json!({}));
    for value in 0..9 {
        assert_eq!(db.put(value % 3, &format!("v{value}")), 200);
    }
    for pod in 0..3 {
        assert_eq!(db.values(pod), names("v", 0..9), "db-{pod}");
        assert_eq!(db.ask(pod, "GET", "/readyz", "").0, 200, "db-{pod}");
    }
    db.pass(S);
    for pod in 0..3 {
        assert_eq!(db.local(pod), names("v", 0..9), "db-{pod}");
    }
}

#[test]
fn keys_are_set_and_compared() {
    let mut db = Db::new(json!({}));
    let cases = [
        ("GET", "/kv/k", "", 404, ""),
        ("PUT", "/kv/k", "one", 200, ""),
        ("GET", "/kv/k", "", 200, "one"),
        ("POST", "/cas/k", r#"{"from":"one","to":"two"}"#, 200, ""),
        ("POST", "/cas/k", r#"{"from":"one","to":"three"}"#, 409, r#"{"actual":"two"}"#),
        ("POST", "/cas/new", r#"{"from":null,"to":"x"}"#, 200, ""),
        ("POST", "/cas/k", "nonsense", 400, "{\"error\":\"the body must be {\\\"from\\\": …, \\\"to\\\": …}\"}"),
        ("GET", "/elsewhere", "", 404, r#"{"error":"no such path"}"#),
        ("DELETE", "/kv/k", "", 405, r#"{"error":"this path takes another method"}"#),
    ];
    for (index, (method, path, body, status, answer)) in cases.into_iter().enumerate() {
        assert_eq!(db.ask(index % 3, method, path, body), (status, answer.to_owned()), "{method} {path} {body}");
    }
}

#[test]
fn the_leader_labels_the_pods() {
    let mut db = Db::new(json!({}));
    let leader = db.leader();
    for pod in 0..3 {
        let expected = if pod == leader { "leader" } else { "follower" };
        assert_eq!(db.label(pod).as_deref(), Some(expected), "db-{pod}");
    }
    db.kill(leader);
    db.pass(5 * S);
    let next = db.leader();
    assert_eq!(db.label(next).as_deref(), Some("leader"));
    assert_eq!(db.label(leader).as_deref(), Some("follower"));
}

#[test]
fn a_leader_told_to_stop_hands_over_without_an_outage() {
    for replication in ["sync", "async"] {
        let mut db = Db::new(json!({ "replication": replication }));
        let leader = db.leader();
        assert_eq!(db.put(leader, "before"), 200);
        let uid = db.uids[leader].clone();
        db.state().app_signalled(&uid, "main");
        db.pass(20 * MS);
        let [one, other] = Db::others(leader);
        assert_eq!(db.put(one, "during"), 200, "{replication}");
        db.pass(S);
        assert!(!db.state().app_listens(&uid, 8080), "it has exited");
        assert_eq!(db.values(other), ["before", "during"], "{replication}");
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let story = || {
        let mut db = Db::new(json!({}));
        let leader = db.leader();
        db.kill(leader);
        db.restart(leader);
        let mut told = Vec::new();
        for value in 0..40 {
            told.push(db.put(value % 3, &format!("v{value}")));
            db.pass(100 * MS);
        }
        (told, db.values(0), db.leader())
    };
    assert_eq!(story(), story());
}
