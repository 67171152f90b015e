//! Cycles in sentences: which transactions, which keys, and why each edge is there. Finds nothing itself.

use super::cycles;
use super::graph::{LINK, MAYBE, PROCESS, REALTIME, RW, WR, WW};
use super::versions::Versions;
use super::{Micro, Transactions, What};
use crate::allowance::Meter;
use crate::outcome::Anomaly;

const WITNESS_MAX: usize = 6;
/// Steps of a long cycle that are told: they name six transactions.
const TOLD_MAX: usize = 5;
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

/// The anomaly of a cycle of nodes of the graph. Group nodes are left out, edges that follow from one another are joined. Of a
/// long cycle the first step, those that did not see something, and the last are told: the last is the one that contradicts.
pub(super) fn anomaly(all: &Transactions, versions: &Versions, cycle: &[(u32, u32)], meter: &Meter<'_>) -> Anomaly {
    let kind = cycles::kind(cycle);
    let mut steps = shortened(all, versions, steps(all, cycle), meter);
    rotate(&mut steps);
    let told = chosen(&steps);
    let mut key = None;
    let mut reasons: Vec<String> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut next = 0;
    for at in &told {
        let step = &steps[*at];
        if *at > next {
            let (count, from) = (at - next, &steps[next]);
            let steps = if count == 1 { "1 more step leads".to_owned() } else { format!("{count} more steps lead") };
            reasons.push(format!("{steps} from {} to {}", name(from.from), name(step.from)));
            names.push(name(from.from));
            // Two neighbours have nothing between them.
            names.extend((count > 1).then(|| "…".to_owned()));
        }
        let (on, reason) = reason(all, versions, step);
        key = key.or(on);
        reasons.push(reason);
        names.push(name(step.from));
        next = at + 1;
    }
    names.extend(steps.first().map(|first| name(first.from)));
    let sentence = format!("{}: so {}, which no order allows", reasons.join("; "), names.join(" < "));
    let mut witness: Vec<u32> = Vec::new();
    for transaction in told.iter().flat_map(|at| [steps[*at].from, steps[*at].to]) {
        if witness.len() < WITNESS_MAX && !witness.contains(&transaction) {
            witness.push(transaction);
        }
    }
    Anomaly { kind, key: key.map(|key| all.keys.name(key)), witness, sentence }
}

/// The last step is the one that contradicts those before: somebody did not see something, or time had passed. Where there is
/// none, the first transaction begins.
fn rotate(steps: &mut [Step]) {
    let last = |label: u32| steps.iter().rposition(|step| step.label == label);
    let closing = last(RW).or_else(|| last(REALTIME)).or_else(|| last(PROCESS));
    let first = closing.map_or_else(
        || (0..steps.len()).min_by_key(|at| steps[*at].from).unwrap_or(0),
        |closing| (closing + 1) % steps.len(),
    );
    steps.rotate_left(first);
}

/// Which steps are told.
fn chosen(steps: &[Step]) -> Vec<usize> {
    if steps.len() <= WITNESS_MAX {
        return (0..steps.len()).collect();
    }
    let last = steps.len() - 1;
    let middle = (1..last).filter(|at| steps[*at].label == RW).take(TOLD_MAX - 2);
    std::iter::once(0).chain(middle).chain([last]).collect()
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

/// Joins neighbours that give an edge of the same kind together, while there is time: `ww` of one key, and the order of one
/// process.
fn shortened(all: &Transactions, versions: &Versions, steps: Vec<Step>, meter: &Meter<'_>) -> Vec<Step> {
    let key = |step: &Step| versions.overwritten(all, step.from, step.to).map(|(key, _, _)| key);
    let mut left = steps.len();
    let mut joined: Vec<Step> = Vec::with_capacity(steps.len());
    for step in steps {
        let same = joined.last().is_some_and(|last: &Step| {
            last.label == step.label
                && left > 2
                && !meter.spent(64)
                && (step.label == PROCESS || ([WW, MAYBE].contains(&step.label) && key(last) == key(&step)))
        });
        match joined.last_mut() {
            Some(last) if same => {
                last.to = step.to;
                left -= 1;
            }
            _ => joined.push(step),
        }
    }
    joined
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
    let appended = |micro: &Micro| {
        let list = all.list(*micro)?;
        let next = versions.writers(micro.key)[list.len().min(versions.writers(micro.key).len())..].first();
        let unseen =
            |other: &&Micro| other.what == What::Append && other.key == micro.key && !list.contains(&other.value);
        let append = all.micros(step.to).iter().find(unseen)?;
        (next.is_none() || next == Some(&step.to)).then_some((micro.key, append.value))
    };
    let (key, element) = all.micros(step.from).iter().filter(|micro| micro.what == What::Read).find_map(appended)?;
    let (on, element) = (all.keys.name(key), all.element(element));
    Some((Some(key), format!("{} read {on} without {element}, which {} appended", name(step.from), name(step.to))))
}

fn overwritten(all: &Transactions, versions: &Versions, step: &Step) -> Option<(Option<u32>, String)> {
    let (on, first, second) = versions.overwritten(all, step.from, step.to)?;
    let (key, before, after) = (all.keys.name(on), all.element(first), all.element(second));
    Some((
        Some(on),
        format!("{} appended {before} to {key} before {} appended {after}", name(step.from), name(step.to)),
    ))
}

impl Versions {
    /// A key to which one transaction appended before another did, and what.
    fn overwritten(&self, all: &Transactions, from: u32, to: u32) -> Option<(u32, i64, i64)> {
        let appends = |transaction: u32| all.micros(transaction).iter().filter(|micro| micro.what == What::Append);
        appends(from).find_map(|one| {
            let first = self.place(one.key, one.value)?;
            let later = |other: &&Micro| {
                other.key == one.key && self.place(other.key, other.value).is_none_or(|place| place > first)
            };
            let second =
                appends(to).filter(later).min_by_key(|other| self.place(other.key, other.value).unwrap_or(u32::MAX))?;
            Some((one.key, one.value, second.value))
        })
    }
}
