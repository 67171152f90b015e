//! Chooses the member of an `etcd-member-replace`. Knows the StatefulSet and its pods, not yet the member list: that is
//! looked at when the fault begins.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use rand::rngs::ChaCha8Rng;

use crate::scenario::{Disk, EtcdMemberReplace, Target, WorkloadKind};

use super::chance;
use super::inventory::{Inventory, is_ready, pod_target};
use super::make::Trouble;
use super::model::{Action, Ordinals};
use super::pods::{Group, ordinal, pods_of};

/// Two members tolerate the loss of none.
const MEMBERS_MIN: i32 = 3;

/// Resolves the fault on this inventory.
pub(super) fn choose(
    fault: &EtcdMemberReplace,
    target: &Target,
    inventory: &Inventory,
    generator: &mut ChaCha8Rng,
) -> Result<Action, Trouble> {
    let name = Group::from(target).describe();
    let set = set(target, inventory)
        .ok_or_else(|| Trouble::no_target(format!("{name} is no StatefulSet, or it is not there")))?;
    let spec = set.spec.clone().unwrap_or_default();
    let ordinals = Ordinals {
        start: spec.ordinals.and_then(|ordinals| ordinals.start).unwrap_or_default(),
        replicas: spec.replicas.unwrap_or(1),
    };
    if ordinals.replicas < MEMBERS_MIN {
        return Err(Trouble::refused(format!(
            "{name} has {} replicas: an etcd cluster of fewer than {MEMBERS_MIN} members has no quorum without one of them",
            ordinals.replicas
        )));
    }
    let pods = pods_of(target, inventory);
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    if ready < usize::try_from(ordinals.replicas).unwrap_or(usize::MAX) {
        return Err(Trouble::refused(format!(
            "{ready} of {} pods of {name} are ready: no member is taken from a cluster that already lacks one",
            ordinals.replicas
        )));
    }
    let leaving = leaving(fault, ordinals, &pods, generator)
        .ok_or_else(|| Trouble::no_target(format!("{name} has no pod with the ordinal that is asked for")))?;
    let set_name = set.metadata.name.clone().unwrap_or_default();
    let guest = match fault.disk {
        Disk::Kept => Some(format!("{set_name}-{}", ordinals.end())),
        Disk::Lost => None,
    };
    let templates = spec.volume_claim_templates.unwrap_or_default();
    Ok(Action::EtcdMemberReplace {
        stateful_set: set_name,
        ordinals,
        leaving: pod_target(leaving),
        guest,
        claim_templates: templates.into_iter().filter_map(|template| template.metadata.name).collect(),
        port: fault.port.clone(),
        timeout: fault.timeout,
    })
}

fn set<'a>(target: &Target, inventory: &'a Inventory) -> Option<&'a StatefulSet> {
    let workload = target.workload.as_ref().filter(|workload| workload.kind == WorkloadKind::StatefulSet)?;
    inventory.stateful_sets.iter().find(|set| {
        set.metadata.name.as_ref() == Some(&workload.name) && set.metadata.namespace.as_ref() == Some(&target.namespace)
    })
}

fn leaving<'a>(
    fault: &EtcdMemberReplace,
    ordinals: Ordinals,
    pods: &[&'a Pod],
    generator: &mut ChaCha8Rng,
) -> Option<&'a Pod> {
    let of = |wanted: u32| pods.iter().copied().find(|pod| ordinal(pod) == Some(wanted));
    match (fault.disk, fault.ordinal) {
        (Disk::Kept, _) => of(u32::try_from(ordinals.start).ok()?),
        (Disk::Lost, Some(wanted)) => of(wanted),
        (Disk::Lost, None) => {
            let mut pods = pods.to_vec();
            chance::shuffle(&mut pods, generator);
            pods.first().copied()
        }
    }
}
