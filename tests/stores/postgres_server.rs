//! A PostgreSQL primary on loopback, and a standby behind a slow link when one is wanted.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use driftproof::store::postgres::{Postgres, PostgresOptions};
use driftproof::store::{Endpoint, Store, Tcp};

use super::process::{Process, as_user, eventually, find_postgres, free_port, unprivileged};
use super::proxy::Proxy;

/// A primary, and perhaps a standby.
pub(crate) struct Pair {
    programs: PathBuf,
    folder: PathBuf,
    user: Option<(u32, u32)>,
    /// Where clients reach them; the first is the primary at first.
    pub(crate) endpoints: Vec<Endpoint>,
    ports: [u16; 2],
    processes: [Option<Process>; 2],
    proxy: Proxy,
}

impl Pair {
    /// A primary. None when PostgreSQL is not there.
    pub(crate) async fn start(folder: &Path) -> Result<Option<Self>, String> {
        let Some(programs) = find_postgres() else { return Ok(None) };
        let ports = [free_port(), free_port()];
        let folder = folder.join("postgres");
        let user = unprivileged();
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        if let Some((uid, gid)) = user {
            chown(&folder, Some(uid), Some(gid)).map_err(|error| error.to_string())?;
            let parent = folder.parent().expect("a scratch folder");
            let open = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(parent, open).map_err(|error| error.to_string())?;
        }
        let proxy = Proxy::to(ports[0]).await;
        let endpoints = vec![endpoint(0, ports[0])];
        let mut pair = Self { programs, folder, user, endpoints, ports, processes: [None, None], proxy };
        let data = pair.data(0);
        pair.run("initdb", &["-D", &data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8"])?;
        let config = format!(
            "{data}/postgresql.conf\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n\
             max_wal_senders = 4\nwal_level = replica\nhot_standby = on\nmax_connections = 60\ndeadlock_timeout = '100ms'\n"
        );
        let (file, lines) = config.split_once('\n').expect("two lines");
        let old = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        std::fs::write(file, old + lines).map_err(|error| error.to_string())?;
        pair.revive(0)?;
        eventually("postgres", || pair.answers(0)).await?;
        Ok(Some(pair))
    }

    fn data(&self, index: usize) -> String {
        self.folder.join(format!("data-{index}")).display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let mut command = as_user(&self.programs.join(program), self.user);
        let done = command.args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
        if done.status.success() {
            return Ok(());
        }
        Err(format!("{program}: {}", String::from_utf8_lossy(&done.stderr)))
    }

    /// Starts a server, for the first time or again.
    pub(crate) fn revive(&mut self, index: usize) -> Result<(), String> {
        let mut command = as_user(&self.programs.join("postgres"), self.user);
        command.args(["-D", &self.data(index), "-p", &self.ports[index].to_string()]);
        let log = self.folder.with_file_name(format!("postgres-{index}.log"));
        self.processes[index] = Some(Process::start(&mut command, &log)?);
        Ok(())
    }

    /// Revives it; again if it finds processes of the one before, which end by themselves.
    pub(crate) async fn revive_soon(&mut self, index: usize) -> Result<(), String> {
        for _ in 0..600 {
            if self.processes[index].as_mut().is_none_or(Process::has_ended) {
                self.revive(index)?;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            if self.answers(index).await.is_ok() {
                return Ok(());
            }
        }
        let words = self.processes[index].as_ref().map(Process::last_words);
        Err(format!("postgres does not come back: {}", words.unwrap_or_default()))
    }

    /// A streaming, asynchronous standby, whose link to the primary is a proxy.
    pub(crate) async fn add_standby(&mut self) -> Result<(), String> {
        let data = self.data(1);
        let port = self.proxy.port.to_string();
        // The base backup creates its own threads; the proxy must go on meanwhile.
        let pair = &*self;
        let arguments =
            ["-D", &data, "-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-R", "-X", "stream", "-c", "fast"];
        tokio::task::block_in_place(|| pair.run("pg_basebackup", &arguments))?;
        self.revive(1)?;
        eventually("standby", || self.answers(1)).await?;
        self.endpoints.push(endpoint(1, self.ports[1]));
        Ok(())
    }

    /// How late everything reaches the standby.
    pub(crate) fn slow_replication(&self, delay: Duration) {
        self.proxy.set(|rules| rules.delay = delay);
    }

    /// `kill -9` of the server's first process; the others notice and end.
    pub(crate) fn kill(&mut self, index: usize) {
        self.processes[index] = None;
    }

    /// Makes the standby a primary, as a person would.
    pub(crate) fn promote(&self) -> Result<(), String> {
        tokio::task::block_in_place(|| self.run("pg_ctl", &["promote", "-D", &self.data(1)]))
    }

    async fn answers(&self, index: usize) -> Result<(), String> {
        let text = format!("host=127.0.0.1 port={} user=postgres connect_timeout=2", self.ports[index]);
        let opened = tokio_postgres::connect(&text, tokio_postgres::NoTls).await;
        let (client, connection) = opened.map_err(|error| {
            let said = self.processes[index].as_ref().map(Process::last_words).unwrap_or_default();
            format!("{error}; it says:\n{said}")
        })?;
        let task = tokio::spawn(connection);
        let answer = client.simple_query("SELECT 1").await;
        task.abort();
        answer.map(drop).map_err(|error| error.to_string())
    }

    /// A maker of clients, of some of the endpoints.
    pub(crate) fn clients(
        endpoints: Vec<Endpoint>,
        options: PostgresOptions,
    ) -> impl FnMut(usize) -> Box<dyn Store> + use<> {
        move |client| Box::new(Postgres::new(Arc::new(Tcp), endpoints.clone(), client, options.clone()))
    }
}

fn endpoint(index: usize, port: u16) -> Endpoint {
    Endpoint { name: format!("postgres-{index}").into(), address: format!("127.0.0.1:{port}") }
}
