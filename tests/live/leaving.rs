//! Fixtures that leave the target's namespace: refused before the cluster is asked anything, and with the scenario's leave
//! applied, covered by the printed role, and removed.

use driftproof::scenario::{Scopes, parse};
use driftproof::sim::Kind;
use serde_json::json;

use crate::lab::{Lab, settings};
use crate::rights::{missing, role};

const OUTSIDE: &str = "\
apiVersion: v1
kind: List
items:
- { apiVersion: v1, kind: Namespace, metadata: { name: other } }
- { apiVersion: v1, kind: ConfigMap, metadata: { name: settings, namespace: other }, data: { a: b } }
- { apiVersion: v1, kind: ConfigMap, metadata: { name: settings }, data: { a: b } }
- { apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: { name: first, namespace: shop }, value: 1000 }
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: fast }
provisioner: example.com/fast
";

/// Every object of `OUTSIDE`, with the path that it is applied at.
const OBJECTS: [(Kind, &str, &str, &str); 5] = [
    (Kind::Namespace, "", "other", "/api/v1/namespaces/other"),
    (Kind::ConfigMap, "other", "settings", "/api/v1/namespaces/other/configmaps/settings"),
    (Kind::ConfigMap, "shop", "settings", "/api/v1/namespaces/shop/configmaps/settings"),
    (Kind::PriorityClass, "", "first", "/apis/scheduling.k8s.io/v1/priorityclasses/first"),
    (Kind::StorageClass, "", "fast", "/apis/storage.k8s.io/v1/storageclasses/fast"),
];

const LEAVE: &str = "namespaces = [\"other\"]\ncluster_scoped = [\"PriorityClass\", \"StorageClass.storage.k8s.io\"]\n";

async fn lab(leave: &str) -> Lab {
    let lab = Lab::start(settings()).await;
    lab.write("outside.yaml", OUTSIDE);
    lab.scenario("[[fault]]\nkind = \"pod-kill\"\n[expect]\nrto = \"20s\"\nsame_after = [\"leftovers\"]\n");
    let text = lab.read("scenario.toml");
    let fixture = format!("manifests = [\"web.yaml\", \"outside.yaml\"]\n{leave}");
    lab.write("scenario.toml", &text.replace("manifests = [\"web.yaml\"]\n", &fixture));
    lab
}

/// The list of Kubernetes' kinds is written by hand; the embedded API server knows many of them on its own account.
#[test]
fn the_scope_of_a_kind_is_that_of_the_api_server() {
    let text = "name = \"a\"\n[target]\nnamespace = \"shop\"\nselector = \"a=b\"\n[[fault]]\nkind = \"pod-kill\"\n";
    let scenario = parse("a.toml", text).expect("a scenario");
    let scopes = Scopes::new(&scenario, []);
    for facts in Kind::ALL.map(Kind::facts) {
        let object = json!({ "apiVersion": facts.api_version(), "kind": facts.kind, "metadata": { "name": "a" } });
        assert_eq!(scopes.namespace(&object), facts.namespaced.then_some("shop"), "{}", facts.kind);
        assert!(!scopes.is_custom(&object), "{}", facts.kind);
    }
}

#[tokio::test]
async fn without_leave_nothing_is_even_asked() {
    let lab = lab("").await;
    for more in [&["--apply-fixtures"] as &[&str], &[]] {
        let ended = lab.run(more).await.expect(2);
        for part in ["Namespace other and 1 more", "PriorityClass first", "StorageClass fast", "scenario.toml:6"] {
            assert!(ended.err.contains(part), "`{part}` is missing: {}", ended.err);
        }
    }
    assert_eq!(lab.requests(), []);
}

#[tokio::test]
async fn with_leave_everything_is_applied_and_removed_again() {
    let lab = lab(LEAVE).await;
    lab.run(&["--apply-fixtures"]).await.expect(0);
    let changes = lab.changes();
    for (kind, namespace, name, path) in OBJECTS {
        assert!(changes.contains(&format!("PATCH {path}")), "{path} was not applied: {changes:#?}");
        assert!(!lab.has(kind, namespace, name), "{path} is still there");
    }
    assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
}

#[tokio::test]
async fn the_printed_role_covers_what_leaves_and_spares_what_was_there() {
    let lab = lab(LEAVE).await;
    lab.namespace("shop").await;
    lab.namespace("other").await;
    let granted = role(&lab, &["--apply-fixtures"]).await;
    lab.run(&["--apply-fixtures"]).await.expect(0);
    assert_eq!(missing(&lab, &granted), [], "asked for and not printed");
    let right = |namespace: &str, group: &str, resource: &str, verb: &str| {
        granted.contains(&(namespace.to_owned(), group.to_owned(), resource.to_owned(), verb.to_owned()))
    };
    assert!(right("other", "", "configmaps", "create") && right("other", "", "configmaps", "delete"));
    assert!(right("", "storage.k8s.io", "storageclasses", "delete"));
    assert!(!right("", "", "configmaps", "create") && !right("", "", "namespaces", "delete"), "{granted:#?}");
    assert!(lab.has(Kind::Namespace, "", "other") && !lab.has(Kind::ConfigMap, "other", "settings"));
}
