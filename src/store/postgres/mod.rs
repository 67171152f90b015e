//! PostgreSQL: every write is a transaction of its own, at the isolation level that was chosen. Never retries.
//!
//! Once COMMIT is sent, anything but its completion is `info`. Requests for any endpoint go to the first that is not in
//! recovery; a client stays with it until the connection breaks or the server says that it is read-only.

mod actions;
mod classify;
mod client;
mod session;
mod tables;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use client::Postgres;

/// Isolation levels, as PostgreSQL has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isolation {
    /// The default of PostgreSQL.
    ReadCommitted,
    /// Snapshot isolation, in the words of the literature.
    RepeatableRead,
    /// Serializable snapshot isolation.
    Serializable,
}

/// How a value is changed that depends on the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// In one statement, which sees the newest value (`UPDATE … SET n = n + 1`).
    OneStatement,
    /// Read, then written by a second statement, as many programs do it: only as safe as the isolation level.
    ReadThenWrite,
}

/// How to speak to PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresOptions {
    /// Role.
    pub user: String,
    /// Password, when one is needed.
    pub password: Option<String>,
    /// Database.
    pub database: String,
    /// Schema for the tables of the workload, which is made and removed: lower-case letters, digits and `_`.
    pub schema: String,
    /// Isolation level of every transaction.
    pub isolation: Isolation,
    /// How dependent values are changed.
    pub update: Update,
    /// How long a lock outlives a holder who says nothing.
    pub lock_ttl: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            user: "postgres".to_owned(),
            password: None,
            database: "postgres".to_owned(),
            schema: "driftproof".to_owned(),
            isolation: Isolation::Serializable,
            update: Update::OneStatement,
            lock_ttl: Duration::from_secs(30),
        }
    }
}

impl Isolation {
    /// In SQL.
    #[must_use]
    pub fn sql(self) -> &'static str {
        match self {
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }
}
