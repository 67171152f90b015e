//! etcd over its JSON gateway (HTTP/1.1). Single keys are put, ranged and compared by value; everything larger is one
//! snapshot and one transaction that compares revisions, so that it happens as a whole or not at all. Never retries.
//!
//! A set is a prefix with one key for each element. A lock is a key bound to a lease; its fencing token is the revision
//! that created it. A watch follows revisions over the gateway's stream.

mod api;
mod classify;
mod client;
mod lock;
mod members;
#[cfg(test)]
mod tests;
mod transact;
mod watch;

use std::time::Duration;

pub use client::Etcd;
pub use members::{Admin, Member, MemberList, MemberStatus};

/// How etcd is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Through the leader: the newest value.
    Linearizable,
    /// From the member that was asked: possibly an old one.
    Serializable,
}

/// How to speak to etcd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EtcdOptions {
    /// How it is read.
    pub reads: Reads,
    /// How long a lock outlives a holder who says nothing. Whole seconds; etcd may make it longer.
    pub lock_ttl: Duration,
}

impl Default for EtcdOptions {
    fn default() -> Self {
        Self { reads: Reads::Linearizable, lock_ttl: Duration::from_secs(30) }
    }
}
