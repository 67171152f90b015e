//! Claims: bound, missing, waiting for their first consumer, for one pod only.

use serde_json::{Value, json};

use super::{cluster, node, node_of, outcome, pod, run, why};
use crate::{Key, Kind, State};

fn three_nodes() -> State {
    let mut state = cluster();
    for (name, zone) in [("n1", "a"), ("n2", "b"), ("n3", "b")] {
        node(&mut state, name, zone, json!({}));
    }
    state
}

fn claim(state: &mut State, name: &str, extra: Value) {
    let mut claim = json!({
        "metadata": { "name": name, "namespace": "shop" },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
    });
    super::lay_over(&mut claim, extra);
    state.create(Kind::PersistentVolumeClaim, claim).expect("a claim");
}

/// A volume of 10 GiB of the class `local` on a node.
fn local_volume(state: &mut State, name: &str, node: &str, extra: Value) {
    let on_node = json!([{ "key": "kubernetes.io/hostname", "operator": "In", "values": [node] }]);
    let mut volume = json!({
        "metadata": { "name": name },
        "spec": {
            "capacity": { "storage": "10Gi" }, "accessModes": ["ReadWriteOnce"], "storageClassName": "local",
            "local": { "path": format!("/disks/{name}") },
            "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchExpressions": on_node }] } },
        },
    });
    super::lay_over(&mut volume, extra);
    state.create(Kind::PersistentVolume, volume).expect("a volume");
}

fn using(claim: &str) -> Value {
    json!({ "spec": {
        "containers": [{ "name": "main", "image": "db:1", "volumeMounts": [{ "name": "data", "mountPath": "/data" }] }],
        "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": claim } }],
    } })
}

#[test]
fn refusals_for_claims_say_why() {
    let mut state = three_nodes();
    let immediate = json!({
        "metadata": { "name": "stuck" }, "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "Immediate",
    });
    state.create(Kind::StorageClass, immediate).expect("a class");
    claim(&mut state, "stuck", json!({ "spec": { "storageClassName": "stuck" } }));
    claim(&mut state, "nowhere", json!({ "spec": { "storageClassName": "local" } }));
    for (name, expected) in [
        ("none", "0/3 nodes are available: persistentvolumeclaim \"none\" not found."),
        ("stuck", "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."),
        ("nowhere", "0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind."),
    ] {
        assert_eq!(outcome(&mut state, json!({}), using(name)), expected, "{name}");
    }
}

#[test]
fn a_local_volume_pins_its_pod_for_good() {
    let mut state = three_nodes();
    local_volume(&mut state, "disk-2", "n2", json!({}));
    claim(&mut state, "data", json!({ "spec": { "storageClassName": "local" } }));
    pod(&mut state, "db", json!({}), using("data"));
    run(&mut state, 5);
    assert_eq!(node_of(&state, "db"), "n2");
    let bound = state.store.find(Kind::PersistentVolumeClaim, "shop", "data").expect("the claim is there");
    assert_eq!((bound.text("/spec/volumeName"), bound.text("/status/phase")), ("disk-2", "Bound"));
    state.remove(Kind::Pod, &Key::new("shop", "db"));
    let cordon = |node: &mut Value| node["spec"]["unschedulable"] = json!(true);
    state.modify_value(Kind::Node, &Key::cluster("n2"), cordon).expect("the node is there");
    pod(&mut state, "db", json!({}), using("data"));
    run(&mut state, 60);
    assert_eq!(node_of(&state, "db"), "");
    let expected = "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match PersistentVolume's node affinity.";
    assert_eq!(why(&state, "db"), expected);
    let uncordon = |node: &mut Value| node["spec"]["unschedulable"] = json!(false);
    state.modify_value(Kind::Node, &Key::cluster("n2"), uncordon).expect("the node is there");
    run(&mut state, 11);
    assert_eq!(node_of(&state, "db"), "n2");
}

#[test]
fn each_waiting_claim_gets_a_volume_of_its_own() {
    let mut state = three_nodes();
    local_volume(&mut state, "disk-1", "n1", json!({}));
    local_volume(&mut state, "disk-3", "n3", json!({}));
    for name in ["one", "two", "three"] {
        claim(&mut state, name, json!({ "spec": { "storageClassName": "local" } }));
        pod(&mut state, name, json!({}), using(name));
    }
    run(&mut state, 30);
    let mut nodes: Vec<_> = ["one", "two", "three"].iter().map(|name| node_of(&state, name)).collect();
    nodes.sort();
    assert_eq!(nodes, ["", "n1", "n3"]);
    local_volume(&mut state, "disk-2", "n2", json!({}));
    run(&mut state, 30);
    assert!(["one", "two", "three"].iter().all(|name| !node_of(&state, name).is_empty()), "a new volume helps");
}

#[test]
fn a_network_volume_is_made_for_the_first_consumer() {
    let mut state = three_nodes();
    claim(&mut state, "data", json!({}));
    run(&mut state, 30);
    let phase = |state: &State| {
        state
            .store
            .find(Kind::PersistentVolumeClaim, "shop", "data")
            .expect("it is there")
            .text("/status/phase")
            .to_owned()
    };
    assert_eq!(phase(&state), "Pending", "it waits for its first consumer");
    pod(&mut state, "db", json!({}), using("data"));
    run(&mut state, 10);
    assert_eq!(phase(&state), "Bound");
    let claim = state.store.find(Kind::PersistentVolumeClaim, "shop", "data").expect("it is there");
    assert_eq!(claim.annotation("volume.kubernetes.io/selected-node"), Some(node_of(&state, "db").as_str()));
}

#[test]
fn a_volume_is_reached_from_its_zone_only() {
    let mut state = three_nodes();
    let reference = json!({ "namespace": "shop", "name": "data" });
    let labels = json!({ "topology.kubernetes.io/zone": "a__c" });
    let volume = json!({
        "metadata": { "name": "old", "labels": labels },
        "spec": {
            "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "claimRef": reference,
            "storageClassName": "", "csi": { "driver": "disk.example", "volumeHandle": "old" },
        },
    });
    state.create(Kind::PersistentVolume, volume).expect("a volume");
    claim(&mut state, "data", json!({ "spec": { "storageClassName": "", "volumeName": "old" } }));
    run(&mut state, 5);
    assert_eq!(outcome(&mut state, json!({}), using("data")), "n1");
    state.remove(Kind::Node, &Key::cluster("n1"));
    let expected = "0/2 nodes are available: 2 node(s) had no available volume zone.";
    assert_eq!(outcome(&mut state, json!({}), using("data")), expected);
}

#[test]
fn a_claim_for_one_pod_refuses_the_second() {
    let mut state = three_nodes();
    claim(&mut state, "data", json!({ "spec": { "accessModes": ["ReadWriteOncePod"] } }));
    pod(&mut state, "first", json!({}), using("data"));
    run(&mut state, 10);
    assert!(!node_of(&state, "first").is_empty());
    let expected = "0/3 nodes are available: 3 node(s) unavailable due to PersistentVolumeClaim with \
                    ReadWriteOncePod access mode already in-use by another pod.";
    assert_eq!(outcome(&mut state, json!({}), using("data")), expected);
}

#[test]
fn a_volume_that_names_its_node_by_field_is_reached_from_everywhere() {
    let mut state = three_nodes();
    let field = json!({ "key": "metadata.name", "operator": "In", "values": ["gone"] });
    let volume = json!({
        "metadata": { "name": "old" },
        "spec": {
            "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "storageClassName": "",
            "claimRef": { "namespace": "shop", "name": "data" }, "csi": { "driver": "disk.example", "volumeHandle": "old" },
            "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchFields": [field] }] } },
        },
    });
    state.create(Kind::PersistentVolume, volume).expect("a volume");
    claim(&mut state, "data", json!({ "spec": { "storageClassName": "", "volumeName": "old" } }));
    run(&mut state, 5);
    pod(&mut state, "db", json!({}), using("data"));
    run(&mut state, 5);
    assert!(!node_of(&state, "db").is_empty());
}

/// A volume by hand for claims that wait for their first consumer.
fn by_hand(state: &mut State, name: &str, size: &str, modes: &[&str]) {
    let volume = json!({
        "metadata": { "name": name },
        "spec": {
            "capacity": { "storage": size }, "accessModes": modes, "storageClassName": "by-hand",
            "hostPath": { "path": "/d" },
        },
    });
    state.create(Kind::PersistentVolume, volume).expect("a volume");
}

#[test]
fn the_smallest_claim_chooses_first_and_takes_the_smallest_volume_whatever_its_modes() {
    let mut state = three_nodes();
    let class = json!({
        "metadata": { "name": "by-hand" }, "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    });
    state.create(Kind::StorageClass, class).expect("a class");
    by_hand(&mut state, "large", "9Gi", &["ReadWriteOnce"]);
    by_hand(&mut state, "small", "5Gi", &["ReadWriteOnce", "ReadOnlyMany"]);
    for (name, size) in [("a", "4Gi"), ("b", "2Gi")] {
        let resources = json!({ "requests": { "storage": size } });
        claim(&mut state, name, json!({ "spec": { "storageClassName": "by-hand", "resources": resources } }));
    }
    run(&mut state, 5);
    let uses = |name: &str| json!({ "name": name, "persistentVolumeClaim": { "claimName": name } });
    pod(&mut state, "db", json!({}), json!({ "spec": { "volumes": [uses("a"), uses("b")] } }));
    run(&mut state, 10);
    let volume = |name: &str| {
        let claim = state.store.find(Kind::PersistentVolumeClaim, "shop", name).expect("it is there");
        claim.text("/spec/volumeName").to_owned()
    };
    assert_eq!((volume("a").as_str(), volume("b").as_str()), ("large", "small"));
}
