//! A Redis primary on loopback with replicas behind a slow link, and a Sentinel when one is wanted.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use driftproof::store::redis::{Redis, RedisOptions, Sentinel};
use driftproof::store::{Endpoint, Store, Tcp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::process::{Process, eventually, find, free_port};
use super::proxy::Proxy;

/// A primary and its replicas.
pub(crate) struct Group {
    program: PathBuf,
    folder: PathBuf,
    /// Where clients reach them; the first is the primary at first.
    pub(crate) endpoints: Vec<Endpoint>,
    ports: Vec<u16>,
    processes: Vec<Option<Process>>,
    proxy: Proxy,
    sentinel: Option<(Process, Endpoint)>,
}

impl Group {
    /// A primary with so many replicas, whose link to it is a proxy. None when Redis is not there.
    pub(crate) async fn start(folder: &Path, replicas: usize) -> Result<Option<Self>, String> {
        let Some(program) = find("redis-server", "DRIFTPROOF_REDIS") else { return Ok(None) };
        let ports: Vec<u16> = (0..=replicas).map(|_| free_port()).collect();
        let proxy = Proxy::to(ports[0]).await;
        let endpoint = |(index, port): (usize, &u16)| Endpoint {
            name: format!("redis-{index}").into(),
            address: format!("127.0.0.1:{port}"),
        };
        let endpoints = ports.iter().enumerate().map(endpoint).collect();
        let processes = ports.iter().map(|_| None).collect();
        let folder = folder.to_owned();
        let mut group = Self { program, folder, endpoints, ports, processes, proxy, sentinel: None };
        for index in 0..=replicas {
            group.launch(index)?;
        }
        for index in 1..=replicas {
            eventually("replica", || group.linked(index)).await?;
        }
        eventually("primary", || group.is_up(0)).await?;
        Ok(Some(group))
    }

    fn launch(&mut self, index: usize) -> Result<(), String> {
        let name = format!("redis-{index}");
        let mut command = Command::new(&self.program);
        command.args(["--port", &self.ports[index].to_string(), "--bind", "127.0.0.1", "--save", ""]);
        command.arg("--dir").arg(&self.folder).args(["--dbfilename", &format!("{name}.rdb")]);
        command.args(["--repl-diskless-sync-delay", "0", "--appendonly", "no"]);
        if index > 0 {
            command.args(["--replicaof", &format!("127.0.0.1 {}", self.proxy.port)]);
        }
        self.processes[index] = Some(Process::start(&mut command, &self.folder.join(format!("{name}.log")))?);
        Ok(())
    }

    /// How late everything reaches the replicas.
    pub(crate) fn slow_replication(&self, delay: Duration) {
        self.proxy.set(|rules| rules.delay = delay);
    }

    /// Nothing reaches the replicas any more.
    pub(crate) fn cut_replication(&self) {
        self.proxy.set(|rules| rules.cut = true);
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self, index: usize) {
        self.processes[index] = None;
    }

    /// Makes a replica a primary, as a person would.
    pub(crate) async fn promote(&self, index: usize) -> Result<(), String> {
        self.command(index, "REPLICAOF NO ONE").await.map(drop)
    }

    async fn is_up(&self, index: usize) -> Result<(), String> {
        self.command(index, "PING").await.map(drop)
    }

    async fn linked(&self, index: usize) -> Result<(), String> {
        let info = self.command(index, "INFO replication").await?;
        if info.contains("master_link_status:up") { Ok(()) } else { Err(info) }
    }

    async fn command(&self, index: usize, text: &str) -> Result<String, String> {
        let work = async {
            let mut stream = tokio::net::TcpStream::connect(&self.endpoints[index].address).await?;
            stream.write_all(format!("{text}\r\n").as_bytes()).await?;
            let mut answer = vec![0; 64 << 10];
            let count = stream.read(&mut answer).await?;
            Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer[..count]).into_owned())
        };
        work.await.map_err(|error| error.to_string())
    }

    /// A Sentinel that promotes a replica half a second after the primary fell silent.
    pub(crate) async fn watch_over(&mut self) -> Result<Sentinel, String> {
        let port = free_port();
        let file = self.folder.join("sentinel.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n",
            self.folder.display(),
            self.ports[0]
        );
        std::fs::write(&file, text).map_err(|error| error.to_string())?;
        let mut command = Command::new(&self.program);
        command.arg(&file).arg("--sentinel");
        let process = Process::start(&mut command, &self.folder.join("sentinel.log"))?;
        let endpoint = Endpoint { name: "sentinel-0".into(), address: format!("127.0.0.1:{port}") };
        self.sentinel = Some((process, endpoint.clone()));
        // It learns of the replicas from the primary.
        let knows = || async {
            let mut stream =
                tokio::net::TcpStream::connect(&endpoint.address).await.map_err(|error| error.to_string())?;
            stream.write_all(b"SENTINEL replicas main\r\n").await.map_err(|error| error.to_string())?;
            let mut answer = vec![0; 64 << 10];
            let count = stream.read(&mut answer).await.map_err(|error| error.to_string())?;
            let answer = String::from_utf8_lossy(&answer[..count]).into_owned();
            if answer.contains("127.0.0.1") { Ok(()) } else { Err(answer) }
        };
        eventually("sentinel", knows).await?;
        Ok(Sentinel { endpoints: vec![endpoint.clone()], master: "main".to_owned() })
    }

    /// A maker of clients, of some of the endpoints.
    pub(crate) fn clients(
        endpoints: Vec<Endpoint>,
        options: RedisOptions,
    ) -> impl FnMut(usize) -> Box<dyn Store> + use<> {
        move |client| Box::new(Redis::new(Arc::new(Tcp), endpoints.clone(), client, options.clone()))
    }
}
