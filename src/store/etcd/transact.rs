//! Transactions over several keys of etcd: one snapshot, and one transaction that writes if nothing of what was read has
//! changed since. A transaction that lost the race failed for certain, since etcd then changed nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::api;
use super::client::{At, Etcd, readable};
use crate::consistency::Value;
use crate::store::values;
use crate::workload::{Micro, Outcome, words};

/// The keys that were read, with their values and revisions.
struct Snapshot {
    entries: BTreeMap<Arc<str>, (String, i64)>,
}

impl Snapshot {
    fn text(&self, key: &str) -> &str {
        self.entries.get(key).map_or("", |(value, _)| value)
    }

    fn number(&self, key: &str) -> Result<i64, Outcome> {
        match self.text(key) {
            "" => Ok(0),
            text => text.parse().map_err(|_| Outcome::info(format!("{key} holds `{text}`, which is no number"))),
        }
    }
}

/// Reads several keys at one moment. `serializable` reads may be old.
async fn snapshot(etcd: &mut Etcd, at: At, keys: &[Arc<str>], serializable: bool) -> Result<Snapshot, Outcome> {
    let answer = etcd.call(at, "/v3/kv/txn", &api::snapshot(keys, serializable)).await?;
    let txn = readable(api::txn(&answer).filter(|txn| txn.ranges.len() == keys.len()), "txn")?;
    let entry = |found: Option<&api::Found>| found.map_or((String::new(), 0), |f| (f.value.clone(), f.revision));
    let entries = keys.iter().zip(&txn.ranges).map(|(key, range)| (key.clone(), entry(range.first())));
    Ok(Snapshot { entries: entries.collect() })
}

/// Writes if nothing that was read has changed.
async fn commit(etcd: &mut Etcd, at: At, read: &Snapshot, puts: &[(Arc<str>, String)]) -> Result<Option<i64>, Outcome> {
    let revisions: Vec<(Arc<str>, i64)> = read.entries.iter().map(|(key, (_, at))| (key.clone(), *at)).collect();
    let answer = etcd.call(at, "/v3/kv/txn", &api::unchanged(&revisions, puts)).await?;
    let txn = readable(api::txn(&answer), "txn")?;
    if txn.succeeded { Ok(txn.revision) } else { Err(Outcome::fail("compare failed: a key has changed meanwhile")) }
}

pub(super) async fn append(etcd: &mut Etcd, at: At, steps: &[Micro]) -> Result<Outcome, Outcome> {
    let mut keys: Vec<Arc<str>> = steps.iter().map(|step| step.key().clone()).collect();
    keys.sort();
    keys.dedup();
    let writes = steps.iter().any(|step| matches!(step, Micro::Append(..)));
    let serializable = etcd.serializable() && !writes;
    let read = snapshot(etcd, at, &keys, serializable).await?;
    let mut now: BTreeMap<Arc<str>, String> =
        read.entries.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect();
    let mut results = Vec::with_capacity(steps.len());
    let mut changed = BTreeMap::new();
    for step in steps {
        let list = now.entry(step.key().clone()).or_default();
        match step {
            Micro::Read(_) => results.push(words::micro(step, values::parse_elements(list))),
            Micro::Append(key, element) => {
                *list = values::with_element(list, *element);
                changed.insert(key.clone(), list.clone());
                results.push(words::micro(step, Value::Nil));
            }
        }
    }
    let result = Outcome::ok(words::list(results));
    if changed.is_empty() {
        return Ok(result);
    }
    let puts: Vec<(Arc<str>, String)> = changed.into_iter().collect();
    let revision = commit(etcd, at, &read, &puts).await?;
    Ok(Outcome { revision, ..result })
}

pub(super) async fn open(etcd: &mut Etcd, at: At, accounts: &[Arc<str>], balance: i64) -> Result<Outcome, Outcome> {
    let read = Snapshot { entries: BTreeMap::new() };
    let puts: Vec<(Arc<str>, String)> = accounts.iter().map(|name| (name.clone(), balance.to_string())).collect();
    commit(etcd, at, &read, &puts).await?;
    Ok(Outcome::ok(Value::Nil))
}

pub(super) async fn transfer(
    etcd: &mut Etcd,
    at: At,
    from: &Arc<str>,
    to: &Arc<str>,
    n: i64,
) -> Result<Outcome, Outcome> {
    let read = snapshot(etcd, at, &[from.clone(), to.clone()], false).await?;
    let (source, target) = (read.number(from)?, read.number(to)?);
    if source < n {
        return Err(Outcome::fail(format!("{from} has only {source}")));
    }
    let puts = [(from.clone(), (source - n).to_string()), (to.clone(), (target + n).to_string())];
    let revision = commit(etcd, at, &read, &puts).await?;
    Ok(Outcome { revision, ..Outcome::ok(words::transfer(from, to, n)) })
}

pub(super) async fn balances(etcd: &mut Etcd, at: At, accounts: &[Arc<str>]) -> Result<Outcome, Outcome> {
    let serializable = etcd.serializable();
    let read = snapshot(etcd, at, accounts, serializable).await?;
    let balances = accounts.iter().map(|name| Ok((name, read.number(name)?))).collect::<Result<Vec<_>, Outcome>>()?;
    Ok(Outcome::ok(words::balances(balances)))
}

pub(super) async fn increment(etcd: &mut Etcd, at: At, counter: &Arc<str>, by: i64) -> Result<Outcome, Outcome> {
    let read = snapshot(etcd, at, std::slice::from_ref(counter), false).await?;
    let sum = read.number(counter)? + by;
    let revision = commit(etcd, at, &read, &[(counter.clone(), sum.to_string())]).await?;
    Ok(Outcome { revision, ..Outcome::ok(Value::Int(by)) })
}
