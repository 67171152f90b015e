//! Connections from a pod by the tools that its own containers have: `nc`, `bash`, `curl` or `wget` under `sh`. New
//! connections only. A tool that cannot be run says nothing of the network.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;

use super::super::exec::{self, ExecError, Limits};
use crate::world::{NetworkError, causes};

/// Names the tools that are there.
const FIND: &str = "for tool in nc bash curl wget; do command -v $tool >/dev/null 2>&1 && echo $tool; done; true";
/// Tries one tool after the other until one gets through: 0 for that, 1 for none, 3 when there is no tool. Some `nc` have
/// no `-z`, but `-e`; `wget` and `curl` count any answer, whatever its status.
const CONNECT: &str = r#"h=$1; p=$2; t=$3; found=3
has() { command -v "$1" >/dev/null 2>&1 && found=1; }
has nc && { nc -z -w "$t" "$h" "$p" || nc -w "$t" "$h" "$p" -e true; } >/dev/null 2>&1 && exit 0
has bash && has timeout && timeout "$t" bash -c "exec 3<>/dev/tcp/$h/$p" >/dev/null 2>&1 && exit 0
if has curl; then curl -s -o /dev/null -m "$t" "http://$h:$p/" >/dev/null 2>&1; case $? in 0|52|56) exit 0;; esac; fi
if has wget; then
  said=$(wget -T "$t" -O /dev/null "http://$h:$p/" 2>&1) && exit 0
  case $said in *"server returned error"*|*ERROR\ [345]*) exit 0;; esac
fi
exit $found"#;
/// Running something in a pod takes this long at most, beside what it does.
const SLACK: Duration = Duration::from_secs(8);
/// These say little; bytes.
const SAID: usize = 1 << 16;

/// The first container that has a tool.
pub(super) async fn find(client: &kube::Client, namespace: &str, pod: &str) -> Result<String, String> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let found = api.get(pod).await.map_err(|error| causes(&error))?;
    let containers = found.spec.map(|spec| spec.containers).unwrap_or_default();
    let mut why = Vec::new();
    for container in &containers {
        match run(&api, pod, &container.name, &["sh", "-c", FIND], SLACK).await {
            Ok((0, said)) if !said.trim().is_empty() => return Ok(container.name.clone()),
            Ok((0, _)) => why.push(format!("{} has no nc, bash, curl or wget", container.name)),
            Ok((_, said)) => why.push(format!("{} has no sh ({})", container.name, said.trim())),
            // Go's `exec.ErrNotFound`, as the container runtimes pass it on.
            Err(ExecError::NotRun(reason)) if reason.contains("executable file not found") => {
                why.push(format!("{} has no sh", container.name));
            }
            Err(reason) => why.push(format!("{}: {reason}", container.name)),
        }
    }
    Err(why.join("; "))
}

/// Opens a new connection from a container, and closes it.
pub(super) async fn connect(
    client: &kube::Client,
    (namespace, pod): (&str, &str),
    container: &str,
    address: &str,
    timeout: Duration,
) -> Result<(), NetworkError> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let seconds = timeout.as_secs().max(1).to_string();
    let host = host.trim_matches(['[', ']']);
    let command = ["sh", "-c", CONNECT, "sh", host, port, &seconds];
    match run(&api, pod, container, &command, SLACK + timeout * 4).await {
        Ok((0, _)) => Ok(()),
        Ok((1, _)) => Err(NetworkError::Timeout(timeout)),
        Ok((code, said)) => {
            Err(NetworkError::Unsupported(format!("tools of {container}: exit {code} {}", said.trim())))
        }
        Err(reason) => Err(NetworkError::Unsupported(format!("exec in pod {namespace}/{pod}: {reason}"))),
    }
}

/// Runs a command in a container: exit code and what it said.
async fn run(
    api: &Api<Pod>,
    pod: &str,
    container: &str,
    command: &[&str],
    limit: Duration,
) -> Result<(i32, String), ExecError> {
    let limits = Limits { time: limit, bytes: SAID };
    let ended = exec::run(api, pod, Some(container), command, None, limits).await?;
    Ok((ended.code, format!("{}{}", ended.stdout, ended.stderr)))
}
