//! The namespaces that a fresh cluster has.

use serde_json::json;

use crate::{Kind, State};

/// The namespaces that kube-apiserver itself creates.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Creates what a fresh cluster has.
pub fn boot(state: &mut State) {
    for name in NAMESPACES {
        let namespace = json!({
            "metadata": { "name": name, "labels": { "kubernetes.io/metadata.name": name } },
            "spec": { "finalizers": ["kubernetes"] },
            "status": { "phase": "Active" },
        });
        // It exists already when a caller prepared it: then it is left as it is.
        let _ = state.create(Kind::Namespace, namespace);
    }
}
