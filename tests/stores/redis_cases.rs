//! Redis: a failover to an asynchronous replica loses what was acknowledged, unless a client waits for the replica.

use std::path::Path;
use std::time::Duration;

use driftproof::store::Endpoint;
use driftproof::store::redis::{RedisOptions, Wait};
use driftproof::workload::{Claim, Kind};
use tokio::time::sleep;

use super::case::{Found, Seen};
use super::drive::{Drive, options};
use super::redis_server::Group;

/// How late the replica is: a busy or distant one.
const LAG: Duration = Duration::from_millis(300);

fn drive(replicas: usize) -> Drive {
    let options = options(3, 1, replicas);
    Drive {
        kind: Kind::Set,
        options,
        pace: Duration::from_millis(30),
        timeout: Duration::from_millis(800),
        leaves: false,
    }
}

fn seen(name: &str, recording: super::drive::Recording) -> Vec<Seen> {
    vec![Seen { name: name.to_owned(), kind: Kind::Set, claim: Claim::Durable, recording }]
}

/// The primary is killed and a person promotes the replica.
pub(crate) async fn failover(folder: &Path) -> Found {
    let Some(mut group) = Group::start(folder, 1).await? else { return Ok(None) };
    let replica: Vec<Endpoint> = group.endpoints[1..].to_vec();
    let mut everybody = Group::clients(group.endpoints.clone(), RedisOptions::default());
    let mut survivors = Group::clients(replica, RedisOptions::default());
    group.slow_replication(LAG);
    let mut made = 0;
    let clients = move |client: usize| {
        made += 1;
        // The first four prepare and run; whoever reads in the end finds only the replica.
        if made <= 4 { everybody(client) } else { survivors(client) }
    };
    let during = async {
        sleep(Duration::from_millis(1200)).await;
        group.kill(0);
        sleep(Duration::from_millis(200)).await;
        group.promote(1).await?;
        sleep(Duration::from_secs(1)).await;
        Ok(())
    };
    let recording = drive(1).run(clients, during).await?;
    Ok(Some(seen("redis-failover", recording)))
}

/// The primary is killed and Sentinel promotes the replica.
pub(crate) async fn sentinel(folder: &Path) -> Found {
    let Some(mut group) = Group::start(folder, 1).await? else { return Ok(None) };
    let sentinel = Some(group.watch_over().await?);
    let options = RedisOptions { sentinel, ..RedisOptions::default() };
    let mut everybody = Group::clients(group.endpoints.clone(), options.clone());
    let mut survivors = Group::clients(group.endpoints[1..].to_vec(), options);
    let mut made = 0;
    let clients = move |client: usize| {
        made += 1;
        if made <= 4 { everybody(client) } else { survivors(client) }
    };
    let during = async {
        sleep(Duration::from_millis(900)).await;
        // Sentinel takes half a second, in which a slow link would deliver what is on its way.
        group.cut_replication();
        sleep(Duration::from_millis(300)).await;
        group.kill(0);
        sleep(Duration::from_millis(2500)).await;
        Ok(())
    };
    let recording = drive(1).run(clients, during).await?;
    Ok(Some(seen("redis-sentinel", recording)))
}

/// No failover; the replica is late, and clients wait for it, some in vain. All is there in the end.
pub(crate) async fn wait(folder: &Path) -> Found {
    let Some(group) = Group::start(folder, 1).await? else { return Ok(None) };
    let wait = Some(Wait { replicas: 1, timeout: Duration::from_millis(200) });
    let clients = Group::clients(group.endpoints.clone(), RedisOptions { wait, ..RedisOptions::default() });
    let during = async {
        sleep(Duration::from_millis(700)).await;
        group.slow_replication(LAG);
        sleep(Duration::from_secs(1)).await;
        group.slow_replication(Duration::ZERO);
        sleep(Duration::from_secs(1)).await;
        Ok(())
    };
    let recording = drive(2).run(clients, during).await?;
    let events = recording.events.iter();
    let short = events.filter(|event| event.outcome.as_ref().is_some_and(|outcome| outcome.unreplicated)).count();
    println!("      {short} writes were acknowledged before the replica had them");
    if short == 0 {
        return Err("no write was recorded as unreplicated while the replica was late".to_owned());
    }
    Ok(Some(seen("redis-wait", recording)))
}
