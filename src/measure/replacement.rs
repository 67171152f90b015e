//! Which new pod took the place of which lost one: by name in a StatefulSet, by node in a DaemonSet, else by order of creation
//! among the new pods of the same owner.

use std::collections::BTreeSet;

use super::loss::{Fate, Loss};
use super::timeline::{PodLife, Timeline};

/// For each loss the index of the pod that replaced it. Each pod replaces one.
pub(super) fn replacements(timeline: &Timeline<'_>, losses: &[Loss]) -> Vec<Option<usize>> {
    let mut taken = BTreeSet::new();
    let mut order: Vec<usize> = (0..losses.len()).collect();
    // The controller replaces in the order in which it sees pods go.
    order.sort_by_key(|index| (removed(&losses[*index]), *index));
    let mut found = vec![None; losses.len()];
    for index in order {
        let loss = &losses[index];
        let Fate::Removed(removed) = loss.fate else { continue };
        let old = &timeline.pods[loss.pod];
        let fits =
            |new: &PodLife<'_>| new.first().0 >= removed.min(loss.at) && new.uid() != old.uid() && same_place(old, new);
        let mut candidates: Vec<usize> =
            (0..timeline.pods.len()).filter(|new| !taken.contains(new) && fits(&timeline.pods[*new])).collect();
        // One that came up is preferred to one that was lost before it ever served.
        candidates.sort_by_key(|new| {
            let life = &timeline.pods[*new];
            (
                life.first_ready().is_none() && life.gone().is_some(),
                life.first().0,
                life.first().1.created.clone(),
                *new,
            )
        });
        found[index] = candidates.first().copied();
        taken.extend(found[index]);
    }
    found
}

fn removed(loss: &Loss) -> u64 {
    match loss.fate {
        Fate::Removed(at) => at,
        Fate::Back { .. } | Fate::Open => u64::MAX,
    }
}

fn same_place(old: &PodLife<'_>, new: &PodLife<'_>) -> bool {
    let ((_, was), (_, is)) = (old.first(), new.first());
    if was.namespace != is.namespace || was.owner != is.owner {
        return false;
    }
    match old.owner_kind() {
        "StatefulSet" | "" => was.name == is.name,
        // A pod that is not bound yet may still be meant for this node.
        "DaemonSet" => new.node().is_empty() || new.node() == old.node(),
        _ => true,
    }
}
