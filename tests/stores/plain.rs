//! Every workload against every store that can run it, without faults: all must be `ok` that should be.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use driftproof::store::command::{Command, CommandOptions};
use driftproof::store::etcd::EtcdOptions;
use driftproof::store::http::{Http, HttpOptions};
use driftproof::store::postgres::{Isolation, PostgresOptions};
use driftproof::store::redis::RedisOptions;
use driftproof::store::{Dial, Endpoint, Http1, Store, Tcp};
use driftproof::workload::{Claim, Kind, StoreKind, can_run};

use super::case::{Found, Seen};
use super::drive::{Drive, options};
use super::process::{Process, eventually, find, free_port};
use super::{etcd_server, postgres_server, redis_server};

async fn all(
    store: StoreKind,
    replicas: usize,
    mut make: impl FnMut(usize) -> Box<dyn Store>,
) -> Result<Vec<Seen>, String> {
    let mut seen = Vec::new();
    // The example of a program has no watch, as few stores have.
    let skipped = |kind| store == StoreKind::Command && kind == Kind::Watch;
    for kind in Kind::ALL.into_iter().filter(|kind| can_run(store, *kind).is_ok() && !skipped(*kind)) {
        let leaves = matches!(store, StoreKind::Http | StoreKind::Kv);
        let (pace, timeout) = (Duration::from_millis(5), Duration::from_secs(1));
        let drive = Drive { kind, options: options(4, 3, replicas), pace, timeout, leaves };
        let during = async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            Ok(())
        };
        let recording = drive.run(&mut make, during).await.map_err(|error| format!("{}: {error}", kind.name()))?;
        let claim = match (store, kind) {
            // PostgreSQL promises no order in real time.
            (StoreKind::Postgres, Kind::Append) => Claim::Serializable,
            (_, kind) => kind.claim(),
        };
        seen.push(Seen { name: format!("{}-{}", store.name(), kind.name()), kind, claim, recording });
    }
    Ok(seen)
}

/// etcd with three members.
pub(crate) async fn etcd(folder: &Path) -> Found {
    let Some(cluster) = etcd_server::Cluster::start(folder, 3).await? else { return Ok(None) };
    all(StoreKind::Etcd, 3, cluster.clients(EtcdOptions::default())).await.map(Some)
}

/// Redis, alone: its replicas may be late.
pub(crate) async fn redis(folder: &Path) -> Found {
    let Some(group) = redis_server::Group::start(folder, 0).await? else { return Ok(None) };
    all(StoreKind::Redis, 1, redis_server::Group::clients(group.endpoints.clone(), RedisOptions::default()))
        .await
        .map(Some)
}

/// PostgreSQL, alone, at the strictest level.
pub(crate) async fn postgres(folder: &Path) -> Found {
    let Some(pair) = postgres_server::Pair::start(folder).await? else { return Ok(None) };
    let options = PostgresOptions { isolation: Isolation::Serializable, ..PostgresOptions::default() };
    all(StoreKind::Postgres, 1, postgres_server::Pair::clients(pair.endpoints.clone(), options)).await.map(Some)
}

/// The example of a program that is a client.
pub(crate) async fn command(folder: &Path) -> Found {
    let Some(python) = find("python3", "DRIFTPROOF_PYTHON") else { return Ok(None) };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/clients/file.py");
    let file = folder.join("store.json").display().to_string();
    let command = vec![python.display().to_string(), script.to_owned(), file];
    let options = CommandOptions { command, environment: Vec::new() };
    let endpoints = vec![Endpoint { name: "file".into(), address: "file".to_owned() }];
    let make = |client| -> Box<dyn Store> { Box::new(Command::new(endpoints.clone(), client, options.clone())) };
    all(StoreKind::Command, 1, make).await.map(Some)
}

/// A JSON service over HTTP with connections that stay open.
pub(crate) async fn http(folder: &Path) -> Found {
    let Some(python) = find("python3", "DRIFTPROOF_PYTHON") else { return Ok(None) };
    let endpoint = Endpoint { name: "service".into(), address: format!("127.0.0.1:{}", free_port()) };
    let port = endpoint.address.rsplit(':').next().expect("a port");
    let mut command = std::process::Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stores/service.py")).arg(port);
    let _process = Process::start(&mut command, &folder.join("service.log"))?;
    eventually("service", || async { Tcp.dial(&endpoint).await.map(drop).map_err(|error| error.to_string()) }).await?;
    let make = |client| -> Box<dyn Store> {
        let send = Box::new(Http1::new(Arc::new(Tcp)));
        Box::new(Http::new(send, vec![endpoint.clone()], client, HttpOptions::kv()))
    };
    all(StoreKind::Kv, 1, make).await.map(Some)
}
