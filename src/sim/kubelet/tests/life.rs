//! From binding to Ready, and restarts by policy.

use serde_json::json;

use super::*;

#[test]
fn a_pod_comes_up_in_the_order_that_kubectl_shows() {
    let mut state = cluster();
    let uid = pod(&mut state, "web", &json!({}), &json!({}));
    let mut seen = Vec::new();
    for _ in 0..600 {
        run(&mut state, 0.01);
        let at = |pointer| status(&state, "web", pointer);
        let line = format!(
            "{} {} {}{}",
            at("/phase").as_str().unwrap_or_default(),
            if at("/podIP").is_string() { "ip" } else { "-" },
            waiting(&state, "web"),
            if ready(&state, "web") { "Ready" } else { "" }
        );
        if seen.last() != Some(&line) {
            seen.push(line);
        }
    }
    let wanted = ["Pending - ", "Pending - ContainerCreating", "Pending ip ContainerCreating", "Running ip Ready"];
    assert_eq!(seen, wanted);
    assert_eq!(reasons(&state, "web"), ["Pulling", "Pulled", "Created", "Started"]);
    assert!(runs(&state, &uid));
    for type_ in ["PodScheduled", "PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready"] {
        assert!(condition(&state, "web", type_), "{type_}");
    }
}

#[test]
fn addresses_are_unique_and_not_reused_soon() {
    let mut state = cluster();
    let mut seen = std::collections::BTreeSet::new();
    for index in 0..20 {
        let name = format!("web-{index}");
        pod(&mut state, &name, &json!({}), &json!({}));
        until(&mut state, 10.0, |state| ready(state, &name));
        assert!(seen.insert(status(&state, &name, "/podIP").to_string()), "{name} got a used address");
        delete(&mut state, &name, Some(0));
        run(&mut state, 5.0);
    }
    assert!(state.kubelet.by_ip.is_empty() && state.kubelet.sandboxes.is_empty() && state.kubelet.workers.is_empty());
}

#[test]
fn init_containers_run_one_after_the_other_before_the_others() {
    let mut state = cluster();
    let spec = json!({ "initContainers": [{ "name": "one", "image": "web:1" }, { "name": "two", "image": "web:1" }] });
    pod(&mut state, "web", &json!({ "embedded.driftproof.dev/init-duration": "3s" }), &spec);
    run(&mut state, 5.0);
    assert_eq!(waiting(&state, "web"), "PodInitializing");
    assert!(!condition(&state, "web", "Initialized"));
    assert!(status(&state, "web", "/initContainerStatuses/0/state/running").is_object());
    until(&mut state, 20.0, |state| ready(state, "web"));
    for index in 0..2 {
        let pointer = format!("/initContainerStatuses/{index}/state/terminated/reason");
        assert_eq!(status(&state, "web", &pointer), "Completed");
    }
    assert!(state.now.as_secs_f64() > 9.0, "two init containers of 3 s cannot be over at {:?}", state.now);
}

#[test]
fn readiness_gates_are_honoured() {
    let mut state = cluster();
    pod(&mut state, "web", &json!({}), &json!({ "readinessGates": [{ "conditionType": "load-balancer" }] }));
    run(&mut state, 10.0);
    assert!(condition(&state, "web", "ContainersReady") && !ready(&state, "web"));
    state
        .modify_value(Kind::Pod, &key("web"), |pod| {
            let gate = json!({ "type": "load-balancer", "status": "True" });
            pod["status"]["conditions"].as_array_mut().expect("conditions").push(gate);
        })
        .expect("the pod is there");
    run(&mut state, 1.0);
    assert!(ready(&state, "web"));
}

#[test]
fn restart_policies_decide_what_an_end_leads_to() {
    for (policy, code, phase, restarted) in [
        ("Always", "0", "Running", true),
        ("OnFailure", "0", "Succeeded", false),
        ("OnFailure", "3", "Running", true),
        ("Never", "0", "Succeeded", false),
        ("Never", "3", "Failed", false),
    ] {
        let mut state = cluster();
        let annotations =
            json!({ "embedded.driftproof.dev/crash-after": "5s", "embedded.driftproof.dev/exit-code": code });
        pod(&mut state, "job", &annotations, &json!({ "restartPolicy": policy }));
        run(&mut state, 11.0);
        assert_eq!(status(&state, "job", "/phase"), phase, "{policy} {code}");
        assert_eq!(restarts(&state, "job") > 0, restarted, "{policy} {code}");
    }
}

#[test]
fn a_container_that_keeps_ending_is_started_ever_later() {
    let mut state = cluster();
    pod(&mut state, "bad", &json!({ "embedded.driftproof.dev/crash-after": "1s" }), &json!({}));
    let mut gaps = Vec::new();
    until(&mut state, 10.0, |state| ready(state, "bad"));
    for count in 1..=5 {
        let ended = until(&mut state, 400.0, |state| restarts(state, "bad") == count);
        gaps.push(ended);
        assert_eq!(status(&state, "bad", "/containerStatuses/0/lastState/terminated/exitCode"), 1);
    }
    // Each gap holds a second of running, up to a second until it is noticed, and the retry period of 10 to 15 s.
    for (gap, delay) in gaps.iter().zip([0.0, 10.0, 20.0, 40.0, 80.0]) {
        assert!((delay..delay + 19.0).contains(gap), "{gaps:?}");
    }
    run(&mut state, 5.0);
    assert_eq!(waiting(&state, "bad"), "", "the end is told first");
    run(&mut state, 15.0);
    assert_eq!(waiting(&state, "bad"), "CrashLoopBackOff");
    assert!(reasons(&state, "bad").contains(&"BackOff".to_owned()));
}

#[test]
fn a_container_killed_from_outside_is_restarted_within_two_seconds() {
    let mut state = cluster();
    let uid = pod(&mut state, "web", &json!({}), &json!({}));
    until(&mut state, 10.0, |state| ready(state, "web"));
    state.kill_container(&uid, "main");
    until(&mut state, 1.1, |state| !ready(state, "web"));
    until(&mut state, 2.5, |state| ready(state, "web"));
    assert_eq!(restarts(&state, "web"), 1);
    assert_eq!(status(&state, "web", "/containerStatuses/0/lastState/terminated/exitCode"), 137);
}
