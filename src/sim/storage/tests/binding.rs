//! Which volume a claim gets and when, and what becomes of the volume.

use super::*;

fn static_volume(state: &mut State, name: &str, size: &str, node: Option<&str>) {
    let mut value = json!({
        "metadata": { "name": name },
        "spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": { "storage": size }, "storageClassName": "local",
            "local": { "path": "/mnt" },
        },
    });
    if let Some(node) = node {
        let expression = json!({ "key": "kubernetes.io/hostname", "operator": "In", "values": [node] });
        value["spec"]["nodeAffinity"] =
            json!({ "required": { "nodeSelectorTerms": [{ "matchExpressions": [expression] }] } });
    }
    create(state, Kind::PersistentVolume, value);
}

#[test]
fn immediate_classes_provision_at_once_and_others_wait_for_a_pod() {
    let none = json!({});
    for (mode, without_pod) in [("Immediate", "Bound"), ("WaitForFirstConsumer", "Pending")] {
        let mut state = cluster();
        class(&mut state, "disk", mode, &none);
        claim(&mut state, "disk", "ReadWriteOnce");
        run(&mut state, 30.0);
        assert_eq!(phase(&state), without_pod, "{mode}");
        user(&mut state, "web", "");
        run(&mut state, 30.0);
        assert_eq!(phase(&state), "Bound", "{mode}");
        let name = volume(&state);
        assert!(name.starts_with("pvc-"), "{name}");
        assert_eq!(text(&state, Kind::PersistentVolume, &name, "/status/phase"), "Bound");
        assert_eq!(text(&state, Kind::PersistentVolume, &name, "/spec/claimRef/name"), "data");
        let waited = messages(&state, "WaitForFirstConsumer").len();
        assert_eq!(waited, usize::from(mode == "WaitForFirstConsumer"));
    }
}

#[test]
fn a_claim_without_a_class_gets_the_default_one_and_waits_for_the_scheduler_s_word() {
    let mut state = cluster();
    let claim = json!({
        "metadata": { "namespace": NS, "name": "data" },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
    });
    create(&mut state, Kind::PersistentVolumeClaim, claim);
    let volumes = json!({ "persistentVolumeClaim": { "claimName": "data" } });
    let by_hand = pod(&mut state, "by-hand", "worker-2", &volumes);
    run(&mut state, 600.0);
    assert_eq!((phase(&state).as_str(), runs(&state, &by_hand)), ("Pending", false), "nobody chooses a node for it");
    let scheduled = pod(&mut state, "web", "", &volumes);
    until(&mut state, 15.0, |state| runs(state, &scheduled));
    assert_eq!(mounted(&state, &scheduled), Some(VolumeId::Persistent(volume(&state))));
}

#[test]
fn zonal_volumes_keep_to_the_zone_of_their_first_pod() {
    for (zonal, pinned) in [("true", true), ("false", false)] {
        let mut state = cluster();
        class(&mut state, "disk", "WaitForFirstConsumer", &json!({ "zonal": zonal }));
        claim(&mut state, "disk", "ReadWriteOnce");
        user(&mut state, "web", "worker-3");
        run(&mut state, 15.0);
        let key = Key::cluster(volume(&state));
        let object = state.store.get(Kind::PersistentVolume, &key).expect("a volume");
        let zone = "/spec/nodeAffinity/required/nodeSelectorTerms/0/matchExpressions/0/values/0";
        assert_eq!(object.text(zone), if pinned { "zone-2" } else { "" }, "{zonal}");
    }
}

#[test]
fn a_claim_gets_the_smallest_volume_that_is_large_enough() {
    let mut state = cluster();
    for (name, size) in [("a", "10Gi"), ("b", "2Gi"), ("c", "500Mi")] {
        static_volume(&mut state, name, size, None);
    }
    claim(&mut state, "local", "ReadWriteOnce");
    user(&mut state, "web", "");
    run(&mut state, 5.0);
    assert_eq!((volume(&state).as_str(), phase(&state).as_str()), ("b", "Bound"));
    let phases = ["a", "b", "c"].map(|name| text(&state, Kind::PersistentVolume, name, "/status/phase"));
    assert_eq!(phases, ["Available", "Bound", "Available"]);
}

#[test]
fn local_volumes_pin_their_pod() {
    let mut state = cluster();
    static_volume(&mut state, "disk-2", "2Gi", Some("worker-2"));
    claim(&mut state, "local", "ReadWriteOnce");
    let uid = user(&mut state, "web", "");
    until(&mut state, 15.0, |state| runs(state, &uid));
    assert_eq!(text(&state, Kind::Pod, "web", "/spec/nodeName"), "worker-2");
    assert_eq!(mounted(&state, &uid), Some(VolumeId::Local("disk-2".to_owned())));
    let stray = user(&mut state, "stray", "worker-1");
    run(&mut state, 30.0);
    assert!(!runs(&state, &stray), "the volume is not on this node");
}

#[test]
fn a_volume_that_comes_later_is_taken() {
    let mut state = cluster();
    claim(&mut state, "", "ReadWriteOnce");
    run(&mut state, 5.0);
    assert_eq!(messages(&state, "FailedBinding").len(), 1);
    let value = json!({
        "metadata": { "name": "nfs" },
        "spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": { "storage": "1Gi" },
            "nfs": { "server": "files", "path": "/" },
        },
    });
    create(&mut state, Kind::PersistentVolume, value);
    run(&mut state, 1.0);
    assert_eq!(volume(&state), "nfs");
    let uid = user(&mut state, "web", "worker-1");
    until(&mut state, 5.0, |state| runs(state, &uid));
    assert_eq!(attachments(&state), [], "shares are not attached");
}

#[test]
fn a_claim_in_use_stays_and_its_policy_decides_what_stays_of_the_volume() {
    for (policy, left) in [("Delete", ""), ("Retain", "Released")] {
        let mut state = cluster();
        claim(&mut state, "standard", "ReadWriteOnce");
        let uid = user(&mut state, "web", "worker-1");
        until(&mut state, 15.0, |state| runs(state, &uid));
        let name = volume(&state);
        let id = VolumeId::Persistent(name.clone());
        write(&mut state, id.clone());
        let changed = state.modify_value(Kind::PersistentVolume, &Key::cluster(&name), |volume| {
            volume["spec"]["persistentVolumeReclaimPolicy"] = json!(policy);
        });
        changed.expect("a volume");
        delete(&mut state, Kind::PersistentVolumeClaim, "data", None);
        run(&mut state, 5.0);
        assert_eq!(phase(&state), "Bound", "a pod uses it");
        delete(&mut state, Kind::Pod, "web", None);
        run(&mut state, 30.0);
        assert_eq!(phase(&state), "", "{policy}: the claim is gone");
        assert_eq!(text(&state, Kind::PersistentVolume, &name, "/status/phase"), left, "{policy}");
        assert_eq!(state.storage.contents.contains_key(&id), policy == "Retain", "{policy}");
        assert_eq!(attachments(&state), []);
    }
}

/// A volume without a class and what is laid over its spec, and a claim `data` for it.
fn pair(volume: &Value, claim: &Value) -> State {
    let mut state = cluster();
    let mut spec = json!({
        "accessModes": ["ReadWriteOnce"], "capacity": { "storage": "5Gi" }, "storageClassName": "",
        "hostPath": { "path": "/d" },
    });
    json_patch::merge(&mut spec, volume);
    create(&mut state, Kind::PersistentVolume, json!({ "metadata": { "name": "pv" }, "spec": spec }));
    run(&mut state, 1.0);
    let mut spec = json!({
        "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } }, "storageClassName": "",
    });
    json_patch::merge(&mut spec, claim);
    let metadata = json!({ "namespace": NS, "name": "data" });
    create(&mut state, Kind::PersistentVolumeClaim, json!({ "metadata": metadata, "spec": spec }));
    run(&mut state, 30.0);
    state
}

#[test]
fn a_volume_that_a_claim_names_must_fit_it() {
    let named = |more: Value| {
        let mut claim = json!({ "volumeName": "pv" });
        json_patch::merge(&mut claim, &more);
        claim
    };
    for (volume, claim, why) in [
        (json!({}), named(json!({})), None),
        (json!({}), named(json!({ "storageClassName": "standard" })), Some("storageClassName does not match")),
        (
            json!({}),
            named(json!({ "resources": { "requests": { "storage": "8Gi" } } })),
            Some("requested PV is too small"),
        ),
        (json!({ "accessModes": ["ReadWriteMany"] }), named(json!({})), Some("incompatible accessMode")),
        (json!({ "volumeMode": "Block" }), named(json!({})), Some("incompatible volumeMode")),
    ] {
        let state = pair(&volume, &claim);
        assert_eq!(phase(&state), if why.is_none() { "Bound" } else { "Pending" }, "{volume} {claim}");
        let expected: Vec<_> =
            why.map(|why| format!("Cannot bind to requested volume \"pv\": {why}")).into_iter().collect();
        assert_eq!(messages(&state, "VolumeMismatch"), expected, "{volume} {claim}");
    }
}

#[test]
fn a_volume_that_names_a_claim_must_be_large_enough_and_of_its_modes() {
    let reserved = |more: Value| {
        let mut volume = json!({ "claimRef": { "namespace": NS, "name": "data" } });
        json_patch::merge(&mut volume, &more);
        volume
    };
    for (volume, claim, bound) in [
        (reserved(json!({})), json!({}), "Bound"),
        (reserved(json!({ "storageClassName": "other" })), json!({}), "Bound"),
        (reserved(json!({ "capacity": { "storage": "500Mi" } })), json!({}), "Pending"),
        (reserved(json!({ "accessModes": ["ReadOnlyMany"] })), json!({}), "Pending"),
        (reserved(json!({ "volumeMode": "Block" })), json!({}), "Pending"),
        (reserved(json!({ "capacity": { "storage": "500Mi" } })), json!({ "volumeName": "pv" }), "Bound"),
    ] {
        assert_eq!(phase(&pair(&volume, &claim)), bound, "{volume} {claim}");
    }
    let other = json!({ "claimRef": { "namespace": NS, "name": "another" } });
    let state = pair(&other, &json!({ "volumeName": "pv" }));
    assert_eq!(messages(&state, "FailedBinding"), ["volume \"pv\" already bound to a different claim."]);
}

#[test]
fn a_class_that_is_not_there_is_named() {
    let state = pair(&json!({}), &json!({ "storageClassName": "local-path" }));
    assert_eq!(messages(&state, "ProvisioningFailed"), ["storageclass.storage.k8s.io \"local-path\" not found"]);
}
