//! One refusal after the other, by the field that the real API server (1.36) names.

use serde_json::{Value, json};

use super::create;
use crate::Kind;

fn fields(kind: Kind, value: Value) -> Vec<String> {
    let value = crate::registry::defaulted(kind, value).expect("it decodes");
    create(kind, &value).into_iter().map(|cause| cause.field).collect()
}

fn container(more: &Value) -> Value {
    let mut container = json!({ "name": "a", "image": "a" });
    for (key, value) in more.as_object().into_iter().flatten() {
        container[key] = value.clone();
    }
    container
}

fn pod(spec: &Value) -> Value {
    let mut pod =
        json!({ "metadata": { "name": "a", "namespace": "b" }, "spec": { "containers": [container(&json!({}))] } });
    for (key, value) in spec.as_object().into_iter().flatten() {
        pod["spec"][key] = value.clone();
    }
    pod
}

#[test]
fn a_sound_pod_passes() {
    assert_eq!(fields(Kind::Pod, pod(&json!({}))), [] as [&str; 0]);
}

#[test]
fn a_host_name_of_its_own_leaves_the_host_its_own() {
    let named = |more: &Value| {
        let mut spec = json!({ "hostnameOverride": "db.example.com" });
        for (key, value) in more.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        fields(Kind::Pod, pod(&spec))
    };
    assert_eq!(named(&json!({})), [] as [&str; 0]);
    let wrong = [
        json!({ "hostNetwork": true }),
        json!({ "setHostnameAsFQDN": true }),
        json!({ "hostnameOverride": "" }),
        json!({ "hostnameOverride": "Db" }),
        json!({ "hostnameOverride": "a".repeat(65) }),
    ];
    for more in &wrong {
        assert_eq!(named(more), ["spec.hostnameOverride"], "{more}");
    }
}

#[test]
fn a_variable_out_of_a_file_names_an_empty_dir() {
    let asked = |more: &Value| {
        let mut source = json!({ "key": "A", "path": "env", "volumeName": "files" });
        for (key, value) in more.as_object().into_iter().flatten() {
            source[key] = value.clone();
        }
        let container = container(&json!({ "env": [{ "name": "A", "valueFrom": { "fileKeyRef": source } }] }));
        let volumes = json!([{ "name": "files", "emptyDir": {} }, { "name": "host", "hostPath": { "path": "/" } }]);
        fields(Kind::Pod, pod(&json!({ "containers": [container], "volumes": volumes })))
    };
    assert_eq!(asked(&json!({})), [] as [&str; 0]);
    for (field, values) in [("key", ["", "A=B"]), ("path", ["", "../env"]), ("volumeName", ["none", "host"])] {
        for value in values {
            let at = format!("spec.containers[0].env[0].valueFrom.fileKeyRef.{field}");
            assert_eq!(asked(&json!({ field: value })), [at], "{value}");
        }
    }
}
