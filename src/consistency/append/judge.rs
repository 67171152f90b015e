//! From transactions to an outcome: everything that is wrong, and which claims that breaks. Reads no file.

use std::collections::BTreeMap;

use super::components::{Components, Graph, Successors};
use super::cycles::{self, CLASSES, Class, Cycle};
use super::direct::Found;
use super::graph::{Edges, PROCESS, REALTIME, VALUES};
use super::settle::{Settled, settle};
use super::snapshots::{self, Snapshots};
use super::timed::Timed;
use super::versions::Versions;
use super::{Claim, Completion, Transactions, realtime, tell};
use crate::allowance::{Allowance, Meter, Stop};
use crate::format::ReadError;
use crate::history::History;
use crate::outcome::{Anomaly, AnomalyKind, Budget, Certificate, Outcome};

/// Cycles of one kind that are told.
const TOLD_MAX: usize = 3;
/// Cycles of one class that are looked for.
const FOUND_MAX: usize = 50;

/// What was found, whatever the store claims.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// Every kind of anomaly that there is, each with a few witnesses.
    pub anomalies: Vec<Anomaly>,
    /// How many there are of each kind that has no cycle, told or not.
    pub(super) counts: BTreeMap<AnomalyKind, u64>,
    /// An order of the transactions that explains everything, for the strongest claim that has one.
    pub(super) order: Option<(Claim, Vec<u32>)>,
    /// What the history does not say, so that nothing that was found says nothing of these claims.
    pub(super) open: Vec<(Claim, String)>,
    /// The budget that ended the search, so that what was not found says nothing.
    pub(super) cut: Option<Budget>,
}

impl Analysis {
    /// The weakest claim that is ruled out; none if all hold.
    #[must_use]
    pub fn weakest_ruled_out(&self) -> Option<Claim> {
        Claim::ALL.into_iter().rev().find(|claim| !self.holds(*claim))
    }

    /// Whether nothing that was found breaks the claim.
    #[must_use]
    pub fn holds(&self, claim: Claim) -> bool {
        !self.anomalies.iter().any(|anomaly| claim.forbids(anomaly.kind))
    }

    /// How many anomalies break the claim and are told, and how many there are at least.
    #[must_use]
    pub fn count(&self, claim: Claim) -> (u64, u64) {
        let broken = || self.anomalies.iter().filter(|anomaly| claim.forbids(anomaly.kind));
        let told = broken().count() as u64;
        let counted = self.counts.iter().filter(|(kind, _)| claim.forbids(**kind)).map(|(_, count)| *count);
        let cycles = broken().filter(|anomaly| !self.counts.contains_key(&anomaly.kind)).count() as u64;
        (told, told.max(counted.sum::<u64>() + cycles))
    }

    /// The outcome for a claim. A claim is broken only by what it forbids.
    #[must_use]
    pub fn outcome(self, claim: Claim) -> Outcome {
        if self.holds(claim) {
            if let Some(budget) = self.cut {
                return Outcome::Unknown(budget);
            }
            let sound = |proved: Claim| !self.anomalies.iter().any(|anomaly| proved.forbids(anomaly.kind));
            if let Some((_, order)) =
                self.order.filter(|(proved, order)| !order.is_empty() && proves(*proved, claim) && sound(*proved))
            {
                return Outcome::Ok(Certificate::Orders(vec![order]));
            }
            return match self.open.into_iter().find(|(open, _)| *open == claim) {
                Some((_, missing)) => Outcome::Unknown(Budget::Evidence(missing)),
                None => Outcome::Ok(Certificate::Accounted),
            };
        }
        let weakest = self.weakest_ruled_out();
        let mut broken: Vec<Anomaly> =
            self.anomalies.into_iter().filter(|anomaly| claim.forbids(anomaly.kind)).collect();
        // What breaks the weakest claim comes first: it is the gravest.
        let strength = |kind: AnomalyKind| Claim::ALL.into_iter().filter(|claim| claim.forbids(kind)).count();
        broken.sort_by_key(|anomaly| std::cmp::Reverse(strength(anomaly.kind)));
        if let (Some(first), Some(weakest)) = (broken.first_mut(), weakest) {
            first.sentence.push_str("; this rules out ");
            first.sentence.push_str(weakest.word());
        }
        Outcome::Violation(broken)
    }
}

/// Whether an order for one claim is one for another too.
fn proves(proved: Claim, claim: Claim) -> bool {
    let needs_realtime = matches!(claim, Claim::StrictSerializable | Claim::StrongSnapshotIsolation);
    proved == Claim::StrictSerializable || (proved <= claim && !needs_realtime)
}

/// Judges a history of list-append transactions by a claim, within an allowance.
///
/// # Errors
/// The first operation that is no such transaction, or the second append of one value to one key.
pub fn check(history: &History, claim: Claim, allowance: Allowance<'_>) -> Result<Outcome, ReadError> {
    analyse_history(history, allowance).map(|analysis| analysis.outcome(claim))
}

/// Finds what is wrong with a history of list-append transactions, as far as the allowance goes.
///
/// # Errors
/// As [`check`].
pub(crate) fn analyse_history(history: &History, allowance: Allowance<'_>) -> Result<Analysis, ReadError> {
    let transactions = match Transactions::from_history_within(history, &allowance.meter()) {
        Ok(transactions) => transactions,
        Err(Stop::Input(error)) => return Err(error),
        Err(Stop::Budget(budget)) => return Ok(Analysis { cut: Some(budget), ..Analysis::nothing() }),
    };
    analyse_within(&transactions, allowance).map_err(|error| ReadError {
        line: history.operations.get(usize::try_from(error.line).unwrap_or(usize::MAX)).map_or(0, |one| one.call.line),
        column: 1,
        ..error
    })
}

/// Finds everything that is wrong with the transactions.
///
/// # Errors
/// The second append of one value to one key; its `line` is the index of the transaction.
pub fn analyse(all: &Transactions) -> Result<Analysis, ReadError> {
    analyse_within(all, Allowance::unlimited())
}

/// Finds what is wrong with the transactions, as far as the allowance goes.
pub(crate) fn analyse_within(all: &Transactions, allowance: Allowance<'_>) -> Result<Analysis, ReadError> {
    let meter = allowance.meter();
    match analysed(all, allowance, &meter) {
        Ok(analysis) => Ok(analysis),
        Err(Stop::Input(error)) => Err(error),
        Err(Stop::Budget(budget)) => Ok(Analysis { cut: Some(budget), ..Analysis::nothing() }),
    }
}

impl Analysis {
    pub(super) fn nothing() -> Self {
        Self { anomalies: Vec::new(), counts: BTreeMap::new(), order: None, open: Vec::new(), cut: None }
    }
}

fn analysed(all: &Transactions, allowance: Allowance<'_>, meter: &Meter<'_>) -> Result<Analysis, Stop> {
    let Settled { changed, contradictory } = settle(all, meter)?;
    let all = changed.as_ref().unwrap_or(all);
    let versions = Versions::of(all, meter)?;
    let edges = Edges::of(all, &versions, allowance);
    let found = |found: Found, open| Analysis {
        counts: found.counts().clone(),
        anomalies: found.anomalies,
        open,
        ..Analysis::nothing()
    };
    let open = open(all, contradictory);
    if let Err(Stop::Budget(budget)) = meter.hold(edges.bytes()) {
        return Ok(Analysis { cut: Some(budget), ..found(versions.anomalies(all, meter), open) });
    }
    // What is wrong without a cycle is found beside the graph, on a thread of its own.
    let (others, components) = std::thread::scope(|scope| {
        let others = scope.spawn(|| versions.anomalies(all, &allowance.meter()));
        let values = edges.graph(VALUES);
        let components = Timed::of(all, &values, edges.chain).components(meter);
        (others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), components)
    });
    let mut analysis = found(others, open);
    if meter.is_over() {
        return Ok(Analysis { cut: Some(meter.time()), ..analysis });
    }
    // The order of processes follows from real time, except for completions without calls.
    if let Some(components) = components.filter(|components| !all.untimed && components.acyclic()) {
        analysis.order = Some((Claim::StrictSerializable, order(all, &versions, &components)));
        return Ok(analysis);
    }
    analysis.anomalies.append(&mut tell_cycles(all, &versions, &edges, meter));
    let order = weaker_order(all, &versions, &edges, meter);
    snapshots(all, &versions, &edges, order.is_some(), &mut analysis, meter);
    analysis.cut = meter.is_over().then(|| meter.time());
    analysis.order = order.filter(|_| analysis.cut.is_none());
    Ok(analysis)
}

/// The claims of which the history says too little.
fn open(all: &Transactions, contradictory: bool) -> Vec<(Claim, String)> {
    let mut open = lacking(!all.completions.contains(&Completion::Ok), all.untimed, all.unnamed);
    if contradictory {
        let missing = "committed elements stand in different orders in different reads, so that the order of the versions \
                       is not known";
        open.push((Claim::ReadUncommitted, missing.to_owned()));
    }
    open
}

/// The claims of which a history says too little that has nothing, no calls, or no processes.
pub(super) fn lacking(nothing: bool, untimed: bool, unnamed: bool) -> Vec<(Claim, String)> {
    if nothing {
        let missing = "nothing completed: no operation is known to have happened";
        return Claim::ALL.map(|claim| (claim, missing.to_owned())).to_vec();
    }
    let mut open = Vec::new();
    if untimed {
        let missing = "the history has no calls, only completions: it says nothing of real time, and serializable is the \
                       strongest claim that can be judged without it";
        open.extend(
            [Claim::StrictSerializable, Claim::StrongSnapshotIsolation].map(|claim| (claim, missing.to_owned())),
        );
    }
    if unnamed {
        let missing = "the history names no processes: it says nothing of the order of a session";
        open.push((Claim::StrongSessionSerializable, missing.to_owned()));
    }
    open
}

/// Which appends that no read orders can be snapshots' writes one after the other, where no serial order says it already.
fn snapshots(
    all: &Transactions,
    versions: &Versions,
    edges: &Edges<'_>,
    serializable: bool,
    analysis: &mut Analysis,
    meter: &Meter<'_>,
) {
    let claims = [(Claim::SnapshotIsolation, VALUES), (Claim::StrongSnapshotIsolation, VALUES | 1 << REALTIME)];
    for (claim, mask) in claims {
        let timed = mask != VALUES;
        if (!timed && serializable) || (timed && all.untimed) || !analysis.holds(claim) || meter.is_over() {
            continue;
        }
        match snapshots::decide(all, versions, edges, mask, meter) {
            Snapshots::Possible => {}
            Snapshots::Impossible(anomaly) => analysis.anomalies.push(anomaly),
            Snapshots::Open(missing) => analysis.open.push((claim, missing)),
        }
    }
}

/// The cycles of each component, class by class.
fn tell_cycles(all: &Transactions, versions: &Versions, edges: &Edges<'_>, meter: &Meter<'_>) -> Vec<Anomaly> {
    let Some(components) = edges.graph(VALUES | 1 << PROCESS | 1 << REALTIME).components(meter) else {
        return Vec::new();
    };
    let graph = edges.graph(VALUES | 1 << PROCESS);
    let mut told = Told { all, versions, anomalies: Vec::new(), kinds: BTreeMap::new(), meter };
    let mut found = [0; CLASSES.len()];
    let mut budget = cycles::STEPS_MAX;
    for mut nodes in components.cyclic() {
        // The nodes of real time are left out: its edges are looked for in another way.
        nodes.retain(|node| *node < edges.chain);
        let component = cycles::inside(&graph, &nodes);
        for (class, found) in CLASSES.into_iter().zip(&mut found) {
            // Whatever else there is of this class breaks no claim that is not broken already.
            if *found < FOUND_MAX {
                let cycles = of_class(all, &component, &nodes, class, &mut budget, meter);
                *found += cycles.len();
                cycles.into_iter().for_each(|cycle| told.tell(&cycle));
            }
        }
    }
    told.anomalies
}

/// Cycles of one class in a component: of values alone, or else with the order of processes, and with real time.
fn of_class(
    all: &Transactions,
    component: &Graph,
    nodes: &[u32],
    class: Class,
    budget: &mut usize,
    meter: &Meter<'_>,
) -> Vec<Cycle> {
    let global = |cycle: Cycle| cycle.into_iter().map(|(at, label)| (nodes[at as usize], label)).collect::<Cycle>();
    let states = cycles::states(component, class);
    let Some(components) = states.components(meter) else { return Vec::new() };
    if !components.acyclic() {
        return cycles::shortest(&states, &components, class, budget, meter).into_iter().map(global).collect();
    }
    let moments: Vec<(u32, u32)> = nodes.iter().map(|node| all.moments(*node)).collect();
    let mut found = realtime::cycles(&states, &components, class, &moments, meter);
    drop(states);
    let with = class.with_processes();
    let states = cycles::states(component, with);
    if let Some(components) = states.components(meter).filter(|components| !components.acyclic()) {
        found.extend(cycles::shortest(&states, &components, with, budget, meter));
    }
    found.into_iter().map(global).collect()
}

/// Cycles as anomalies, a few of each kind.
struct Told<'a> {
    all: &'a Transactions,
    versions: &'a Versions,
    anomalies: Vec<Anomaly>,
    kinds: BTreeMap<AnomalyKind, usize>,
    meter: &'a Meter<'a>,
}

impl Told<'_> {
    fn tell(&mut self, cycle: &Cycle) {
        let count = self.kinds.entry(cycles::kind(cycle)).or_default();
        *count += 1;
        if *count <= TOLD_MAX {
            let anomaly = tell::anomaly(self.all, self.versions, cycle, self.meter);
            if !self.anomalies.contains(&anomaly) {
                self.anomalies.push(anomaly);
            }
        }
    }
}

/// An order without real time, or without the order of processes either.
fn weaker_order(
    all: &Transactions,
    versions: &Versions,
    edges: &Edges<'_>,
    meter: &Meter<'_>,
) -> Option<(Claim, Vec<u32>)> {
    let weaker = [(Claim::StrongSessionSerializable, VALUES | 1 << PROCESS), (Claim::Serializable, VALUES)];
    weaker.into_iter().skip(usize::from(all.unnamed)).find_map(|(claim, mask)| {
        let components = edges.graph(mask).components(meter)?;
        components.acyclic().then(|| (claim, order(all, versions, &components)))
    })
}

/// Transactions that happened, in the order of the components.
fn order(all: &Transactions, versions: &Versions, components: &Components) -> Vec<u32> {
    let mut order: Vec<u32> = (0..u32::try_from(all.len()).unwrap_or(u32::MAX))
        .filter(|transaction| versions.happened[*transaction as usize])
        .collect();
    order.sort_unstable_by_key(|transaction| components.of[*transaction as usize]);
    order
}
