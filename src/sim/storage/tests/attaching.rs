//! How a volume follows its pod from node to node, gracefully and not.

use super::*;

const WAITING: &str = "Volume is already exclusively attached to one node and can't be attached to another";

/// A cluster where pod `old` on worker-1 runs with a volume of this access mode.
fn running(mode: &str) -> (State, String) {
    let mut state = cluster();
    claim(&mut state, "standard", mode);
    let uid = user(&mut state, "old", "worker-1");
    until(&mut state, 15.0, |state| runs(state, &uid));
    (state, uid)
}

fn in_node_status(state: &State, node: &str) -> usize {
    let node = state.store.get(Kind::Node, &Key::cluster(node)).expect("a node");
    node.at("/status/volumesAttached").and_then(Value::as_array).map_or(0, Vec::len)
}

#[test]
fn a_volume_is_attached_before_its_pod_starts() {
    let (state, _) = running("ReadWriteOnce");
    assert_eq!(attachments(&state), [("worker-1".to_owned(), true)]);
    assert_eq!(in_node_status(&state, "worker-1"), 1);
    let message = format!("AttachVolume.Attach succeeded for volume \"{}\"", volume(&state));
    assert_eq!(messages(&state, "SuccessfulAttachVolume"), [message]);
}

#[test]
fn a_second_node_waits_until_the_first_has_let_go() {
    let (mut state, _) = running("ReadWriteOnce");
    write_to_claim(&mut state);
    let new = user(&mut state, "new", "worker-2");
    run(&mut state, 300.0);
    assert!(!runs(&state, &new), "two nodes cannot have it");
    let told = format!("Multi-Attach error for volume \"{}\" Volume is already used by pod(s) old", volume(&state));
    assert_eq!(messages(&state, "FailedAttachVolume"), [told]);
    delete(&mut state, Kind::Pod, "old", None);
    // End of the pod, the next node status, detaching, attaching, mounting and starting.
    let took = until(&mut state, 20.0, |state| runs(state, &new));
    assert!(took >= 5.0, "{took}");
    assert_eq!(attachments(&state), [("worker-2".to_owned(), true)]);
    assert_eq!((in_node_status(&state, "worker-1"), in_node_status(&state, "worker-2")), (0, 1));
    let id = VolumeId::Persistent(volume(&state));
    assert!(state.storage.contents.contains_key(&id), "the bytes move along");
}

fn write_to_claim(state: &mut State) {
    let id = VolumeId::Persistent(volume(state));
    write(state, id);
}

#[test]
fn shared_volumes_are_attached_to_many() {
    let (mut state, old) = running("ReadWriteMany");
    let new = user(&mut state, "new", "worker-2");
    until(&mut state, 10.0, |state| runs(state, &new));
    assert!(runs(&state, &old));
    let both = [("worker-1".to_owned(), true), ("worker-2".to_owned(), true)];
    assert_eq!(attachments(&state), both);
}

#[test]
fn a_lost_node_keeps_its_volume_for_six_minutes_after_its_pod() {
    let (mut state, _) = running("ReadWriteOnce");
    state.power_off("worker-1");
    set_ready(&mut state, "worker-1", "Unknown");
    run(&mut state, 400.0);
    assert_eq!(attachments(&state), [("worker-1".to_owned(), true)], "the pod object is still there");
    delete(&mut state, Kind::Pod, "old", Some(0));
    let new = user(&mut state, "new", "worker-2");
    let took = until(&mut state, 400.0, |state| attachments(state) == [("worker-2".to_owned(), false)]);
    assert!((362.0..362.1).contains(&took), "{took}: 360 s, then 2 s for the detach");
    until(&mut state, 10.0, |state| runs(state, &new));
    let told = format!("Multi-Attach error for volume \"{}\" {WAITING}", volume(&state));
    assert_eq!(messages(&state, "FailedAttachVolume"), [told]);
}

#[test]
fn out_of_service_gives_the_volume_away_at_once() {
    let (mut state, _) = running("ReadWriteOnce");
    state.power_off("worker-1");
    set_ready(&mut state, "worker-1", "Unknown");
    delete(&mut state, Kind::Pod, "old", Some(0));
    let new = user(&mut state, "new", "worker-2");
    run(&mut state, 60.0);
    assert!(!runs(&state, &new));
    let taint = json!([{ "key": "node.kubernetes.io/out-of-service", "effect": "NoExecute" }]);
    let tainted = state.modify_value(Kind::Node, &Key::cluster("worker-1"), |node| node["spec"]["taints"] = taint);
    tainted.expect("a node");
    let took = until(&mut state, 30.0, |state| runs(state, &new));
    assert!((5.0..8.0).contains(&took), "{took}");
}

#[test]
fn a_node_that_returns_in_time_hands_its_volume_over() {
    let (mut state, _) = running("ReadWriteOnce");
    state.kill_kubelet("worker-1");
    set_ready(&mut state, "worker-1", "Unknown");
    delete(&mut state, Kind::Pod, "old", Some(0));
    let new = user(&mut state, "new", "worker-2");
    run(&mut state, 60.0);
    assert!(!runs(&state, &new));
    state.start_kubelet("worker-1");
    until(&mut state, 40.0, |state| runs(state, &new));
}

#[test]
fn an_unreachable_kubelet_cannot_tell_that_it_let_go() {
    let (mut state, old) = running("ReadWriteOnce");
    delete(&mut state, Kind::Pod, "old", None);
    run(&mut state, 0.5);
    state.cut_network("worker-1");
    set_ready(&mut state, "worker-1", "Unknown");
    run(&mut state, 60.0);
    assert!(!runs(&state, &old), "it has ended on its machine");
    assert_eq!(attachments(&state), [("worker-1".to_owned(), true)]);
    state.join_network("worker-1");
    until(&mut state, 30.0, |state| attachments(state).is_empty());
}

#[test]
fn a_deleted_node_is_waited_for_as_a_silent_one() {
    let (mut state, _) = running("ReadWriteOnce");
    state.power_off("worker-1");
    delete(&mut state, Kind::Node, "worker-1", None);
    delete(&mut state, Kind::Pod, "old", Some(0));
    run(&mut state, 355.0);
    assert_eq!(attachments(&state).len(), 1);
    run(&mut state, 10.0);
    assert_eq!(attachments(&state), []);
}

#[test]
fn a_pod_that_comes_back_at_once_finds_its_volume_attached() {
    let (mut state, _) = running("ReadWriteOnce");
    // Just after a status of the node, so that the next one is far away.
    until(&mut state, 11.0, |state| state.now.as_millis() % 10_000 < 20);
    delete(&mut state, Kind::Pod, "old", None);
    until(&mut state, 5.0, |state| state.store.find(Kind::Pod, NS, "old").is_none());
    let again = user(&mut state, "old", "worker-1");
    let took = until(&mut state, 5.0, |state| runs(state, &again));
    assert!(took < 3.0, "{took}: nothing had to be attached");
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let story = || {
        let (mut state, _) = running("ReadWriteOnce");
        user(&mut state, "new", "worker-2");
        delete(&mut state, Kind::Pod, "old", None);
        run(&mut state, 60.0);
        let events = state.store.all(Kind::Event).map(|(_, event)| event.value().to_string());
        events.collect::<Vec<_>>()
    };
    assert_eq!(story(), story());
}
