//! The key-value store: one replica in each pod of a workload, a leader and followers. Synchronous replication
//! acknowledges what a majority has; asynchronous replication acknowledges at once and may lose it.
//! Never looks at a Service or a probe: requests come from `request`, packets go through the network's rules.
//!
//! | request | answer |
//! |---|---|
//! | `PUT /set/{set}/{value}` | 200 when acknowledged |
//! | `GET /set/{set}` | 200, JSON array of the values, duplicates kept, through the leader |
//! | `GET /local/set/{set}` | 200, what this replica holds |
//! | `PUT /kv/{key}`, body value | 200 when acknowledged |
//! | `GET /kv/{key}` | 200 with the value, 404 when there is none, through the leader |
//! | `POST /cas/{key}`, body `{"from": …, "to": …}` (`null`: absent) | 200, or 409 with `{"actual": …}` |
//! | `GET /role` | 200, `{"role": …, "term": …, "leader": …}` |
//! | `GET /healthz`, `GET /readyz` | 200; ready when it has a leader, or is one, and has caught up |
//!
//! With `members: explicit` it also takes the calls of etcd's JSON gateway that concern members.
//!
//! 503 says that nothing was done; 504 that nobody knows whether it was.
//!
//! | file | what |
//! |---|---|
//! | `data` | the operations and what they do |
//! | `log` | the replicated log of one replica |
//! | `replica` | one replica's state and its changes of role |
//! | `group` | which pods belong together |
//! | `election` | synchronous stores: terms and majorities |
//! | `failover` | asynchronous stores: an operator promotes a replica |
//! | `handover` | a leader that is told to stop passes leadership on |
//! | `replication` | appends, acknowledgements, commits |
//! | `mail` | messages between replicas |
//! | `client` | the protocol above |
//! | `seats` | who is a member where that is not told by the pods |
//! | `members` | the API by which members are added and removed |
//! | `disk` | the log on a mounted volume |
//! | `role_label` | the label `role` on the pods |

mod client;
mod data;
mod disk;
mod election;
mod failover;
mod group;
mod handover;
mod log;
mod mail;
mod members;
mod replica;
mod replication;
mod role_label;
mod seats;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use group::{Group, GroupKey};
use mail::Mail;
use replica::Replica;

pub(super) use client::request;
pub(super) use group::on_change;
pub(super) use handover::retire;
pub(super) use replica::{close, open, ready};

use super::ProcessId;
use crate::State;
use crate::storage::VolumeId;

/// Work of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// A replica's heartbeat.
    Tick(ProcessId),
    /// A message arrives.
    Mail(u64),
    /// An asynchronous leader may now replicate up to this index, if its term is still this one.
    Flush(ProcessId, u64, usize),
    /// A leader with the lost-writes bug stores what it acknowledged.
    Store(ProcessId),
    /// A new leader labels the pods.
    Label(ProcessId),
}

/// What the store remembers.
#[derive(Debug, Default)]
pub(super) struct Local {
    groups: BTreeMap<GroupKey, Group>,
    replicas: BTreeMap<ProcessId, Replica>,
    mail: BTreeMap<u64, Mail>,
    sequence: u64,
    /// The last process that opened each volume: writes of earlier ones no longer get through.
    holders: BTreeMap<VolumeId, ProcessId>,
}

/// Does one piece of work.
pub(super) fn handle(state: &mut State, work: Work) {
    match work {
        Work::Tick(id) => replica::tick(state, id),
        Work::Mail(mail) => mail::deliver(state, mail),
        Work::Flush(id, term, index) => replication::flush(state, id, term, index),
        Work::Store(id) => client::store_buffered(state, id),
        Work::Label(id) => role_label::label(state, id),
    }
}
