//! Which store can run which workload. A refusal names what to use instead; nothing is tried that cannot work.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;

/// A kind of store that there is a client for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoreKind {
    /// etcd.
    Etcd,
    /// Redis, and what speaks its protocol.
    Redis,
    /// PostgreSQL.
    Postgres,
    /// A JSON service, by templates.
    Http,
    /// The key-value store of the embedded cluster.
    Kv,
    /// A program of the user.
    Command,
}

/// Why a store cannot run a workload, and what to use instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The store.
    pub store: StoreKind,
    /// The workload that was asked for.
    pub kind: Kind,
    /// What the store lacks.
    pub why: &'static str,
    /// The workload of this store that comes closest.
    pub instead: Kind,
}

impl StoreKind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Etcd, Self::Redis, Self::Postgres, Self::Http, Self::Kv, Self::Command];

    /// Its name in scenarios and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Redis => "redis",
            Self::Postgres => "postgres",
            Self::Http => "http",
            Self::Kv => "kv",
            Self::Command => "command",
        }
    }
}

/// Whether a store can run a workload.
///
/// # Errors
/// What the store lacks, and which of its workloads comes closest.
pub fn can_run(store: StoreKind, kind: Kind) -> Result<(), Refusal> {
    let refuse = |why, instead| Err(Refusal { store, kind, why, instead });
    match (store, kind) {
        (StoreKind::Command, _)
        | (
            StoreKind::Etcd,
            Kind::Register | Kind::Set | Kind::Append | Kind::Bank | Kind::Counter | Kind::Lock | Kind::Watch,
        )
        | (
            StoreKind::Redis | StoreKind::Postgres,
            Kind::Register | Kind::Set | Kind::Append | Kind::Bank | Kind::Queue | Kind::Counter | Kind::Lock,
        )
        | (StoreKind::Http | StoreKind::Kv, Kind::Register | Kind::Set) => Ok(()),
        (StoreKind::Etcd, Kind::Queue) => refuse("etcd has no queue", Kind::Set),
        (StoreKind::Redis, Kind::Watch) => {
            refuse("keyspace notifications have no revisions and promise no delivery", Kind::Queue)
        }
        (StoreKind::Postgres, Kind::Watch) => {
            refuse("notifications have no revisions and promise no delivery", Kind::Append)
        }
        (StoreKind::Http | StoreKind::Kv, Kind::Append | Kind::Bank) => {
            refuse("a request is about one key, so there are no transactions", Kind::Register)
        }
        (StoreKind::Http | StoreKind::Kv, Kind::Queue) => refuse("there is no template for a queue", Kind::Set),
        (StoreKind::Http | StoreKind::Kv, Kind::Counter) => refuse("there is no template for a counter", Kind::Set),
        (StoreKind::Http | StoreKind::Kv, Kind::Lock) => refuse("there is no template for a lock", Kind::Register),
        (StoreKind::Http | StoreKind::Kv, Kind::Watch) => refuse("there is no template for a watch", Kind::Set),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (store, kind, instead) = (self.store.name(), self.kind.name(), self.instead.name());
        write!(f, "{store} cannot run the workload `{kind}`: {}; use `{instead}`", self.why)?;
        f.write_str(" here, or a `command` store with a program of your own")
    }
}

impl std::error::Error for Refusal {}
