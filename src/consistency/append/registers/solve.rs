//! Looks for an order of the transactions that explains what was read, and shows that there is none. Knows nothing of lists.
//!
//! The moments are those of transactions, or snapshots and commits. What is known: who read comes after who wrote, who read the
//! initial value comes before who overwrote it, and what the claim says of sessions and time. What is open: which of two writers
//! of a register came first. If one way contradicts what is known, it is the other one, which is then known too, with all that
//! follows for those that read the first one's value. If both do, there is no order; if neither does, each is tried.

use std::collections::BTreeMap;

use super::direct::told;
use super::read::{Access, Registers, Version};
use crate::allowance::{Meter, Stop};
use crate::append::Claim;
use crate::append::components::{Components, Graph, Successors as _};
use crate::append::cycles::{self, CLASSES};
use crate::append::graph::{LINK, PROCESS, REALTIME, RW, WR, WW};
use crate::outcome::{Anomaly, AnomalyKind};

/// Moments of which it is known which precede which.
const MOMENTS_MAX: usize = 16_000;
/// Ways that are tried.
const TRIED_MAX: usize = 400;

/// What an order must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Strict,
    Session,
    Serial,
    Snapshot,
    StrongSnapshot,
}

impl Level {
    pub(super) fn claim(self) -> Claim {
        match self {
            Self::Strict => Claim::StrictSerializable,
            Self::Session => Claim::StrongSessionSerializable,
            Self::Serial => Claim::Serializable,
            Self::Snapshot => Claim::SnapshotIsolation,
            Self::StrongSnapshot => Claim::StrongSnapshotIsolation,
        }
    }

    /// The claims that stand and fall with such an order.
    pub(super) fn claims(self) -> &'static [Claim] {
        match self {
            Self::Strict => &[Claim::StrictSerializable],
            Self::Session => &[Claim::StrongSessionSerializable],
            // All reads are by key, so that nothing is between the two.
            Self::Serial => &[Claim::Serializable, Claim::RepeatableRead],
            Self::Snapshot => &[Claim::SnapshotIsolation],
            Self::StrongSnapshot => &[Claim::StrongSnapshotIsolation],
        }
    }

    pub(super) fn has_snapshots(self) -> bool {
        matches!(self, Self::Snapshot | Self::StrongSnapshot)
    }

    /// Whether an order for that claim is one here too.
    pub(super) fn follows_from(self, proved: Claim) -> bool {
        proved == Claim::StrictSerializable || (proved < self.claim() && self.claim() != Claim::StrongSnapshotIsolation)
    }

    /// What is said of a history without such an order: no graver than what the claim forbids.
    fn kind(self) -> AnomalyKind {
        match self {
            Self::Strict => AnomalyKind::G2ItemRealtime,
            Self::Session => AnomalyKind::G2ItemProcess,
            Self::Serial => AnomalyKind::G2Item,
            Self::Snapshot => AnomalyKind::GSingle,
            Self::StrongSnapshot => AnomalyKind::GSingleRealtime,
        }
    }
}

/// What became of the search.
pub(super) enum Solved {
    /// There is an order; given where it is one of whole transactions.
    Order(Option<Vec<u32>>),
    /// There is none.
    Never(Anomaly),
    /// It was not found out.
    Open(String),
}

pub(super) fn solve(all: &Registers, level: Level, meter: &Meter<'_>) -> Result<Solved, Stop> {
    let live: Vec<u32> = all.numbered().filter(|(_, txn)| txn.happened).map(|(number, _)| number).collect();
    let copies = if level.has_snapshots() { 2 } else { 1 };
    let moments = live.len() * copies;
    if moments > MOMENTS_MAX {
        return Ok(Solved::Open(format!(
            "{} transactions are too many to look for an order of theirs other than that of their ends",
            live.len()
        )));
    }
    meter.hold((moments * moments / 8) as u64)?;
    let search = Search { all, level, copies: u32::try_from(copies).unwrap_or(1), places: places(&live), live };
    let start = State { edges: search.known(), open: search.pairs() };
    let mut tried = 0;
    search.settle(start, &mut tried, meter)
}

fn places(live: &[u32]) -> BTreeMap<u32, u32> {
    live.iter().copied().zip(0..).collect()
}

/// Two writers of a register, by their places, with those that read what each wrote.
#[derive(Clone)]
struct Pair {
    key: u32,
    writers: [u32; 2],
    readers: [Vec<u32>; 2],
}

#[derive(Clone)]
struct State {
    edges: Vec<(u32, u32, u32)>,
    open: Vec<Pair>,
}

struct Search<'a> {
    all: &'a Registers,
    level: Level,
    copies: u32,
    live: Vec<u32>,
    places: BTreeMap<u32, u32>,
}

/// What precedes what: a row of bits for each moment.
struct Precedes {
    words: usize,
    bits: Vec<u64>,
}

impl Precedes {
    fn of(graph: &Graph, components: &Components, meter: &Meter<'_>) -> Option<Self> {
        let words = graph.len().div_ceil(64);
        let mut bits = vec![0_u64; words * graph.len()];
        let mut order: Vec<u32> = (0..u32::try_from(graph.len()).unwrap_or(0)).collect();
        order.sort_unstable_by_key(|moment| std::cmp::Reverse(components.of[*moment as usize]));
        for from in order {
            for (to, _) in graph.of(from) {
                if meter.spent(words / 8 + 1) {
                    return None;
                }
                let (from, to) = (from as usize, to as usize);
                for word in 0..words {
                    bits[from * words + word] |= bits[to * words + word];
                }
                bits[from * words + to / 64] |= 1 << (to % 64);
            }
        }
        Some(Self { words, bits })
    }

    fn has(&self, from: u32, to: u32) -> bool {
        from == to || self.bits[from as usize * self.words + to as usize / 64] >> (to % 64) & 1 == 1
    }
}

impl Search<'_> {
    /// When a transaction takes its snapshot, by its place.
    fn snapshot(&self, place: u32) -> u32 {
        place * self.copies
    }

    fn commit(&self, place: u32) -> u32 {
        place * self.copies + self.copies - 1
    }

    fn known(&self) -> Vec<(u32, u32, u32)> {
        let mut edges = Vec::new();
        let mut after = |from: u32, to: u32, label: u32| {
            if let (Some(from), Some(to)) = (self.places.get(&from), self.places.get(&to)) {
                edges.push((self.commit(*from), self.snapshot(*to), label));
            }
        };
        self.all.dependencies(|writer, reader| after(writer, reader, WR));
        if self.level == Level::Session {
            self.all.sessions(|one, next| after(one, next, PROCESS));
        }
        if matches!(self.level, Level::Strict | Level::StrongSnapshot) {
            self.realtime(&mut after);
        }
        if self.copies == 2 {
            edges.extend((0..u32::try_from(self.live.len()).unwrap_or(0)).map(|one| (one * 2, one * 2 + 1, LINK)));
        }
        let writers = self.writers();
        for (place, number) in (0_u32..).zip(&self.live) {
            for (key, version) in self.all.outside(&self.all.txns[*number as usize]) {
                if version == Version::Initial {
                    let others = writers.get(&key).into_iter().flatten().filter(|other| **other != place);
                    edges.extend(others.map(|other| (self.snapshot(place), self.commit(*other), RW)));
                }
            }
        }
        edges
    }

    /// Each transaction after those that had ended when it began, but not after those that came before one of these.
    fn realtime(&self, after: &mut impl FnMut(u32, u32, u32)) {
        let txn = |number: &u32| &self.all.txns[*number as usize];
        let mut ends: Vec<u32> = self.live.clone();
        ends.sort_unstable_by_key(|number| txn(number).end);
        // The last call of those that ended first, second, …
        let latest: Vec<u32> = ends
            .iter()
            .scan(0, |latest: &mut u32, number| {
                *latest = (*latest).max(txn(number).call);
                Some(*latest)
            })
            .collect();
        for number in &self.live {
            let call = txn(number).call;
            let ended = ends.partition_point(|other| txn(other).end < call);
            let latest = ended.checked_sub(1).map_or(0, |last| latest[last]);
            for other in ends[..ended].iter().rev().take_while(|other| txn(other).end > latest) {
                after(*other, *number, REALTIME);
            }
        }
    }

    /// By register the places of those that wrote to it.
    fn writers(&self) -> BTreeMap<u32, Vec<u32>> {
        let mut writers: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (place, number) in (0_u32..).zip(&self.live) {
            for access in &self.all.txns[*number as usize].accesses {
                if let Access::Write { key, .. } = access {
                    let of_key = writers.entry(*key).or_default();
                    if of_key.last() != Some(&place) {
                        of_key.push(place);
                    }
                }
            }
        }
        writers
    }

    fn pairs(&self) -> Vec<Pair> {
        let mut readers: BTreeMap<(u32, u32), Vec<u32>> = BTreeMap::new();
        for (place, number) in (0_u32..).zip(&self.live) {
            for (key, version) in self.all.outside(&self.all.txns[*number as usize]) {
                if let Version::Written(write) = version
                    && let Some(writer) = self.places.get(&self.all.writes[write as usize].transaction)
                {
                    readers.entry((key, *writer)).or_default().push(place);
                }
            }
        }
        let of = |key: u32, writer: u32| readers.get(&(key, writer)).cloned().unwrap_or_default();
        let mut pairs = Vec::new();
        for (key, writers) in self.writers() {
            for (at, one) in writers.iter().enumerate() {
                for other in &writers[at + 1..] {
                    let readers = [of(key, *one), of(key, *other)];
                    pairs.push(Pair { key, writers: [*one, *other], readers });
                }
            }
        }
        pairs
    }

    /// The edges that follow if the writer at `first` of a pair came first.
    fn follow(&self, pair: &Pair, first: usize) -> Vec<(u32, u32, u32)> {
        let (one, other) = (pair.writers[first], pair.writers[1 - first]);
        let mut edges = vec![(self.commit(one), self.snapshot(other), WW)];
        let readers = pair.readers[first].iter().filter(|reader| **reader != other);
        edges.extend(readers.map(|reader| (self.snapshot(*reader), self.commit(other), RW)));
        edges
    }

    fn graph(&self, edges: &[(u32, u32, u32)]) -> Graph {
        Graph::build(self.live.len() * self.copies as usize, |add| {
            edges.iter().for_each(|(from, to, label)| add(*from, *to, *label));
        })
    }

    /// Takes what follows, and tries what is left.
    fn settle(&self, mut state: State, tried: &mut usize, meter: &Meter<'_>) -> Result<Solved, Stop> {
        loop {
            let graph = self.graph(&state.edges);
            let components = graph.components(meter).ok_or_else(|| Stop::Budget(meter.time()))?;
            if !components.acyclic() {
                return Ok(Solved::Never(self.cycle(&graph, &components, meter)));
            }
            let precedes = Precedes::of(&graph, &components, meter).ok_or_else(|| Stop::Budget(meter.time()))?;
            let before = state.open.len();
            let mut left = Vec::with_capacity(before);
            for pair in std::mem::take(&mut state.open) {
                meter.spend(1 + pair.readers[0].len() + pair.readers[1].len())?;
                let possible = [0, 1].map(|first| {
                    let follow = self.follow(&pair, first);
                    follow.iter().all(|(from, to, _)| !precedes.has(*to, *from))
                });
                match possible {
                    [false, false] => return Ok(Solved::Never(self.neither(&pair))),
                    [true, true] => left.push(pair),
                    [first, _] => state.edges.extend(self.follow(&pair, usize::from(!first))),
                }
            }
            state.open = left;
            if state.open.len() == before {
                return self.tried(state, &components, tried, meter);
            }
        }
    }

    /// Each way for the first pair that is open.
    fn tried(
        &self,
        state: State,
        components: &Components,
        tried: &mut usize,
        meter: &Meter<'_>,
    ) -> Result<Solved, Stop> {
        let Some(pair) = state.open.first().cloned() else {
            return Ok(Solved::Order((!self.level.has_snapshots()).then(|| self.order(components))));
        };
        // As they ended, most likely.
        let end = |at: usize| self.all.txns[self.live[pair.writers[at] as usize] as usize].end;
        let likely = usize::from(end(1) < end(0));
        let mut open = None;
        for first in [likely, 1 - likely] {
            *tried += 1;
            if *tried > TRIED_MAX {
                return Ok(Solved::Open("too many orders of its writes are possible to try them all".to_owned()));
            }
            let mut next = state.clone();
            next.open.remove(0);
            next.edges.extend(self.follow(&pair, first));
            match self.settle(next, tried, meter)? {
                Solved::Never(_) => {}
                Solved::Order(order) => return Ok(Solved::Order(order)),
                Solved::Open(why) => open = Some(why),
            }
        }
        Ok(open.map_or_else(|| Solved::Never(self.neither(&pair)), Solved::Open))
    }

    fn order(&self, components: &Components) -> Vec<u32> {
        let mut places: Vec<u32> = (0..u32::try_from(self.live.len()).unwrap_or(0)).collect();
        places.sort_unstable_by_key(|place| components.of[*place as usize]);
        places.into_iter().map(|place| self.live[place as usize]).collect()
    }

    fn cycle(&self, graph: &Graph, components: &Components, meter: &Meter<'_>) -> Anomaly {
        let mut class = CLASSES[3].with_processes();
        class.mask |= 1 << REALTIME;
        let mut budget = cycles::STEPS_MAX;
        let cycle = cycles::shortest(graph, components, class, &mut budget, meter).unwrap_or_default();
        let named: Vec<(u32, u32)> =
            cycle.into_iter().map(|(moment, label)| (self.live[(moment / self.copies) as usize], label)).collect();
        told(self.all, &named, self.level.kind())
    }

    /// Two writers of which neither can have been first.
    fn neither(&self, pair: &Pair) -> Anomaly {
        let [one, other] = pair.writers.map(|place| self.live[place as usize]);
        let key = self.all.keys[pair.key as usize].to_string();
        let readers = pair.readers.iter().flatten().map(|place| self.live[*place as usize]);
        let mut witness = vec![one, other];
        for reader in readers {
            if witness.len() < 6 && !witness.contains(&reader) {
                witness.push(reader);
            }
        }
        let sentence = format!(
            "T{one} and T{other} both wrote to {key}, and neither can have been first: either order contradicts what was read \
             elsewhere"
        );
        Anomaly { kind: self.level.kind(), key: Some(key), witness, sentence }
    }
}
