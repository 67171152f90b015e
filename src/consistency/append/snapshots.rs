//! Snapshot isolation where no read says which of two appends to one key came first. Decides; names no other anomaly.
//!
//! A history is snapshot isolated iff its transactions can be given a snapshot and a commit each, in one order, such that of
//! two that append to one key one commits before the other takes its snapshot. Whatever is known of the order of versions
//! says so for pairs: after `ww` and `wr` the snapshot of the second comes after the commit of the first, after `rw` the commit
//! of the second comes after the snapshot of the first (Cerone and Gotsman 2016). Of appends that nobody read only this is known:
//! their transactions do not overlap. So the moments are put into an order one by one, and a transaction that appends to a
//! key without being read holds that key from its snapshot to its commit.
//!
//! Most moments can be taken as soon as nothing is before them: commits (that gives keys back), snapshots that hold no key, and
//! snapshots whose commits can follow at once. Only where none is left a choice is made, and taken back if it leads nowhere.

use std::collections::{BTreeMap, BTreeSet};

use super::Transactions;
use super::components::Graph;
use super::graph::{Edges, LINK, REALTIME, RW};
use super::tell::name;
use super::versions::Versions;
use crate::allowance::Meter;
use crate::outcome::{Anomaly, AnomalyKind};

/// Choices that are tried at most.
const CHOICES_MAX: usize = 2_000;
/// Numbers that may be kept to take choices back.
const KEPT_MAX: usize = 50_000_000;
const FREE: u32 = u32::MAX;

/// What is known of snapshots.
pub(super) enum Snapshots {
    /// There is an order.
    Possible,
    /// There is none.
    Impossible(Anomaly),
    /// It was not found out.
    Open(String),
}

pub(super) fn decide(
    all: &Transactions,
    versions: &Versions,
    edges: &Edges<'_>,
    mask: u32,
    meter: &Meter<'_>,
) -> Snapshots {
    let contested = contested(all, versions);
    if contested.is_empty() {
        return Snapshots::Possible;
    }
    let mut held = vec![Vec::new(); all.len()];
    for (number, (_, writers)) in (0_u32..).zip(&contested) {
        writers.iter().for_each(|writer| held[*writer as usize].push(number));
    }
    let moments = moments(all, versions, &edges.graph(mask));
    let search = Search { moments: &moments, held, meter, choices: 0, kept: 0 };
    match search.run(contested.len()) {
        Some(true) => Snapshots::Possible,
        Some(false) => Snapshots::Impossible(told(all, &contested, &moments, mask & 1 << REALTIME != 0)),
        None => Snapshots::Open(
            "which of the appends that nobody read came first decides whether there are such snapshots, and there are too many \
             possibilities to try"
                .to_owned(),
        ),
    }
}

/// Keys with two transactions or more that appended what no read shows.
fn contested(all: &Transactions, versions: &Versions) -> Vec<(u32, Vec<u32>)> {
    let keys = 0..u32::try_from(all.keys.len()).unwrap_or(FREE);
    keys.map(|key| (key, versions.unread(key))).filter(|(_, unread)| unread.len() > 1).collect()
}

/// The moments and what is before what: node `n` of the graph is `2n` where it is reached by `ww`, `wr` or time, and `2n + 1`
/// by `rw`. Of a transaction these are its snapshot and its commit.
fn moments(all: &Transactions, versions: &Versions, graph: &Graph) -> Graph {
    let count = u32::try_from(all.len()).unwrap_or(FREE);
    Graph::build(graph.len() * 2, |add| {
        for node in 0..u32::try_from(graph.len()).unwrap_or(FREE) {
            if node < count && versions.happened[node as usize] {
                add(node * 2, node * 2 + 1, LINK);
            }
            for (target, label) in graph.of(node) {
                let to = target * 2 + u32::from(label == RW);
                match (node < count, label) {
                    (true, RW) => add(node * 2, to, label),
                    (true, _) => add(node * 2 + 1, to, label),
                    (false, LINK) => {
                        add(node * 2, target * 2, label);
                        add(node * 2 + 1, target * 2 + 1, label);
                    }
                    (false, _) => add(node * 2, to, label),
                }
            }
        }
    })
}

struct Search<'a> {
    moments: &'a Graph,
    /// The keys that each transaction holds, by their numbers.
    held: Vec<Vec<u32>>,
    meter: &'a Meter<'a>,
    choices: usize,
    kept: usize,
}

/// How far an order has come.
#[derive(Clone)]
struct Progress {
    /// Moments that must come before each one and have not come yet.
    waits: Vec<u32>,
    /// Moments that can come now and whose coming is never a mistake.
    ready: Vec<u32>,
    /// Snapshots that can come now and hold keys.
    choosable: BTreeSet<u32>,
    /// Who holds each key.
    holders: Vec<u32>,
    left: usize,
}

impl Search<'_> {
    /// Whether there is an order; none if that was not found out.
    fn run(mut self, keys: usize) -> Option<bool> {
        let mut waits = vec![0; self.moments.len()];
        for node in 0..u32::try_from(self.moments.len()).unwrap_or(FREE) {
            self.moments.of(node).for_each(|(target, _)| waits[target as usize] += 1);
        }
        let mut start = Progress {
            ready: Vec::new(),
            choosable: BTreeSet::new(),
            holders: vec![FREE; keys],
            left: waits.len(),
            waits,
        };
        let first: Vec<u32> =
            (0_u32..).zip(&start.waits).filter(|(_, waits)| **waits == 0).map(|(one, _)| one).collect();
        first.into_iter().for_each(|moment| self.offer(&mut start, moment));
        let (mut stack, mut now): (Vec<(Progress, Vec<u32>)>, _) = (Vec::new(), start);
        loop {
            self.advance(&mut now)?;
            if now.left == 0 {
                return Some(true);
            }
            let choices: Vec<u32> = now.choosable.iter().copied().filter(|one| self.is_free(&now, *one)).collect();
            if !choices.is_empty() {
                self.kept += now.waits.len();
                stack.push((now, choices));
            }
            now = loop {
                let Some((before, choices)) = stack.last_mut() else { return Some(false) };
                let Some(choice) = choices.pop() else {
                    self.kept -= before.waits.len();
                    stack.pop();
                    continue;
                };
                self.choices += 1;
                if self.choices > CHOICES_MAX || self.kept > KEPT_MAX {
                    return None;
                }
                let mut next: Progress = before.clone();
                next.choosable.remove(&choice);
                self.take(&mut next, choice);
                break next;
            };
        }
    }

    fn offer(&self, now: &mut Progress, moment: u32) {
        let holds = |moment: u32| self.held.get(moment as usize / 2).is_some_and(|held| !held.is_empty());
        if moment.is_multiple_of(2) && holds(moment) {
            now.choosable.insert(moment);
        } else {
            now.ready.push(moment);
        }
    }

    fn is_free(&self, now: &Progress, snapshot: u32) -> bool {
        self.held[snapshot as usize / 2].iter().all(|key| now.holders[*key as usize] == FREE)
    }

    /// A moment comes.
    fn take(&self, now: &mut Progress, moment: u32) {
        now.left -= 1;
        if let Some(held) = self.held.get(moment as usize / 2) {
            let holder = if moment.is_multiple_of(2) { moment } else { FREE };
            held.iter().for_each(|key| now.holders[*key as usize] = holder);
        }
        for (target, _) in self.moments.of(moment) {
            now.waits[target as usize] -= 1;
            if now.waits[target as usize] == 0 {
                self.offer(now, target);
            }
        }
    }

    /// Whatever can come without a choice comes. None if the time is over.
    fn advance(&self, now: &mut Progress) -> Option<()> {
        loop {
            while let Some(moment) = now.ready.pop() {
                (!self.meter.spent(4)).then_some(())?;
                self.take(now, moment);
            }
            // A snapshot whose commit waits for nothing else holds its keys for no time.
            let at_once = |one: &&u32| now.waits[**one as usize + 1] == 1 && self.is_free(now, **one);
            let Some(snapshot) = now.choosable.iter().find(at_once).copied() else { return Some(()) };
            (!self.meter.spent(now.choosable.len())).then_some(())?;
            now.choosable.remove(&snapshot);
            self.take(now, snapshot);
        }
    }
}

/// Two transactions that overlap whichever came first, if there are such two; else any two.
fn told(all: &Transactions, contested: &[(u32, Vec<u32>)], moments: &Graph, timed: bool) -> Anomaly {
    const TRIED_MAX: usize = 200;
    let pairs = contested.iter().flat_map(|(key, writers)| {
        writers
            .iter()
            .enumerate()
            .flat_map(move |(at, one)| writers[at + 1..].iter().map(move |other| (*key, *one, *other)))
    });
    let mut reached: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    let mut before =
        |one: u32, other: u32| reached.entry(one).or_insert_with(|| reach(moments, one * 2)).contains(&(other * 2 + 1));
    let overlap = pairs.clone().take(TRIED_MAX).find(|(_, one, other)| before(*one, *other) && before(*other, *one));
    let (key, one, other) = overlap.or_else(|| pairs.clone().next()).unwrap_or_default();
    let on = all.keys.name(key);
    let why = if overlap.is_some() {
        "each had its snapshot before the other committed, as their reads show"
    } else {
        "in every order of the appends to such keys, two of their transactions overlap"
    };
    Anomaly {
        kind: if timed { AnomalyKind::GSingleRealtime } else { AnomalyKind::GSingle },
        key: Some(on.clone()),
        witness: vec![one, other],
        sentence: format!(
            "{} and {} both appended to {on} what nobody read; whichever came first, {why}: of two that write one key at once one \
             must fail",
            name(one),
            name(other)
        ),
    }
}

fn reach(moments: &Graph, from: u32) -> BTreeSet<u32> {
    let mut reached = BTreeSet::from([from]);
    let mut waiting = vec![from];
    while let Some(node) = waiting.pop() {
        waiting.extend(moments.of(node).map(|(target, _)| target).filter(|target| reached.insert(*target)));
    }
    reached
}
