//! Which new pod took the place of which lost one: by name in a StatefulSet, by node in a DaemonSet, else by order of creation
//! among the new pods of the same owner. A member that moves has its successor before it goes, under another name.

use std::collections::BTreeMap;

use crate::plan::Action;

use super::faults::actions;
use super::loss::{Fate, Loss};
use super::timeline::{PodLife, Timeline};

/// A replacement may be seen this much before the end of the old one that it follows. Microseconds.
const AHEAD: u64 = 1_000_000;

/// For each loss the index of the pod that replaced it. Each pod replaces one.
pub(super) fn replacements(timeline: &Timeline<'_>, losses: &[Loss]) -> Vec<Option<usize>> {
    let mut free = candidates(timeline);
    let mut order: Vec<usize> = (0..losses.len()).collect();
    // The controller replaces in the order in which it sees pods go.
    order.sort_by_key(|index| (removed(&losses[*index]), *index));
    let mut found = vec![None; losses.len()];
    let actions = actions(timeline);
    for index in order {
        let loss = &losses[index];
        let Fate::Removed(removed) = loss.fate else { continue };
        let old = &timeline.pods[loss.pod];
        let action = loss.step.as_deref().and_then(|step| actions.get(step).copied());
        let successor = successor(action, old).filter(|name| seen(timeline, name, loss.from));
        let since = if successor.is_some() { loss.from } else { removed.saturating_sub(AHEAD).max(loss.at) };
        let Some(of_owner) = free.get_mut(&owner(old)) else { continue };
        let place = of_owner.iter().position(|new| {
            let new = &timeline.pods[*new];
            let fits = successor.map_or_else(|| same_place(old, new), |name| new.name() == name);
            new.first().0 >= since && new.uid() != old.uid() && fits
        });
        found[index] = place.map(|place| of_owner.remove(place));
    }
    found
}

/// The name of the pod that takes over from a member that moves, and from its guest when it moves back.
fn successor<'a>(action: Option<&'a Action>, old: &PodLife<'_>) -> Option<&'a str> {
    let Some(Action::EtcdMemberReplace { leaving, guest: Some(guest), .. }) = action else { return None };
    if leaving.uid == old.uid() { Some(guest) } else { (guest == old.name()).then_some(&leaving.name) }
}

/// Whether a pod of this name came since. A watch that was broken may have seen nothing of a guest.
fn seen(timeline: &Timeline<'_>, name: &str, since: u64) -> bool {
    timeline.pods.iter().any(|life| life.name() == name && life.first().0 >= since)
}

/// Namespace and `Kind/name` of the owner.
fn owner<'a>(life: &PodLife<'a>) -> (&'a str, &'a str) {
    let (_, pod) = life.first();
    (&pod.namespace, &pod.owner)
}

/// The pods of each owner that were created during the run, in the order in which they take a place.
fn candidates<'a>(timeline: &Timeline<'a>) -> BTreeMap<(&'a str, &'a str), Vec<usize>> {
    let mut candidates: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (index, life) in timeline.pods.iter().enumerate() {
        candidates.entry(owner(life)).or_default().push(index);
    }
    for of_owner in candidates.values_mut() {
        // One that came up is preferred to one that was lost before it ever served.
        of_owner.sort_by_cached_key(|index| {
            let life = &timeline.pods[*index];
            let (seen, pod) = life.first();
            (life.first_ready().is_none() && life.gone().is_some(), seen, pod.created.clone(), *index)
        });
    }
    candidates
}

fn removed(loss: &Loss) -> u64 {
    match loss.fate {
        Fate::Removed(at) => at,
        Fate::Back { .. } | Fate::Open => u64::MAX,
    }
}

/// Whether two pods of one owner are meant for the same place.
fn same_place(old: &PodLife<'_>, new: &PodLife<'_>) -> bool {
    let ((_, was), (_, is)) = (old.first(), new.first());
    match old.owner_kind() {
        "StatefulSet" | "" => was.name == is.name,
        // A pod that is not bound yet may still be meant for this node.
        "DaemonSet" => new.node().is_empty() || new.node() == old.node(),
        _ => true,
    }
}
