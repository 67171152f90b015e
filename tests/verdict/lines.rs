//! The line of the whole verdict: what a person reads first.

use driftproof::verdict::Outcome;

use super::stories::{KILL, KILL_SCENARIO, LOST, LOST_SCENARIO, stuck, with, without};
use super::{judged, objective};

#[track_caller]
fn line(scenario: &str, story: &str, outcome: Outcome, line: &str) {
    let verdict = judged(scenario, story);
    assert_eq!((verdict.outcome, verdict.line.as_str()), (outcome, line), "{verdict:#?}");
}

#[test]
fn a_pass_says_what_was_shown() {
    let expected = "rto 3.2s, 0 of 80 probes failed, 1 drift worker-2 → worker-3";
    line(KILL_SCENARIO, KILL, Outcome::Pass, expected);
}

#[test]
fn a_slow_recovery_names_the_object_the_phases_and_the_knob() {
    let expected =
        "db-0 needed 6m53s (objective 2m): 50s until worker-2 was declared lost, 5m toleration, 59s volume attach";
    line(LOST_SCENARIO, LOST, Outcome::Fail, expected);
    let verdict = judged(LOST_SCENARIO, LOST);
    assert_eq!(objective(&verdict, "rto").knob, "tolerationSeconds on statefulset/db");
    assert_eq!(objective(&verdict, "rto").measured, "6m53s");
}

#[test]
fn a_stuck_statefulset_says_what_it_waits_for() {
    let expected = "db-0 never came back in 9m (objective 2m): db-0 stays Terminating on worker-2, which is lost: \
                    a StatefulSet waits until the old pod object is gone";
    line(LOST_SCENARIO, &stuck(), Outcome::Fail, expected);
    let verdict = judged(LOST_SCENARIO, &stuck());
    assert_eq!(objective(&verdict, "rto").knob, "node.kubernetes.io/out-of-service taint on worker-2");
}

#[test]
fn what_was_left_comes_first() {
    let story = with(LOST, "436 end completed", "436 end dirty worker-2 is still cordoned");
    let expected = "left dirty: worker-2 is still cordoned (also failed: rto)";
    line(LOST_SCENARIO, &story, Outcome::Fail, expected);
}

#[test]
fn a_blocked_drain_fails_and_names_the_budget() {
    let reason = "evict pod web-b in shop: blocked by PodDisruptionBudget shop/web (0 disruptions allowed)";
    let story = "
        0 stage steady
        0 workload deployment/web 1
        0 pod b web-b ReplicaSet/web worker-2 ready
        0 steady
        0 probes 30 10 ok
        0 plan 1-node-drain drain worker-2
        10 inject 1-node-drain
        20 inject-held 1-node-drain shop/web WHOSE REASON
        21 heal 1-node-drain
        22 heal-proof 1-node-drain yes worker-2 is not cordoned
        23 stage settle
        30 stage check
        30 end completed
    ";
    let story = |whose: &str| with(&with(story, "REASON", reason), "WHOSE", whose);
    let scenario = with(KILL_SCENARIO, "pod-kill", "node-drain");
    line(&scenario, &story("own"), Outcome::Fail, &format!("1-node-drain: {reason}"));
    let drained = |whose: &str| objective(&judged(&scenario, &story(whose)), "drained").clone();
    assert_eq!((drained("own").outcome, drained("own").knob.as_str()), (Outcome::Fail, "PodDisruptionBudget shop/web"));
    // What a budget of somebody else does not allow says nothing about the target.
    assert_eq!(drained("other").outcome, Outcome::Inconclusive);
    assert_eq!(judged(&scenario, &story("other")).outcome, Outcome::Inconclusive);
}

#[test]
fn a_plan_that_finds_nothing_is_inconclusive_by_its_reason() {
    let story = "
        0 stage steady
        0 steady
        0 problem 1-pod-kill no pod in shop matches app=wbe
        1 end aborted the plan cannot be carried out
    ";
    line(KILL_SCENARIO, story, Outcome::Inconclusive, "1-pod-kill: no pod in shop matches app=wbe");
}

#[test]
fn a_partition_that_has_no_effect_is_inconclusive() {
    let story =
        with(&without(KILL, "proof"), "10.2 pod c", "10.2 proof 1-pod-kill no traffic still passes\n 10.2 pod c");
    line(KILL_SCENARIO, &story, Outcome::Inconclusive, "1-pod-kill is not proven: traffic still passes");
}

#[test]
fn a_run_without_an_objective_says_that_nothing_was_judged() {
    let (head, _) = KILL_SCENARIO.split_once("[expect]").expect("an [expect]");
    let verdict = judged(head, KILL);
    assert_eq!(verdict.outcome, Outcome::Pass);
    assert!(verdict.line.starts_with("no objective was set, availability 100%, rto 3.2s"), "{}", verdict.line);
}

#[test]
fn what_was_refused_comes_before_what_was_therefore_never_tried() {
    let story = "
        0 stage steady
        0 steady
        0 plan 1-pod-kill kill b=web-b@worker-2
        0 problem 2-pod-kill no pod in shop matches app=wbe
        1 end aborted the plan cannot be carried out
    ";
    line(KILL_SCENARIO, story, Outcome::Inconclusive, "2-pod-kill: no pod in shop matches app=wbe");
}
