//! When a target counts as recovered: only a steady stretch that lasted, from the injection on.

use driftproof::measure::FaultSpan;

use driftproof::verdict::Outcome::{Fail, Inconclusive, Pass};

use super::stories::{KILL, KILL_SCENARIO, with, without};
use super::{judged, measured, objective};

/// Seconds from the injection, in tenths.
fn rtos(story: &str) -> Vec<Option<u64>> {
    measured(KILL_SCENARIO, story).faults.iter().map(|fault| FaultSpan::rto(fault).map(|rto| rto / 100_000)).collect()
}

#[test]
fn recovery_is_the_first_steady_stretch_that_lasts() {
    let table = [
        ("as it was", KILL.to_owned(), Some(32)),
        (
            "it flaps: the first stretch did not last",
            with(KILL, "13.2 stage", "14 unsteady flaps\n 15 steady\n 20.5 pod a ready\n 13.2 stage")
                .replace(" 18.", " 20."),
            Some(50),
        ),
        ("it ends unsteady", with(KILL, "13.2 stage", "18 unsteady again\n 13.2 stage"), None),
        ("the settle window was cut short", with(KILL, "18.2 stage check", "15 stage check"), None),
        ("the old pod terminates for ever and says Ready", without(&without(KILL, "pod c"), "pod b gone"), None),
        ("steady was never said again", without(KILL, "13.2 steady"), None),
        (
            "the run says steady too early: a pod still terminates or is not Ready",
            with(KILL, "13.2 steady", "10.2 steady").replace(" 18.", " 19."),
            Some(30),
        ),
    ];
    for (what, story, expected) in table {
        assert_eq!(rtos(&story), [expected], "{what}");
    }
}

#[test]
fn a_statefulset_pod_that_terminates_does_not_count_though_it_says_ready() {
    // The run never noticed; the pods show when the replaced instance was back.
    let story = without(&without(KILL, "unsteady"), "13.2 steady");
    assert_eq!(rtos(&story), [Some(30)]);
}

#[test]
fn a_fault_that_touches_nothing_of_the_target_has_an_rto_of_zero() {
    let story = "
        0 stage steady
        0 workload deployment/web 1
        0 pod a web-a ReplicaSet/web worker-1 ready
        0 steady
        0 probes 20 10 ok
        0 plan 1-pod-kill kill x=cache-x@worker-3
        10 inject 1-pod-kill
        10 proof 1-pod-kill yes shop/cache-x is gone
        11 stage settle
        20 stage check
        20 end completed
    ";
    assert_eq!(rtos(story), [Some(0)]);
}

#[test]
fn overlapping_faults_are_counted_from_their_own_injections() {
    let story = "
        0 stage steady
        0 workload deployment/web 2
        0 pod a web-a ReplicaSet/web worker-1 ready
        0 pod b web-b ReplicaSet/web worker-2 ready
        0 steady
        0 probes 60 10 ok
        0 plan 1-pod-kill kill a=web-a@worker-1
        0 plan 2-pod-kill kill b=web-b@worker-2
        10 inject 1-pod-kill
        10 pod a terminating
        10 unsteady
        11 pod a gone
        12 inject 2-pod-kill
        12 pod b terminating
        12 pod b gone
        13 pod c web-c ReplicaSet/web worker-1 ready
        15 pod d web-d ReplicaSet/web worker-2 ready
        15 steady
        15 stage settle
        30 stage check
        30 end completed
    ";
    assert_eq!(rtos(story), [Some(50), Some(30)]);
    // Full strength that only the second fault ended was the recovery of the first one, however soon that came.
    let story = with(
        story,
        "12 inject",
        "11.5 pod e web-e ReplicaSet/web worker-3 ready\n 11.5 steady\n 12 unsteady\n 12 inject",
    );
    assert_eq!(rtos(&story), [Some(15), Some(30)]);
    // Strength that ended before the second fault did was none that lasted.
    assert_eq!(rtos(&with(&story, "12 unsteady", "11.7 unsteady")), [Some(50), Some(30)]);
}

/// A pod is killed at 10 s and the next one 10 s later, before the settle window of 5 s is over.
fn series(back: &str) -> String {
    format!(
        "
        0 stage steady
        0 workload deployment/web 2
        0 pod a web-a ReplicaSet/web worker-1 ready
        0 pod b web-b ReplicaSet/web worker-2 ready
        0 steady
        0 probes 50 10 ok
        0 plan 1-pod-kill-1 kill a=web-a@worker-1
        0 plan 1-pod-kill-2 kill b=web-b@worker-2
        10 inject 1-pod-kill-1
        10 proof 1-pod-kill-1 yes shop/web-a is gone
        10 pod a terminating
        10 unsteady
        10.1 pod a gone
        10.2 pod c web-c ReplicaSet/web worker-1 pending
        {back} pod c ready
        {back} steady
        20 inject 1-pod-kill-2
        20 proof 1-pod-kill-2 yes shop/web-b is gone
        20 pod b terminating
        20 unsteady
        20.1 pod b gone
        20.2 pod d web-d ReplicaSet/web worker-2 pending
        26.4 pod d ready
        26.4 steady
        26.4 stage settle
        50 stage check
        50 end completed
    "
    )
}

#[test]
fn each_kill_of_a_series_has_its_own_recovery_and_one_that_is_hidden_is_not_judged() {
    let rto = |story: &str, limit: &str| {
        let verdict = judged(&with(KILL_SCENARIO, "10s", limit), story);
        let rto = objective(&verdict, "rto").clone();
        (rto.outcome, rto.reason)
    };
    assert_eq!(rtos(&series("16.4")), [Some(64), Some(64)]);
    assert_eq!(rto(&series("16.4"), "10s").0, Pass);
    assert_eq!(rto(&series("16.4"), "6s").0, Fail);
    // The second kill came before the first one had recovered: nobody knows whether it would have been in time.
    let hidden = series("21");
    assert_eq!(rtos(&hidden), [Some(164), Some(64)]);
    let (outcome, reason) = rto(&hidden, "12s");
    assert_eq!(outcome, Inconclusive);
    assert!(reason.contains("1-pod-kill-2 came 10s after it"), "{reason}");
    assert_eq!(rto(&hidden, "17s").0, Pass, "both were back in time all the same");
    assert_eq!(rto(&hidden, "6s").0, Fail, "the second one needed longer by itself");
    // What it took itself was not back in time, whatever came after.
    assert_eq!(rto(&series("24"), "12s").0, Fail);
}

#[test]
fn a_daemonset_is_at_full_strength_with_what_it_wanted_before() {
    let story = "
        0 stage steady
        0 node worker-1 z1 ready
        0 node worker-2 z2 ready
        0 workload daemonset/agent 2
        0 pod a agent-a DaemonSet/agent worker-1 ready
        0 pod b agent-b DaemonSet/agent worker-2 ready
        0 steady
        0 plan 1-node-failure fail worker-2
        10 inject 1-node-failure
        60 node worker-2 z2 lost
        60 pod b running
        60 unsteady
        60.1 workload daemonset/agent 1
        60.2 steady
        490 heal 1-node-failure
        492 node worker-2 z2 ready
        492 workload daemonset/agent 2
        493 pod b ready
        493.1 steady
        494 stage settle
        510 stage check
        510 end completed
    ";
    let scenario = with(&with(KILL_SCENARIO, "deployment/web", "daemonset/agent"), "pod-kill", "node-failure");
    let measured = measured(&scenario, story);
    assert_eq!(measured.faults[0].rto().map(|rto| rto / 1_000_000), Some(483));
}

#[test]
fn a_partition_that_nothing_probes_is_not_judged() {
    let story = "
        0 stage steady
        0 workload deployment/web 1
        0 pod a web-a ReplicaSet/web worker-1 ready
        0 steady
        0 plan 1-network-partition partition a=web-a@worker-1
        10 inject 1-network-partition
        40 heal 1-network-partition
        41 stage settle
        50 stage check
        50 end completed
    ";
    let unprobed = with(
        &with(KILL_SCENARIO, "[[probe]]\n    name = \"reads\"\n    kind = \"http\"\n    service = \"web:80\"\n", ""),
        "pod-kill",
        "network-partition",
    );
    assert_eq!(objective(&judged(&unprobed, story), "rto").outcome, Inconclusive);
    let control = with(KILL_SCENARIO, "service = \"web:80\"", "service = \"web:80\"\n    control = true");
    let control = with(&control, "pod-kill", "network-partition");
    assert_eq!(objective(&judged(&control, story), "rto").outcome, Inconclusive);
}

#[test]
fn a_partition_recovers_after_its_heal_and_before_the_next_disturbance() {
    let story = "
        0 stage steady
        0 workload deployment/web 1
        0 pod a web-a ReplicaSet/web worker-1 ready
        0 steady
        0 plan 1-network-partition partition a=web-a@worker-1
        10 inject 1-network-partition
        11 unsteady probe reads fails: timeout
        40 heal 1-network-partition
        41 steady
        41 stage settle
        50 stage check
        50 end completed
    ";
    assert_eq!(rtos(story), [Some(310)]);
    let healthy = with(&without(story, "unsteady"), "41 steady", "41 steady");
    assert_eq!(rtos(&healthy), [Some(0)], "a partition that a steady target survives");
}

#[test]
fn recovery_never_exceeds_the_run() {
    for story in [KILL.to_owned(), with(KILL, "13.2 steady", "10.2 steady")] {
        let measured = measured(KILL_SCENARIO, &story);
        for fault in &measured.faults {
            assert!(fault.recovered.is_none_or(|at| at <= measured.end && at >= fault.injected.unwrap()));
        }
    }
}
