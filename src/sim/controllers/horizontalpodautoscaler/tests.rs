//! Autoscalers with bounds, with stated CPU, and without any metric.

use serde_json::{Value, json};

use crate::controllers::testing::{NS, at, cluster, create, pods, run, start_all, template};
use crate::{Key, Kind, State};

fn web(state: &mut State, replicas: u32, usage: Option<&str>) {
    let mut template = template("web", "web:1");
    template["spec"]["containers"][0]["resources"] = json!({ "requests": { "cpu": "100m" } });
    if let Some(usage) = usage {
        template["metadata"]["annotations"] = json!({ "embedded.driftproof.dev/cpu-usage": usage });
    }
    let spec = json!({
        "replicas": replicas, "selector": { "matchLabels": { "app": "web" } }, "template": template,
    });
    create(state, Kind::Deployment, json!({ "metadata": { "name": "web" }, "spec": spec }));
    run(state, 1);
    start_all(state, "worker-1");
}

fn scaler(state: &mut State, least: u32, most: u32, name: &str) {
    let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": name });
    let metric = json!({
        "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 50 } },
    });
    let spec = json!({ "scaleTargetRef": target, "minReplicas": least, "maxReplicas": most, "metrics": [metric] });
    create(state, Kind::HorizontalPodAutoscaler, json!({ "metadata": { "name": "web" }, "spec": spec }));
}

fn replicas(state: &State) -> Value {
    at(state, Kind::Deployment, "web", "/spec/replicas")
}

fn reason(state: &State, type_: &str) -> String {
    let object = state.store.find(Kind::HorizontalPodAutoscaler, NS, "web").expect("it is there");
    object.condition(type_).and_then(|known| known["reason"].as_str()).unwrap_or_default().to_owned()
}

#[test]
fn without_metrics_the_bounds_hold_and_nothing_else_happens() {
    for (replicas_before, least, most, after) in [(3, 1, 10, 3), (1, 2, 10, 2), (9, 1, 4, 4), (0, 1, 4, 0)] {
        let mut state = cluster();
        web(&mut state, replicas_before, None);
        scaler(&mut state, least, most, "web");
        run(&mut state, 60);
        assert_eq!(replicas(&state), after, "{replicas_before} in {least}..{most}");
        let expected = if after == 0 { "ScalingDisabled" } else { "FailedGetResourceMetric" };
        assert_eq!(reason(&state, "ScalingActive"), expected);
    }
}

#[test]
fn stated_cpu_moves_the_replicas_up_at_once_and_down_after_five_minutes() {
    let mut state = cluster();
    web(&mut state, 2, Some("90m"));
    scaler(&mut state, 1, 3, "web");
    run(&mut state, 20);
    assert_eq!((replicas(&state), reason(&state, "ScalingLimited").as_str()), (json!(3), "TooManyReplicas"));
    start_all(&mut state, "worker-1");
    for name in pods(&state) {
        let idle = |pod: &mut Value| pod["metadata"]["annotations"]["embedded.driftproof.dev/cpu-usage"] = json!("10m");
        state.modify_value(Kind::Pod, &Key::new(NS, name), idle).expect("it is there");
    }
    run(&mut state, 280);
    assert_eq!(replicas(&state), 3, "not for a short dip");
    run(&mut state, 60);
    assert_eq!(replicas(&state), 1);
}

#[test]
fn a_behavior_holds_the_pace_and_its_tolerance_the_number() {
    // 90 of 50 millicores: 2 pods want 4, one pod a minute is allowed.
    for (tolerance, after) in [("0.5", [3, 3, 4]), ("0.9", [2, 2, 2])] {
        let mut state = cluster();
        web(&mut state, 2, Some("90m"));
        scaler(&mut state, 1, 9, "web");
        let behavior = json!({ "scaleUp": {
            "tolerance": tolerance, "policies": [{ "type": "Pods", "value": 1, "periodSeconds": 60 }],
        } });
        let key = Key::new(NS, "web");
        state.modify_value(Kind::HorizontalPodAutoscaler, &key, |it| it["spec"]["behavior"] = behavior).expect("there");
        for replicas_then in after {
            run(&mut state, 30);
            start_all(&mut state, "worker-1");
            assert_eq!(replicas(&state), replicas_then, "tolerance {tolerance}");
        }
    }
}

#[test]
fn a_target_that_is_not_there_is_told() {
    let mut state = cluster();
    scaler(&mut state, 1, 3, "gone");
    run(&mut state, 20);
    assert_eq!(reason(&state, "AbleToScale"), "FailedGetScale");
}
