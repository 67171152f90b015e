//! Server-side apply: creation, ownership, removal, conflicts, force.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::{api, cluster, refusal};
use crate::Kind;

fn deployment(replicas: Option<i64>, env: &[&str]) -> Value {
    let env: Vec<Value> = env.iter().map(|name| json!({ "name": name, "value": "1" })).collect();
    let mut value = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": {
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "app", "image": "nginx:1", "env": env }] },
            },
        },
    });
    if let Some(replicas) = replicas {
        value["spec"]["replicas"] = json!(replicas);
    }
    value
}

async fn apply(client: &kube::Client, manager: &str, force: bool, value: &Value) -> kube::Result<Value> {
    let mut params = PatchParams::apply(manager);
    params.force = force;
    let stored = api(client, Kind::Deployment).patch("web", &params, &Patch::Apply(value)).await?;
    Ok(serde_json::to_value(&stored).expect("JSON"))
}

#[tokio::test(start_paused = true)]
async fn an_apply_creates_then_removes_what_is_no_longer_sent() {
    let client = cluster().client();
    let first = apply(&client, "one", false, &deployment(Some(3), &["A", "B"])).await.expect("create");
    assert_eq!(first["metadata"]["managedFields"][0]["manager"], "one");
    let same = apply(&client, "one", false, &deployment(Some(3), &["A", "B"])).await.expect("again");
    assert_eq!(same["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    let next = apply(&client, "one", false, &deployment(None, &["B"])).await.expect("change");
    assert_eq!(next["spec"]["replicas"], 1, "the default comes back");
    let env = &next["spec"]["template"]["spec"]["containers"][0]["env"];
    assert_eq!(env, &json!([{ "name": "B", "value": "1" }]));
}

#[tokio::test(start_paused = true)]
async fn another_managers_field_conflicts_unless_forced() {
    let client = cluster().client();
    apply(&client, "one", false, &deployment(Some(3), &[])).await.expect("create");
    let scaled = Patch::Merge(json!({ "spec": { "replicas": 5 } }));
    let params = PatchParams { field_manager: Some("scaler".to_owned()), ..PatchParams::default() };
    api(&client, Kind::Deployment).patch("web", &params, &scaled).await.expect("scale");
    let (code, reason, message) = refusal(apply(&client, "one", false, &deployment(Some(3), &[])).await);
    assert_eq!((code, reason.as_str()), (409, "Conflict"));
    assert_eq!(message, "Apply failed with 1 conflict: conflict with \"scaler\" using apps/v1: .spec.replicas");
    let forced = apply(&client, "one", true, &deployment(Some(3), &[])).await.expect("force");
    assert_eq!(forced["spec"]["replicas"], 3);
    let left = apply(&client, "two", false, &deployment(Some(3), &[])).await.expect("the same value may be shared");
    let managers: Vec<_> = left["metadata"]["managedFields"].as_array().into_iter().flatten().collect();
    assert_eq!(managers.iter().map(|m| m["manager"].as_str().unwrap_or("?")).collect::<Vec<_>>(), ["one", "two"]);
    let kept = apply(&client, "one", false, &deployment(None, &[])).await.expect("let go");
    assert_eq!(kept["spec"]["replicas"], 3, "the other manager still owns it");
}

#[tokio::test(start_paused = true)]
async fn an_item_may_have_an_empty_key_but_not_be_nothing() {
    let client = cluster().client();
    let table = [
        (json!([{ "name": "a" }, { "name": null }]), ""),
        (json!([{ "kind": "a" }]), "omits all key fields"),
        (json!([null]), "may not have a null element"),
        (json!([{ "name": null }, { "name": null }]), "duplicate entries"),
    ];
    for (secrets, wrong) in table {
        let account =
            json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "a" }, "secrets": secrets });
        let accounts = api(&client, Kind::ServiceAccount);
        let said = accounts.patch("a", &PatchParams::apply("one"), &Patch::Apply(&account)).await;
        match said {
            Ok(_) => assert_eq!(wrong, "", "{secrets}"),
            Err(error) => assert!(!wrong.is_empty() && error.to_string().contains(wrong), "{secrets}: {error}"),
        }
    }
}
