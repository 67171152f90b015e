//! The text histories of Plume, PolySI and IsoVista: one access of a transaction a line, `r(KEY,VALUE,SESSION,TRANSACTION)` or
//! `w(…)`. Joins nothing itself.
//!
//! All values are whole numbers; every register holds 0 at first. A session's transactions stand in its order; nothing tells when
//! they ran. Transaction -1 stands for all that were aborted, of which only the writes are there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::{ReadError, Wrong, quoted};
use super::join::{Event, EventType, Joiner};
use crate::history::{Completion, Value};

/// One line.
struct Access {
    write: bool,
    key: i64,
    value: i64,
    session: u64,
    /// None if it was aborted.
    transaction: Option<i64>,
}

/// What was done in one transaction, and its last line.
struct Transaction {
    session: u64,
    accesses: Vec<Access>,
    line: u64,
}

pub(super) fn read(text: &str, joiner: &mut Joiner<'_>) -> Result<(), ReadError> {
    let mut transactions: Vec<Transaction> = Vec::new();
    let mut places: BTreeMap<(u64, i64), usize> = BTreeMap::new();
    let mut zeros: BTreeSet<i64> = BTreeSet::new();
    for (number, line) in (1_u64..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let access = access(line.trim()).ok_or_else(|| {
            let what = format!("{} is no access", quoted(line.trim()));
            Wrong::new(what, "a line is written r(KEY,VALUE,SESSION,TRANSACTION) or w(…), all whole numbers")
                .on(number, 1)
        })?;
        if access.write && access.value == 0 {
            zeros.insert(access.key);
        }
        let new = transactions.len();
        let place = access.transaction.map_or(new, |id| *places.entry((access.session, id)).or_insert(new));
        if place == new {
            transactions.push(Transaction { session: access.session, accesses: Vec::new(), line: number });
        }
        transactions[place].line = number;
        transactions[place].accesses.push(access);
        if joiner.is_over() {
            return Ok(());
        }
    }
    for transaction in transactions {
        let line = transaction.line;
        joiner.push(event(transaction, &zeros)).map_err(|wrong| wrong.on(line, 1))?;
    }
    Ok(())
}

/// Whether the text begins like such a history.
pub(super) fn is_plume(text: &str) -> bool {
    text.lines().find(|line| !line.trim().is_empty()).is_some_and(|line| access(line.trim()).is_some())
}

fn access(line: &str) -> Option<Access> {
    let (word, rest) = line.split_once('(')?;
    let write = match word {
        "w" => true,
        "r" => false,
        _ => return None,
    };
    let mut fields = rest.strip_suffix(')')?.split(',').map(str::trim);
    let (key, value) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let (session, transaction) = (fields.next()?.parse().ok()?, fields.next()?.parse::<i64>().ok()?);
    let transaction = Some(transaction).filter(|transaction| *transaction != -1);
    fields.next().is_none().then_some(Access { write, key, value, session, transaction })
}

fn event(transaction: Transaction, zeros: &BTreeSet<i64>) -> Event {
    let aborted = transaction.accesses.iter().any(|access| access.transaction.is_none());
    let micro = |access: &Access| {
        let value = match access.value {
            // What was there at first, unless somebody wrote it.
            0 if !access.write && !zeros.contains(&access.key) => Value::Nil,
            value => Value::Int(value),
        };
        let word = if access.write { "w" } else { "r" };
        Value::List([Value::Text(Arc::from(word)), Value::Int(access.key), value].into())
    };
    Event {
        line: transaction.line,
        index: None,
        time: None,
        process: Some(transaction.session),
        kind: EventType::End(if aborted { Completion::Fail } else { Completion::Ok }),
        function: None,
        key: None,
        value: Value::List(transaction.accesses.iter().map(micro).collect()),
        node: None,
        saw: None,
    }
}
