//! The storage classes that a fresh cluster has.

use serde_json::json;

use super::binding::NO_PROVISIONER;
use crate::{Kind, State};

/// Makes network volumes.
pub(super) const NETWORK: &str = "embedded.driftproof.dev/network";

/// Creates what a fresh cluster has.
pub fn boot(state: &mut State) {
    let classes = [("standard", NETWORK, "true"), ("local", NO_PROVISIONER, "false")];
    for (name, provisioner, default) in classes {
        let class = json!({
            "metadata": { "name": name, "annotations": { "storageclass.kubernetes.io/is-default-class": default } },
            "provisioner": provisioner, "volumeBindingMode": "WaitForFirstConsumer", "reclaimPolicy": "Delete",
        });
        // It exists already when a caller prepared it: then it is left as it is.
        drop(state.create(Kind::StorageClass, class));
    }
}
