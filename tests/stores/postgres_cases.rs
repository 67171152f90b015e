//! PostgreSQL: an asynchronous standby loses what was acknowledged, read committed loses updates, serializable does not.

use std::path::Path;
use std::time::Duration;

use driftproof::store::postgres::{Isolation, PostgresOptions, Update};
use driftproof::workload::{Claim, Kind};
use tokio::time::sleep;

use super::case::{Found, Seen};
use super::drive::{Drive, options};
use super::postgres_server::Pair;

fn seen(name: &str, kind: Kind, claim: Claim, recording: super::drive::Recording) -> Vec<Seen> {
    vec![Seen { name: name.to_owned(), kind, claim, recording }]
}

/// The primary is killed and a person promotes the standby.
pub(crate) async fn promotion(folder: &Path) -> Found {
    let Some(mut pair) = Pair::start(folder).await? else { return Ok(None) };
    pair.add_standby().await?;
    let mut everybody = Pair::clients(pair.endpoints.clone(), PostgresOptions::default());
    let mut survivors = Pair::clients(pair.endpoints[1..].to_vec(), PostgresOptions::default());
    let mut made = 0;
    let clients = move |client: usize| {
        made += 1;
        if made <= 4 { everybody(client) } else { survivors(client) }
    };
    let during = async {
        sleep(Duration::from_millis(400)).await;
        pair.slow_replication(Duration::from_millis(300));
        sleep(Duration::from_secs(1)).await;
        pair.kill(0);
        pair.promote()?;
        sleep(Duration::from_millis(700)).await;
        Ok(())
    };
    let options = options(3, 1, 1);
    let drive = Drive {
        kind: Kind::Set,
        options,
        pace: Duration::from_millis(30),
        timeout: Duration::from_millis(800),
        leaves: false,
    };
    let recording = drive.run(clients, during).await?;
    Ok(Some(seen("postgres-promotion", Kind::Set, Claim::Durable, recording)))
}

async fn read_committed(folder: &Path, name: &str, kind: Kind, keys: usize) -> Found {
    let Some(pair) = Pair::start(folder).await? else { return Ok(None) };
    // Appends in one statement keep each list whole, so that what is lost is lost between the statements.
    let update = if kind == Kind::Append { Update::OneStatement } else { Update::ReadThenWrite };
    let isolation = Isolation::ReadCommitted;
    let postgres = PostgresOptions { isolation, update, ..PostgresOptions::default() };
    let clients = Pair::clients(pair.endpoints.clone(), postgres);
    // What the next level promises: judged by its own word, read committed may lose updates.
    let claim = if kind == Kind::Append { Claim::SnapshotIsolation } else { kind.claim() };
    let mut options = options(4, keys, 1);
    if kind == Kind::Register {
        use driftproof::workload::Verb;
        options.mix = vec![(Verb::Read, 1), (Verb::Cas, 2), (Verb::Write, 1)];
    }
    let during = async {
        // Long enough that two who read the same are met for certain, on a busy machine too.
        sleep(Duration::from_millis(1200)).await;
        Ok(())
    };
    let drive =
        Drive { kind, options, pace: Duration::from_millis(14), timeout: Duration::from_secs(1), leaves: false };
    let recording = drive.run(clients, during).await?;
    Ok(Some(seen(name, kind, claim, recording)))
}

/// Read, compared, then written.
pub(crate) async fn register(folder: &Path) -> Found {
    read_committed(folder, "postgres-read-committed-register", Kind::Register, 1).await
}

/// Lists read, and appended to by those who read the same.
pub(crate) async fn append(folder: &Path) -> Found {
    read_committed(folder, "postgres-read-committed-append", Kind::Append, 1).await
}

/// Balances read, then written.
pub(crate) async fn bank(folder: &Path) -> Found {
    read_committed(folder, "postgres-read-committed-bank", Kind::Bank, 3).await
}

/// The server is killed twice and comes back; reads and writes are two statements.
pub(crate) async fn killed(folder: &Path) -> Found {
    let Some(mut pair) = Pair::start(folder).await? else { return Ok(None) };
    let postgres = PostgresOptions { update: Update::ReadThenWrite, ..PostgresOptions::default() };
    let clients = Pair::clients(pair.endpoints.clone(), postgres);
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
    let options = options(4, 3, 1);
    let drive = Drive {
        kind: Kind::Append,
        options,
        pace: Duration::from_millis(110),
        timeout: Duration::from_millis(800),
        leaves: false,
    };
    let recording = drive.run(clients, during).await?;
    Ok(Some(seen("postgres-serializable-kill", Kind::Append, Claim::Serializable, recording)))
}
