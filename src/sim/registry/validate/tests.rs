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

#[test]
fn bounds_of_pods_are_those_of_containers() {
    let asked = |item: Value| {
        fields(Kind::LimitRange, json!({ "metadata": { "name": "a", "namespace": "b" }, "spec": { "limits": [item] } }))
    };
    let table = [
        (json!({ "type": "Pod", "max": { "cpu": "1" } }), ""),
        (json!({ "type": "Pod", "max": { "storage": "1" } }), "max[storage]"),
        (
            json!({ "type": "Pod", "max": { "cpu": "2" }, "min": { "cpu": "-1" }, "maxLimitRequestRatio": { "cpu": "20" } }),
            "maxLimitRequestRatio[cpu]",
        ),
        (
            json!({ "type": "Pod", "max": { "cpu": "2" }, "min": { "cpu": "0" }, "maxLimitRequestRatio": { "cpu": "20" } }),
            "",
        ),
        (
            json!({ "type": "Container", "default": { "a.com/gpu": "2" }, "defaultRequest": { "a.com/gpu": "1" } }),
            "defaultRequest[a.com/gpu]",
        ),
    ];
    for (item, wrong) in table {
        let wanted = if wrong.is_empty() { vec![] } else { vec![format!("spec.limits[0].{wrong}")] };
        assert_eq!(asked(item.clone()), wanted, "{item}");
    }
}

#[test]
fn classes_and_drivers_say_each_thing_once() {
    let class = |tolerations: &Value| {
        let scheduling = json!({ "tolerations": tolerations });
        fields(Kind::RuntimeClass, json!({ "metadata": { "name": "a" }, "handler": "a", "scheduling": scheduling }))
    };
    let toleration = json!({ "key": "a", "operator": "Exists" });
    assert_eq!(class(&json!([toleration, { "key": "b", "operator": "Exists" }])), [] as [&str; 0]);
    assert_eq!(class(&json!([toleration, toleration])), ["scheduling.tolerations[1]"]);
    let kind = Kind::by_name("storage.k8s.io/v1", "CSIDriver").expect("a kind");
    let driver = |spec: Value| fields(kind, json!({ "metadata": { "name": "a.example.com" }, "spec": spec }));
    assert_eq!(
        driver(json!({ "tokenRequests": [{ "audience": "a" }], "serviceAccountTokenInSecrets": false })),
        [] as [&str; 0]
    );
    assert_eq!(driver(json!({ "serviceAccountTokenInSecrets": false })), ["spec.serviceAccountTokenInSecrets"]);
}

#[test]
fn the_labels_of_a_template_of_jobs_are_told_by_the_jobs() {
    let template = json!({ "metadata": { "labels": { "a": "a-" } }, "spec": { "template": {
        "spec": { "restartPolicy": "Never", "containers": [container(&json!({}))] } } } });
    let cron = json!({ "metadata": { "name": "a", "namespace": "b" }, "spec": { "schedule": "@daily", "jobTemplate": template } });
    assert_eq!(fields(Kind::CronJob, cron), [] as [&str; 0]);
}
