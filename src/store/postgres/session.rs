//! One connection to one PostgreSQL, and one transaction on it at a time. Knows how far a transaction got, so that its
//! errors can be classified.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row};

use super::classify::{self, Stage};
use super::{Isolation, PostgresOptions};
use crate::store::{Dial, Endpoint};
use crate::workload::Outcome;

/// An open connection; closed when dropped.
pub(super) struct Session {
    client: Client,
    task: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An error of the server or of the connection, as people read it.
fn text(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => error.message().to_owned(),
        None => error.to_string(),
    }
}

fn classified(error: &tokio_postgres::Error, stage: Stage) -> Outcome {
    classify::error(error.code().map(tokio_postgres::error::SqlState::code), stage, &text(error))
}

impl Session {
    /// Connects, within the time. Nothing of a request is sent.
    pub(super) async fn open(
        dial: &dyn Dial,
        to: &Endpoint,
        options: &PostgresOptions,
        within: Duration,
    ) -> Result<Self, String> {
        let work = async {
            let stream = dial.dial(to).await.map_err(|error| format!("connect to {}: {error}", to.name))?;
            let mut config = Config::new();
            config.user(&options.user).dbname(&options.database).application_name("driftproof");
            if let Some(password) = &options.password {
                config.password(password);
            }
            let opened = config.connect_raw(stream, NoTls).await;
            let (client, connection) = opened.map_err(|error| format!("connect to {}: {}", to.name, text(&error)))?;
            // Errors of the connection reach whoever waits for an answer.
            let task = tokio::spawn(async move { drop(connection.await) });
            Ok(Self { client, task })
        };
        match tokio::time::timeout(within, work).await {
            Ok(result) => result,
            Err(_) => Err(format!("connect to {}: no answer in time", to.name)),
        }
    }

    /// Whether this server takes writes.
    pub(super) async fn is_primary(&self) -> Result<bool, String> {
        let row = self.client.query_one("SELECT pg_is_in_recovery()", &[]).await.map_err(|error| text(&error))?;
        Ok(!row.get::<_, bool>(0))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Statements without a transaction of ours; for tables, never for a request.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), String> {
        self.client.batch_execute(sql).await.map_err(|error| text(&error))
    }

    pub(super) async fn begin(&self, isolation: Isolation) -> Result<(), Outcome> {
        let sql = format!("BEGIN ISOLATION LEVEL {}", isolation.sql());
        self.client.batch_execute(&sql).await.map_err(|error| classified(&error, Stage::Before))
    }

    pub(super) async fn query(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Outcome> {
        self.client.query(sql, values).await.map_err(|error| classified(&error, Stage::Before))
    }

    /// The number of rows that it changed.
    pub(super) async fn execute(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, Outcome> {
        self.client.execute(sql, values).await.map_err(|error| classified(&error, Stage::Before))
    }

    /// From here on nothing is definite but success.
    pub(super) async fn commit(&self) -> Result<(), Outcome> {
        self.client.batch_execute("COMMIT").await.map_err(|error| classified(&error, Stage::Committing))
    }

    /// Says whether the connection is still of use.
    pub(super) async fn rollback(&self) -> bool {
        self.client.batch_execute("ROLLBACK").await.is_ok()
    }
}
