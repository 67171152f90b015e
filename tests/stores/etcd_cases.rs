//! etcd: stale where it says so (serializable reads), never where it does not.

use std::path::Path;
use std::time::Duration;

use driftproof::store::etcd::{EtcdOptions, Reads};
use driftproof::workload::{Claim, Kind, Options, ReadFrom};
use tokio::time::sleep;

use super::case::{Found, Seen};
use super::drive::{Drive, options};
use super::etcd_server::Cluster;

fn drive() -> Drive {
    let options = Options { reads: ReadFrom::Replicas, ..options(3, 1, 3) };
    Drive {
        kind: Kind::Register,
        options,
        pace: Duration::from_millis(60),
        timeout: Duration::from_millis(800),
        leaves: false,
    }
}

async fn partitioned(folder: &Path, name: &str, reads: Reads) -> Found {
    let Some(cluster) = Cluster::start(folder, 3).await? else { return Ok(None) };
    let leader = cluster.leader().await?;
    let during = async {
        sleep(Duration::from_millis(700)).await;
        cluster.isolate((leader + 1) % 3).await?;
        sleep(Duration::from_millis(1500)).await;
        cluster.heal();
        sleep(Duration::from_millis(1500)).await;
        Ok(())
    };
    let clients = cluster.clients(EtcdOptions { reads, ..EtcdOptions::default() });
    let recording = drive().run(clients, during).await?;
    Ok(Some(vec![Seen { name: name.to_owned(), kind: Kind::Register, claim: Claim::Linearizable, recording }]))
}

/// A member that is cut off answers serializable reads from what it had.
pub(crate) async fn serializable(folder: &Path) -> Found {
    partitioned(folder, "etcd-serializable-partition", Reads::Serializable).await
}

/// The same with linearizable reads.
pub(crate) async fn linearizable(folder: &Path) -> Found {
    partitioned(folder, "etcd-linearizable-partition", Reads::Linearizable).await
}

/// The leader is killed, and the next one, and each comes back.
pub(crate) async fn killed(folder: &Path) -> Found {
    let Some(mut cluster) = Cluster::start(folder, 3).await? else { return Ok(None) };
    let clients = cluster.clients(EtcdOptions::default());
    let during = async {
        for _ in 0..2 {
            sleep(Duration::from_millis(700)).await;
            let leader = cluster.leader().await?;
            cluster.kill(leader);
            sleep(Duration::from_millis(1500)).await;
            cluster.revive(leader)?;
            super::process::eventually("etcd", || cluster.all_follow()).await?;
        }
        sleep(Duration::from_millis(1500)).await;
        Ok(())
    };
    let recording = drive().run(clients, during).await?;
    Ok(Some(vec![Seen {
        name: "etcd-linearizable-kill".to_owned(),
        kind: Kind::Register,
        claim: Claim::Linearizable,
        recording,
    }]))
}
