//! etcd members on loopback whose links to each other can be cut.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use driftproof::store::etcd::{Etcd, EtcdOptions};
use driftproof::store::{Endpoint, Http1, HttpCall, HttpSend, Store, Tcp};
use serde_json::Value as Json;

use super::process::{Process, eventually, find, free_port};
use super::proxy::Proxy;

/// One member.
pub(crate) struct Member {
    /// Name and client address.
    pub(crate) endpoint: Endpoint,
    process: Option<Process>,
    proxy: Proxy,
    peer: u16,
    folder: PathBuf,
}

/// A cluster.
pub(crate) struct Cluster {
    program: PathBuf,
    /// Its members.
    pub(crate) members: Vec<Member>,
}

impl Cluster {
    /// A cluster of so many members. None when etcd is not there.
    pub(crate) async fn start(folder: &Path, size: usize) -> Result<Option<Self>, String> {
        let Some(program) = find("etcd", "DRIFTPROOF_ETCD") else { return Ok(None) };
        let mut members = Vec::new();
        for index in 0..size {
            let peer = free_port();
            let proxy = Proxy::to(peer).await;
            let address = format!("127.0.0.1:{}", free_port());
            let endpoint = Endpoint { name: format!("etcd-{index}").into(), address };
            let folder = folder.join(format!("etcd-{index}"));
            members.push(Member { endpoint, process: None, proxy, peer, folder });
        }
        let mut cluster = Self { program, members };
        for index in 0..size {
            cluster.revive(index)?;
        }
        eventually("etcd", || cluster.leader()).await?;
        Ok(Some(cluster))
    }

    /// Starts a member, for the first time or again.
    pub(crate) fn revive(&mut self, index: usize) -> Result<(), String> {
        let all: Vec<String> = self
            .members
            .iter()
            .map(|member| format!("{}=http://127.0.0.1:{}", member.endpoint.name, member.proxy.port))
            .collect();
        let member = &mut self.members[index];
        let mut command = Command::new(&self.program);
        let client = format!("http://{}", member.endpoint.address);
        command.arg("--name").arg(member.endpoint.name.as_ref()).arg("--data-dir").arg(&member.folder);
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.arg("--listen-peer-urls").arg(format!("http://127.0.0.1:{}", member.peer));
        command.arg("--initial-advertise-peer-urls").arg(format!("http://127.0.0.1:{}", member.proxy.port));
        command.args(["--initial-cluster", &all.join(","), "--log-level", "warn"]);
        command.args(["--heartbeat-interval", "50", "--election-timeout", "500"]);
        member.process = Some(Process::start(&mut command, &member.folder.with_extension("log"))?);
        Ok(())
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self, index: usize) {
        self.members[index].process = None;
    }

    async fn ask(&self, index: usize, path: &str) -> Result<Json, String> {
        let mut http = Http1::new(Arc::new(Tcp));
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        let call = HttpCall { method: "POST", path, headers: &headers, body: "{}" };
        let answer = http.send(&self.members[index].endpoint, call, Duration::from_secs(1)).await;
        let answer = answer.map_err(|error| error.to_string())?;
        serde_json::from_str(&answer.body).map_err(|error| error.to_string())
    }

    /// Which member leads.
    pub(crate) async fn leader(&self) -> Result<usize, String> {
        for index in 0..self.members.len() {
            let Ok(status) = self.ask(index, "/v3/maintenance/status").await else { continue };
            let id = &status["header"]["member_id"];
            if id.is_string() && *id == status["leader"] {
                return Ok(index);
            }
        }
        let said = self.members[0].process.as_ref().map(Process::last_words).unwrap_or_default();
        Err(format!("no leader; etcd-0 says:\n{said}"))
    }

    /// Every member answers and knows a leader.
    pub(crate) async fn all_follow(&self) -> Result<(), String> {
        for index in 0..self.members.len() {
            let status = self.ask(index, "/v3/maintenance/status").await?;
            if !status["leader"].is_string() {
                return Err(format!("{} knows no leader", self.members[index].endpoint.name));
            }
        }
        Ok(())
    }

    /// Cuts a member off from the others, in both directions, while clients still reach it.
    pub(crate) async fn isolate(&self, index: usize) -> Result<(), String> {
        let list = self.ask(index, "/v3/cluster/member/list").await?;
        let name = self.members[index].endpoint.name.as_ref();
        let all = list["members"].as_array().ok_or("a list of members")?;
        let id = all.iter().find(|member| member["name"] == name).and_then(|member| member["ID"].as_str());
        let id: u64 = id.and_then(|id| id.parse().ok()).ok_or("the member's number")?;
        // Members dial each other in both directions and say who they are.
        let mark = format!("X-Server-From: {id:x}\r\n");
        for (other, member) in self.members.iter().enumerate() {
            if other == index {
                member.proxy.set(|rules| rules.cut = true);
            } else {
                member.proxy.set(|rules| rules.cut_from.extend([mark.clone()]));
            }
        }
        Ok(())
    }

    /// All links work again.
    pub(crate) fn heal(&self) {
        for member in &self.members {
            member.proxy.set(|rules| {
                rules.cut = false;
                rules.cut_from.clear();
            });
        }
    }

    /// A maker of clients.
    pub(crate) fn clients(&self, options: EtcdOptions) -> impl FnMut(usize) -> Box<dyn Store> + use<> {
        let endpoints: Vec<Endpoint> = self.members.iter().map(|member| member.endpoint.clone()).collect();
        move |client| Box::new(Etcd::new(Arc::new(Tcp), endpoints.clone(), client, options))
    }
}
