//! The real cluster of the testbed, and Driftproof run on it as a user would: the built command, a kubeconfig, an exit code.
//! Knows nothing of what is measured.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use driftproof::evidence::Evidence;
use driftproof::measure::{self, Measurements};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::audit::{Entry, Log};
use crate::proxy::Relay;

/// The identity that runs Driftproof, so that the audit log tells its requests from all others.
pub(crate) const USER: &str = "system:serviceaccount:driftproof:driftproof";
/// The audit log is written a moment after the answer.
const AUDIT_LATENCY: Duration = Duration::from_millis(300);

/// A cluster of the testbed.
pub(crate) struct Lab {
    /// Name of the cluster, as `testbed --cluster` takes it.
    pub(crate) cluster: String,
    pub(crate) folder: TempDir,
    pub(crate) audit: Log,
    relay: Relay,
}

/// One run of the command.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    /// Standard output, then standard error.
    pub(crate) said: String,
    /// Wall clock in microseconds.
    pub(crate) begun: i64,
    pub(crate) ended: i64,
    pub(crate) cpu_seconds: f64,
    pub(crate) memory_kib: u64,
    /// Bytes that the API server sent.
    pub(crate) bytes: u64,
    /// What the API server answered meanwhile, to anybody.
    pub(crate) log: Vec<Entry>,
    out: PathBuf,
}

pub(crate) fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

fn testbed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testbed/testbed")
}

impl Lab {
    /// Meets a cluster that is up.
    pub(crate) async fn meet(cluster: &str) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("scratch folder: {error}"))?;
        let ask = |what: &str| {
            let output = Command::new(testbed()).args([what, "--cluster", cluster]).output();
            said(output).map(|text| text.trim().to_owned()).map_err(|error| format!("testbed {what}: {error}"))
        };
        let admin = std::fs::read_to_string(ask("kubeconfig")?).map_err(|error| format!("kubeconfig: {error}"))?;
        let server = admin.lines().find_map(|line| line.trim().strip_prefix("server: https://"));
        let server = server.ok_or("the kubeconfig names no server")?.to_owned();
        let relay = Relay::to(server.clone()).await.map_err(|error| format!("relay to {server}: {error}"))?;
        let lab = Self { cluster: cluster.to_owned(), folder, audit: Log::new(Path::new(&ask("audit")?)), relay };
        lab.clear()?;
        lab.account(&admin, &server)?;
        Ok(lab)
    }

    /// Removes what an earlier measurement has made, and waits until it is gone: a namespace that is ending takes nothing new.
    pub(crate) fn clear(&self) -> Result<(), String> {
        let absent = ["--ignore-not-found", "--timeout=180s"];
        self.kubectl(&[&["delete", "namespace", "accuracy", "driftproof"][..], &absent].concat())?;
        self.kubectl(&[&["delete", "clusterrole,clusterrolebinding", "driftproof"][..], &absent].concat())?;
        Ok(())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), String> {
        std::fs::write(self.path(name), text).map_err(|error| format!("{name}: {error}"))
    }

    /// `kubectl` as the administrator.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(testbed()).args(["kubectl", "--cluster", &self.cluster]).args(arguments).output();
        said(output).map_err(|error| format!("kubectl {}: {error}", arguments.join(" ")))
    }

    /// The whole log of a node's kubelet, which is empty when the node wrote none.
    pub(crate) fn kubelet_log(&self, node: &str) -> Result<String, String> {
        let name = format!("{node}-kubelet");
        let output = Command::new(testbed()).args(["logs", "--cluster", &self.cluster, &name, "--lines=+1"]).output();
        said(output).map_err(|error| format!("testbed logs {name}: {error}"))
    }

    /// The command that does something to the node of a fault.
    pub(crate) fn node_act(&self, verb: &str) -> String {
        format!("{} node {verb} $DRIFTPROOF_NODE --cluster {}", testbed().display(), self.cluster)
    }

    /// A service account for the runs, without any right yet, and a kubeconfig of it that leads through the relay.
    fn account(&self, admin: &str, server: &str) -> Result<(), String> {
        let create = |arguments: &[&str]| match self.kubectl(&[&["create"], arguments].concat()) {
            Err(error) if !error.contains("AlreadyExists") => Err(error),
            Ok(_) | Err(_) => Ok(()),
        };
        create(&["namespace", "driftproof"])?;
        create(&["serviceaccount", "driftproof", "--namespace", "driftproof"])?;
        let token =
            self.kubectl(&["create", "token", "driftproof", "--namespace", "driftproof", "--duration", "4h"])?;
        let relayed = admin.replace(server, &self.relay.address.to_string());
        let user = relayed.find("    user:\n      client-").ok_or("the kubeconfig has no client certificate")?;
        let rest = relayed[user..].find("contexts:").ok_or("the kubeconfig has no context")? + user;
        let token = format!("    user:\n      token: {}\n", token.trim());
        self.write("kubeconfig", &[&relayed[..user], &token, &relayed[rest..]].concat())
    }

    /// Gives the account exactly the rights that `driftproof rbac` prints for a scenario.
    pub(crate) fn grant(&self, scenario: &str, more: &[&str]) -> Result<(), String> {
        let output = driftproof()
            .args(["rbac", scenario, "--namespace", "driftproof", "--account", "driftproof"])
            .args(more)
            .current_dir(self.folder.path())
            .output();
        let role = said(output).map_err(|error| format!("driftproof rbac {scenario}: {error}"))?;
        self.write("rbac.yaml", &role)?;
        self.kubectl(&["apply", "-f", &self.path("rbac.yaml").display().to_string()]).map(drop)
    }

    /// Runs a scenario file of the scratch folder.
    pub(crate) async fn run(&self, scenario: &str, more: &[&str]) -> Result<Run, String> {
        let out = self.path(&format!("out-{}", now()));
        let context = format!("testbed-{}", self.cluster);
        let figures = self.path("figures");
        let mut command = tokio::process::Command::new("/usr/bin/time");
        command
            .args(["--format", "%U %S %M", "--quiet", "--output"])
            .arg(&figures)
            .arg(env!("CARGO_BIN_EXE_driftproof"));
        command.args(["run", scenario, "--context", &context, "--kubeconfig", "kubeconfig"]);
        command.args(["--agent-image", "driftproof:test", "--report-dir"]);
        command.arg(&out).args(more).current_dir(self.folder.path()).env_remove("GITHUB_STEP_SUMMARY");
        let (mark, bytes, begun) = (self.audit.mark(), self.relay.answered(), now());
        let output =
            command.output().await.map_err(|error| format!("/usr/bin/time (Debian's package time): {error}"))?;
        let (ended, bytes) = (now(), self.relay.answered() - bytes);
        tokio::time::sleep(AUDIT_LATENCY).await;
        let figures = std::fs::read_to_string(&figures).map_err(|error| format!("figures of time: {error}"))?;
        let mut figures = figures.split_whitespace().map(|word| word.parse::<f64>().unwrap_or(f64::NAN));
        let mut figure = || figures.next().unwrap_or(f64::NAN);
        let said = [output.stdout, output.stderr].concat();
        Ok(Run {
            code: output.status.code(),
            said: String::from_utf8_lossy(&said).into_owned(),
            begun,
            ended,
            cpu_seconds: figure() + figure(),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number of KiB")]
            memory_kib: figure() as u64,
            bytes,
            log: self.audit.since(mark)?,
            out,
        })
    }
}

impl Run {
    /// What the evidence of a scenario gives, and the wall clock of its beginning.
    pub(crate) fn measured(&self, scenario: &str) -> Result<(Measurements, String), String> {
        let file = self.out.join(scenario).join("evidence.jsonl");
        let text =
            std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}\n{}", file.display(), self.said))?;
        let evidence = Evidence::read(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok((measure::measure(&evidence), evidence.header.started))
    }

    /// Requests of Driftproof itself, without the probes that went through the API server's proxy; the questions for rights
    /// among them, and the watches.
    pub(crate) fn requests(&self) -> [usize; 3] {
        let ours = || self.log.iter().filter(|entry| entry.by(USER) && !entry.is_proxied());
        [
            ours().count(),
            ours().filter(|entry| entry.asks_for_rights()).count(),
            ours().filter(|entry| entry.is_watch()).count(),
        ]
    }
}

/// The built command.
pub(crate) fn driftproof() -> Command {
    Command::new(env!("CARGO_BIN_EXE_driftproof"))
}

fn said(output: std::io::Result<Output>) -> Result<String, String> {
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
