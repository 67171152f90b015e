//! Re-checks an order of transactions by running them one after the other on plain registers. Shares no code with the checker.

use std::collections::{BTreeMap, BTreeSet};

use crate::append::{Claim, verify_times};
use crate::history::{Completion, History, Operation, Value};

/// Runs the transactions of a history in an order and compares everything that they read.
///
/// # Errors
/// The first contradiction: a value that differs, a transaction that is missing, there twice or failed, or two that the claim
/// puts the other way round.
pub fn verify_order(history: &History, claim: Claim, initial: Option<&Value>, order: &[u32]) -> Result<(), String> {
    let mut placed = BTreeSet::new();
    let mut registers: BTreeMap<&Value, &Value> = BTreeMap::new();
    let mut run: Vec<&Operation> = Vec::with_capacity(order.len());
    for number in order {
        let operation = history.operations.get(*number as usize).ok_or_else(|| format!("there is no T{number}"))?;
        if !placed.insert(*number) || operation.completion == Completion::Fail {
            return Err(format!("T{number} is there twice, or failed"));
        }
        apply(operation, initial.unwrap_or(&Value::Nil), &mut registers)
            .map_err(|wrong| format!("T{number} {wrong}"))?;
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

fn apply<'a>(
    operation: &'a Operation,
    initial: &'a Value,
    registers: &mut BTreeMap<&'a Value, &'a Value>,
) -> Result<(), String> {
    let done = operation.completion == Completion::Ok;
    let Value::List(micros) = (if done { &operation.output } else { &operation.input }) else {
        return Err("is no list".to_owned());
    };
    for micro in micros.iter() {
        let Value::List(parts) = micro else { return Err(format!("has {micro}")) };
        let [word, key, value] = &**parts else { return Err(format!("has {micro}")) };
        if word.word().is_some_and(|word| word.ends_with('w')) {
            registers.insert(key, value);
        } else if done && registers.get(key).copied().unwrap_or(initial) != value {
            return Err(format!("read {key} as {value}, in this order it would not"));
        }
    }
    Ok(())
}
