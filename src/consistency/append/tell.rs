//! Cycles in sentences: which transactions, which keys, and why each edge is there. Finds nothing itself.

use super::cycles;
use super::graph::{LINK, PROCESS, REALTIME, RW, WR, WW};
use super::versions::Versions;
use super::{Transactions, What};
use crate::allowance::Meter;
use crate::outcome::Anomaly;

const WITNESS_MAX: usize = 6;
const ELEMENTS_MAX: usize = 12;

/// A transaction's name: the index of its operation.
pub(super) fn name(transaction: u32) -> String {
    format!("T{transaction}")
}

/// A list, shortened in its middle.
pub(super) fn list(all: &Transactions, list: &[i64]) -> String {
    let told = |part: &[i64]| part.iter().map(|value| all.element(*value)).collect::<Vec<_>>().join(" ");
    if list.len() <= ELEMENTS_MAX {
        return format!("[{}]", told(list));
    }
    format!("[{} … {}]", told(&list[..2]), told(&list[list.len() - ELEMENTS_MAX + 3..]))
}

/// An edge between two transactions.
struct Step {
    from: u32,
    to: u32,
    label: u32,
}

/// The anomaly of a cycle of nodes of the graph. Chain and group nodes are left out, edges that follow from one another
/// are joined.
pub(super) fn anomaly(all: &Transactions, versions: &Versions, cycle: &[(u32, u32)], meter: &Meter<'_>) -> Anomaly {
    let kind = cycles::kind(cycle);
    let steps = shortened(all, versions, steps(all, cycle), meter);
    let mut key = None;
    let mut reasons: Vec<String> = Vec::new();
    for step in steps.iter().take(WITNESS_MAX) {
        let (on, reason) = reason(all, versions, step);
        key = key.or(on);
        reasons.push(reason);
    }
    let more = steps.len().saturating_sub(WITNESS_MAX);
    if more > 0 {
        reasons.push(format!("and {more} more steps lead back"));
    }
    let names: Vec<String> =
        steps.iter().chain(steps.first()).take(WITNESS_MAX + 1).map(|step| name(step.from)).collect();
    let dots = if more > 0 { " < …" } else { "" };
    let sentence = format!("{}: so {}{dots}, which no order allows", reasons.join("; "), names.join(" < "));
    let witness = steps.iter().take(WITNESS_MAX).map(|step| step.from).collect();
    Anomaly { kind, key: key.map(|key| all.keys.name(key)), witness, sentence }
}

/// The steps between transactions; the first edge that leaves a transaction says why.
fn steps(all: &Transactions, cycle: &[(u32, u32)]) -> Vec<Step> {
    let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
    let Some(first) = cycle.iter().position(|(node, _)| *node < count) else { return Vec::new() };
    let mut steps: Vec<Step> = Vec::new();
    for (node, label) in cycle[first..].iter().chain(&cycle[..first]) {
        if *node < count {
            steps.push(Step { from: *node, to: *node, label: *label });
        } else if let Some(step) = steps.last_mut()
            && step.label == LINK
        {
            step.label = *label;
        }
    }
    for at in 0..steps.len() {
        steps[at].to = steps[(at + 1) % steps.len()].from;
    }
    steps
}

/// Joins neighbours that give an edge of the same kind together, while there is time: `ww` of one key, and real time.
fn shortened(all: &Transactions, versions: &Versions, mut steps: Vec<Step>, meter: &Meter<'_>) -> Vec<Step> {
    let key = |step: &Step| reason(all, versions, step).0;
    let mut at = 0;
    while steps.len() > 2 && at + 1 < steps.len() && !meter.spent(64 + steps.len()) {
        let (one, next) = (&steps[at], &steps[at + 1]);
        let joined = one.label == next.label
            && (one.label == REALTIME || one.label == PROCESS || (one.label == WW && key(one) == key(next)));
        if joined {
            steps[at].to = steps[at + 1].to;
            steps.remove(at + 1);
        } else {
            at += 1;
        }
    }
    steps
}

/// The key of an edge, and why it is there.
fn reason(all: &Transactions, versions: &Versions, step: &Step) -> (Option<u32>, String) {
    let (from, to) = (name(step.from), name(step.to));
    match step.label {
        REALTIME => (None, format!("{from} had ended before {to} began")),
        PROCESS => (None, format!("one process ran {from} and then {to}")),
        WR => read_by(all, versions, step).unwrap_or_else(|| (None, format!("{to} read what {from} appended"))),
        RW => {
            overtaken(all, versions, step).unwrap_or_else(|| (None, format!("{from} did not see what {to} appended")))
        }
        _ => overwritten(all, versions, step).unwrap_or_else(|| (None, format!("{to} appended after {from}"))),
    }
}

fn read_by(all: &Transactions, versions: &Versions, step: &Step) -> Option<(Option<u32>, String)> {
    let micro = all.micros(step.to).iter().find(|micro| {
        micro.what == What::Read
            && usize::try_from(micro.value - 1).is_ok_and(|at| versions.writers(micro.key)[at] == step.from)
    })?;
    let last = all.list(*micro)?.last()?;
    let (key, element) = (all.keys.name(micro.key), all.element(*last));
    Some((Some(micro.key), format!("{} read {element} in {key}, which {} appended", name(step.to), name(step.from))))
}

fn overtaken(all: &Transactions, versions: &Versions, step: &Step) -> Option<(Option<u32>, String)> {
    let appended = |micro: &super::Micro| {
        let list = all.list(*micro)?;
        let next = versions.writers(micro.key)[list.len().min(versions.writers(micro.key).len())..].first();
        let unseen = |other: &&super::Micro| {
            other.what == What::Append && other.key == micro.key && !list.contains(&other.value)
        };
        let append = all.micros(step.to).iter().find(unseen)?;
        (next.is_none() || next == Some(&step.to)).then_some((micro.key, append.value))
    };
    let (key, element) = all.micros(step.from).iter().filter(|micro| micro.what == What::Read).find_map(appended)?;
    let (on, element) = (all.keys.name(key), all.element(element));
    Some((Some(key), format!("{} read {on} without {element}, which {} appended", name(step.from), name(step.to))))
}

fn overwritten(all: &Transactions, versions: &Versions, step: &Step) -> Option<(Option<u32>, String)> {
    let appends = |transaction: u32| all.micros(transaction).iter().filter(|micro| micro.what == What::Append);
    appends(step.from).find_map(|one| {
        let place = |value: i64| all.longest[one.key as usize].iter().position(|other| *other == value);
        let first = place(one.value)?;
        let unread = all.longest[one.key as usize].len();
        let second = appends(step.to)
            .filter(|other| other.key == one.key && place(other.value).unwrap_or(unread) > first)
            .min_by_key(|other| place(other.value).unwrap_or(unread))?;
        let _ = versions;
        let (key, before, after) = (all.keys.name(one.key), all.element(one.value), all.element(second.value));
        Some((
            Some(one.key),
            format!("{} appended {before} to {key} before {} appended {after}", name(step.from), name(step.to)),
        ))
    })
}
