//! Each objective of `[expect]`: passes, fails, and stays open without data.

use driftproof::verdict::Outcome::{self, Fail, Inconclusive, Pass};

use super::stories::{KILL, KILL_SCENARIO, LOST, LOST_SCENARIO, stuck, with, without};
use super::{check, judged, objective};

fn expecting(scenario: &str, expect: &str) -> String {
    let (head, _) = scenario.split_once("[expect]").expect("an [expect]");
    format!("{head}[expect]\n{expect}")
}

#[track_caller]
fn outcomes(scenario: &str, story: &str, table: &[(&str, &str, Outcome)]) {
    for (expect, name, outcome) in table {
        let verdict = judged(&expecting(scenario, expect), story);
        let found = objective(&verdict, name);
        assert_eq!(found.outcome, *outcome, "{expect}: {found:#?}");
        assert!(!found.reason.is_empty() && !found.bound.is_empty(), "{found:#?}");
    }
}

/// Every second attempt of half a second fails after the kill.
fn failing() -> String {
    let story = with(
        KILL,
        "0 probes 18 10 ok",
        "0 probes 10 10 ok\n 10 probes 11 10 ok\n 11 probes 13 10 503\n 13 probes 18 10 ok",
    );
    with(&story, "10.1 unsteady", "10.1 unsteady")
}

#[test]
fn each_objective_passes_and_fails_at_its_bound() {
    outcomes(
        KILL_SCENARIO,
        &failing(),
        &[
            ("rto = \"3200ms\"", "rto", Pass),
            ("rto = \"3199ms\"", "rto", Fail),
            ("availability = \"75%\"", "availability", Pass),
            ("availability = \"75.1%\"", "availability", Fail),
            ("longest_outage = \"2s\"", "longest_outage", Pass),
            ("longest_outage = \"1999ms\"", "longest_outage", Fail),
            ("total_downtime = \"2s\"", "total_downtime", Pass),
            ("total_downtime = \"1s\"", "total_downtime", Fail),
            ("p99 = \"1s\"", "p99", Inconclusive),
            ("phase.image-pulled = \"2s\"", "phase.image-pulled", Pass),
            ("phase.image-pulled = \"1s\"", "phase.image-pulled", Fail),
            ("phase.volume-attached = \"1s\"", "phase.volume-attached", Inconclusive),
            ("moved = 1", "moved", Pass),
            ("moved = 2", "moved", Fail),
            ("rpo = 0", "rpo", Inconclusive),
            ("same_after = [\"images\"]", "same.images", Inconclusive),
        ],
    );
}

#[test]
fn what_is_not_expected_is_not_judged() {
    let verdict = judged(&expecting(KILL_SCENARIO, ""), KILL);
    let names: Vec<&str> = verdict.objectives.iter().map(|judgement| judgement.objective.as_str()).collect();
    assert_eq!(names, ["faults", "evidence", "clean", "steady"]);
}

#[test]
fn an_outage_is_told_with_its_fault_and_phase() {
    let verdict = judged(&expecting(KILL_SCENARIO, "longest_outage = \"1s\""), &failing());
    let reason = "probe reads had no answer for 2s (objective 1s) during 1-pod-kill, \
                  mostly while web-b was not yet image-pulled; saw status 503";
    check(&verdict, "longest_outage", Fail, reason);
    assert_eq!(objective(&verdict, "longest_outage").knob, "size of the image of deployment/web: pre-pull it");
}

#[test]
fn latency_counts_from_when_an_attempt_was_due() {
    let slow = with(KILL, "0 probes 18 10 ok", "0 probes 10 20 ok\n 10 probes 16 20 ok\n 16 probes 18 20 slow");
    let verdict = |bound: &str| judged(&expecting(KILL_SCENARIO, &format!("p99 = \"{bound}\"")), &slow);
    check(&verdict("400ms"), "p99", Pass, "probe reads: p99 400ms over 160 answers, 40 late");
    check(&verdict("399ms"), "p99", Fail, "probe reads: p99 400ms over 160 answers, 40 late");
}

#[test]
fn a_phase_that_a_stuck_drift_never_reached_fails_its_budget() {
    outcomes(
        LOST_SCENARIO,
        &stuck(),
        &[
            ("phase.scheduled = \"5s\"", "phase.scheduled", Fail),
            ("phase.ready = \"5s\"", "phase.ready", Fail),
            ("phase.evicted = \"10m\"", "phase.evicted", Pass),
            ("moved = 1", "moved", Fail),
        ],
    );
    // Of a run that was cut it cannot be told; that it took longer than its budget before can.
    let cut = without(&stuck(), "end completed");
    outcomes(
        LOST_SCENARIO,
        &cut,
        &[
            ("phase.scheduled = \"5s\"", "phase.scheduled", Inconclusive),
            ("phase.evicted = \"1m\"", "phase.evicted", Fail),
            ("moved = 1", "moved", Inconclusive),
            ("rto = \"2m\"", "rto", Fail),
            ("rto = \"20m\"", "rto", Inconclusive),
        ],
    );
}

#[test]
fn snapshots_are_compared_without_a_model() {
    let scenario = expecting(KILL_SCENARIO, "same_after = [\"images\"]");
    let table = [
        ("9 same before images web sha256:a\n 18.2 same after images web sha256:a", Pass, "the same before and after"),
        ("9 same before images web sha256:a\n 18.2 same after images web sha256:b", Fail, "web: sha256:a → sha256:b"),
        (
            "9 same before images web sha256:a\n 18.2 same after images api sha256:a",
            Fail,
            "api is new: sha256:a, web is gone, it was sha256:a",
        ),
        (
            "9 same before images web sha256:a\n 18.2 same after spec web x",
            Inconclusive,
            "it was not read before and after",
        ),
    ];
    for (lines, outcome, reason) in table {
        let story = with(KILL, "0 stage steady", &format!("0 stage steady\n{lines}"));
        check(&judged(&scenario, &story), "same.images", outcome, reason);
    }
}

#[test]
fn every_sample_of_a_query_is_held_to_its_bound() {
    let scenario =
        with(KILL_SCENARIO, "[[fault]]", "[[query]]\nname = \"errors\"\nexpr = \"x\"\nbound = \"< 5\"\n[[fault]]");
    let table = [
        ("18.2 query 1,4", Pass, "all 2 samples keep the bound"),
        ("18.2 query 1,6", Fail, "1 of 2 samples break the bound, the first is 6"),
        ("18.2 query none", Inconclusive, "no data: no answer"),
        ("", Inconclusive, "no data: it was not asked"),
    ];
    for (line, outcome, reason) in table {
        let story = with(KILL, "0 stage steady", &format!("0 stage steady\n{line}"));
        check(&judged(&scenario, &story), "query.errors", outcome, reason);
    }
}

#[test]
fn a_target_that_never_comes_back_fails_even_without_an_rto() {
    let scenario = expecting(KILL_SCENARIO, "");
    let story = without(KILL, "13.2 steady");
    let verdict = judged(&scenario, &story);
    check(
        &verdict,
        "steady",
        Fail,
        "deployment/web was not steady again for 5s after the last fault: 1 of 2 pods of deployment/web are ready",
    );
    assert_eq!(verdict.outcome, Fail);
    let recovered = judged(&with(LOST_SCENARIO, "2m", "10m"), LOST);
    assert_eq!(recovered.outcome, Pass, "{recovered:#?}");
}
