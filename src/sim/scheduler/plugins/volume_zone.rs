//! `VolumeZone`: a volume that carries zone labels is reached only from nodes of these zones.

use super::{Plugin, Rejection};
use crate::scheduler::cache::NodeInfo;
use crate::scheduler::cycle::Cycle;
use crate::scheduler::plugins::volume_binding::Claims;
use crate::{Key, Kind};

const LABELS: [&str; 4] = [
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
];

/// Refuses every node when a claim names a volume that is not there.
pub(in crate::scheduler) fn pre_filter(cycle: &Cycle) -> Result<(), Rejection> {
    let volumes = cycle.spec.volumes.iter().flatten();
    for claim in volumes.filter_map(|volume| volume.persistent_volume_claim.as_ref()) {
        let claim = cycle.store.find(Kind::PersistentVolumeClaim, &cycle.pod.key.namespace, &claim.claim_name);
        let name = claim.map(|claim| claim.text("/spec/volumeName")).unwrap_or_default();
        if !name.is_empty() && cycle.store.get(Kind::PersistentVolume, &Key::cluster(name)).is_none() {
            return Err(Rejection::for_good(Plugin::VolumeZone, format!("persistentvolume \"{name}\" not found")));
        }
    }
    Ok(())
}

pub(in crate::scheduler) fn filter(cycle: &Cycle, claims: &Claims, node: &NodeInfo) -> Result<(), Rejection> {
    if LABELS.iter().all(|label| node.object.label(label).is_none()) {
        return Ok(());
    }
    for name in &claims.bound {
        let Some(volume) = cycle.store.get(Kind::PersistentVolume, &Key::cluster(name)) else { continue };
        for label in LABELS {
            let of_node = || node.object.label(label).or_else(|| node.object.label(stable(label)));
            // Several zones are written with two underscores between them.
            let reached = volume
                .label(label)
                .is_none_or(|zones| of_node().is_some_and(|zone| zones.split("__").any(|reached| reached == zone)));
            if !reached {
                return Err(Rejection::for_good(Plugin::VolumeZone, "node(s) had no available volume zone"));
            }
        }
    }
    Ok(())
}

/// What a label is called since it is stable.
fn stable(label: &str) -> &str {
    match label {
        "failure-domain.beta.kubernetes.io/zone" => "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region" => "topology.kubernetes.io/region",
        other => other,
    }
}
