//! A first look at a recording, by rules that a person can check in their head. The checkers of `consistency` are the
//! judges; this only says whether a run showed what it was made to show.

use std::collections::{BTreeMap, BTreeSet};

use driftproof::consistency::{Completion, Value};
use driftproof::workload::{Action, Micro, Outcome, Target};

use super::drive::Recording;

/// A call and what became of it, by places in the recording.
struct Done<'a> {
    call: usize,
    end: usize,
    action: &'a Action,
    target: Target,
    outcome: &'a Outcome,
}

fn done(recording: &Recording) -> Vec<Done<'_>> {
    let mut open = BTreeMap::new();
    let mut all = Vec::new();
    for (end, event) in recording.events.iter().enumerate() {
        match &event.outcome {
            None => drop(open.insert(event.request.process, end)),
            Some(outcome) => {
                let call = open.remove(&event.request.process).expect("a call before its end");
                all.push(Done { call, end, action: &event.request.action, target: event.request.target, outcome });
            }
        }
    }
    all
}

fn ok(done: &Done<'_>) -> bool {
    done.outcome.completion == Completion::Ok
}

/// What was found, for people. Empty when nothing was.
pub(crate) fn look(recording: &Recording) -> Vec<String> {
    let done = done(recording);
    let mut found = Vec::new();
    stale_reads(&done, &mut found);
    lost_elements(&done, &mut found);
    lists(&done, &mut found);
    totals(&done, &mut found);
    two_from_one(&done, &mut found);
    found
}

/// Two successful compare-and-sets from one value.
fn two_from_one(done: &[Done<'_>], found: &mut Vec<String>) {
    let mut seen = BTreeMap::new();
    for one in done.iter().filter(|one| ok(one)) {
        if let Action::Cas { key, from, to } = one.action
            && let Some(other) = seen.insert((key, from), to)
        {
            found.push(format!("lost update of {key}: {from} became both {other} and {to}"));
        }
    }
}

/// A read began after a write ended that began after the write of what was read ended.
fn stale_reads(done: &[Done<'_>], found: &mut Vec<String>) {
    let written = |one: &Done<'_>| match one.action {
        Action::Write { key, value } | Action::Cas { key, to: value, .. } if ok(one) => Some((key.clone(), *value)),
        _ => None,
    };
    let writes: Vec<_> = done.iter().filter_map(|one| Some((written(one)?, one))).collect();
    for read in done.iter().filter(|one| ok(one)) {
        let (Action::Read { key }, Value::Int(value)) = (read.action, &read.outcome.value) else { continue };
        let own = writes.iter().find(|((other, written), _)| other == key && written == value);
        let Some((_, own)) = own else { continue };
        let newer =
            writes.iter().find(|((other, _), write)| other == key && write.call > own.end && write.end < read.call);
        if let Some(((_, newer), _)) = newer {
            let node = read.outcome.node.as_deref().unwrap_or("?");
            found.push(format!("stale read of {key} at {node}: {value}, after {newer} had been written"));
        }
    }
}

/// Acknowledged, but not in the last read of each replica; or there twice.
fn lost_elements(done: &[Done<'_>], found: &mut Vec<String>) {
    let mut finals: BTreeMap<_, BTreeMap<_, Vec<Value>>> = BTreeMap::new();
    for one in done.iter().filter(|one| ok(one)) {
        if let (Action::Members { set }, Target::Replica(replica), Value::List(items)) =
            (one.action, one.target, &one.outcome.value)
        {
            finals.entry(set.clone()).or_default().insert(replica, items.to_vec());
        }
    }
    let mut lost = Vec::new();
    for one in done.iter().filter(|one| ok(one)) {
        if let Action::Add { set, element } = one.action {
            let replicas = finals.get(set).into_iter().flatten();
            if replicas.clone().any(|(_, items)| !items.contains(&Value::Int(*element))) {
                lost.push(*element);
            }
        }
    }
    if !lost.is_empty() {
        found.push(format!("{} acknowledged elements are gone, the first {}", lost.len(), lost[0]));
    }
    for (set, items) in finals.iter().flat_map(|(set, replicas)| replicas.values().map(move |items| (set, items))) {
        let unique: BTreeSet<_> = items.iter().collect();
        if unique.len() < items.len() {
            found.push(format!("{set} holds elements twice"));
        }
    }
}

/// Lists that are not beginnings of each other, and acknowledged appends that are in no last list.
fn lists(done: &[Done<'_>], found: &mut Vec<String>) {
    let mut seen: BTreeMap<String, Vec<Vec<Value>>> = BTreeMap::new();
    let mut appended = Vec::new();
    for one in done.iter().filter(|one| ok(one)) {
        let (Action::Transact { steps }, Value::List(results)) = (one.action, &one.outcome.value) else { continue };
        let mut own = BTreeSet::new();
        for (step, result) in steps.iter().zip(results.iter()) {
            match (step, result) {
                (Micro::Append(key, element), _) => {
                    own.insert(key.clone());
                    appended.push((key.to_string(), *element));
                }
                (Micro::Read(key), Value::List(parts)) => {
                    if let Some(Value::List(list)) = parts.get(2) {
                        seen.entry(key.to_string()).or_default().push(list.to_vec());
                    }
                }
                _ => {}
            }
        }
    }
    for (key, lists) in &mut seen {
        let newest = lists.last().cloned().unwrap_or_default();
        let gone = |(other, element): &&(String, i64)| other == key && !newest.contains(&Value::Int(*element));
        let lost: Vec<_> = appended.iter().filter(gone).collect();
        if !lost.is_empty() {
            found.push(format!("{} acknowledged appends to {key} are gone, the first {}", lost.len(), lost[0].1));
        }
        lists.sort_by_key(Vec::len);
        if let Some(pair) = lists.windows(2).find(|pair| !pair[1].starts_with(&pair[0])) {
            found.push(format!("two orders of {key}: {} and {} elements", pair[0].len(), pair[1].len()));
        }
    }
}

/// Balances whose total is not what it was at first.
fn totals(done: &[Done<'_>], found: &mut Vec<String>) {
    for one in done.iter().filter(|one| ok(one)) {
        let (Action::Balances { accounts }, Value::Map(entries)) = (one.action, &one.outcome.value) else { continue };
        let balance = |value: &Value| if let Value::Int(value) = value { *value } else { 0 };
        let total: i64 = entries.iter().map(|(_, value)| balance(value)).sum();
        let expected = 100 * i64::try_from(accounts.len()).expect("few accounts");
        if total != expected {
            found.push(format!("the total is {total}, not {expected}"));
        }
    }
}
