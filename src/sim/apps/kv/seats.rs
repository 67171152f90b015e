//! Who is a member of a store whose members are added and removed by name, as those of etcd are: with
//! `members: explicit` a pod is none by being there. Seats are given by the store's API (`members`); a process takes
//! the one that its disk names, or one that was added for its pod and never taken.

use std::collections::BTreeMap;

use super::group::GroupKey;
use super::{ProcessId, State, disk, replica};
use crate::Kind;

/// A member, as the list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) pod: String,
    /// Learners have no vote.
    pub(super) votes: bool,
    /// Whether a process has ever taken it.
    pub(super) taken: bool,
}

/// The members of one store, by ID.
#[derive(Debug, Default)]
pub(super) struct Seats {
    pub(super) all: BTreeMap<u64, Seat>,
    /// Members that learn, by pod name; those that vote are the group's members.
    pub(super) learners: BTreeMap<String, ProcessId>,
    /// Processes without a seat, by pod name.
    pub(super) waiting: BTreeMap<String, ProcessId>,
    given: u64,
}

/// IDs look like etcd's, and are the same in every run.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Seats {
    /// Gives a new seat.
    pub(super) fn give(&mut self, pod: &str, votes: bool) -> u64 {
        self.given += 1;
        let id = self.given.wrapping_mul(SPREAD);
        self.all.insert(id, Seat { pod: pod.to_owned(), votes, taken: false });
        id
    }

    /// How many vote, also of those that are not there.
    pub(super) fn voters(&self) -> usize {
        self.all.values().filter(|seat| seat.votes).count()
    }

    /// The seat of a pod's process.
    pub(super) fn of(&self, pod: &str) -> Option<(u64, &Seat)> {
        self.all.iter().find(|(_, seat)| seat.pod == pod).map(|(id, seat)| (*id, seat))
    }
}

/// A process looks for its seat. Without one it waits; whose seat was taken away waits in vain.
pub(super) fn sit(
    state: &mut State,
    id: ProcessId,
    key: &GroupKey,
    pod: &str,
    volume: Option<u64>,
    empty: bool,
) -> bool {
    let founders = founders(state, key, pod);
    let Some(group) = state.apps.kv.groups.get_mut(key) else { return false };
    if !group.started && group.seats.all.is_empty() {
        for founder in founders {
            group.seats.give(&founder, true);
        }
    }
    let free = group.seats.of(pod).filter(|(_, seat)| empty && !seat.taken).map(|(seat, _)| seat);
    let own = volume.filter(|seat| group.seats.all.contains_key(seat));
    let Some(seat) = own.or(free) else {
        group.seats.waiting.insert(pod.to_owned(), id);
        return false;
    };
    group.seats.waiting.remove(pod);
    let Some(taken) = group.seats.all.get_mut(&seat) else { return false };
    taken.taken = true;
    if taken.votes {
        group.members.insert(pod.to_owned(), id);
    } else {
        group.seats.learners.insert(pod.to_owned(), id);
    }
    true
}

/// The pods that found a store together, as etcd's `--initial-cluster` names them: all that their StatefulSet wants.
fn founders(state: &State, (namespace, kind, owner): &GroupKey, pod: &str) -> Vec<String> {
    let set = (kind == "StatefulSet").then(|| state.store.find(Kind::StatefulSet, namespace, owner)).flatten();
    let Some(set) = set else { return vec![pod.to_owned()] };
    let number = |pointer: &str| set.value().pointer(pointer).and_then(serde_json::Value::as_u64);
    let first = number("/spec/ordinals/start").unwrap_or(0);
    (first..first + number("/spec/replicas").unwrap_or(1)).map(|ordinal| format!("{owner}-{ordinal}")).collect()
}

/// Writes the seat to the process's disk.
pub(super) fn remember(state: &mut State, id: ProcessId, key: &GroupKey, pod: &str) {
    let seat = state.apps.kv.groups.get(key).and_then(|group| group.seats.of(pod)).map(|(seat, _)| seat);
    if let Some(seat) = seat {
        disk::save_seat(state, id, seat);
    }
}

/// A seat was added: whoever waits for it takes it.
pub(super) fn call(state: &mut State, key: &GroupKey, pod: &str) {
    let waiting = state.apps.kv.groups.get(key).and_then(|group| group.seats.waiting.get(pod)).copied();
    if let Some(id) = waiting {
        replica::open(state, id);
    }
}
