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
