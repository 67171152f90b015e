//! Writes and volumes: lost, duplicated, phantom, empty, unread.

use driftproof::verdict::Outcome::{Fail, Inconclusive, Pass};

use super::stories::{KILL, KILL_SCENARIO, with};
use super::{check, judged};

const SET: &str = "[[data]]\nkind = \"set\"\nservice = \"web:80\"\n[[fault]]";

fn scenario(data: &str, expect: &str) -> String {
    with(&with(KILL_SCENARIO, "[[fault]]", data), "rto = \"10s\"", expect)
}

fn story(more: &str) -> String {
    with(
        KILL,
        "0 stage steady",
        &format!("0 stage steady\n 9 writes 0 39 ok\n 10.5 writes 100 101 info\n 10.5 writes 200 200 fail\n{more}"),
    )
}

const ALL_READ: &str = "18.2 read service 0..39\n 18.2 read web-a 0..39,100\n 18.2 read web-c 0..39";

#[test]
fn lost_writes_are_counted_against_the_recovery_point() {
    let scenario = scenario(SET, "rpo = 0");
    let kept = judged(&scenario, &story(ALL_READ));
    check(&kept, "rpo", Pass, "0 of 40 acknowledged writes are gone, 30 were acknowledged during faults");
    check(&kept, "data.set", Pass, "no duplicates, no phantoms");
    assert_eq!(kept.line, "rto 3.2s, 0 of 80 probes failed, rpo 0, 1 drift worker-2 → worker-3");
    let lost = judged(&scenario, &story(&with(ALL_READ, "service 0..39", "service 0..19,30..39")));
    let reason = "10 of 40 acknowledged writes are gone (20, 21, 22, 23, 24, …), written 1s to 1.9s after 1-pod-kill";
    check(&lost, "rpo", Fail, reason);
    assert_eq!(lost.line, reason);
}

#[test]
fn a_bound_above_zero_allows_as_many() {
    let lost = story(&with(ALL_READ, "service 0..39", "service 0..19,30..39"));
    assert_eq!(judged(&scenario(SET, "rpo = 10"), &lost).outcome, Pass);
    assert_eq!(judged(&scenario(SET, "rpo = 9"), &lost).outcome, Fail);
    // Without any bound a lost write is still data that is gone.
    check(
        &judged(&scenario(SET, "rto = \"10s\""), &lost),
        "data.set",
        Fail,
        "10 of 40 acknowledged writes are gone (20, 21, 22, 23, 24, …), written 1s to 1.9s after 1-pod-kill",
    );
}

#[test]
fn what_was_not_read_or_not_written_is_inconclusive() {
    let scenario = scenario(SET, "rpo = 0");
    let judged = |more: &str| judged(&scenario, &story(more));
    let unasked = judged("18.2 read service 0..39\n 18.2 read web-a 0..39");
    check(&unasked, "rpo", Inconclusive, "web-c could not be read: it was not read at the end");
    let failed = judged(&with(ALL_READ, "read service 0..39", "read service failed timeout"));
    check(&failed, "rpo", Inconclusive, "service could not be read: timeout");
    check(&failed, "data.set", Inconclusive, "service could not be read: timeout");
    let quiet = with(
        KILL,
        "0 stage steady",
        "0 stage steady\n 5 writes 0 9 ok\n 18.2 read service 0..9\n 18.2 read web-a 0..9\n 18.2 read web-c 0..9",
    );
    let reason = "no write of set was acknowledged while a fault was in force (10 in all)";
    check(&super::judged(&scenario, &quiet), "rpo", Inconclusive, reason);
    let none = super::judged(&with(KILL_SCENARIO, "rto = \"10s\"", "rpo = 0"), KILL);
    check(&none, "rpo", Inconclusive, "there is no data check of kind set");
}

#[test]
fn duplicates_and_phantoms_always_fail() {
    let scenario = scenario(SET, "rpo = 5");
    for (read, reason) in [
        ("web-c 0..39,7", "1 duplicate (7)"),
        ("web-c 0..39,999", "1 phantom (999)"),
        // A refused write that is there all the same was refused wrongly.
        ("web-c 0..39,200", "1 phantom (200)"),
        ("web-c 0..39,7,999", "1 duplicate (7); 1 phantom (999)"),
    ] {
        let story = story(&with(ALL_READ, "web-c 0..39", read));
        check(&judged(&scenario, &story), "data.set", Fail, reason);
    }
    // An indeterminate write may be there; a replica that lags is told.
    let behind = story(&with(ALL_READ, "web-c 0..39", "web-c 0..29,101"));
    check(&judged(&scenario, &behind), "data.set", Pass, "web-c lacks 10 in its own copy");
}

#[test]
fn a_volume_must_hold_the_same_content() {
    let volume = "[[data]]\nkind = \"volume\"\npath = \"/data\"\n[[fault]]";
    let scenario = scenario(volume, "rto = \"10s\"");
    let before = "9 volume web-a before d1 1\n 9 volume web-b before d2 1";
    let table = [
        (
            format!("{before}\n 18.2 volume web-a after d1 1\n 18.2 volume web-c after d2 1"),
            Pass,
            "the same content before and after",
        ),
        (
            format!("{before}\n 18.2 volume web-a after d1 1\n 18.2 volume web-c after e3 0"),
            Fail,
            "the volume of web-b is empty: 1 file gone (now web-c)",
        ),
        (
            format!("{before}\n 18.2 volume web-a after x 1\n 18.2 volume web-c after d2 1"),
            Fail,
            "the volume of web-a differs: 1 files before, 1 after",
        ),
        (
            format!("{before}\n 18.2 volume web-a after d1 1"),
            Inconclusive,
            "not every volume was read before and after",
        ),
        (
            format!("{before}\n 18.2 volume web-a after d1 1\n 18.2 volume web-c after - 0"),
            Inconclusive,
            "the volume of web-c could not be read after the faults: no such pod",
        ),
        (
            "9 volume web-a before e0 0\n 18.2 volume web-a after e0 0".to_owned(),
            Inconclusive,
            "the volumes were empty before: nothing could be lost",
        ),
        (String::new(), Inconclusive, "not every volume was read before and after"),
    ];
    for (more, outcome, reason) in table {
        check(&judged(&scenario, &story(&more)), "data.volume", outcome, reason);
    }
}
