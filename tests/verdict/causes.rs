//! Why it took so long, or never came: told from taints, conditions and specs that were seen, never guessed.

use driftproof::evidence::{Event, Evidence, PodSeen, Seen};
use driftproof::measure::measure;
use driftproof::verdict::{Judgement, judge};

use super::stories::{KILL, KILL_SCENARIO, LOST, LOST_SCENARIO, stuck, with, without};
use super::{judged, objective, story};

/// The evidence with something changed in every record of one pod.
fn changed(mut evidence: Evidence, uid: &str, change: impl Fn(&mut PodSeen)) -> Evidence {
    for record in &mut evidence.records {
        if let Event::Seen(seen) = &mut record.event
            && let Seen::Pod(pod) = seen.as_mut()
            && pod.uid == uid
        {
            change(pod);
        }
    }
    evidence
}

fn rto(evidence: &Evidence) -> Judgement {
    objective(&judge(&evidence.header.scenario, &measure(evidence)), "rto").clone()
}

#[test]
fn the_pace_of_the_node_controller_is_no_toleration() {
    let late = with(LOST, "360 pod a terminating", "140 node worker-2 z2 tainted\n 360 pod a terminating");
    let found = objective(&judged(LOST_SCENARIO, &late), "rto").clone();
    let said = "50s until worker-2 was declared lost, 1m20s until worker-2 was tainted (one node after the other), 3m40s toleration";
    assert!(found.reason.contains(said), "{}", found.reason);
    assert!(found.knob.contains("--node-eviction-rate"), "{}", found.knob);
    let at_once = with(LOST, "360 pod a terminating", "60.1 node worker-2 z2 tainted\n 360 pod a terminating");
    let found = objective(&judged(LOST_SCENARIO, &at_once), "rto").clone();
    assert!(found.reason.contains("declared lost, 5m toleration"), "{}", found.reason);
    assert_eq!(found.knob, "tolerationSeconds on statefulset/db");
}

/// The node comes back after eight minutes, and its pod with it.
const BACK: &str = "
    0 stage steady
    0 node worker-1 z1 ready
    0 node worker-2 z2 ready
    0 workload deployment/web 1
    0 pod a web-a ReplicaSet/web worker-2 ready
    0 endpoints web web-a
    0 probes 60 1 ok
    0 steady
    0 plan 1-node-failure fail worker-2
    10 inject 1-node-failure
    60 node worker-2 z2 tainted
    60 proof 1-node-failure yes worker-2 is not Ready
    60 pod a running
    60 endpoints web
    60 probes 493 1 timeout
    60 unsteady
    490 heal 1-node-failure
    492 node worker-2 z2 ready
    492 heal-proof 1-node-failure yes worker-2 is Ready
    493 pod a ready
    493 endpoints web web-a
    493 probes 510 10 ok
    493 steady
    493 stage settle
    510 stage check
    510 end completed
";

#[test]
fn a_pod_that_tolerates_everything_is_said_to_wait_for_its_node() {
    let scenario = with(KILL_SCENARIO, "pod-kill", "node-failure");
    let evidence = story::evidence(&scenario, BACK);
    let plain = rto(&evidence);
    assert!(plain.reason.contains("7m13s until Ready") && !plain.reason.contains("again"), "{}", plain.reason);
    let found = rto(&changed(evidence, "a", |pod| pod.stays = true));
    let said = "until Ready on worker-2 again (it tolerates the loss of its node for ever)";
    assert!(found.reason.contains(said), "{}", found.reason);
    assert_eq!(found.knob, "tolerations of deployment/web");
    let daemon = rto(&story::evidence(&scenario, &BACK.replace("ReplicaSet/web", "DaemonSet/web")));
    assert!(daemon.reason.contains("(a DaemonSet's pod stays with its node)"), "{}", daemon.reason);
}

#[test]
fn what_keeps_a_pod_is_told_by_its_own_conditions() {
    let never = without(&without(&without(KILL, "pod c ready"), "13.2 steady"), "13.1 endpoints");
    let gate = |pod: &mut PodSeen| "its readiness gate example.com/lb is not True".clone_into(&mut pod.waits_for);
    let why = |evidence: &Evidence| {
        let measured = measure(evidence);
        measured.drifts[0].stuck.as_ref().map(|stuck| stuck.why.clone()).unwrap_or_default()
    };
    let evidence = changed(story::evidence(KILL_SCENARIO, &never), "c", gate);
    assert_eq!(why(&evidence), "web-c is not Ready on worker-3: its readiness gate example.com/lb is not True");

    let finalizer = |pod: &mut PodSeen| "its finalizer example.com/hold keeps it".clone_into(&mut pod.waits_for);
    let evidence = changed(story::evidence(LOST_SCENARIO, &stuck()), "a", finalizer);
    assert_eq!(why(&evidence), "db-0 stays Terminating on worker-2: its finalizer example.com/hold keeps it");

    let unbound = without(&without(&without(&never, "10.3 pod c"), "pod c running"), "Pulled");
    let scheduler = |pod: &mut PodSeen| "no scheduler volcano has taken it up".clone_into(&mut pod.waits_for);
    let evidence = changed(story::evidence(KILL_SCENARIO, &unbound), "c", scheduler);
    assert_eq!(why(&evidence), "web-c was not bound to a node: no scheduler volcano has taken it up");
}

#[test]
fn a_refused_attachment_is_told_before_the_wait_for_it() {
    let until = LOST.find("    420.1 attach").expect("the volume attaches");
    let mut story = LOST[..until].to_owned();
    story.push_str(
        "
        362 event Pod/db-0 b FailedAttachVolume Multi-Attach error for volume pv-data-db-0: already used by pod(s) db-1
        423 event Pod/db-0 b FailedMount Unable to attach or mount volumes: timed out waiting for the condition
        430 heal 1-node-failure
        430 heal-proof 1-node-failure yes the power is back
        430 stage settle
        550 stage check
        550 end completed
        ",
    );
    let found = objective(&judged(LOST_SCENARIO, &story), "rto").clone();
    assert!(found.reason.contains("Multi-Attach error"), "{}", found.reason);
}
