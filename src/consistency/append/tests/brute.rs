//! The definition itself, for a handful of transactions: try every order. Shares nothing with the checker.

use std::collections::BTreeMap;

/// One micro-operation: an append, or a read with what it returned (nothing where that is unknown).
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Append(usize, i64),
    Read(usize, Option<Vec<i64>>),
}

#[derive(Clone, Debug)]
pub(super) struct Txn {
    pub(super) process: u64,
    pub(super) deeds: Vec<Deed>,
    /// `Some(true)` ok, `Some(false)` fail, none indeterminate.
    pub(super) ended: Option<bool>,
    pub(super) call: u64,
    pub(super) end: u64,
}

/// What an order must agree with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Any,
    Process,
    Realtime,
}

type State = BTreeMap<usize, Vec<i64>>;

/// Runs the deeds on the state; none if a read differs.
fn run(mut state: State, deeds: &[Deed]) -> Option<State> {
    for deed in deeds {
        match deed {
            Deed::Append(key, value) => state.entry(*key).or_default().push(*value),
            Deed::Read(_, None) => {}
            Deed::Read(key, Some(list)) => {
                if state.get(key).map_or(&[][..], Vec::as_slice) != list {
                    return None;
                }
            }
        }
    }
    Some(state)
}

fn before(one: &Txn, other: &Txn, order: Order) -> bool {
    let ended_first = one.ended.is_some() && one.end < other.call;
    match order {
        Order::Any => false,
        Order::Process => one.process == other.process && ended_first,
        Order::Realtime => ended_first,
    }
}

/// Whether some choice of the indeterminate transactions has a serial order.
pub(super) fn serializable(all: &[Txn], order: Order) -> bool {
    choices(all).into_iter().any(|chosen| serial(all, &chosen, &mut Vec::new(), &State::new(), order))
}

/// Sets of transactions that may have happened.
pub(super) fn choices(all: &[Txn]) -> Vec<Vec<usize>> {
    let open: Vec<usize> = (0..all.len()).filter(|at| all[*at].ended.is_none()).collect();
    let set = |bits: usize| {
        (0..all.len())
            .filter(|at| match all[*at].ended {
                Some(ok) => ok,
                None => open.iter().position(|other| other == at).is_some_and(|place| bits & 1 << place != 0),
            })
            .collect()
    };
    (0..1 << open.len()).map(set).collect()
}

fn serial(all: &[Txn], chosen: &[usize], done: &mut Vec<usize>, state: &State, order: Order) -> bool {
    if done.len() == chosen.len() {
        return true;
    }
    for at in chosen {
        let waits = |other: &usize| !done.contains(other) && before(&all[*other], &all[*at], order);
        if done.contains(at) || chosen.iter().any(waits) {
            continue;
        }
        if let Some(next) = run(state.clone(), &all[*at].deeds) {
            done.push(*at);
            if serial(all, chosen, done, &next, order) {
                return true;
            }
            done.pop();
        }
    }
    false
}

/// Whether some choice has an order of snapshots and commits: reads from the snapshot and from itself, and of two that
/// append to one key one commits before the other begins.
pub(super) fn snapshot_isolated(all: &[Txn], order: Order) -> bool {
    choices(all).into_iter().any(|chosen| {
        let search = Snapshots { all, chosen, order };
        search.from(&mut vec![None; all.len()], &[State::new()], &mut Vec::new())
    })
}

struct Snapshots<'a> {
    all: &'a [Txn],
    chosen: Vec<usize>,
    order: Order,
}

impl Snapshots<'_> {
    /// `begun` holds how many commits each snapshot contains; `states` one state for each commit.
    fn from(&self, begun: &mut Vec<Option<usize>>, states: &[State], committed: &mut Vec<usize>) -> bool {
        if committed.len() == self.chosen.len() {
            return true;
        }
        for at in &self.chosen {
            if committed.contains(at) {
                continue;
            }
            let Some(snapshot) = begun[*at] else {
                let waits =
                    |other: &usize| !committed.contains(other) && before(&self.all[*other], &self.all[*at], self.order);
                if self.chosen.iter().any(waits) {
                    continue;
                }
                begun[*at] = Some(committed.len());
                let possible = run(states[committed.len()].clone(), &self.all[*at].deeds).is_some();
                if possible && self.from(begun, states, committed) {
                    return true;
                }
                begun[*at] = None;
                continue;
            };
            let clash = committed[snapshot..].iter().any(|other| self.clash(*at, *other));
            if clash {
                continue;
            }
            let Some(state) = self.commit(*at, &states[committed.len()]) else { continue };
            let mut next = states.to_vec();
            next.push(state);
            committed.push(*at);
            if self.from(begun, &next, committed) {
                return true;
            }
            committed.pop();
        }
        false
    }

    fn commit(&self, at: usize, state: &State) -> Option<State> {
        let appends: Vec<Deed> =
            self.all[at].deeds.iter().filter(|deed| matches!(deed, Deed::Append(..))).cloned().collect();
        run(state.clone(), &appends)
    }

    fn clash(&self, one: usize, other: usize) -> bool {
        let keys = |at: usize| {
            self.all[at].deeds.iter().filter_map(|deed| match deed {
                Deed::Append(key, _) => Some(*key),
                Deed::Read(..) => None,
            })
        };
        keys(one).any(|key| keys(other).any(|own| own == key))
    }
}
