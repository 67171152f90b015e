//! Chooses the pods of a `pod-kill`.

use k8s_openapi::api::core::v1::Pod;
use rand::rngs::ChaCha8Rng;

use crate::scenario::{Pick, PodKill, Target};

use super::chance;
use super::inventory::{Inventory, is_finished, is_running, is_terminating, node_of, pod_target};
use super::make::Trouble;
use super::model::{Action, Draw};
use super::pods::{Group, ordinal, pods_of, role};

/// Resolves the fault on this inventory.
pub(super) fn choose(
    fault: &PodKill,
    target: &Target,
    inventory: &Inventory,
    generator: &mut ChaCha8Rng,
) -> Result<(Action, Option<Draw>), Trouble> {
    let group = Group::of(fault.pods.as_ref(), target);
    let all = pods_of(group, inventory);
    let mut candidates: Vec<&Pod> = all.iter().copied().filter(|pod| is_candidate(pod, fault)).collect();
    if candidates.is_empty() {
        return Err(Trouble::no_target(nothing(fault, all.len(), &group)));
    }
    let wanted = fault.count.of(candidates.len());
    if wanted > candidates.len() {
        return Err(Trouble::no_target(format!(
            "{wanted} pods are to be killed, but only {} of {} can be chosen",
            candidates.len(),
            group.describe()
        )));
    }
    let drawn = wanted < candidates.len() && fault.pick == Pick::Random;
    let drawn = drawn.then(|| Draw { of: candidates.len(), among: format!("pods of {}", group.describe()) });
    order(&mut candidates, fault.pick, generator);
    candidates.truncate(wanted);
    let mut pods: Vec<_> = candidates.into_iter().map(pod_target).collect();
    pods.sort();
    Ok((Action::PodKill { pods, grace_seconds: grace_seconds(fault) }, drawn))
}

fn is_candidate(pod: &Pod, fault: &PodKill) -> bool {
    let alive = if fault.include_not_running { !is_finished(pod) && !is_terminating(pod) } else { is_running(pod) };
    alive
        && fault.ordinal.is_none_or(|wanted| ordinal(pod) == Some(wanted))
        && fault.role.as_deref().is_none_or(|wanted| role(pod) == Some(wanted))
        && fault.node.as_deref().is_none_or(|wanted| node_of(pod) == wanted)
}

fn order(pods: &mut [&Pod], pick: Pick, generator: &mut ChaCha8Rng) {
    let age = |pod: &Pod| pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
    match pick {
        Pick::Random => chance::shuffle(pods, generator),
        // The sort is stable: pods of the same age stay in the order of their names.
        Pick::Oldest => pods.sort_by_key(|pod| age(pod)),
        Pick::Newest => pods.sort_by_key(|pod| std::cmp::Reverse(age(pod))),
    }
}

/// Whole seconds, as the API takes them; part of a second counts as a whole one, so that a short grace is not a forced deletion.
fn grace_seconds(fault: &PodKill) -> Option<u32> {
    if fault.force {
        return Some(0);
    }
    let grace = fault.grace?;
    let seconds = grace.as_secs() + u64::from(grace.subsec_nanos() > 0);
    Some(u32::try_from(seconds).unwrap_or(u32::MAX))
}

fn nothing(fault: &PodKill, all: usize, group: &Group<'_>) -> String {
    if all == 0 {
        return format!("there are no pods of {}", group.describe());
    }
    let mut asked = Vec::new();
    if !fault.include_not_running {
        asked.push("is Running and not terminating".to_owned());
    }
    asked.extend(fault.ordinal.map(|ordinal| format!("has the ordinal {ordinal}")));
    asked.extend(fault.role.as_ref().map(|role| format!("has the label role={role}")));
    asked.extend(fault.node.as_ref().map(|node| format!("is on node {node}")));
    if asked.is_empty() {
        asked.push("is alive".to_owned());
    }
    format!("none of the {all} pods of {} {}", group.describe(), asked.join(" and "))
}
