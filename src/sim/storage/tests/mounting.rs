//! What pods find at their mount paths, and what they wait for.

use k8s_openapi::api::core::v1::Pod;

use super::*;
use crate::storage::Mountable;

/// What the kubelet is told about a pod.
fn answer(state: &mut State, name: &str) -> Mountable {
    let pod = state.store.find(Kind::Pod, NS, name).expect("a pod").clone();
    state.mountable(pod.typed::<Pod>())
}

#[test]
fn a_pod_waits_for_what_is_missing_and_starts_when_it_comes() {
    let setup = |why: &str| format!("MountVolume.SetUp failed for volume \"vol\" : {why}");
    let map = |fields: Value| (Kind::ConfigMap, fields);
    let table = [
        (json!({ "configMap": { "name": "y" } }), setup("configmap \"y\" not found"), map(json!({}))),
        (json!({ "secret": { "secretName": "y" } }), setup("secret \"y\" not found"), (Kind::Secret, json!({}))),
        (
            json!({ "projected": { "sources": [{ "configMap": { "name": "y" } }] } }),
            setup("configmap \"y\" not found"),
            map(json!({})),
        ),
        (
            json!({ "configMap": { "name": "z", "items": [{ "key": "k", "path": "p" }] } }),
            setup("references non-existent config key: k"),
            map(json!({ "metadata": { "name": "z" }, "data": { "k": "v" } })),
        ),
    ];
    for (source, message, (kind, fields)) in table {
        let mut state = cluster();
        create(&mut state, Kind::ConfigMap, json!({ "metadata": { "namespace": NS, "name": "z" } }));
        let uid = pod(&mut state, "web", "worker-1", &source);
        run(&mut state, 5.0);
        assert_eq!(answer(&mut state, "web"), Mountable::Waiting(message.clone()));
        assert_eq!(messages(&state, "FailedMount"), [message.as_str()]);
        let mut object = json!({ "metadata": { "namespace": NS, "name": "y" } });
        json_patch::merge(&mut object, &fields);
        let key = Key::new(NS, object["metadata"]["name"].as_str().unwrap_or_default());
        if state.store.get(kind, &key).is_some() {
            state.modify_value(kind, &key, |map| map["data"] = object["data"].take()).expect("it is there");
        } else {
            create(&mut state, kind, object);
        }
        until(&mut state, 3.0, |state| runs(state, &uid));
        assert_eq!(mounted(&state, &uid), Some(VolumeId::ReadOnly { pod: uid, name: "vol".to_owned() }), "{message}");
    }
}

#[test]
fn these_wait_for_nothing() {
    for source in [
        json!({ "configMap": { "name": "y", "optional": true } }),
        json!({ "secret": { "secretName": "y", "optional": true } }),
        json!({ "downwardAPI": { "items": [] } }),
        json!({ "projected": { "sources": [
            { "serviceAccountToken": { "path": "token" } }, { "configMap": { "name": "kube-root-ca.crt" } },
        ] } }),
    ] {
        let mut state = cluster();
        let uid = pod(&mut state, "web", "worker-1", &source);
        let wanted = VolumeId::ReadOnly { pod: uid, name: "vol".to_owned() };
        assert_eq!(answer(&mut state, "web"), Mountable::Ready([("/data".to_owned(), wanted)].into()), "{source}");
    }
}

#[test]
fn a_missing_claim_is_named() {
    let mut state = cluster();
    user(&mut state, "web", "worker-1");
    let why = "failed to fetch PVC from API server: persistentvolumeclaims \"data\" not found";
    assert_eq!(answer(&mut state, "web"), Mountable::Waiting(format!("error processing PVC shop/data: {why}")));
}

#[test]
fn directories_of_a_node_stay_there() {
    let mut state = cluster();
    let source = json!({ "hostPath": { "path": "/var/data" } });
    let id = |node: &str| VolumeId::HostPath { node: node.to_owned(), path: "/var/data".to_owned() };
    let first = pod(&mut state, "web", "worker-1", &source);
    until(&mut state, 5.0, |state| runs(state, &first));
    write(&mut state, id("worker-1"));
    delete(&mut state, Kind::Pod, "web", None);
    run(&mut state, 10.0);
    for (node, found) in [("worker-1", true), ("worker-2", false)] {
        let uid = pod(&mut state, &format!("on-{node}"), node, &source);
        until(&mut state, 5.0, |state| runs(state, &uid));
        let volume = mounted(&state, &uid).expect("a volume");
        assert_eq!((&volume, state.storage.contents.contains_key(&volume)), (&id(node), found));
    }
}

#[test]
fn scratch_goes_with_its_pod_only() {
    let mut state = cluster();
    let source = json!({ "emptyDir": {} });
    let uids = ["a", "b"].map(|name| pod(&mut state, name, "worker-1", &source));
    let ids = uids.clone().map(|pod| VolumeId::EmptyDir { pod, name: "vol".to_owned() });
    run(&mut state, 5.0);
    for (uid, id) in uids.iter().zip(&ids) {
        assert_eq!(mounted(&state, uid).as_ref(), Some(id));
        write(&mut state, id.clone());
    }
    delete(&mut state, Kind::Pod, "a", None);
    run(&mut state, 5.0);
    assert_eq!(ids.map(|id| state.storage.contents.contains_key(&id)), [false, true]);
}

#[test]
fn a_pod_owns_the_claims_of_its_ephemeral_volumes() {
    let mut state = cluster();
    let spec = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } });
    let source = json!({ "ephemeral": { "volumeClaimTemplate": { "spec": spec } } });
    let uid = pod(&mut state, "web", "", &source);
    until(&mut state, 15.0, |state| runs(state, &uid));
    assert_eq!(text(&state, Kind::PersistentVolumeClaim, "web-vol", "/metadata/ownerReferences/0/uid"), uid);
    delete(&mut state, Kind::Pod, "web", None);
    run(&mut state, 60.0);
    assert_eq!(state.store.all(Kind::PersistentVolume).count(), 0, "claim and volume went with it");
}
