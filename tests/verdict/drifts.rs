//! Drifts: their phases sum to their total, and replaced pods find their replacements.

use driftproof::measure::{Drift, Measurements, OldEnd};
use driftproof::scenario::Phase;
use driftproof::verdict::Outcome;

use super::stories::{KILL, KILL_SCENARIO, LOST, LOST_SCENARIO, MOVED, MOVED_SCENARIO, stuck, with, without};
use super::{check, judged, measured};

/// `detected 50s`, in order.
fn phases(drift: &Drift) -> Vec<(&'static str, u64)> {
    drift.phases().into_iter().map(|(phase, took)| (phase.word(), took / 1_000)).collect()
}

#[track_caller]
fn sums_hold(measured: &Measurements) {
    for drift in &measured.drifts {
        let sum: u64 = drift.phases().iter().map(|(_, took)| took).sum();
        let last = drift.edges.last().map_or(drift.from, |edge| edge.at);
        assert_eq!(sum, last - drift.from, "{drift:#?}");
        if let Some(total) = drift.total() {
            assert_eq!(sum, total);
        }
        let order: Vec<Phase> = drift.edges.iter().map(|edge| edge.phase).collect();
        assert!(order.is_sorted(), "{order:?}");
        assert!(drift.edges.is_sorted_by_key(|edge| edge.at));
    }
}

#[test]
fn a_killed_pod_of_a_deployment_moves() {
    let measured = measured(KILL_SCENARIO, KILL);
    sums_hold(&measured);
    let [drift] = &measured.drifts[..] else { panic!("{:#?}", measured.drifts) };
    assert_eq!((drift.old.node.as_str(), drift.new.as_ref().unwrap().node.as_str()), ("worker-2", "worker-3"));
    assert_eq!((drift.instance.as_str(), drift.step.as_deref()), ("web-b", Some("1-pod-kill")));
    assert_eq!((drift.moved(), drift.old_end, drift.stuck.as_ref()), (true, OldEnd::Graceful, None));
    let expected = [
        ("detected", 100),
        ("evicted", 0),
        ("scheduled", 200),
        ("image-pulled", 2_000),
        ("started", 500),
        ("ready", 200),
        ("in-endpoints", 100),
        ("serving", 2),
    ];
    assert_eq!(phases(drift), expected);
}

#[test]
fn a_member_that_moves_has_its_successor_before_it_goes() {
    let measured = measured(MOVED_SCENARIO, MOVED);
    sums_hold(&measured);
    let moves: Vec<(&str, &str, bool)> = measured
        .drifts
        .iter()
        .map(|drift| (drift.old.pod.as_str(), drift.new.as_ref().map_or("", |new| new.pod.as_str()), drift.moved()))
        .collect();
    assert_eq!(moves, [("db-0", "db-3", true), ("db-3", "db-0", true)]);
    for drift in &measured.drifts {
        assert_eq!((drift.stuck.as_ref(), drift.step.as_deref()), (None, Some("1-etcd-member-replace")));
        // What came before the old one went took none of the move's time.
        let after: u64 = phases(drift)
            .iter()
            .filter(|(phase, _)| !matches!(*phase, "detected" | "evicted"))
            .map(|(_, took)| took)
            .sum();
        assert_eq!(after, 0, "{:?}", phases(drift));
    }
    assert_eq!(measured.faults[0].targets, ["shop/db-0", "shop/db-3"]);
}

#[test]
fn a_move_that_no_watch_has_shown_is_no_instance_that_stayed() {
    let verdict = judged(MOVED_SCENARIO, &without(MOVED, "pod d"));
    let reason = "0 of 2 instances were seen to move; db-3, which a member moved to, was not seen";
    check(&verdict, "moved", Outcome::Inconclusive, reason);
}

#[test]
fn a_statefulset_pod_of_a_lost_node_waits_for_its_volume() {
    let measured = measured(LOST_SCENARIO, LOST);
    sums_hold(&measured);
    let [drift] = &measured.drifts[..] else { panic!("{:#?}", measured.drifts) };
    let expected = [
        ("detected", 50_000),
        ("evicted", 300_000),
        ("scheduled", 1_100),
        ("volume-attached", 59_000),
        ("image-pulled", 0),
        ("started", 1_900),
        ("ready", 0),
        ("in-endpoints", 0),
        ("serving", 1_002),
    ];
    assert_eq!(phases(drift), expected);
    // The node was lost when the object went: nobody has seen the old container end.
    assert_eq!(drift.old_end, OldEnd::NeverConfirmed);
}

#[test]
fn an_edge_seen_too_early_or_too_late_keeps_the_sum() {
    for (from, to) in [
        ("12.3 event Pod/web-c c Pulled", "13.9 event Pod/web-c c Pulled"),
        ("12.8 pod c running\n", "\n"),
        ("13.1 endpoints web web-a web-c", "12.9 endpoints web web-a web-c"),
        ("10.3 pod c worker-3 pending\n", "\n"),
        ("13 pod c ready", "13 pod c worker-3 ready"),
    ] {
        sums_hold(&measured(KILL_SCENARIO, &with(KILL, from, to)));
    }
}

#[test]
fn where_a_drift_stops_is_told_from_events_or_rules() {
    let cut = |word: &str, add: &str| {
        let until = KILL.find(word).unwrap();
        format!("{}\n{add}\n 13.2 stage settle\n 18.2 stage check\n 18.4 end completed", &KILL[..until])
    };
    let gpu = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu";
    let table = [
        (
            cut("10.2 pod c", ""),
            Phase::Scheduled,
            "web-b stays Terminating on worker-2 and nothing took its place".to_owned(),
        ),
        (
            cut("10.2 pod c", "11 event ReplicaSet/web rs FailedCreate exceeded quota"),
            Phase::Scheduled,
            "ReplicaSet/web cannot create the replacement of web-b: exceeded quota".to_owned(),
        ),
        (
            cut("10.3 pod c", &format!("11 event Pod/web-c c FailedScheduling {gpu}")),
            Phase::Scheduled,
            format!("web-c cannot be scheduled (no other node has the resources free): {gpu}"),
        ),
        (
            cut("12.3 event", "12 event Pod/web-c c FailedMount hostPath is not a directory"),
            Phase::VolumeAttached,
            "the volumes of web-c are not attached to worker-3: hostPath is not a directory".to_owned(),
        ),
        (
            cut("13 pod c", "13 event Pod/web-c c Unhealthy readiness probe: 503"),
            Phase::Ready,
            "web-c is Running on worker-3 and not Ready: Unhealthy readiness probe: 503".to_owned(),
        ),
    ];
    for (story, phase, why) in table {
        let measured = measured(KILL_SCENARIO, &story);
        let stuck = measured.drifts[0].stuck.clone().unwrap_or_else(|| panic!("not stuck: {story}"));
        assert_eq!((stuck.phase, stuck.why), (phase, why));
        assert_eq!(measured.drifts[0].total(), None);
        sums_hold(&measured);
    }
    let stuck = &measured(LOST_SCENARIO, &stuck()).drifts[0];
    assert_eq!(stuck.stuck.as_ref().map(|stuck| stuck.phase), Some(Phase::Scheduled));
    assert_eq!(stuck.old_end, OldEnd::NeverConfirmed);
}

#[test]
fn a_container_that_restarts_in_place_is_a_drift_that_did_not_move() {
    let until = LOST.find("    360 pod a terminating").unwrap();
    let story = format!(
        "{}
        90 node worker-2 z2 ready
        91 pod a restarted
        92 pod a ready
        92 endpoints db db-0
        423 steady
        423 probes 436 10 ok db-0
        430 heal 1-node-failure
        430 stage settle
        436 stage check
        436 end completed",
        &LOST[..until]
    );
    let measured = measured(LOST_SCENARIO, &story);
    sums_hold(&measured);
    let [drift] = &measured.drifts[..] else { panic!("{:#?}", measured.drifts) };
    assert!(!drift.moved());
    let words: Vec<&str> = drift.edges.iter().map(|edge| edge.phase.word()).collect();
    assert_eq!(words, ["detected", "started", "ready", "in-endpoints", "serving"]);
    assert_eq!(drift.old_end, OldEnd::Killed);
}

#[test]
fn a_node_that_blinks_without_its_pods_noticing_moves_nothing() {
    let story = with(
        KILL,
        "10.1 pod b terminating",
        "10.1 node worker-1 z1 lost\n 10.2 node worker-1 z1 ready\n 10.1 pod b terminating",
    );
    assert_eq!(measured(KILL_SCENARIO, &story).drifts.len(), 1);
}

#[test]
fn how_the_old_one_ended() {
    for (from, to, end) in [
        ("10.5 pod b gone", "10.4 pod b killed\n 10.5 pod b gone", OldEnd::Killed),
        ("10.5 pod b gone", "10.6 pod b gone", OldEnd::Graceful),
        ("10.5 pod b gone", "10.4 node worker-2 z2 lost\n 10.5 pod b gone", OldEnd::NeverConfirmed),
    ] {
        assert_eq!(measured(KILL_SCENARIO, &with(KILL, from, to)).drifts[0].old_end, end, "{to}");
    }
    let never_gone = without(KILL, "pod b gone");
    assert_eq!(measured(KILL_SCENARIO, &never_gone).drifts[0].old_end, OldEnd::NeverConfirmed);
}

#[test]
fn each_replacement_is_used_once_in_the_order_of_creation() {
    let story = with(
        KILL,
        "10.1 pod b terminating",
        "10.1 pod b terminating\n 10.15 pod a terminating\n 10.5 pod d web-d ReplicaSet/web worker-1 ready",
    );
    let measured = measured(KILL_SCENARIO, &story);
    let pairs: Vec<(&str, &str)> = measured
        .drifts
        .iter()
        .map(|drift| (drift.old.pod.as_str(), drift.new.as_ref().unwrap().pod.as_str()))
        .collect();
    assert_eq!(pairs, [("web-a", "web-d"), ("web-b", "web-c")]);
}

#[test]
fn a_drain_is_detected_by_its_cordon_and_waits_for_the_budget() {
    let story = KILL
        .replace("1-pod-kill kill b=web-b@worker-2", "1-node-drain drain worker-2")
        .replace("1-pod-kill", "1-node-drain")
        .replace("10.1 pod b terminating", "10 node worker-2 z2 cordoned\n 10.1 pod b terminating");
    let measured = measured(KILL_SCENARIO, &story);
    let [drift] = &measured.drifts[..] else { panic!("{:#?}", measured.drifts) };
    assert_eq!(
        (drift.step.as_deref(), drift.edges[0].source.as_str()),
        (Some("1-node-drain"), "watch nodes: cordoned")
    );
    assert_eq!(phases(drift)[..2], [("detected", 0), ("evicted", 100)]);
}

#[test]
fn a_pod_of_a_daemonset_is_replaced_on_its_node() {
    let story = KILL.replace("ReplicaSet/web", "DaemonSet/web").replace(
        "10.3 pod c worker-3 pending",
        "10.15 pod d web-d DaemonSet/web worker-1 ready\n 10.3 pod c worker-2 pending",
    );
    let measured = measured(KILL_SCENARIO, &story);
    let [drift] = &measured.drifts[..] else { panic!("{:#?}", measured.drifts) };
    assert_eq!(drift.new.as_ref().map(|new| new.pod.as_str()), Some("web-c"));
    assert!(!drift.moved());
}

#[test]
fn a_bare_pod_is_replaced_by_nothing() {
    let until = KILL.replace("ReplicaSet/web worker-2", "- worker-2");
    let story = until.replace("StatefulSet", "");
    // The owner column of a bare pod is empty in evidence; the story writes a dash.
    let mut evidence = super::story::evidence(KILL_SCENARIO, &story);
    for record in &mut evidence.records {
        if let driftproof::evidence::Event::Seen(seen) = &mut record.event
            && let driftproof::evidence::Seen::Pod(pod) = seen.as_mut()
            && pod.owner == "-"
        {
            pod.owner.clear();
        }
    }
    let measured = driftproof::measure::measure(&evidence);
    let stuck = measured.drifts[0].stuck.as_ref().unwrap();
    assert_eq!((stuck.phase, stuck.why.as_str()), (Phase::Scheduled, "nothing replaces the bare pod shop/web-b"));
}

#[test]
fn pods_that_the_run_itself_removes_are_no_drift() {
    let story = with(KILL, "18.3 stage clean", "18.3 stage clean\n 18.3 pod a terminating\n 18.35 pod a gone");
    assert_eq!(measured(KILL_SCENARIO, &story).drifts.len(), 1);
}

#[test]
fn lanes_and_strength_follow_the_pods() {
    let measured = measured(KILL_SCENARIO, KILL);
    let lane = |lane: &driftproof::measure::Lane| {
        let spans = lane.spans.iter().map(|span| (span.from / 100_000, span.to / 100_000, span.node.clone()));
        (lane.pod.clone(), spans.collect::<Vec<_>>())
    };
    let lanes: Vec<_> = measured.lanes.iter().map(lane).collect();
    let expect = |pod: &str, spans: &[(u64, u64, &str)]| {
        let spans = spans.iter().map(|(from, to, node)| (*from, *to, (*node).to_owned()));
        (pod.to_owned(), spans.collect::<Vec<_>>())
    };
    let expected = [
        expect("web-a", &[(0, 184, "worker-1")]),
        expect("web-b", &[(0, 101, "worker-2"), (101, 105, "worker-2")]),
        expect("web-c", &[(102, 103, ""), (103, 128, "worker-3"), (128, 130, "worker-3"), (130, 184, "worker-3")]),
    ];
    assert_eq!(lanes, expected);
    let strength: Vec<(u64, u32, u32)> =
        measured.strength.iter().map(|point| (point.at / 100_000, point.ready, point.desired)).collect();
    assert_eq!(strength, [(0, 2, 2), (101, 1, 2), (130, 2, 2)]);
}
