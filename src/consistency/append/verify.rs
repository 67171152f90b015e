//! Re-checks an order of transactions by running them one after the other on plain lists. Shares no code with the checker.

use std::collections::{BTreeMap, BTreeSet};

use super::Claim;
use crate::history::{Completion, History, Operation, Value};

/// Runs the transactions of a history in an order and compares every list that they read.
///
/// # Errors
/// The first contradiction: a list that differs, a transaction that is missing, there twice or failed, or two that the
/// claim puts the other way round.
pub fn verify_order(history: &History, claim: Claim, order: &[u32]) -> Result<(), String> {
    let mut placed = BTreeSet::new();
    let mut lists: BTreeMap<&Value, Vec<&Value>> = BTreeMap::new();
    let mut run: Vec<&Operation> = Vec::with_capacity(order.len());
    for number in order {
        let operation = history.operations.get(*number as usize).ok_or_else(|| format!("there is no T{number}"))?;
        if !placed.insert(*number) || operation.completion == Completion::Fail {
            return Err(format!("T{number} is there twice, or failed"));
        }
        apply(operation, &mut lists).map_err(|wrong| format!("T{number} {wrong}"))?;
        run.push(operation);
    }
    let missing = (0_u32..)
        .zip(&history.operations)
        .find(|(number, operation)| operation.completion == Completion::Ok && !placed.contains(number));
    if let Some((number, _)) = missing {
        return Err(format!("T{number} happened and is missing"));
    }
    verify_times(claim, &run)
}

/// Whether an order agrees with what the claim says of sessions and time.
pub(super) fn verify_times(claim: Claim, run: &[&Operation]) -> Result<(), String> {
    match claim {
        Claim::StrictSerializable | Claim::StrongSnapshotIsolation => realtime(run),
        Claim::StrongSessionSerializable => processes(run),
        Claim::Serializable
        | Claim::SnapshotIsolation
        | Claim::RepeatableRead
        | Claim::ReadCommitted
        | Claim::ReadUncommitted => Ok(()),
    }
}

fn apply<'a>(operation: &'a Operation, lists: &mut BTreeMap<&'a Value, Vec<&'a Value>>) -> Result<(), String> {
    let done = operation.completion == Completion::Ok;
    let micros = if done { &operation.output } else { &operation.input };
    let Value::List(micros) = micros else { return Err("is no list".to_owned()) };
    for micro in micros.iter() {
        let Value::List(parts) = micro else { return Err(format!("has {micro}")) };
        let [word, key, value] = &**parts else { return Err(format!("has {micro}")) };
        let list = lists.entry(key).or_default();
        let Some(word) = word.word() else { return Err(format!("has {micro}")) };
        if word.ends_with("append") {
            list.push(value);
        } else if done {
            let same = match value {
                Value::Nil => list.is_empty(),
                Value::List(read) => list.iter().copied().eq(read.iter()),
                _ => false,
            };
            if !same {
                return Err(format!("read {key} as {value}, in this order it would not"));
            }
        }
    }
    Ok(())
}

/// None that was called after another had ended stands before it.
fn realtime(run: &[&Operation]) -> Result<(), String> {
    let mut latest_call = 0;
    for operation in run {
        if operation.finish() < latest_call {
            return Err(format!(
                "the transaction of line {} ended before one began that precedes it",
                operation.call.line
            ));
        }
        latest_call = latest_call.max(operation.call.at);
    }
    Ok(())
}

/// Those of one process stand in the order in which it did them.
fn processes(run: &[&Operation]) -> Result<(), String> {
    let mut latest: BTreeMap<u64, u64> = BTreeMap::new();
    for operation in run {
        let call = latest.entry(operation.process).or_insert(0);
        if operation.finish() < *call {
            return Err(format!(
                "the transaction of line {} precedes one that its process did first",
                operation.call.line
            ));
        }
        *call = operation.call.at.max(*call);
    }
    Ok(())
}
