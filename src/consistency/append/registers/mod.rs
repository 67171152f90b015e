//! Transactions of reads and writes of registers under the isolation levels of [`Claim`]. Reads no file.
//!
//! Each value is written to a register once, so that who wrote what was read is known for certain. Unlike a list, a register
//! does not tell which of two versions came first. What is decided, and how:
//!
//! - *read-uncommitted* holds whatever was read: any order of versions without a write cycle will do, and there is one.
//! - *read-committed* is decided: it is broken by aborted, intermediate and future reads, by values that nobody wrote, and by
//!   cycles of reads. Without these, versions in any order of such dependencies have no cycle.
//! - *repeatable-read*, *serializable* and the claims above: an order of the transactions is looked for, first the one in
//!   which they ended. Where it fails, each two writers of a register are put into the one order that is left to them, again and
//!   again (after `T` overwrites what `R` read, `R` came before `T`); where both are left, each is tried. A contradiction is a
//!   violation, an order is a proof. *Snapshot isolation* the same with a snapshot and a commit for each transaction, of which no
//!   two of writers of one register overlap.
//! - Beyond some thousand transactions, or too many tries, the answer is unknown if no order was found and nothing is wrong
//!   without one: it is never ok.
//!
//! Indeterminate transactions happened iff something of theirs was read: others can be left out. Reads of *nil* are reads of
//! the initial value.

mod direct;
mod greedy;
#[cfg(any(test, feature = "testkit"))]
pub mod oracle;
mod read;
mod solve;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::BTreeMap;

use super::components::{Graph, Successors as _};
use super::cycles::{self, CLASSES, Cycle};
use super::graph::{PROCESS, WR};
use super::{Analysis, Claim, realtime};
use crate::allowance::{Allowance, Meter, Stop};
use crate::format::ReadError;
use crate::history::{History, Value};
use crate::outcome::{Anomaly, Outcome};
use read::Registers;
use solve::{Level, Solved};

pub use verify::verify_order;

/// Judges a history of such transactions by a claim. `initial` is what every register holds at first; nothing if none.
///
/// # Errors
/// The first operation that is no such transaction, or the second write of one value to one register.
pub fn check(
    history: &History,
    claim: Claim,
    initial: Option<&Value>,
    allowance: Allowance<'_>,
) -> Result<Outcome, ReadError> {
    analyse(history, initial, allowance).map(|analysis| analysis.outcome(claim))
}

/// Finds what is wrong with such a history, as far as the allowance goes.
pub(crate) fn analyse(
    history: &History,
    initial: Option<&Value>,
    allowance: Allowance<'_>,
) -> Result<Analysis, ReadError> {
    let meter = allowance.meter();
    match analysed(history, initial, &meter) {
        Ok(analysis) => Ok(analysis),
        Err(Stop::Input(error)) => Err(error),
        Err(Stop::Budget(budget)) => Ok(Analysis { cut: Some(budget), ..Analysis::nothing() }),
    }
}

fn analysed(history: &History, initial: Option<&Value>, meter: &Meter<'_>) -> Result<Analysis, Stop> {
    let all = Registers::of(history, initial, meter)?;
    let mut analysis = Analysis::nothing();
    analysis.anomalies = direct::anomalies(&all, meter);
    analysis.anomalies.extend(dirty_cycles(&all, meter));
    analysis.open = all.lacks();
    let broken = |analysis: &Analysis, claim: Claim| !analysis.holds(claim);
    for level in [Level::Strict, Level::Session, Level::Serial, Level::Snapshot, Level::StrongSnapshot] {
        let closed = |claim: Claim| analysis.open.iter().any(|(open, _)| *open == claim);
        if broken(&analysis, level.claim()) || closed(level.claim()) {
            continue;
        }
        let proved = analysis.order.as_ref().map(|(claim, _)| *claim);
        if proved.is_some_and(|proved| level.follows_from(proved)) {
            continue;
        }
        if let Some(order) = greedy::order(&all, level, meter) {
            analysis.order = analysis.order.take().or(Some((level.claim(), order)));
            continue;
        }
        match solve::solve(&all, level, meter)? {
            Solved::Order(order) => {
                analysis.order = analysis.order.take().or(order.map(|order| (level.claim(), order)));
            }
            Solved::Never(anomaly) => analysis.anomalies.push(anomaly),
            Solved::Open(why) => level.claims().iter().for_each(|claim| analysis.open.push((*claim, why.clone()))),
        }
    }
    analysis.cut = meter.is_over().then(|| meter.time());
    Ok(analysis)
}

/// Cycles of what was read, alone, with the order of processes, and with real time.
fn dirty_cycles(all: &Registers, meter: &Meter<'_>) -> Vec<Anomaly> {
    let class = CLASSES[1];
    let graph = |processes: bool| {
        Graph::build(all.len(), |add| {
            all.dependencies(|writer, reader| add(writer, reader, WR));
            if processes {
                all.sessions(|one, next| add(one, next, PROCESS));
            }
        })
    };
    let mut budget = cycles::STEPS_MAX;
    let mut found: BTreeMap<&'static str, Cycle> = BTreeMap::new();
    let plain = graph(false);
    let Some(components) = plain.components(meter) else { return Vec::new() };
    let cycles: Vec<Cycle> = if components.acyclic() {
        let mut cycles =
            if all.untimed { Vec::new() } else { realtime::cycles(&plain, &components, class, &all.moments(), meter) };
        let (sessions, class) = (graph(true), class.with_processes());
        let cyclic = sessions.components(meter).filter(|components| !components.acyclic());
        cycles.extend(cyclic.and_then(|found| cycles::shortest(&sessions, &found, class, &mut budget, meter)));
        cycles
    } else {
        cycles::shortest(&plain, &components, class, &mut budget, meter).into_iter().collect()
    };
    for cycle in cycles {
        found.entry(cycles::kind(&cycle).name()).or_insert(cycle);
    }
    found.values().map(|cycle| direct::told(all, cycle, cycles::kind(cycle))).collect()
}
