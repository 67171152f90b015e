//! PostgreSQL: an asynchronous standby loses what was acknowledged, read committed loses updates, serializable does not.

use std::path::Path;
use std::time::Duration;

use driftproof::store::postgres::{Isolation, PostgresOptions, Update};
use driftproof::workload::Kind;
use tokio::time::sleep;

use super::case::{Found, Seen};
use super::drive::{Drive, options};
use super::postgres_server::Pair;

fn seen(name: &str, kind: Kind, recording: super::drive::Recording) -> Vec<Seen> {
    vec![Seen { name: name.to_owned(), kind, recording }]
}

/// The primary is killed and a person promotes the standby.
pub(crate) async fn promotion(folder: &Path) -> Found {
    let Some(mut pair) = Pair::start(folder).await? else { return Ok(None) };
    pair.add_standby().await?;
    let mut everybody = pair.clients(pair.endpoints.clone(), PostgresOptions::default());
    let mut survivors = pair.clients(pair.endpoints[1..].to_vec(), PostgresOptions::default());
    let mut made = 0;
    let clients = move |client: usize| {
        made += 1;
        if made <= 4 { everybody(client) } else { survivors(client) }
    };
    let during = async {
        sleep(Duration::from_millis(700)).await;
        pair.slow_replication(Duration::from_millis(300));
        sleep(Duration::from_secs(1)).await;
        pair.kill(0);
        pair.promote()?;
        sleep(Duration::from_millis(1500)).await;
        Ok(())
    };
    let options = options("postgres-promotion", 3, 1, 1);
    let drive =
        Drive { kind: Kind::Set, options, pace: Duration::from_millis(30), timeout: Duration::from_millis(800) };
    let recording = drive.run(clients, during).await?;
    Ok(Some(seen("postgres-promotion", Kind::Set, recording)))
}

async fn read_committed(folder: &Path, name: &str, kind: Kind, keys: usize) -> Found {
    let Some(pair) = Pair::start(folder).await? else { return Ok(None) };
    let (isolation, update) = (Isolation::ReadCommitted, Update::ReadThenWrite);
    let postgres = PostgresOptions { isolation, update, ..PostgresOptions::default() };
    let clients = pair.clients(pair.endpoints.clone(), postgres);
    let mut options = options(name, 4, keys, 1);
    if kind == Kind::Register {
        use driftproof::workload::Verb;
        options.mix = vec![(Verb::Read, 1), (Verb::Cas, 2), (Verb::Write, 1)];
    }
    let during = async {
        sleep(Duration::from_millis(500)).await;
        Ok(())
    };
    let drive = Drive { kind, options, pace: Duration::from_millis(10), timeout: Duration::from_secs(1) };
    let recording = drive.run(clients, during).await?;
    Ok(Some(seen(name, kind, recording)))
}

/// Read, compared, then written.
pub(crate) async fn register(folder: &Path) -> Found {
    read_committed(folder, "postgres-read-committed-register", Kind::Register, 1).await
}

/// A list read, then written with one more element.
pub(crate) async fn append(folder: &Path) -> Found {
    read_committed(folder, "postgres-read-committed-append", Kind::Append, 2).await
}

/// Balances read, then written.
pub(crate) async fn bank(folder: &Path) -> Found {
    read_committed(folder, "postgres-read-committed-bank", Kind::Bank, 3).await
}

/// The server is killed twice and comes back; reads and writes are two statements.
pub(crate) async fn killed(folder: &Path) -> Found {
    let Some(mut pair) = Pair::start(folder).await? else { return Ok(None) };
    let postgres = PostgresOptions { update: Update::ReadThenWrite, ..PostgresOptions::default() };
    let clients = pair.clients(pair.endpoints.clone(), postgres);
    let during = async {
        for _ in 0..2 {
            sleep(Duration::from_millis(700)).await;
            pair.kill(0);
            sleep(Duration::from_millis(300)).await;
            pair.revive_soon(0).await?;
        }
        sleep(Duration::from_millis(700)).await;
        Ok(())
    };
    let options = options("postgres-serializable-kill", 4, 3, 1);
    let drive =
        Drive { kind: Kind::Append, options, pace: Duration::from_millis(25), timeout: Duration::from_millis(800) };
    let recording = drive.run(clients, during).await?;
    Ok(Some(seen("postgres-serializable-kill", Kind::Append, recording)))
}
