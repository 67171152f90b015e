//! Definitions for a handful of transactions, whatever their objects are: try every order, and every choice of those that may
//! have happened. Shares nothing with the checkers.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::history::Value;

/// One step of a transaction on one object: it changes it, or it reads it, with what it returned (nothing where that is
/// unknown).
pub(crate) trait Step: Clone + Debug {
    /// What an object holds; before all transactions, its default.
    type State: Clone + Default;

    /// Which object.
    fn object(&self) -> usize;

    /// Whether it changes the object.
    fn changes(&self) -> bool;

    /// What the object holds afterwards; none if a read returned something else.
    fn run(&self, state: &Self::State) -> Option<Self::State>;

    /// As a history writes it: when it is called, nobody knows what it reads.
    fn micro(&self, is_call: bool) -> Value;
}

/// A transaction.
#[derive(Clone, Debug)]
pub(crate) struct Txn<S> {
    pub(crate) process: u64,
    pub(crate) steps: Vec<S>,
    /// `Some(true)` ok, `Some(false)` fail, none indeterminate.
    pub(crate) ended: Option<bool>,
    pub(crate) call: u64,
    pub(crate) end: u64,
}

/// What an order must agree with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Any,
    Process,
    Realtime,
}

/// What each object holds that was touched.
type States<S> = BTreeMap<usize, <S as Step>::State>;

/// Runs the steps on the objects; none if a read returned something else.
fn run<'a, S: Step + 'a>(mut states: States<S>, steps: impl IntoIterator<Item = &'a S>) -> Option<States<S>> {
    for step in steps {
        let state = states.entry(step.object()).or_default();
        *state = step.run(state)?;
    }
    Some(states)
}

fn before<S>(one: &Txn<S>, other: &Txn<S>, order: Order) -> bool {
    let ended_first = one.ended.is_some() && one.end < other.call;
    match order {
        Order::Any => false,
        Order::Process => one.process == other.process && ended_first,
        Order::Realtime => ended_first,
    }
}

/// Sets of transactions that may have happened.
pub(crate) fn choices<S>(all: &[Txn<S>]) -> Vec<Vec<usize>> {
    let open: Vec<usize> = (0..all.len()).filter(|at| all[*at].ended.is_none()).collect();
    let chosen = |bits: usize, at: usize| match all[at].ended {
        Some(ok) => ok,
        None => open.iter().position(|other| *other == at).is_some_and(|place| bits & 1 << place != 0),
    };
    (0..1 << open.len()).map(|bits| (0..all.len()).filter(|at| chosen(bits, *at)).collect()).collect()
}

/// Whether some choice has a serial order.
pub(crate) fn serializable<S: Step>(all: &[Txn<S>], order: Order) -> bool {
    choices(all).into_iter().any(|chosen| serial(all, &chosen, &mut Vec::new(), &States::<S>::new(), order))
}

fn serial<S: Step>(all: &[Txn<S>], chosen: &[usize], done: &mut Vec<usize>, states: &States<S>, order: Order) -> bool {
    done.len() == chosen.len()
        || chosen.iter().any(|at| {
            let waits = |other: &usize| !done.contains(other) && before(&all[*other], &all[*at], order);
            if done.contains(at) || chosen.iter().any(waits) {
                return false;
            }
            run(states.clone(), &all[*at].steps).is_some_and(|next| {
                done.push(*at);
                let found = serial(all, chosen, done, &next, order);
                done.pop();
                found
            })
        })
}

/// Whether some choice has an order of snapshots and commits: each reads its snapshot and itself, and of two that change one
/// object one commits before the other takes its snapshot.
pub(crate) fn snapshot_isolated<S: Step>(all: &[Txn<S>], order: Order) -> bool {
    choices(all).into_iter().any(|chosen| {
        let search = Snapshots { all, chosen: &chosen, order };
        search.from(&BTreeMap::new(), &[States::<S>::new()], &[])
    })
}

struct Snapshots<'a, S> {
    all: &'a [Txn<S>],
    chosen: &'a [usize],
    order: Order,
}

impl<S: Step> Snapshots<'_, S> {
    /// `taken` holds how many commits each snapshot contains; `states` what was there after each commit.
    fn from(&self, taken: &BTreeMap<usize, usize>, states: &[States<S>], committed: &[usize]) -> bool {
        let (all, now) = (self.all, &states[committed.len()]);
        if committed.len() == self.chosen.len() {
            return true;
        }
        self.chosen.iter().filter(|at| !committed.contains(at)).any(|at| {
            let Some(snapshot) = taken.get(at) else {
                let waits = |other: &usize| !committed.contains(other) && before(&all[*other], &all[*at], self.order);
                if self.chosen.iter().any(waits) || run(now.clone(), &all[*at].steps).is_none() {
                    return false;
                }
                let mut taken = taken.clone();
                taken.insert(*at, committed.len());
                return self.from(&taken, states, committed);
            };
            if committed[*snapshot..].iter().any(|other| self.clash(*at, *other)) {
                return false;
            }
            let changes = all[*at].steps.iter().filter(|step| step.changes());
            let next = run(now.clone(), changes).unwrap_or_default();
            self.from(taken, &[states, &[next]].concat(), &[committed, &[*at]].concat())
        })
    }

    fn clash(&self, one: usize, other: usize) -> bool {
        let changed = |at: usize| self.all[at].steps.iter().filter(|step| step.changes()).map(Step::object);
        changed(one).any(|object| changed(other).any(|own| own == object))
    }
}

/// Every order of these.
pub(crate) fn permutations<T: Clone>(of: &[T]) -> Vec<Vec<T>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    (0..of.len())
        .flat_map(|at| {
            let mut rest = of.to_vec();
            let first = rest.remove(at);
            permutations(&rest).into_iter().map(move |line| [std::slice::from_ref(&first), line.as_slice()].concat())
        })
        .collect()
}

/// Whether these edges, by rows of a square, lead back to where one began.
pub(crate) fn is_cyclic(mut edges: Vec<Vec<bool>>) -> bool {
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
