//! `VolumeRestrictions`: a claim with `ReadWriteOncePod` is for one pod of the whole cluster.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;

use super::{Plugin, Rejection};
use crate::Kind;
use crate::scheduler::cycle::Cycle;

/// The claims of a pod that only one pod may use.
pub(in crate::scheduler) fn pre_filter(cycle: &Cycle) -> Result<(), Rejection> {
    let namespace = &cycle.pod.key.namespace;
    for name in &cycle.pod.claims {
        let claim = cycle.store.find(Kind::PersistentVolumeClaim, namespace, name);
        let spec = claim.and_then(|claim| claim.typed::<PersistentVolumeClaim>().spec.as_ref());
        let alone = spec.is_some_and(|spec| spec.access_modes.iter().flatten().any(|mode| mode == "ReadWriteOncePod"));
        let used = || cycle.cache.placed_in(namespace).any(|placed| placed.pod.claims.contains(name));
        if alone && used() {
            let reason = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode";
            return Err(Rejection::by(Plugin::VolumeRestrictions, reason));
        }
    }
    Ok(())
}
