//! From transactions to an outcome: everything that is wrong, and which claims that breaks. Reads no file.

use std::collections::BTreeMap;

use super::components::{Components, Graph, Successors};
use super::cycles::{self, classes};
use super::graph::{Edges, PROCESS, REALTIME, RW, WR, WW};
use super::timed::Timed;
use super::versions::Versions;
use super::{Claim, Transactions, tell};
use crate::allowance::{Allowance, Meter, Stop};
use crate::format::ReadError;
use crate::history::History;
use crate::outcome::{Anomaly, AnomalyKind, Budget, Certificate, Outcome};

/// Cycles of one kind that are told.
const TOLD_MAX: usize = 3;
/// Cycles of one class that are looked for.
const FOUND_MAX: usize = 50;
const VALUES: u32 = 1 << WW | 1 << WR | 1 << RW;

/// What was found, whatever the store claims.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// Every kind of anomaly that there is, each with a few witnesses.
    pub anomalies: Vec<Anomaly>,
    /// An order of the transactions that explains everything, for the strongest claim that has one.
    order: Option<(Claim, Vec<u32>)>,
    /// The budget that ended the search, so that what was not found says nothing.
    cut: Option<Budget>,
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

    /// The outcome for a claim. A claim is broken only by what it forbids.
    #[must_use]
    pub fn outcome(self, claim: Claim) -> Outcome {
        if self.holds(claim) {
            if let Some(budget) = self.cut {
                return Outcome::Unknown(budget);
            }
            return Outcome::Ok(match self.order {
                Some((proved, order)) if proves(proved, claim) => Certificate::Orders(vec![order]),
                _ => Certificate::Accounted,
            });
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
    let transactions = match Transactions::from_history_within(history, &allowance.meter()) {
        Ok(transactions) => transactions,
        Err(Stop::Input(error)) => return Err(error),
        Err(Stop::Budget(budget)) => return Ok(Outcome::Unknown(budget)),
    };
    let analysis = analyse_within(&transactions, allowance).map_err(|error| ReadError {
        line: history.operations.get(usize::try_from(error.line).unwrap_or(usize::MAX)).map_or(0, |one| one.call.line),
        column: 1,
        ..error
    })?;
    Ok(analysis.outcome(claim))
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
    let cut = |anomalies, budget| Analysis { anomalies, order: None, cut: Some(budget) };
    let meter = allowance.meter();
    let versions = match Versions::of(all, &meter) {
        Ok(versions) => versions,
        Err(Stop::Input(error)) => return Err(error),
        Err(Stop::Budget(budget)) => return Ok(cut(Vec::new(), budget)),
    };
    let edges = Edges::of(all, &versions, allowance);
    if let Err(Stop::Budget(budget)) = meter.hold(edges.bytes()) {
        return Ok(cut(versions.anomalies(all, &meter), budget));
    }
    // What is wrong without a cycle is found beside the graph, on a thread of its own.
    let (mut anomalies, components) = std::thread::scope(|scope| {
        let others = scope.spawn(|| versions.anomalies(all, &allowance.meter()));
        let values = edges.graph(VALUES);
        let components = Timed::of(all, &values, edges.chain).components(&meter);
        (others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), components)
    });
    if meter.is_over() {
        return Ok(cut(anomalies, meter.time()));
    }
    if let Some(components) = components.filter(Components::acyclic) {
        let order = order(all, &versions, &components);
        return Ok(Analysis { anomalies, order: Some((Claim::StrictSerializable, order)), cut: None });
    }
    // The order of processes follows from real time, except for completions without calls.
    let graph = edges.graph(VALUES | 1 << PROCESS | 1 << REALTIME);
    anomalies.append(&mut tell_cycles(all, &versions, &graph, &meter));
    drop(graph);
    let order = weaker_order(all, &versions, &edges, &meter);
    let cut = meter.is_over().then(|| meter.time());
    Ok(Analysis { anomalies, order: order.filter(|_| cut.is_none()), cut })
}

/// The cycles of each component, class by class.
fn tell_cycles(all: &Transactions, versions: &Versions, graph: &Graph, meter: &Meter<'_>) -> Vec<Anomaly> {
    let mut anomalies = Vec::new();
    let mut kinds: BTreeMap<AnomalyKind, usize> = BTreeMap::new();
    let mut found = vec![0; classes().count()];
    let mut budget = cycles::STEPS_MAX;
    let components = graph.components(meter);
    for nodes in components.iter().flat_map(Components::cyclic) {
        let component = cycles::inside(graph, &nodes);
        for (class, found) in classes().zip(&mut found) {
            // Whatever else there is of this class breaks no claim that is not broken already.
            if *found >= FOUND_MAX {
                continue;
            }
            let Some(cycle) = cycles::shortest(&component, class, &mut budget, meter) else { continue };
            *found += 1;
            let count = kinds.entry(cycles::kind(&cycle)).or_default();
            *count += 1;
            if *count <= TOLD_MAX {
                let cycle: cycles::Cycle = cycle.into_iter().map(|(at, label)| (nodes[at as usize], label)).collect();
                let anomaly = tell::anomaly(all, versions, &cycle, meter);
                if !anomalies.contains(&anomaly) {
                    anomalies.push(anomaly);
                }
            }
        }
    }
    anomalies
}

/// An order without real time, or without the order of processes either.
fn weaker_order(
    all: &Transactions,
    versions: &Versions,
    edges: &Edges<'_>,
    meter: &Meter<'_>,
) -> Option<(Claim, Vec<u32>)> {
    let weaker = [(Claim::StrongSessionSerializable, VALUES | 1 << PROCESS), (Claim::Serializable, VALUES)];
    weaker.into_iter().find_map(|(claim, mask)| {
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
