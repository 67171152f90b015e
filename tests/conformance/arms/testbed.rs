//! The testbed's cluster: its kubeconfig, its command, and `kubectl exec`'s way into pods.

use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::case::{Enforcement, Switch, Timings};
use crate::hands::{Arm, Door, Hands, PodName};

/// No connection attempts take longer, however many there are.
const EXEC_DEADLINE: Duration = Duration::from_secs(60);

/// Connects to the testbed's cluster of this name, and starts it when it is not up. Gives the version of Kubernetes too.
pub(crate) async fn connect(name: &str, timings: &Timings, enforcement: Enforcement) -> Result<(Arm, String), String> {
    let policies = match enforcement {
        Enforcement::On => "on",
        Enforcement::Off => "off",
    };
    testbed(&["up", "--cluster", name, "--timings", timings.name, "--policies", policies]).await?;
    let path = testbed(&["kubeconfig", "--cluster", name]).await?;
    let broken = |error: &dyn std::fmt::Display| format!("kubeconfig of cluster {name}: {error}");
    let file = Kubeconfig::read_from(path.trim()).map_err(|error| broken(&error))?;
    let mut config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .map_err(|error| broken(&error))?;
    // A refused eviction is an answer, not a reason to try again.
    config.default_retry = false;
    let client = kube::Client::try_from(config).map_err(|error| broken(&error))?;
    let version = client.apiserver_version().await.map_err(|error| format!("version of {name}: {error}"))?;
    let hands = Testbed { cluster: name.to_owned(), client: client.clone() };
    Ok((Arm { client, hands: Box::new(hands) }, version.git_version))
}

/// Takes a cluster down.
pub(crate) async fn down(name: &str) -> Result<(), String> {
    testbed(&["down", "--cluster", name]).await.map(drop)
}

async fn testbed(arguments: &[&str]) -> Result<String, String> {
    let command = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/testbed/testbed");
    let output = Command::new(&command).args(arguments).output().await;
    let output = output.map_err(|error| format!("{}: {error}", command.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or("it said nothing");
        return Err(format!("testbed {}: {last}", arguments.join(" ")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

struct Testbed {
    cluster: String,
    client: kube::Client,
}

impl Testbed {
    fn pods(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.client.clone(), namespace)
    }

    async fn kill(&self, pod: &PodName, container: &str) -> Result<(), String> {
        let failed = |why: &dyn std::fmt::Display| format!("kill {container} in {}: {why}", pod.name);
        let object = self.pods(&pod.namespace).get(&pod.name).await.map_err(|error| failed(&error))?;
        let statuses = object.status.and_then(|status| status.container_statuses).unwrap_or_default();
        let id = statuses.iter().find(|status| status.name == container).and_then(|status| status.container_id.clone());
        let id = id.ok_or_else(|| failed(&"it has no container"))?;
        let id = id.rsplit('/').next().unwrap_or_default();
        let process = first_process(id).ok_or_else(|| failed(&"no process on this machine belongs to it"))?;
        let killed = Command::new("kill").args(["-KILL", &process.to_string()]).status().await;
        match killed {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(failed(&status)),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn exec(&self, pod: &PodName, script: String) -> Result<String, String> {
        let failed = |why: &dyn std::fmt::Display| format!("exec in {}: {why}", pod.name);
        let parameters = AttachParams::default().stderr(false);
        let command = ["sh", "-c", script.as_str()];
        let mut process =
            self.pods(&pod.namespace).exec(&pod.name, command, &parameters).await.map_err(|error| failed(&error))?;
        let mut said = String::new();
        if let Some(mut output) = process.stdout() {
            let read = tokio::time::timeout(EXEC_DEADLINE, output.read_to_string(&mut said)).await;
            read.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        }
        Ok(said)
    }
}

/// The oldest process of a container: all nodes are on this machine, and a container's cgroup bears its ID.
fn first_process(container: &str) -> Option<u32> {
    let entries = std::fs::read_dir("/proc").ok()?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let belongs = |pid: &u32| {
        let cgroups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        cgroups.contains(container)
    };
    pids.filter(belongs).min()
}

impl Hands for Testbed {
    fn switch<'a>(&'a self, node: &'a str, switch: Switch) -> BoxFuture<'a, Result<(), String>> {
        let verb = match switch {
            Switch::PowerOff => "power-off",
            Switch::PowerOn => "boot",
            Switch::KillKubelet => "kill-kubelet",
            Switch::StartKubelet => "start-kubelet",
            Switch::CutNetwork => "cut",
            Switch::JoinNetwork => "heal",
        };
        async move { testbed(&["node", verb, node, "--cluster", &self.cluster]).await.map(drop) }.boxed()
    }

    fn kill_container<'a>(&'a self, pod: &'a PodName, container: &'a str) -> BoxFuture<'a, Result<(), String>> {
        self.kill(pod, container).boxed()
    }

    fn connect<'a>(&'a self, from: &'a PodName, to: &'a [Door]) -> BoxFuture<'a, Result<Vec<bool>, String>> {
        let attempt = |(index, door): (usize, &Door)| {
            let Door { ip, port } = door;
            format!(
                "(printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {ip} {port} 2>/dev/null | grep -q HTTP && echo {index}) &\n"
            )
        };
        let script: String = to.iter().enumerate().map(attempt).collect();
        async move {
            let said = self.exec(from, script + "wait\n").await?;
            let open: Vec<usize> = said.lines().filter_map(|line| line.trim().parse().ok()).collect();
            Ok((0..to.len()).map(|index| open.contains(&index)).collect())
        }
        .boxed()
    }
}
