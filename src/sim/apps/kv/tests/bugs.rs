//! Each planted bug is seen, and without it nothing is.

use serde_json::json;

use super::{Db, S};

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
