//! Custom kinds of a fixture: the API server is asked whether they have a namespace, before anything is created.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::context::Context;
use super::super::{RunError, fixtures};
use super::fake::{Answer, Script, context, scenario};

fn custom(kind: &str) -> Value {
    json!({ "apiVersion": "example.com/v1", "kind": kind, "metadata": { "name": "a" } })
}

fn served() -> Answer {
    let resource = |name: &str, kind: &str, namespaced: bool| json!({ "name": name, "singularName": "", "kind": kind, "namespaced": namespaced, "verbs": ["get"] });
    let resources = [
        resource("gizmos", "Gizmo", true),
        // A subresource has the kind of what it answers with.
        resource("gizmos/scale", "Planet", true),
        resource("planets", "Planet", false),
    ];
    Answer::Now(
        200,
        json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "example.com/v1", "resources": resources }),
    )
}

/// What becomes of manifests when the scenario names some kinds; and what was asked.
async fn checked(answer: Answer, kinds: &[&str], manifests: &[Value]) -> (Result<(), RunError>, Vec<String>) {
    let script = Script::new([answer]);
    let mut scenario = scenario();
    scenario.fixture.cluster_scoped = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let context = Context { scenario: Arc::new(scenario), ..context(&script, |_| true).0 };
    let checked = fixtures::check(&context, manifests).await;
    let asked = script.asked.lock().unwrap().clone();
    (checked, asked)
}

#[tokio::test(start_paused = true)]
async fn the_cluster_says_which_custom_kinds_have_a_namespace() {
    for (kinds, kind, wanted) in [
        (&[] as &[&str], "Gizmo", None),
        (&["Planet"], "Planet", None),
        (&["Planet.example.com"], "Planet", None),
        (
            &[],
            "Planet",
            Some(
                "Planet a leaves the target's namespace; if it must, allow it by name: `cluster_scoped = [\"Planet\"]`",
            ),
        ),
        (&["Planet.example.org"], "Planet", Some("Planet a leaves the target's namespace")),
        (&["Gizmo"], "Gizmo", Some("a Gizmo of example.com/v1 has a namespace on this cluster")),
        (&[], "Gadget", Some("Gadget a: this cluster serves no Gadget of example.com/v1")),
    ] {
        let (checked, asked) = checked(served(), kinds, &[custom(kind), custom(kind)]).await;
        match (checked, wanted) {
            (Ok(()), None) => {}
            (Err(RunError::Fixture(message)), Some(wanted)) => {
                assert!(message.starts_with(wanted) && message.ends_with("nothing was started"), "{message}");
            }
            (checked, wanted) => panic!("{kinds:?} {kind}: {checked:?}, not {wanted:?}"),
        }
        assert_eq!(asked, ["GET /apis/example.com/v1"], "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_known_from_the_files_is_not_asked() {
    let names = json!({ "kind": "Planet", "plural": "planets" });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "planets.example.com" },
        "spec": { "group": "example.com", "scope": "Cluster", "names": names },
    });
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" } });
    let manifests = [definition, custom("Planet"), service];
    let all = ["CustomResourceDefinition", "Planet"];
    assert_eq!(checked(Answer::Never, &all, &manifests).await, (Ok(()), Vec::new()));
    let (refused, asked) = checked(Answer::Never, &all[..1], &manifests).await;
    assert!(
        matches!(&refused, Err(RunError::Fixture(message)) if message.starts_with("Planet a leaves")),
        "{refused:?}"
    );
    assert_eq!(asked, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_ask_keeps_to_an_address_in_the_namespace() {
    let forbidden =
        json!({ "kind": "Status", "status": "Failure", "code": 403, "reason": "Forbidden", "message": "no" });
    let (checked, _) = checked(Answer::Now(403, forbidden), &[], &[custom("Planet")]).await;
    assert_eq!(checked, Ok(()));
}
