//! A lock in etcd: a key bound to a lease. The revision that created the key is the fencing token. Does not wait for a
//! lock, and does not keep a lease alive: who holds a lock for longer than the lease has lost it.

use super::api;
use super::client::{At, Etcd, readable};
use crate::consistency::Value;
use crate::workload::Outcome;

pub(super) async fn acquire(etcd: &mut Etcd, at: At, lock: &str) -> Result<Outcome, Outcome> {
    let ttl = etcd.options.lock_ttl.as_secs().max(1);
    let answer = etcd.call(at, "/v3/lease/grant", &serde_json::json!({ "TTL": ttl.to_string() })).await?;
    let lease = readable(answer.get("ID").and_then(api::number).filter(|lease| *lease != 0), "lease grant")?;
    let answer = etcd.call(at, "/v3/kv/txn", &api::create(lock, &lease.to_string(), lease)).await?;
    let txn = readable(api::txn(&answer), "txn")?;
    if txn.succeeded {
        let token = readable(txn.revision, "txn")?;
        return Ok(Outcome { revision: Some(token), ..Outcome::ok(Value::Int(token)) });
    }
    // The lease serves nobody; should this fail, it ends by itself.
    drop(etcd.call(at, "/v3/lease/revoke", &serde_json::json!({ "ID": lease.to_string() })).await);
    Err(Outcome::fail("compare failed: the lock is held"))
}

pub(super) async fn release(etcd: &mut Etcd, at: At, lock: &str, token: i64) -> Result<Outcome, Outcome> {
    let answer = etcd.call(at, "/v3/kv/txn", &api::delete_created(lock, token)).await?;
    let txn = readable(api::txn(&answer), "txn")?;
    if txn.succeeded {
        Ok(Outcome { revision: txn.revision, ..Outcome::ok(Value::Int(token)) })
    } else {
        Err(Outcome::fail("compare failed: the lock is not held under this token any more"))
    }
}
