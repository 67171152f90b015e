//! When a target counts as recovered: only a steady stretch that lasted, from the injection on.

use driftproof::measure::FaultSpan;

use super::measured;
use super::stories::{KILL, KILL_SCENARIO, with, without};

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
    // A stretch of less than the settle window between two faults is no recovery of the first one.
    let story = with(
        story,
        "12 inject",
        "11.5 pod e web-e ReplicaSet/web worker-3 ready\n 11.5 steady\n 12 unsteady\n 12 inject",
    );
    assert_eq!(rtos(&story), [Some(50), Some(30)]);
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
