//! The role that `driftproof rbac` prints: each request of a run is covered by it, and a run without a part of it does not
//! begin.

use std::collections::BTreeSet;

use driftproof::sim::Settings;
use http::{Method, Uri};
use serde_json::Value;

use crate::lab::{Lab, settings};

/// Namespace (empty for cluster-wide), group, resource, verb.
pub(crate) type Right = (String, String, String, String);

/// What RBAC calls a request; none for what everybody may ask.
fn right(method: &Method, uri: &Uri) -> Option<Right> {
    let parts: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    let (group, rest) = match parts.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] if *group != "authorization.k8s.io" => (*group, rest),
        _ => return None,
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
        rest => ("", rest),
    };
    let (resource, named, sub) = match rest {
        [resource] => (*resource, false, None),
        [resource, _] => (*resource, true, None),
        [resource, _, sub, ..] => (*resource, true, Some(*sub)),
        [] => return None,
    };
    let watches = uri.query().is_some_and(|query| query.contains("watch="));
    let verb = match (method.as_str(), named) {
        ("GET", false) if watches => "watch",
        ("GET", false) => "list",
        ("GET" | "HEAD", true) => "get",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "delete",
        other => panic!("{other:?} is asked of {uri}"),
    };
    let resource = sub.map_or_else(|| resource.to_owned(), |sub| format!("{resource}/{sub}"));
    Some((namespace.to_owned(), group.to_owned(), resource, verb.to_owned()))
}

/// The rights of the printed roles.
fn granted(yaml: &str) -> BTreeSet<Right> {
    let objects = driftproof::scenario::manifests("rbac.yaml", yaml).expect("valid YAML");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut all = BTreeSet::new();
    for role in objects.iter().filter(|object| object["kind"] == "Role" || object["kind"] == "ClusterRole") {
        for rule in role["rules"].as_array().expect("rules") {
            for resource in rule["resources"].as_array().expect("resources") {
                for verb in rule["verbs"].as_array().expect("verbs") {
                    let group = text(&rule["apiGroups"][0]);
                    all.insert((text(&role["metadata"]["namespace"]), group, text(resource), text(verb)));
                }
            }
        }
    }
    all
}

pub(crate) async fn role(lab: &Lab, more: &[&str]) -> BTreeSet<Right> {
    granted(&lab.call(&[&["rbac", "scenario.toml"], more].concat()).await.expect(0).out)
}

/// What was asked for so far.
fn used(lab: &Lab) -> BTreeSet<Right> {
    lab.requests().iter().filter_map(|(method, uri)| right(method, uri)).collect()
}

/// What was asked for, and not granted.
pub(crate) fn missing(lab: &Lab, granted: &BTreeSet<Right>) -> Vec<Right> {
    let covers = |(namespace, group, resource, verb): &Right| {
        let everywhere = (String::new(), group.clone(), resource.clone(), verb.clone());
        let here = (namespace.clone(), group.clone(), resource.clone(), verb.clone());
        granted.contains(&here) || granted.contains(&everywhere)
    };
    used(lab).into_iter().filter(|right| !covers(right)).collect()
}

const NODE: &str = "kind = \"node-failure\"\nnode = { of = \"target\" }\nhold = \"5s\"\n";

#[tokio::test]
async fn every_request_is_covered_by_the_printed_role() {
    let faults = [
        "kind = \"pod-kill\"\n".to_owned(),
        "kind = \"network-partition\"\ndirection = \"ingress\"\nhold = \"3s\"\n".to_owned(),
        "kind = \"node-drain\"\nnode = { of = \"target\" }\nhold = \"2s\"\n".to_owned(),
        format!("{NODE}mode = \"taint\"\n"),
        format!("{NODE}mode = \"kubelet-stop\"\n"),
    ];
    for fault in faults {
        let lab = Lab::start(settings()).await;
        lab.scenario(&format!("[[fault]]\n{fault}[expect]\nrto = \"20s\"\nsame_after = [\"spec\", \"config\", \"budgets\", \"leftovers\"]\n"));
        // The namespace is made together with the role that lives in it.
        lab.namespace("shop").await;
        let granted = role(&lab, &["--apply-fixtures"]).await;
        lab.run(&["--apply-fixtures"]).await.expect(0);
        let missing = missing(&lab, &granted);
        assert!(missing.is_empty(), "{fault}: asked for and not printed: {missing:#?}");
        let used = used(&lab);
        // What changes anything is not asked for in vain.
        let idle = |(namespace, group, resource, verb): &&Right| {
            let changes = !matches!(verb.as_str(), "get" | "list" | "watch");
            let asked = |used: &Right| {
                (namespace.is_empty() || *namespace == used.0) && (group, resource, verb) == (&used.1, &used.2, &used.3)
            };
            changes && !used.iter().any(asked)
        };
        let idle: Vec<&Right> = granted.iter().filter(idle).collect();
        // The API server asks for `create` when a patch by server-side apply makes the object.
        let applied = |right: &Right| {
            let patch = (right.0.clone(), right.1.clone(), right.2.clone(), "patch".to_owned());
            right.3 == "create" && used.contains(&patch)
        };
        // A lock that a dead run left is taken over; exec and attach are for canaries between pods, and a WebSocket asks for
        // `create` though it comes as a GET.
        let unused: Vec<&&Right> = idle
            .iter()
            .filter(|right| {
                !applied(right)
                    && !matches!(right.2.as_str(), "pods/exec" | "pods/attach")
                    && (right.2.as_str(), right.3.as_str()) != ("leases", "update")
            })
            .collect();
        assert!(unused.is_empty(), "{fault}: printed and never used: {unused:#?}");
    }
}

#[tokio::test]
async fn a_missing_right_is_named_with_the_command_that_gives_it() {
    let denied = vec![("create".to_owned(), "jobs".to_owned())];
    let lab = Lab::start(Settings { denied, ..settings() }).await;
    lab.deploy().await;
    lab.scenario(&format!("[[fault]]\n{NODE}mode = \"network-cut\"\n"));
    let ended = lab.run(&[]).await.expect(2);
    assert!(ended.said().contains("create jobs.batch in kube-system"), "{}", ended.said());
    let command = "driftproof rbac scenario.toml --node-agent-namespace kube-system | kubectl apply -f -";
    assert!(ended.said().contains(command), "{}", ended.said());
    assert_eq!(lab.changes(), [] as [String; 0]);
}

/// Rights in the whole cluster, as `Settings::denied` takes them away.
fn nothing_of_the_cluster() -> Vec<(String, String)> {
    let denied = [("*", "nodes"), ("*", "volumeattachments"), ("get", "namespaces"), ("list", "namespaces")];
    denied.map(|(verb, resource)| (verb.to_owned(), resource.to_owned())).into()
}

#[tokio::test]
async fn rights_in_one_namespace_are_enough_for_pods_and_what_is_not_seen_is_told() {
    for fault in ["kind = \"pod-kill\"\n", "kind = \"network-partition\"\ndirection = \"ingress\"\nhold = \"3s\"\n"] {
        let lab = Lab::start(Settings { denied: nothing_of_the_cluster(), ..settings() }).await;
        lab.deploy().await;
        lab.scenario(&format!("[[fault]]\n{fault}[expect]\nrto = \"20s\"\n"));
        let granted = role(&lab, &["--namespaced"]).await;
        assert!(granted.iter().all(|right| right.0 == "shop"), "{granted:?}");
        lab.run(&[]).await.expect(0);
        let report = lab.read("out/report.json");
        assert!(report.contains("list volumeattachments.storage.k8s.io cluster-wide"), "{fault}: {report}");
        assert!(report.contains("the zones of nodes and whether they are Ready"), "{fault}: {report}");
        let missing = missing(&lab, &granted);
        let denied = |right: &Right| nothing_of_the_cluster().iter().any(|(_, resource)| *resource == right.2);
        assert!(missing.iter().all(denied), "{fault}: asked for and not granted: {missing:?}");
    }
}

#[tokio::test]
async fn roles_of_namespaces_alone_are_refused_where_nodes_are_taken() {
    let lab = Lab::start(settings()).await;
    lab.scenario(&format!("[[fault]]\n{NODE}mode = \"taint\"\n"));
    let ended = lab.call(&["rbac", "scenario.toml", "--namespaced"]).await.expect(2);
    assert!(ended.said().contains("live need rights in the whole cluster"), "{}", ended.said());
    assert!(ended.said().contains("patch nodes cluster-wide"), "{}", ended.said());
}
