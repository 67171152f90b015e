//! Rights are asked for before anything is touched, and a busy API server is borne with.

use serde_json::json;

use crate::plan::Permission;

use super::super::{RunError, calls, rights};
use super::fake::{Answer, Script, context, gaps};

fn permission(verb: &str) -> Permission {
    Permission {
        group: "apps".into(),
        resource: "deployments".into(),
        verb: verb.into(),
        namespace: Some("shop".into()),
    }
}

fn review(allowed: bool) -> Answer {
    let spec = json!({});
    Answer::Now(
        201,
        json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "metadata": {}, "spec": spec, "status": { "allowed": allowed } }),
    )
}

/// What may be done in the namespace, as far as it can be listed: `get`.
fn rules() -> Answer {
    let rule = json!({ "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"] });
    let status = json!({ "incomplete": false, "nonResourceRules": [], "resourceRules": [rule] });
    Answer::Now(
        201,
        json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "metadata": {}, "spec": {}, "status": status }),
    )
}

#[tokio::test(start_paused = true)]
async fn all_missing_rights_are_told_at_once() {
    let script = Script::new([rules(), review(false), review(false)]);
    let (context, _) = context(&script, |_| true);
    let wanted = [permission("delete"), permission("get"), permission("patch"), permission("delete")];
    let missing = rights::check(&context, &wanted).await;
    assert_eq!(missing, Err(RunError::Forbidden(vec![permission("delete"), permission("patch")])));
    assert_eq!(
        missing.unwrap_err().to_string(),
        "2 rights are missing, nothing was started:\n  delete deployments.apps in shop\n  patch deployments.apps in shop"
    );
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again_when_it_says_and_that_is_on_record() {
    let busy = || {
        let details = json!({ "retryAfterSeconds": 3 });
        Answer::Now(
            429,
            json!({ "kind": "Status", "status": "Failure", "code": 429, "message": "busy", "details": details }),
        )
    };
    let script = Script::new([busy(), busy(), Answer::Now(200, json!({ "metadata": { "name": "shop" } }))]);
    let (context, memory) = context(&script, |_| true);
    let api: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(context.client());
    let got = calls::patiently(&context, "get namespace shop", || api.get("shop")).await;
    assert!(got.is_ok());
    assert_eq!(context.clock().elapsed().as_secs(), 6);
    let line = "get namespace shop: the API server is busy (busy); sent again after 3s".to_owned();
    assert_eq!(gaps(&memory), [(line.clone(), true), (line, true)]);
}
