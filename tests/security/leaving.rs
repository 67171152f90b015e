//! Fixtures of somebody else that try to get out of their namespace: refused, whatever they try, before anything starts.

use std::fs;

use super::{driftproof, said, scenario};

/// Manifests, each with what the refusal must name.
const WAYS_OUT: [(&str, &str); 19] = [
    ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: other}}", "ConfigMap other/a"),
    ("{apiVersion: v1, kind: Namespace, metadata: {name: kube-system}}", "Namespace kube-system"),
    ("{apiVersion: v1, kind: Namespace, metadata: {name: other, namespace: shop}}", "Namespace other"),
    ("{apiVersion: v1, kind: Node, metadata: {name: worker-1, namespace: shop}}", "Node worker-1"),
    (
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: admin, namespace: shop}}",
        "ClusterRoleBinding admin",
    ),
    (
        "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: a}}",
        "MutatingWebhookConfiguration a",
    ),
    (
        "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: other}}]}]}",
        "Secret other/a",
    ),
    // As `kubectl get` prints lists of one kind, here with items of another.
    (
        "{apiVersion: v1, kind: ConfigMapList, items: [{apiVersion: v1, kind: PersistentVolume, metadata: {name: a}}]}",
        "PersistentVolume a",
    ),
    (
        "{apiVersion: v1, kind: List, metadata: {name: a, namespace: shop}, items: [{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: kube-system}}]}",
        "Pod kube-system/a",
    ),
    // By aliases, so that the namespace is not where it is read.
    ("{apiVersion: v1, kind: ConfigMap, data: {a: &a other}, metadata: {name: a, namespace: *a}}", "ConfigMap other/a"),
    (
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop }}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: other}}",
        "ConfigMap other/b",
    ),
    ("{apiVersion: v1, kind: ConfigMap, metadata: {name: ../../kube-system/configmaps/a}}", "metadata.name"),
    ("{apiVersion: v1, kind: ConfigMap, metadata: {name: 'a?dryRun=All'}}", "metadata.name"),
    ("{apiVersion: v1, kind: ConfigMap, metadata: {name: '%2e%2e'}}", "metadata.name"),
    ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop/../kube-system}}", "metadata.namespace"),
    ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: [kube-system]}}", "metadata.namespace"),
    ("{apiVersion: v1/namespaces/kube-system, kind: ConfigMap, metadata: {name: a}}", "apiVersion"),
    (
        "{apiVersion: apps/v1/namespaces/kube-system/deployments/a?b=, kind: Deployment, metadata: {name: a}}",
        "apiVersion",
    ),
    ("{apiVersion: v1, kind: '../kube-system/configmap', metadata: {name: a}}", "kind"),
];

#[test]
fn no_way_out_of_the_namespace_is_taken() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let text = fs::read_to_string(scenario("pod-kill-one.toml")).expect("readable");
    let web = fs::read_to_string(scenario("fixtures/web.yaml")).expect("readable");
    fs::create_dir(folder.path().join("fixtures")).expect("created");
    fs::write(folder.path().join("s.toml"), text).expect("written");
    for (manifest, named) in WAYS_OUT {
        fs::write(folder.path().join("fixtures/web.yaml"), format!("{web}\n---\n{manifest}\n")).expect("written");
        for command in
            [&["validate", "s.toml"] as &[&str], &["plan", "s.toml"], &["run", "s.toml", "--report-dir", "out"]]
        {
            let output = driftproof(folder.path(), command);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{command:?} {manifest}: {said}");
            assert!(said.contains(named), "{command:?} {manifest}: {said}");
        }
        assert!(!folder.path().join("out").exists(), "{manifest}: something was started");
    }
    // The same file without a way out.
    fs::write(folder.path().join("fixtures/web.yaml"), &web).expect("written");
    let output = driftproof(folder.path(), &["run", "s.toml", "--report-dir", "out"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}
