//! What a node agent does, done to the embedded cluster: its containers run no programs of ours. Answers as the real one.

use std::time::Duration;

use driftproof::sim::{Cluster, Kind};
use http::Method;
use serde_json::{Value, json};

/// The embedded container of an agent ends by itself so long after its start.
const LIVES: &str = "6s";

/// A Job whose containers live as long as an agent would.
pub(crate) fn prepared(method: &Method, path: &str, body: Vec<u8>) -> Vec<u8> {
    if *method != Method::POST || !path.ends_with("/jobs") {
        return body;
    }
    let mut job: Value = serde_json::from_slice(&body).expect("JSON");
    job["spec"]["template"]["metadata"]["annotations"] = json!({ "embedded.driftproof.dev/run-for": LIVES });
    serde_json::to_vec(&job).expect("JSON")
}

/// Answers a request to an agent: `/api/v1/namespaces/NS/pods/NAME:8473/proxy/UID/WHAT`.
pub(crate) fn asked(cluster: &Cluster, method: &Method, path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let ["api", "v1", "namespaces", namespace, "pods", pod, "proxy", uid, what] = parts.as_slice() else { return None };
    let pod = pod.strip_suffix(":8473")?;
    let (node, mode, timer) = cluster.with(|state| {
        let pod = state.store.find(Kind::Pod, namespace, pod)?;
        assert_eq!(pod.text("/metadata/uid"), *uid, "an agent is asked by the UID of its pod");
        let arguments = pod.at("/spec/containers/0/args")?.as_array()?.clone();
        let after = |flag: &str| {
            let at = arguments.iter().position(|argument| argument == flag)?;
            arguments.get(at + 1)?.as_str().map(str::to_owned)
        };
        Some((pod.text("/spec/nodeName").to_owned(), after("--mode")?, after("--timer")?))
    })?;
    match (method.as_str(), *what, mode.as_str()) {
        ("GET", "state", _) => Some("armed"),
        ("POST", "fire", "kubelet-stop") => {
            cluster.kill_kubelet(&node);
            Some("holding")
        }
        ("POST", "heal", "kubelet-stop") => {
            cluster.start_kubelet(&node);
            Some("healed")
        }
        ("POST", "fire", "network-cut") => {
            let timer: u64 = timer.trim_end_matches("ms").parse().expect("milliseconds");
            let cluster = cluster.clone();
            cluster.cut_network(&node);
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(timer)).await;
                cluster.join_network(&node);
            });
            Some("holding")
        }
        // Nobody gets through to a node without network.
        ("POST", "heal", _) => None,
        other => panic!("an agent is not asked for {other:?}"),
    }
}
