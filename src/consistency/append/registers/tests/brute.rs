//! The definitions themselves, for a handful of transactions: try every order, and every choice of those that may have
//! happened. Shares nothing with the checker.

use std::collections::BTreeMap;

/// One access: a write, or a read with what it returned (0: the initial value; nothing where that is unknown).
#[derive(Clone, Debug)]
pub(super) enum Access {
    Write(usize, i64),
    Read(usize, Option<i64>),
}

#[derive(Clone, Debug)]
pub(super) struct Txn {
    pub(super) process: u64,
    pub(super) accesses: Vec<Access>,
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

type State = BTreeMap<usize, i64>;

fn run(mut state: State, accesses: &[Access]) -> Option<State> {
    for access in accesses {
        match access {
            Access::Write(key, value) => drop(state.insert(*key, *value)),
            Access::Read(key, Some(value)) if state.get(key).copied().unwrap_or(0) != *value => return None,
            Access::Read(..) => {}
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

/// Sets of transactions that may have happened.
fn choices(all: &[Txn]) -> Vec<Vec<usize>> {
    let open: Vec<usize> = (0..all.len()).filter(|at| all[*at].ended.is_none()).collect();
    let chosen = |bits: usize, at: usize| match all[at].ended {
        Some(ok) => ok,
        None => open.iter().position(|other| *other == at).is_some_and(|place| bits & 1 << place != 0),
    };
    (0..1 << open.len()).map(|bits| (0..all.len()).filter(|at| chosen(bits, *at)).collect()).collect()
}

/// Whether some choice has a serial order.
pub(super) fn serializable(all: &[Txn], order: Order) -> bool {
    choices(all).into_iter().any(|chosen| serial(all, &chosen, &mut Vec::new(), &State::new(), order))
}

fn serial(all: &[Txn], chosen: &[usize], done: &mut Vec<usize>, state: &State, order: Order) -> bool {
    chosen.iter().all(|at| done.contains(at))
        || chosen.iter().any(|at| {
            let waits = |other: &usize| !done.contains(other) && before(&all[*other], &all[*at], order);
            if done.contains(at) || chosen.iter().any(waits) {
                return false;
            }
            run(state.clone(), &all[*at].accesses).is_some_and(|next| {
                done.push(*at);
                let found = serial(all, chosen, done, &next, order);
                done.pop();
                found
            })
        })
}

/// Whether some choice has an order of snapshots and commits: each reads its snapshot and itself, and of two that write one
/// register one commits before the other takes its snapshot.
pub(super) fn snapshot_isolated(all: &[Txn], order: Order) -> bool {
    choices(all).into_iter().any(|chosen| snapshots(all, &chosen, &BTreeMap::new(), &[State::new()], &[], order))
}

fn snapshots(
    all: &[Txn],
    chosen: &[usize],
    taken: &BTreeMap<usize, usize>,
    states: &[State],
    committed: &[usize],
    order: Order,
) -> bool {
    if committed.len() == chosen.len() {
        return true;
    }
    let keys = |at: usize| {
        all[at].accesses.iter().filter_map(|access| match access {
            Access::Write(key, _) => Some(*key),
            Access::Read(..) => None,
        })
    };
    chosen.iter().filter(|at| !committed.contains(at)).any(|at| {
        let Some(snapshot) = taken.get(at) else {
            let waits = |other: &usize| !committed.contains(other) && before(&all[*other], &all[*at], order);
            if chosen.iter().any(waits) || run(states[committed.len()].clone(), &all[*at].accesses).is_none() {
                return false;
            }
            let mut taken = taken.clone();
            taken.insert(*at, committed.len());
            return snapshots(all, chosen, &taken, states, committed, order);
        };
        if committed[*snapshot..].iter().any(|other| keys(*at).any(|key| keys(*other).any(|own| own == key))) {
            return false;
        }
        let writes: Vec<Access> =
            all[*at].accesses.iter().filter(|access| matches!(access, Access::Write(..))).cloned().collect();
        let next = run(states[committed.len()].clone(), &writes).unwrap_or_default();
        snapshots(all, chosen, taken, &[states, &[next]].concat(), &[committed, &[*at]].concat(), order)
    })
}

/// Whether some choice of transactions and some order of the versions of each register has no dirty read, no intermediate one,
/// and no cycle of write and read dependencies (Adya's PL-2).
pub(super) fn read_committed(all: &[Txn]) -> bool {
    choices(all).into_iter().any(|chosen| {
        let last = |at: usize, key: usize| {
            all[at].accesses.iter().rev().find_map(|access| match access {
                Access::Write(other, value) if *other == key => Some(*value),
                Access::Write(..) | Access::Read(..) => None,
            })
        };
        let mut edges = vec![vec![false; all.len()]; all.len()];
        for at in chosen.iter().filter(|at| all[**at].ended == Some(true)) {
            for (place, access) in all[*at].accesses.iter().enumerate() {
                let Access::Read(key, Some(value)) = access else { continue };
                let writes =
                    |one: &Access| matches!(one, Access::Write(other, written) if other == key && written == value);
                let own = all[*at].accesses.iter().position(writes);
                match chosen.iter().find(|other| all[**other].accesses.iter().any(writes)) {
                    _ if *value == 0 => {}
                    _ if own.is_some_and(|own| own < place) => {}
                    Some(other) if own.is_none() && last(*other, *key) == Some(*value) => edges[*other][*at] = true,
                    _ => return false,
                }
            }
        }
        versions(all, &chosen, &edges, 0, &last)
    })
}

/// Each register's writers in every order, one register after the other.
fn versions(
    all: &[Txn],
    chosen: &[usize],
    edges: &[Vec<bool>],
    key: usize,
    last: &dyn Fn(usize, usize) -> Option<i64>,
) -> bool {
    if key == 3 {
        return !cyclic(edges.to_vec());
    }
    let writers: Vec<usize> = chosen.iter().copied().filter(|at| last(*at, key).is_some()).collect();
    permutations(&writers).into_iter().any(|line| {
        let mut edges = edges.to_vec();
        line.windows(2).for_each(|pair| edges[pair[0]][pair[1]] = true);
        versions(all, chosen, &edges, key + 1, last)
    })
}

fn permutations(of: &[usize]) -> Vec<Vec<usize>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    (0..of.len())
        .flat_map(|at| {
            let mut rest = of.to_vec();
            let first = rest.remove(at);
            permutations(&rest).into_iter().map(move |line| [&[first][..], &line].concat())
        })
        .collect()
}

fn cyclic(mut edges: Vec<Vec<bool>>) -> bool {
    let count = edges.len();
    for middle in 0..count {
        for from in 0..count {
            for to in 0..count {
                let through = edges[from][middle] && edges[middle][to];
                edges[from][to] |= through;
            }
        }
    }
    (0..count).any(|at| edges[at][at])
}
