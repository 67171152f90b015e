//! The control group and the conditions on which faults are ended: what they change in a verdict, and what they never do.

use driftproof::verdict::Outcome::{Fail, Inconclusive, Pass};

use super::stories::{KILL, KILL_SCENARIO, with};
use super::{check, judged, objective};

/// With a control beside the probe, and an objective on both.
fn scenario(expect: &str) -> String {
    let control = "[[probe]]\nname = \"neighbour\"\nkind = \"http\"\nservice = \"other:80\"\ncontrol = true\n[[fault]]";
    with(&with(KILL_SCENARIO, "[[fault]]", control), "rto = \"10s\"", expect)
}

/// The target's probe and the control's, each failing between 11 s and 13 s or not.
fn story(target: &str, control: &str) -> String {
    let lines = |probe: usize, how: &str| {
        format!("0 probes 11 10 {probe}:ok\n 11 probes 13 10 {probe}:{how}\n 13 probes 18 10 {probe}:ok")
    };
    with(KILL, "0 probes 18 10 ok", &format!("{}\n {}", lines(0, target), lines(1, control)))
}

#[test]
fn a_control_that_suffers_as_well_puts_a_failure_in_doubt() {
    let wanted = "longest_outage = \"1s\"\navailability = \"99%\"";
    let alone = judged(&scenario(wanted), &story("503", "ok"));
    assert_eq!(objective(&alone, "longest_outage").outcome, Fail);
    check(&alone, "control.neighbour", Pass, "what no fault touches was answered throughout");
    assert_eq!(alone.outcome, Fail);
    let both = judged(&scenario(wanted), &story("503", "503"));
    for name in ["longest_outage", "availability"] {
        let judgement = objective(&both, name);
        assert_eq!(judgement.outcome, Inconclusive, "{judgement:#?}");
        assert!(judgement.reason.contains("the cluster and not the fault may be the cause"), "{judgement:#?}");
    }
    assert_eq!(both.outcome, Inconclusive);
}

#[test]
fn a_control_counts_for_no_objective_and_is_a_note_when_the_target_passes() {
    let verdict = judged(&scenario("longest_outage = \"1s\"\navailability = \"100%\""), &story("ok", "503"));
    assert_eq!(verdict.outcome, Pass, "{verdict:#?}");
    let reason =
        "note: neighbour had no answer for 2s as well: the cluster as a whole was disturbed, and not the target alone";
    check(&verdict, "control.neighbour", Pass, reason);
}

#[test]
fn a_control_explains_neither_lost_data_nor_a_slow_recovery_and_must_have_probed() {
    let slow = judged(&scenario("rto = \"1s\""), &story("ok", "503"));
    assert_eq!(objective(&slow, "rto").outcome, Fail);
    let silent = with(&story("ok", "ok"), "0 probes 11 10 1:ok\n 11 probes 13 10 1:ok\n 13 probes 18 10 1:ok", "");
    let silent = judged(&scenario("rto = \"10s\""), &silent);
    assert_eq!(objective(&silent, "control.neighbour").outcome, Inconclusive);
    assert_eq!(silent.outcome, Inconclusive);
}

#[test]
fn an_abort_is_what_the_scenario_said_beforehand() {
    let aborted = with(
        KILL,
        "12.8 pod c running",
        "12 abort 0 probe reads was without an answer for 1s: timeout\n 12.8 pod c running",
    );
    for (word, outcome) in [("inconclusive", Inconclusive), ("fail", Fail)] {
        let condition = format!("[[abort]]\nprobe = \"reads\"\noutage = \"1s\"\nverdict = \"{word}\"\n[[fault]]");
        let scenario = with(KILL_SCENARIO, "[[fault]]", &condition);
        let reason = "the faults were healed at once: probe reads was without an answer for 1s: timeout";
        let verdict = judged(&scenario, &aborted);
        check(&verdict, "abort", outcome, reason);
        assert_eq!((verdict.outcome, verdict.line.contains(reason)), (outcome, true), "{}", verdict.line);
        check(&judged(&scenario, KILL), "abort", Pass, "1 condition, none was met");
    }
}
