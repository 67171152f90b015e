//! The permissions of a plan as RBAC manifests, ready for `kubectl apply`: one role for each namespace and one for the
//! whole cluster, each bound to one service account.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::model::Permission;

/// Group and resource to verbs.
type Rules<'a> = BTreeMap<(&'a str, &'a str), Vec<&'a str>>;

/// YAML documents: the namespaces that are `created` first, the service account, and its roles, which have its name.
#[must_use]
pub fn rbac(permissions: &[Permission], created: &BTreeSet<String>, namespace: &str, account: &str) -> String {
    let mut places: BTreeMap<Option<&str>, Rules<'_>> = BTreeMap::new();
    for permission in permissions {
        let rules = places.entry(permission.namespace.as_deref()).or_default();
        let verbs = rules.entry((&permission.group, &permission.resource)).or_default();
        if !verbs.contains(&permission.verb.as_str()) {
            verbs.push(&permission.verb);
        }
    }
    let mut out = String::new();
    for name in created {
        let _ = writeln!(out, "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}");
    }
    let _ = writeln!(
        out,
        "---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {account}\n  namespace: {namespace}"
    );
    for (place, rules) in &places {
        write_role(&mut out, *place, rules, account);
        write_binding(&mut out, *place, namespace, account);
    }
    out
}

fn write_role(out: &mut String, place: Option<&str>, rules: &Rules<'_>, account: &str) {
    write_head(out, place, "Role", account);
    let _ = writeln!(out, "rules:");
    for ((group, resource), verbs) in rules {
        let verbs = verbs.join(", ");
        let _ = writeln!(out, "  - apiGroups: [\"{group}\"]\n    resources: [{resource}]\n    verbs: [{verbs}]");
    }
}

fn write_binding(out: &mut String, place: Option<&str>, namespace: &str, account: &str) {
    write_head(out, place, "RoleBinding", account);
    let role = if place.is_some() { "Role" } else { "ClusterRole" };
    let _ = writeln!(out, "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {role}\n  name: {account}");
    let _ = writeln!(out, "subjects:\n  - kind: ServiceAccount\n    namespace: {namespace}\n    name: {account}");
}

fn write_head(out: &mut String, place: Option<&str>, kind: &str, account: &str) {
    let scope = if place.is_some() { "" } else { "Cluster" };
    let _ = writeln!(
        out,
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {scope}{kind}\nmetadata:\n  name: {account}"
    );
    if let Some(namespace) = place {
        let _ = writeln!(out, "  namespace: {namespace}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_gets_a_role_and_a_binding() {
        let permission = |group: &str, resource: &str, verb: &str, namespace: Option<&str>| Permission {
            group: group.to_owned(),
            resource: resource.to_owned(),
            verb: verb.to_owned(),
            namespace: namespace.map(str::to_owned),
        };
        let permissions = [
            permission("", "nodes", "list", None),
            permission("", "pods", "delete", Some("shop")),
            permission("", "pods", "list", Some("shop")),
            permission("policy", "poddisruptionbudgets", "list", Some("shop")),
        ];
        let created = BTreeSet::from(["shop".to_owned()]);
        let text = rbac(&permissions, &created, "ops", "chaos");
        let objects = crate::scenario::manifests("rbac.yaml", &text).unwrap();
        let kinds: Vec<_> = objects.iter().filter_map(|object| object["kind"].as_str()).collect();
        assert_eq!(kinds, ["Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]);
        assert_eq!(
            objects[4]["rules"],
            serde_json::json!([
                { "apiGroups": [""], "resources": ["pods"], "verbs": ["delete", "list"] },
                { "apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": ["list"] },
            ])
        );
        assert_eq!(
            objects[5]["subjects"][0],
            serde_json::json!({ "kind": "ServiceAccount", "namespace": "ops", "name": "chaos" })
        );
        assert_eq!(objects[5]["roleRef"]["name"], objects[4]["metadata"]["name"]);
    }
}
