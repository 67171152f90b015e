//! Synchronous replication: nothing acknowledged is lost, and without a majority nothing is acknowledged.

use serde_json::json;

use super::{Db, MS, S, names};
use crate::network::Vantage;

#[test]
fn a_synchronous_store_loses_nothing_when_its_leader_is_killed() {
    for volume in [false, true] {
        let mut db = Db::build(json!({ "data": "/data" }), volume);
        for value in 0..5 {
            assert_eq!(db.put(value % 3, &format!("v{value}")), 200);
        }
        let leader = db.leader();
        db.kill(leader);
        db.restart(leader);
        let [asked, _] = Db::others(leader);
        assert_ne!(db.put(asked, "lost-or-not"), 200, "no leader yet");
        db.pass(5 * S);
        assert_ne!(db.leader(), leader);
        assert_eq!(db.put(asked, "after"), 200);
        for pod in 0..3 {
            let held = db.values(pod);
            assert!(names("v", 0..5).iter().all(|value| held.contains(value)), "db-{pod} has {held:?}");
            assert!(held.contains(&"after".to_owned()));
        }
    }
}

#[test]
fn a_synchronous_store_without_a_majority_refuses() {
    let mut db = Db::new(json!({}));
    let leader = db.leader();
    assert_eq!(db.put(leader, "v0"), 200);
    for other in Db::others(leader) {
        db.machine(&format!("n{}", other + 1)).network = false;
    }
    db.pass(4 * S);
    assert_eq!(db.put(leader, "v1"), 503);
    assert_eq!(db.ask(leader, "GET", "/set/s", "").0, 503);
    assert_eq!(db.ask(leader, "GET", "/readyz", "").0, 503);
    assert_eq!(db.ask(leader, "GET", "/healthz", "").0, 200);
    for other in Db::others(leader) {
        db.machine(&format!("n{}", other + 1)).network = true;
    }
    db.pass(4 * S);
    assert_eq!(db.put(leader, "v2"), 200);
    assert_eq!(db.values(leader), ["v0", "v2"]);
}

#[test]
fn a_cut_off_synchronous_leader_acknowledges_nothing_while_the_others_go_on() {
    let mut db = Db::new(json!({}));
    let leader = db.leader();
    let node = format!("n{}", leader + 1);
    db.machine(&node).network = false;
    let inside = Vantage::Node(node.clone());
    let write = db.ask_from(&inside, leader, "PUT", "/set/s/inside", "");
    assert_eq!(db.finish(write).0, 504, "it believes to lead, and cannot know the outcome");
    db.pass(4 * S);
    let write = db.ask_from(&inside, leader, "PUT", "/set/s/inside2", "");
    assert_eq!(db.finish(write).0, 503);
    let [one, other] = Db::others(leader);
    assert_eq!(db.put(one, "outside"), 200);
    db.machine(&node).network = true;
    db.pass(2 * S);
    assert_eq!(db.values(other), ["outside"]);
    assert_eq!(db.local(leader), ["outside"], "the old leader threw its tail away");
}

#[test]
fn a_whole_store_restarted_keeps_its_data_on_volumes_only() {
    for (volume, expected) in [(true, vec!["v0".to_owned()]), (false, Vec::new())] {
        let mut db = Db::build(json!({ "data": "/data" }), volume);
        assert_eq!(db.put(0, "v0"), 200);
        db.pass(S);
        for pod in 0..3 {
            db.kill(pod);
        }
        for pod in 0..3 {
            db.restart(pod);
        }
        db.pass(6 * S);
        assert_eq!(db.values(0), expected, "volume: {volume}");
    }
}

#[test]
fn a_leader_killed_midway_leaves_no_half_truths() {
    let mut db = Db::new(json!({}));
    let leader = db.leader();
    let [one, _] = Db::others(leader);
    let direct = db.ask_from(&Vantage::Outside, leader, "PUT", "/set/s/direct", "");
    let passed_on = db.ask_from(&Vantage::Outside, one, "PUT", "/set/s/passed-on", "");
    db.pass(4 * MS);
    db.kill(leader);
    assert_eq!(db.finish(direct).0, 0, "reset");
    assert_eq!(db.finish(passed_on).0, 504, "nobody knows");
}
