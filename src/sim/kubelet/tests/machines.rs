//! Machines that lose power, kubelets that die, cables that are pulled.

use serde_json::{Value, json};

use super::*;

fn renewed(state: &State) -> String {
    let lease = state.store.find(Kind::Lease, "kube-node-lease", NODE).expect("a lease");
    lease.text("/spec/renewTime").to_owned()
}

/// Marks the node as the node lifecycle controller does when its lease is stale.
fn declare_lost(state: &mut State) {
    state
        .modify_value(Kind::Node, &Key::cluster(NODE), |node| {
            for condition in node["status"]["conditions"].as_array_mut().into_iter().flatten() {
                condition["status"] = json!("Unknown");
            }
        })
        .expect("the node is there");
}

fn node_ready(state: &State) -> bool {
    let node = state.store.find(Kind::Node, "", NODE).expect("the node");
    let conditions = node.value()["status"]["conditions"].as_array().into_iter().flatten();
    conditions.filter(|condition| condition["type"] == "Ready").all(|condition| condition["status"] == "True")
}

fn up(state: &mut State, name: &str) -> String {
    let uid = pod(state, name, &json!({}), &json!({}));
    until(state, 10.0, |state| ready(state, name));
    uid
}

#[test]
fn nodes_are_registered_and_their_leases_renewed_at_different_phases() {
    let mut state = cluster();
    let node = state.store.find(Kind::Node, "", "worker-2").expect("a node").value().clone();
    assert_eq!(node["metadata"]["labels"]["topology.kubernetes.io/zone"], "zone-1");
    assert_eq!(node["status"]["addresses"][0], json!({ "type": "InternalIP", "address": "192.168.0.12" }));
    assert_eq!(node["spec"]["podCIDR"], "10.244.1.0/24");
    run(&mut state, 60.0);
    let time = |name| {
        state.store.find(Kind::Lease, "kube-node-lease", name).expect("a lease").value()["spec"]["renewTime"].clone()
    };
    assert_ne!(time("worker-1"), time("worker-2"));
    assert_eq!(renewed(&state), "2026-01-01T00:01:00.000000Z");
}

#[test]
fn every_way_to_be_away_stops_the_lease_and_only_the_power_stops_containers() {
    type Act = fn(&mut State, &str);
    // A machine boots for 20 s; a kubelet that was cut off for 100 s tries again after 9 s.
    let cases: [(Act, Act, bool, f64); 3] = [
        (State::power_off, State::power_on, false, 20.0),
        (State::kill_kubelet, State::start_kubelet, true, 0.0),
        (State::cut_network, State::join_network, true, 9.0),
    ];
    for (index, (away, back, runs_on, wanted)) in cases.into_iter().enumerate() {
        let mut state = cluster();
        let uid = up(&mut state, "web");
        away(&mut state, NODE);
        away(&mut state, NODE);
        let (lease, version) = (renewed(&state), state.store.get(Kind::Pod, &key("web")).cloned());
        run(&mut state, 100.0);
        assert_eq!(renewed(&state), lease, "case {index}");
        assert_eq!(runs(&state, &uid), runs_on, "case {index}");
        assert!(ready(&state, "web"), "case {index}: the API shows the last that was reported");
        assert_eq!(
            state.store.get(Kind::Pod, &key("web")).map(|pod| pod.value()),
            version.as_ref().map(|pod| pod.value())
        );
        declare_lost(&mut state);
        back(&mut state, NODE);
        back(&mut state, NODE);
        let took = until(&mut state, 30.0, node_ready);
        assert!((wanted..wanted + 0.3).contains(&took), "case {index}: {took}");
        run(&mut state, 5.0);
        assert!(runs(&state, &uid) && ready(&state, "web"), "case {index}");
        assert_eq!(restarts(&state, "web"), u64::from(!runs_on), "case {index}");
        assert_ne!(renewed(&state), lease, "case {index}");
    }
}

#[test]
fn a_power_cut_takes_sandboxes_and_addresses_but_not_images() {
    let mut state = cluster();
    let uid = up(&mut state, "web");
    let before = status(&state, "web", "/podIP");
    state.power_off(NODE);
    assert!(state.kubelet.sandboxes.is_empty() && state.kubelet.by_ip.is_empty());
    assert!(state.kubelet.machines[NODE].images.contains("web:1"));
    state.power_on(NODE);
    run(&mut state, 25.0);
    assert!(ready(&state, "web") && runs(&state, &uid));
    assert_ne!(status(&state, "web", "/podIP"), before);
    assert!(reasons(&state, "web").contains(&"SandboxChanged".to_owned()));
    let last = status(&state, "web", "/containerStatuses/0/lastState/terminated");
    assert_eq!((&last["exitCode"], &last["reason"]), (&json!(255), &json!("Unknown")));
}

#[test]
fn a_pod_deleted_while_the_kubelet_was_away_is_confirmed_three_seconds_after_its_return() {
    type Act = fn(&mut State, &str);
    let cases: [(Act, Act, f64); 2] =
        [(State::power_off, State::power_on, 23.0), (State::kill_kubelet, State::start_kubelet, 3.0)];
    for (away, back, wanted) in cases {
        let mut state = cluster();
        let uid = up(&mut state, "web");
        away(&mut state, NODE);
        delete(&mut state, "web", None);
        run(&mut state, 400.0);
        assert!(exists(&state, "web"), "nobody can confirm it");
        back(&mut state, NODE);
        let took = until(&mut state, 60.0, |state| !exists(state, "web"));
        assert!((wanted..wanted + 0.6).contains(&took), "{took}");
        assert!(!runs(&state, &uid) && state.kubelet.sandboxes.is_empty());
    }
}

#[test]
fn a_container_without_a_pod_object_runs_on_a_cut_machine_until_it_is_joined() {
    let mut state = cluster();
    let uid = up(&mut state, "db-0");
    state.cut_network(NODE);
    delete(&mut state, "db-0", Some(0));
    run(&mut state, 600.0);
    assert!(!exists(&state, "db-0") && runs(&state, &uid), "split brain");
    state.join_network(NODE);
    until(&mut state, 12.0, |state| !runs(state, &uid));
    run(&mut state, 1.0);
    assert!(state.kubelet.sandboxes.is_empty() && state.kubelet.workers.is_empty());
}

#[test]
fn a_pod_of_the_same_name_is_another_pod() {
    let mut state = cluster();
    let old = up(&mut state, "db-0");
    state.cut_network(NODE);
    delete(&mut state, "db-0", Some(0));
    let new = pod(&mut state, "db-0", &json!({}), &json!({}));
    run(&mut state, 60.0);
    assert!(runs(&state, &old) && !runs(&state, &new));
    state.join_network(NODE);
    run(&mut state, 19.0);
    assert!(!runs(&state, &old) && runs(&state, &new) && ready(&state, "db-0"));
}

#[test]
fn containers_are_restarted_on_a_cut_machine_but_not_under_a_dead_kubelet() {
    for (cut, wanted) in [(true, true), (false, false)] {
        let mut state = cluster();
        let uid = up(&mut state, "web");
        if cut {
            state.cut_network(NODE);
        } else {
            state.kill_kubelet(NODE);
        }
        state.kill_container(&uid, "main");
        run(&mut state, 5.0);
        assert_eq!(runs(&state, &uid), wanted, "cut: {cut}");
        if cut {
            state.join_network(NODE);
        } else {
            state.start_kubelet(NODE);
        }
        run(&mut state, 5.0);
        assert!(runs(&state, &uid) && ready(&state, "web"));
        assert_eq!(restarts(&state, "web"), 1);
    }
}

#[test]
fn a_pull_hangs_until_the_kubelet_of_a_cut_machine_tries_again() {
    let mut state = cluster();
    pod(&mut state, "web", &json!({ "embedded.driftproof.dev/image-size": "250Mi" }), &json!({}));
    run(&mut state, 1.0);
    state.cut_network(NODE);
    run(&mut state, 60.0);
    state.join_network(NODE);
    let took = until(&mut state, 20.0, |state| ready(state, "web"));
    assert!((15.0..17.0).contains(&took), "{took}");
}

#[test]
fn the_kubelet_takes_back_what_the_node_lifecycle_wrote_on_its_pods() {
    let mut state = cluster();
    up(&mut state, "web");
    state
        .modify_value(Kind::Pod, &key("web"), |pod| {
            let conditions = pod["status"]["conditions"].as_array_mut().into_iter().flatten();
            for condition in conditions.filter(|condition: &&mut Value| condition["type"] == "Ready") {
                condition["status"] = json!("False");
            }
        })
        .expect("the pod is there");
    assert!(!ready(&state, "web"));
    until(&mut state, 1.0, |state| ready(state, "web"));
}

#[test]
fn a_machine_that_loses_power_while_it_boots_boots_again_from_the_start() {
    let mut state = cluster();
    state.power_off(NODE);
    state.power_on(NODE);
    run(&mut state, 15.0);
    state.start_kubelet(NODE);
    assert!(!state.can_report(NODE), "it still boots");
    state.power_off(NODE);
    state.power_on(NODE);
    let took = until(&mut state, 30.0, |state| state.can_report(NODE));
    assert!((20.0..20.1).contains(&took), "{took}");
}

#[test]
fn a_deleted_node_registers_again_when_its_kubelet_starts() {
    let mut state = cluster();
    state.remove(Kind::Node, &Key::cluster(NODE));
    run(&mut state, 400.0);
    assert!(state.store.find(Kind::Node, "", NODE).is_none());
    state.kill_kubelet(NODE);
    state.start_kubelet(NODE);
    run(&mut state, 1.0);
    assert!(node_ready(&state));
}

#[test]
fn a_pod_that_finished_stays_finished_whatever_happens_to_its_machine() {
    let mut state = cluster();
    let annotations = json!({ "embedded.driftproof.dev/crash-after": "5s", "embedded.driftproof.dev/exit-code": "0" });
    pod(&mut state, "job", &annotations, &json!({ "restartPolicy": "Never" }));
    until(&mut state, 20.0, |state| status(state, "job", "/phase") == "Succeeded");
    state.power_off(NODE);
    state.power_on(NODE);
    run(&mut state, 60.0);
    assert_eq!(status(&state, "job", "/phase"), "Succeeded");
    delete(&mut state, "job", None);
    until(&mut state, 1.0, |state| !exists(state, "job"));
}
