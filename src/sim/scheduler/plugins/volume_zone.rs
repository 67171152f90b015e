//! `VolumeZone`: a volume that carries zone labels is reached only from nodes of these zones.

use super::{Plugin, Rejection};
use crate::scheduler::cache::NodeInfo;
use crate::scheduler::cycle::Cycle;
use crate::scheduler::plugins::volume_binding::Claims;
use crate::{Key, Kind};

const LABELS: [&str; 2] = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

pub(in crate::scheduler) fn filter(cycle: &Cycle, claims: &Claims, node: &NodeInfo) -> Result<(), Rejection> {
    for name in &claims.bound {
        let Some(volume) = cycle.store.get(Kind::PersistentVolume, &Key::cluster(name)) else { continue };
        for label in LABELS {
            // Several zones are written with two underscores between them.
            let reached = volume.label(label).is_none_or(|zones| {
                node.object.label(label).is_some_and(|zone| zones.split("__").any(|reached| reached == zone))
            });
            if !reached {
                return Err(Rejection::for_good(Plugin::VolumeZone, "node(s) had no available volume zone"));
            }
        }
    }
    Ok(())
}
