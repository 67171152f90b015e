//! The store under the loss of leaders, machines and wires, with and without data on volumes, and with each
//! planted bug.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::sim::kubelet::Machine;
use crate::sim::network::bench::{Bench, MS, at_pod};
use crate::sim::network::{Answer, Request, Vantage};
use crate::sim::storage::VolumeId;
use crate::sim::{Kind, State};

const S: Duration = Duration::from_secs(1);

/// A StatefulSet `db` of three, `db-0` on `n1` and so on.
struct Db {
    bench: Bench,
    annotations: Value,
    uids: Vec<String>,
    /// Whether each pod has a volume that follows its name.
    volume: bool,
}

impl Db {
    fn new(annotations: Value) -> Self {
        Self::build(annotations, false)
    }

    fn build(annotations: Value, volume: bool) -> Self {
        let mut bench = Bench::new();
        bench.put(
            Kind::StatefulSet,
            json!({ "metadata": { "namespace": "shop", "name": "db", "uid": "db-set" }, "spec": { "replicas": 3 } }),
        );
        let mut db = Self { bench, annotations, uids: Vec::new(), volume };
        for index in 0..3 {
            let uid = db.start(index, &format!("n{}", index + 1), index);
            db.uids.push(uid);
            db.pass(S);
        }
        db.pass(2 * S);
        db
    }

    /// Starts `db-<index>` on a node, with an address of this number.
    fn start(&mut self, index: usize, node: &str, address: usize) -> String {
        let name = format!("db-{index}");
        let mut annotations = json!({ "embedded.driftproof.dev/app": "kv" });
        for (key, value) in self.annotations.as_object().expect("a map") {
            annotations[format!("embedded.driftproof.dev/{key}")] = value.clone();
        }
        let owner = json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "db-set", "controller": true });
        let more = json!({ "metadata": { "annotations": annotations, "ownerReferences": [owner] } });
        let uid = self.bench.prepare("shop", &name, node, &format!("10.0.3.{address}"), &more);
        if self.volume {
            let sandbox = self.bench.state.kubelet.sandboxes.get_mut(&uid).expect("sandbox");
            sandbox.mounts.insert("/data".to_owned(), VolumeId::Persistent(format!("pv-{index}")));
        }
        self.bench.state.app_started(&uid, "main");
        uid
    }

    fn pass(&mut self, time: Duration) {
        self.bench.pass(time);
    }

    fn state(&mut self) -> &mut State {
        &mut self.bench.state
    }

    fn machine(&mut self, name: &str) -> &mut Machine {
        self.bench.machine(name)
    }

    /// Sends a request to one pod, from outside or from the pod's own node.
    fn ask_from(
        &mut self,
        from: &Vantage,
        pod: usize,
        method: &str,
        path: &str,
        body: &str,
    ) -> oneshot::Receiver<Answer> {
        let request = Request { method: method.to_owned(), path: path.to_owned(), body: body.to_owned() };
        self.bench.send(from, &at_pod("shop", &format!("db-{pod}"), "http"), request)
    }

    fn ask(&mut self, pod: usize, method: &str, path: &str, body: &str) -> (u16, String) {
        let answer = self.ask_from(&Vantage::Outside, pod, method, path, body);
        self.finish(answer)
    }

    /// Waits up to two seconds; 0 stands for no answer of the application.
    fn finish(&mut self, mut answer: oneshot::Receiver<Answer>) -> (u16, String) {
        for _ in 0..200 {
            self.pass(10 * MS);
            match answer.try_recv() {
                Ok(Answer::Response { status, body, .. }) => return (status, body),
                Ok(Answer::Refused | Answer::Reset | Answer::Silent) => return (0, String::new()),
                Err(_) => {}
            }
        }
        panic!("no answer within two seconds")
    }

    fn put(&mut self, pod: usize, value: &str) -> u16 {
        self.ask(pod, "PUT", &format!("/set/s/{value}"), "").0
    }

    fn values(&mut self, pod: usize) -> Vec<String> {
        serde_json::from_str(&self.ask(pod, "GET", "/set/s", "").1).unwrap_or_default()
    }

    fn local(&mut self, pod: usize) -> Vec<String> {
        serde_json::from_str(&self.ask(pod, "GET", "/local/set/s", "").1).unwrap_or_default()
    }

    fn role(&mut self, pod: usize) -> String {
        let body: Value = serde_json::from_str(&self.ask(pod, "GET", "/role", "").1).unwrap_or_default();
        body["role"].as_str().unwrap_or_default().to_owned()
    }

    fn leaders(&mut self) -> Vec<usize> {
        (0..3).filter(|pod| self.role(*pod) == "leader").collect()
    }

    fn leader(&mut self) -> usize {
        let leaders = self.leaders();
        assert_eq!(leaders.len(), 1, "one leader: {leaders:?}");
        leaders[0]
    }

    fn label(&mut self, pod: usize) -> Option<String> {
        let object = self.bench.state.store.find(Kind::Pod, "shop", &format!("db-{pod}"))?;
        object.label("role").map(str::to_owned)
    }

    fn kill(&mut self, pod: usize) {
        let uid = self.uids[pod].clone();
        self.state().app_killed(&uid, "main");
    }

    fn restart(&mut self, pod: usize) {
        let uid = self.uids[pod].clone();
        self.state().app_started(&uid, "main");
    }

    fn others(pod: usize) -> [usize; 2] {
        [(pod + 1) % 3, (pod + 2) % 3]
    }
}

fn names(prefix: &str, range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|index| format!("{prefix}{index}")).collect()
}

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

#[test]
fn the_stale_reads_bug_shows() {
    for (bugs, fresh) in [("", true), ("stale-reads", false)] {
        let mut db = Db::new(json!({ "bugs": bugs, "replication": "async" }));
        let leader = db.leader();
        assert_eq!(db.put(leader, "v0"), 200);
        let seen = db.values(Db::others(leader)[0]);
        assert_eq!(seen.contains(&"v0".to_owned()), fresh, "bugs {bugs:?}: {seen:?}");
    }
}

#[test]
fn the_lost_writes_bug_shows() {
    for (bugs, kept) in [("", true), ("lost-writes", false)] {
        let mut db = Db::new(json!({ "bugs": bugs }));
        let leader = db.leader();
        assert_eq!(db.put(leader, "v0"), 200);
        assert_eq!(db.values(leader), ["v0"], "the bug hides until the leader changes");
        db.kill(leader);
        db.pass(5 * S);
        let asked = Db::others(leader)[0];
        assert_eq!(db.values(asked).contains(&"v0".to_owned()), kept, "bugs {bugs:?}");
    }
}

#[test]
fn the_two_leaders_bug_shows() {
    for (bugs, count) in [("", 1), ("two-leaders", 2)] {
        let mut db = Db::new(json!({ "bugs": bugs }));
        let leader = db.leader();
        let node = format!("n{}", leader + 1);
        db.machine(&node).network = false;
        db.pass(6 * S);
        db.machine(&node).network = true;
        db.pass(3 * S);
        let leaders = db.leaders();
        assert_eq!(leaders.len(), count, "bugs {bugs:?}: {leaders:?}");
        let labelled = (0..3).filter(|pod| db.label(*pod).as_deref() == Some("leader")).count();
        assert_eq!(labelled, count, "bugs {bugs:?}");
        if count == 2 {
            for pod in leaders.clone() {
                assert_eq!(db.put(pod, &format!("only-{pod}")), 200);
            }
            assert_ne!(db.values(leaders[0]), db.values(leaders[1]));
        }
    }
}

#[test]
fn the_duplicate_writes_bug_shows() {
    for (bugs, length) in [("", 10), ("duplicate-writes", 12)] {
        let mut db = Db::new(json!({ "bugs": bugs }));
        for value in 0..10 {
            assert_eq!(db.put(value % 3, &format!("v{value}")), 200);
        }
        assert_eq!(db.values(0).len(), length, "bugs {bugs:?}");
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
