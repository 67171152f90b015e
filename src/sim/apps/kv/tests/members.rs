//! Members that are added and removed by name, as those of etcd.

use serde_json::{Value, json};

use super::{Db, S};

impl Db {
    fn with_members() -> Self {
        Self::build(json!({ "members": "explicit", "data": "/data" }), true)
    }

    fn call(&mut self, pod: usize, path: &str, body: &Value) -> (u16, Value) {
        let (status, body) = self.ask(pod, "POST", &format!("/v3/{path}"), &body.to_string());
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    /// ID, pod, and whether it votes, as a member tells it.
    fn members(&mut self, pod: usize) -> Vec<(String, String, bool)> {
        let (_, list) = self.call(pod, "cluster/member/list", &json!({ "linearizable": true }));
        let pod = |member: &Value| {
            let url = member["peerURLs"][0].as_str().unwrap_or_default();
            url.trim_start_matches("http://").split('.').next().unwrap_or_default().to_owned()
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = list["members"].as_array().cloned().unwrap_or_default();
        let mut all: Vec<_> =
            list.iter().map(|one| (text(&one["ID"]), pod(one), one["isLearner"] != json!(true))).collect();
        all.sort_by(|a, b| a.1.cmp(&b.1));
        all
    }

    fn id(&mut self, asked: usize, pod: usize) -> String {
        let name = format!("db-{pod}");
        let found = self.members(asked).into_iter().find(|(_, found, _)| *found == name);
        found.expect("a member").0
    }
}

#[test]
fn a_new_member_waits_learns_votes_and_takes_the_place_of_an_old_one() {
    let mut db = Db::with_members();
    assert_eq!(db.put(0, "a"), 200);
    assert_eq!(db.members(1).iter().filter(|(_, _, votes)| *votes).count(), 3);
    db.start(3, "n1", 3);
    db.pass(3 * S);
    assert_ne!(db.ask(3, "GET", "/readyz", "").0, 200, "a pod is no member by being there");
    assert_eq!(db.ask(3, "GET", "/set/s", "").0, 503);
    let url = json!({ "peerURLs": ["http://db-3.db-members.shop.svc:2380"], "isLearner": true });
    assert_eq!(db.call(1, "cluster/member/add", &url).0, 200);
    assert_eq!(db.call(1, "cluster/member/add", &url).0, 400, "it is there already");
    db.pass(2 * S);
    assert_eq!(db.members(2).iter().filter(|(_, _, votes)| *votes).count(), 3, "a learner has no vote");
    assert_eq!(db.ask(3, "GET", "/readyz", "").0, 503);
    let new = db.id(1, 3);
    assert_eq!(db.call(1, "cluster/member/promote", &json!({ "ID": new })).0, 200);
    assert_eq!(db.call(1, "cluster/member/promote", &json!({ "ID": "5" })).0, 404);
    db.pass(S);
    assert_eq!((db.ask(3, "GET", "/readyz", "").0, db.values(3)), (200, vec!["a".to_owned()]));
    let leader = db.leader();
    let (target, body) = (db.id(1, 3), |id: String| json!({ "targetID": id }));
    assert_eq!(db.call(leader, "maintenance/transfer-leadership", &body(target)).0, 200);
    let old = db.id(1, 0);
    assert_eq!(db.call(1, "cluster/member/remove", &json!({ "ID": old })).0, 200);
    db.pass(S);
    assert_eq!(db.ask(0, "GET", "/readyz", "").0, 503, "it is a member no more");
    assert_eq!(db.put(1, "b"), 200);
    let pods: Vec<String> = db.members(3).into_iter().map(|(_, pod, _)| pod).collect();
    assert_eq!(pods, ["db-1", "db-2", "db-3"]);
}

#[test]
fn no_member_is_removed_that_is_needed_for_a_majority() {
    let mut db = Db::with_members();
    let leader = db.leader();
    let (dead, other) = ((leader + 1) % 3, (leader + 2) % 3);
    db.machine(&format!("n{}", dead + 1)).powered = false;
    db.pass(3 * S);
    let (dead, other) = (db.id(leader, dead), db.id(leader, other));
    assert_eq!(db.call(leader, "cluster/member/remove", &json!({ "ID": other })).0, 400);
    assert_eq!(db.call(leader, "cluster/member/remove", &json!({ "ID": dead })).0, 200);
}
