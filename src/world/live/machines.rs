//! Node failure on a live cluster: a pair of commands from the scenario, run only when the user allowed commands. Says
//! when a pod on the node is to do it, and starts none.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::process::Command;

use crate::process::{self, Limits};
use crate::scenario::{CommandPair, FailureMode};
use crate::world::{Machines, Means, NodeAgent};

/// A command that lets a node fail, or brings it back, is killed after this time: a cloud takes minutes to start a machine.
pub(super) const COMMAND_LIMIT: Duration = Duration::from_secs(300);
/// Of what a command says so many bytes are told.
const SAID: usize = 4096;

/// Commands on this machine.
pub(super) struct Commands {
    /// `--allow-commands` was given.
    pub(super) allowed: bool,
    /// The pods that act on nodes.
    pub(super) agent: NodeAgent,
    /// A command that has not ended after this time is killed.
    pub(super) limit: Duration,
}

const NO_COMMAND: &str = "a live cluster has no hand on the power of its machines: give `command = { inject = \"…\", heal = \"…\" }` in the fault, \
    --node-failure-command INJECT HEAL, or another mode (kubelet-stop, network-cut, taint; for all faults: --node-failure-mode)";
const NOT_ALLOWED: &str = "commands of scenario files run only with --allow-commands";

impl Commands {
    async fn shell(&self, script: Option<&str>, node: &str, ip: &str) -> Result<(), String> {
        let script = script.ok_or_else(|| format!("node {node}: {NO_COMMAND}"))?;
        if !self.allowed {
            return Err(format!("node {node}: {NOT_ALLOWED}"));
        }
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("DRIFTPROOF_NODE", node).env("DRIFTPROOF_NODE_IP", ip);
        let ended = process::run(command, Limits { time: self.limit, bytes: SAID }).await;
        let ended = ended.map_err(|error| format!("node {node}: `{script}` {error}"))?;
        if ended.status.success() {
            return Ok(());
        }
        Err(format!("node {node}: `{script}` ended with {}: {}", ended.status, ended.stderr.trim()))
    }
}

impl Machines for Commands {
    fn means(&self, mode: FailureMode, command: Option<&CommandPair>) -> Result<Means, String> {
        match (command, mode) {
            (Some(_), _) if !self.allowed => Err(NOT_ALLOWED.to_owned()),
            (Some(_), _) | (None, FailureMode::Taint) => Ok(Means::Hands),
            (None, FailureMode::KubeletStop | FailureMode::NetworkCut) => Ok(Means::Agent(self.agent.clone())),
            (None, FailureMode::PowerOff) => Err(NO_COMMAND.to_owned()),
        }
    }

    fn fail<'a>(
        &'a self,
        node: &'a str,
        ip: &'a str,
        _mode: FailureMode,
        command: Option<&'a CommandPair>,
    ) -> BoxFuture<'a, Result<(), String>> {
        self.shell(command.map(|pair| pair.inject.as_str()), node, ip).boxed()
    }

    fn restore<'a>(
        &'a self,
        node: &'a str,
        ip: &'a str,
        _mode: FailureMode,
        command: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), String>> {
        self.shell(command, node, ip).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(inject: &str) -> CommandPair {
        CommandPair { inject: inject.to_owned(), heal: "true".to_owned() }
    }

    fn commands(allowed: bool) -> Commands {
        let agent = NodeAgent { image: "driftproof:test".to_owned(), namespace: "kube-system".to_owned() };
        Commands { allowed, agent, limit: COMMAND_LIMIT }
    }

    #[tokio::test]
    async fn commands_run_only_when_allowed_and_know_their_node() {
        let check = pair("test \"$DRIFTPROOF_NODE/$DRIFTPROOF_NODE_IP\" = w1/10.0.0.1");
        let refused = commands(false).fail("w1", "10.0.0.1", FailureMode::PowerOff, Some(&check)).await;
        assert_eq!(refused, Err("node w1: commands of scenario files run only with --allow-commands".to_owned()));
        assert_eq!(commands(true).fail("w1", "10.0.0.1", FailureMode::PowerOff, Some(&check)).await, Ok(()));
    }

    #[test]
    fn a_command_comes_first_and_power_needs_one() {
        let pair = pair("true");
        let agent = Ok(Means::Agent(commands(false).agent));
        for (allowed, mode, command, expected) in [
            (false, FailureMode::KubeletStop, Some(&pair), Err(NOT_ALLOWED.to_owned())),
            (true, FailureMode::KubeletStop, Some(&pair), Ok(Means::Hands)),
            (false, FailureMode::KubeletStop, None, agent.clone()),
            (false, FailureMode::NetworkCut, None, agent),
            (false, FailureMode::Taint, None, Ok(Means::Hands)),
            (true, FailureMode::PowerOff, None, Err(NO_COMMAND.to_owned())),
        ] {
            assert_eq!(commands(allowed).means(mode, command), expected, "{mode:?}");
        }
    }

    #[tokio::test]
    async fn a_failing_command_says_what_it_said() {
        let command = pair("echo no such machine >&2; exit 3");
        let error = commands(true).fail("w1", "", FailureMode::PowerOff, Some(&command)).await;
        let error = error.expect_err("the command fails");
        assert!(error.contains("exit status: 3") && error.ends_with("no such machine"), "{error}");
    }

    #[tokio::test]
    async fn a_command_that_never_ends_is_given_up() {
        let stubborn = Commands { limit: Duration::from_millis(200), ..commands(true) };
        let error = stubborn.restore("w1", "", FailureMode::PowerOff, Some("sleep 1000 & wait")).await;
        let error = error.expect_err("it never ends");
        assert!(error.starts_with("node w1: `sleep 1000 & wait` had not ended after 200ms"), "{error}");
    }
}
