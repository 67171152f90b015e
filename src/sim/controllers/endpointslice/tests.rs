//! Pods and Services in, slices out.

use serde_json::{Value, json};

use crate::controllers::testing::{NS, cluster, create, delete, end_terminating, run, start, template};
use crate::{Key, Kind, State};

fn pod(state: &mut State, name: &str) {
    let mut pod = template("web", "web:1");
    pod["metadata"]["name"] = json!(name);
    create(state, Kind::Pod, pod);
}

fn service(state: &mut State, spec: &Value) {
    let mut service = json!({ "metadata": { "name": "web" }, "spec": { "selector": { "app": "web" } } });
    for (name, value) in spec.as_object().into_iter().flatten() {
        service["spec"][name] = value.clone();
    }
    create(state, Kind::Service, service);
}

fn slices(state: &State) -> Vec<Value> {
    state.store.in_namespace(Kind::EndpointSlice, NS).map(|(_, slice)| slice.value().clone()).collect()
}

/// `name ready serving terminating` of each endpoint, ordered by name.
fn endpoints(state: &State) -> Vec<String> {
    let mut lines: Vec<String> = slices(state)
        .iter()
        .flat_map(|slice| slice["endpoints"].as_array().cloned().unwrap_or_default())
        .map(|endpoint| {
            let conditions = &endpoint["conditions"];
            format!(
                "{} {} {} {}",
                endpoint["targetRef"]["name"].as_str().unwrap_or_default(),
                conditions["ready"],
                conditions["serving"],
                conditions["terminating"]
            )
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn an_endpoint_follows_its_pod() {
    let mut state = cluster();
    service(&mut state, &json!({ "ports": [{ "name": "web", "port": 80, "targetPort": "http" }] }));
    run(&mut state, 1);
    assert_eq!(slices(&state).len(), 1, "an empty slice stands for a Service without pods");
    pod(&mut state, "a");
    pod(&mut state, "b");
    start(&mut state, "a", "worker-1");
    run(&mut state, 1);
    assert_eq!(endpoints(&state), ["a true true false"]);
    let slice = &slices(&state)[0];
    assert_eq!(slice["ports"], json!([{ "name": "web", "port": 8080, "protocol": "TCP" }]));
    assert_eq!(slice["metadata"]["labels"]["kubernetes.io/service-name"], "web");
    assert_eq!(slices(&state).len(), 1, "the empty slice was reused");

    delete(&mut state, Kind::Pod, "a");
    run(&mut state, 1);
    assert_eq!(endpoints(&state), ["a false true true"]);
    end_terminating(&mut state);
    run(&mut state, 1);
    assert_eq!(endpoints(&state), [] as [&str; 0]);
    assert_eq!(slices(&state).len(), 1);
}

#[test]
fn unready_and_ended_pods() {
    let mut state = cluster();
    service(&mut state, &json!({ "publishNotReadyAddresses": true, "clusterIP": "None" }));
    for name in ["ended", "unready"] {
        pod(&mut state, name);
        start(&mut state, name, "worker-1");
    }
    let set = |state: &mut State, name: &str, pointer: &str, value: Value| {
        state
            .modify_value(Kind::Pod, &Key::new(NS, name), |pod| {
                *pod.pointer_mut(pointer).expect("started pods have it") = value;
            })
            .expect("the pod exists");
    };
    set(&mut state, "ended", "/status/phase", json!("Failed"));
    set(&mut state, "unready", "/status/conditions/0/status", json!("False"));
    run(&mut state, 1);
    assert_eq!(endpoints(&state), ["unready true false false"]);
    assert_eq!(slices(&state)[0]["metadata"]["labels"]["service.kubernetes.io/headless"], "");
}

#[test]
fn a_slice_holds_a_hundred() {
    let mut state = cluster();
    service(&mut state, &json!({ "ports": [{ "port": 80 }] }));
    for number in 0..230 {
        pod(&mut state, &format!("p{number:03}"));
        start(&mut state, &format!("p{number:03}"), "worker-1");
    }
    run(&mut state, 1);
    let mut sizes: Vec<_> =
        slices(&state).iter().map(|slice| slice["endpoints"].as_array().map_or(0, Vec::len)).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [30, 100, 100]);
    let before: Vec<_> = slices(&state).iter().map(|slice| slice["metadata"]["resourceVersion"].clone()).collect();
    delete(&mut state, Kind::Pod, "p000");
    run(&mut state, 1);
    let after: Vec<_> = slices(&state).iter().map(|slice| slice["metadata"]["resourceVersion"].clone()).collect();
    assert_eq!(before.iter().zip(&after).filter(|(before, after)| before != after).count(), 1, "one slice changed");
}

#[test]
fn a_service_that_changes_its_selector_changes_its_endpoints() {
    let mut state = cluster();
    service(&mut state, &json!({ "ports": [{ "port": 80 }] }));
    for (name, app) in [("a", "web"), ("b", "canary")] {
        let mut pod = template(app, "web:1");
        pod["metadata"]["name"] = json!(name);
        create(&mut state, Kind::Pod, pod);
        start(&mut state, name, "worker-1");
    }
    run(&mut state, 1);
    assert_eq!(endpoints(&state), ["a true true false"]);
    let change = |state: &mut State, app: &str| {
        state
            .modify_value(Kind::Service, &Key::new(NS, "web"), |service| {
                service["spec"]["selector"] = json!({ "app": app });
            })
            .expect("the service exists");
        run(state, 1);
    };
    change(&mut state, "canary");
    assert_eq!(endpoints(&state), ["b true true false"]);
    delete(&mut state, Kind::Pod, "b");
    run(&mut state, 1);
    assert_eq!(endpoints(&state), ["b false true true"], "the index follows the new selector");
}

#[test]
fn named_ports_may_differ_between_pods() {
    let mut state = cluster();
    service(&mut state, &json!({ "ports": [{ "name": "web", "port": 80, "targetPort": "http" }] }));
    for (name, port) in [("a", 8080), ("b", 9090)] {
        let mut pod = template("web", "web:1");
        pod["metadata"]["name"] = json!(name);
        pod["spec"]["containers"][0]["ports"][0]["containerPort"] = json!(port);
        create(&mut state, Kind::Pod, pod);
        start(&mut state, name, "worker-1");
    }
    run(&mut state, 1);
    let mut ports: Vec<_> = slices(&state).iter().map(|slice| slice["ports"][0]["port"].clone()).collect();
    ports.sort_by_key(Value::to_string);
    assert_eq!(ports, [json!(8080), json!(9090)], "one slice for each set of ports");
}
