//! Asynchronous replication: what is lost, and what comes back.

use serde_json::json;

use super::{Db, S};
use crate::Kind;
use crate::network::Vantage;

#[test]
fn an_asynchronous_store_loses_what_its_lost_leader_had_not_sent() {
    let mut db = Db::new(json!({ "replication": "async" }));
    let leader = db.leader();
    assert_eq!(db.put(leader, "old"), 200);
    db.pass(S);
    assert_eq!(db.put(leader, "fresh"), 200);
    let (node, uid) = (format!("n{}", leader + 1), db.uids[leader].clone());
    db.machine(&node).powered = false;
    db.state().app_killed(&uid, "main");
    db.pass(5 * S);
    let [asked, _] = Db::others(leader);
    assert_eq!(db.values(asked), ["old"], "acknowledged and gone");
    assert_eq!(db.put(asked, "later"), 200);
}

#[test]
fn a_cut_off_asynchronous_leader_goes_on_alone_and_discards_its_tail_when_healed() {
    let mut db = Db::new(json!({ "replication": "async" }));
    let leader = db.leader();
    let node = format!("n{}", leader + 1);
    let inside = Vantage::Node(node.clone());
    db.machine(&node).network = false;
    db.pass(5 * S);
    let write = db.ask_from(&inside, leader, "PUT", "/set/s/inside", "");
    assert_eq!(db.finish(write).0, 200, "split brain: acknowledged alone");
    let [one, other] = Db::others(leader);
    assert_eq!(db.put(one, "outside"), 200);
    let label = db.label(leader);
    assert_eq!(label.as_deref(), Some("follower"), "the new leader's side relabelled it");
    db.machine(&node).network = true;
    db.pass(3 * S);
    for pod in [leader, one, other] {
        assert_eq!(db.local(pod), ["outside"], "db-{pod}");
    }
    assert_ne!(db.leader(), leader);
}

#[test]
fn a_pod_that_moves_to_another_machine_takes_its_volume_along() {
    let mut db = Db::build(json!({ "data": "/data", "replication": "async" }), true);
    let leader = db.leader();
    assert_eq!(db.put(leader, "v0"), 200);
    let uid = db.uids[leader].clone();
    db.state().app_killed(&uid, "main");
    db.bench.take(Kind::Pod, "shop", &format!("db-{leader}"));
    db.state().kubelet.sandboxes.remove(&uid);
    let node = format!("n{}", Db::others(leader)[0] + 1);
    db.uids[leader] = db.start(leader, &node, 9);
    db.pass(5 * S);
    assert_eq!(db.values(0), ["v0"], "the most advanced replica was promoted: the one with the volume");
}
