//! `VolumeRestrictions`: a claim with `ReadWriteOncePod` is for one pod of the whole cluster.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;

use super::{Plugin, Rejection};
use crate::Kind;
use crate::scheduler::cycle::Cycle;

/// Whether the claims that only one pod may use are free; refuses every node when a claim is missing.
pub(in crate::scheduler) fn pre_filter(cycle: &Cycle) -> Result<bool, Rejection> {
    let namespace = &cycle.pod.key.namespace;
    let volumes = cycle.spec.volumes.iter().flatten();
    let names: Vec<_> =
        volumes.filter_map(|volume| Some(&volume.persistent_volume_claim.as_ref()?.claim_name)).collect();
    let mut alone = Vec::new();
    for name in names {
        let Some(claim) = cycle.store.find(Kind::PersistentVolumeClaim, namespace, name) else {
            let reason = format!("persistentvolumeclaim \"{name}\" not found");
            return Err(Rejection::for_good(Plugin::VolumeRestrictions, reason));
        };
        let spec = claim.typed::<PersistentVolumeClaim>().spec.as_ref();
        if spec.is_some_and(|spec| spec.access_modes.iter().flatten().any(|mode| mode == "ReadWriteOncePod")) {
            alone.push(name);
        }
    }
    let used = |name: &&String| cycle.cache.placed_in(namespace).any(|placed| placed.pod.claims.contains(name));
    Ok(!alone.iter().any(used))
}

/// The end of the pod that uses the claim would free it.
pub(in crate::scheduler) fn filter(alone: bool) -> Result<(), Rejection> {
    if alone {
        return Ok(());
    }
    let reason = "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by \
                  another pod";
    Err(Rejection::by(Plugin::VolumeRestrictions, reason))
}
