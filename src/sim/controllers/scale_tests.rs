//! Many pods at once: how much work a change gives, counted in writes, and that the same seed gives the same bytes.

use serde_json::{Value, json};

use super::testing::{NS, cluster, create, pods, run, start_all, template};
use crate::{Kind, State};

fn shop(deployments: usize, replicas: usize) -> State {
    let mut state = cluster();
    for number in 0..deployments {
        let app = format!("web-{number}");
        let labels = json!({ "app": app });
        let spec =
            json!({ "replicas": replicas, "selector": { "matchLabels": labels }, "template": template(&app, "web:1") });
        create(&mut state, Kind::Deployment, json!({ "metadata": { "name": app }, "spec": spec }));
        let service = json!({ "selector": labels, "ports": [{ "port": 80, "targetPort": 8080 }] });
        create(&mut state, Kind::Service, json!({ "metadata": { "name": app }, "spec": service }));
        let budget = json!({ "selector": { "matchLabels": labels }, "maxUnavailable": 1 });
        create(&mut state, Kind::PodDisruptionBudget, json!({ "metadata": { "name": app }, "spec": budget }));
    }
    run(&mut state, 5);
    start_all(&mut state, "worker-1");
    run(&mut state, 5);
    state
}

fn everything(state: &State) -> Vec<Value> {
    let objects =
        Kind::ALL.into_iter().flat_map(|kind| state.store.all(kind).map(|(_, object)| object.value().clone()));
    objects.collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    assert_eq!(everything(&shop(3, 7)), everything(&shop(3, 7)));
}

#[test]
fn statuses_are_written_in_batches() {
    let mut state = shop(1, 300);
    assert_eq!(pods(&state).len(), 300);
    let endpoints: usize = state
        .store
        .in_namespace(Kind::EndpointSlice, NS)
        .map(|(_, slice)| slice.value()["endpoints"].as_array().map_or(0, Vec::len))
        .sum();
    assert_eq!(endpoints, 300);
    let before = state.store.version();
    let names = pods(&state);
    for name in &names {
        let key = crate::Key::new(NS, name.clone());
        state
            .modify_value(Kind::Pod, &key, |pod| pod["status"]["conditions"][0]["status"] = json!("False"))
            .expect("the pod exists");
    }
    run(&mut state, 5);
    let writes = state.store.version() - before - 300;
    assert!(writes < 30, "300 pods lost at once gave {writes} further writes");
}

#[test]
fn a_settled_cluster_writes_nothing() {
    let mut state = shop(5, 20);
    let before = state.store.version();
    run(&mut state, 86_400);
    assert_eq!(state.store.version(), before);
}
