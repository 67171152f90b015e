//! What the command line says of node failures: put into the scenarios before anything else sees them, so that plan, run
//! and evidence agree. Touches no cluster.

use driftproof::scenario::{CommandPair, FailureMode, FaultKind, NodeFailure, Scenario};
use driftproof::world::NodeAgent;

use super::args::{DEFAULT_IMAGE, Nodes, Undo};

impl Undo {
    /// How pods that act on nodes would be started; an undo starts none.
    pub(super) fn nodes(&self) -> NodeAgent {
        NodeAgent { image: DEFAULT_IMAGE.to_owned(), namespace: self.namespace.clone().unwrap_or_default() }
    }
}

impl Nodes {
    /// Puts the flags into a scenario's node failures.
    pub(super) fn apply(&self, scenario: &mut Scenario) {
        let failures = scenario.faults.iter_mut().filter_map(|fault| match &mut fault.kind {
            FaultKind::NodeFailure(failure) => Some(failure),
            FaultKind::PodKill(_)
            | FaultKind::NetworkPartition(_)
            | FaultKind::NodeDrain(_)
            | FaultKind::EtcdMemberReplace(_) => None,
        });
        failures.for_each(|failure| self.change(failure));
    }

    fn change(&self, failure: &mut NodeFailure) {
        if let Some(mode) = self.node_failure_mode {
            failure.mode = mode;
            failure.command = None;
        }
        if let [inject, heal] = self.node_failure_command.as_slice() {
            failure.command = Some(CommandPair { inject: inject.clone(), heal: heal.clone() });
            if failure.mode == FailureMode::Taint {
                failure.mode = FailureMode::PowerOff;
            }
        }
    }

    /// How pods that act on nodes are started.
    pub(super) fn agent(&self) -> NodeAgent {
        NodeAgent { image: self.agent_image.clone(), namespace: self.node_agent_namespace.clone() }
    }

    /// The flags that were given, for the command that repeats a run. A namespace matters only for an agent on a node.
    pub(super) fn again(&self, scenario: &Scenario) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(mode) = self.node_failure_mode {
            words.extend(["--node-failure-mode".to_owned(), mode.word().to_owned()]);
        }
        if !self.node_failure_command.is_empty() {
            words.push("--node-failure-command".to_owned());
            words.extend(self.node_failure_command.iter().cloned());
        }
        let needs_agent = scenario
            .faults
            .iter()
            .any(|fault| matches!(&fault.kind, FaultKind::NodeFailure(failure) if failure.needs_agent()));
        if self.agent_image != DEFAULT_IMAGE {
            words.extend(["--agent-image".to_owned(), self.agent_image.clone()]);
        }
        if needs_agent {
            words.extend(["--node-agent-namespace".to_owned(), self.node_agent_namespace.clone()]);
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(fault: &str) -> Scenario {
        let text = format!(
            "name = \"x\"\n[target]\nnamespace = \"shop\"\nworkload = \"deployment/web\"\n[[fault]]\nkind = \"node-failure\"\nhold = \"1m\"\n{fault}"
        );
        driftproof::scenario::parse("x.toml", &text).expect("valid")
    }

    fn changed(nodes: &Nodes, fault: &str) -> NodeFailure {
        let mut scenario = scenario(fault);
        nodes.apply(&mut scenario);
        match scenario.faults.remove(0).kind {
            FaultKind::NodeFailure(failure) => failure,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_decides_over_the_file() {
        let command = "command = { inject = \"a\", heal = \"b\" }";
        let mode = Nodes { node_failure_mode: Some(FailureMode::NetworkCut), ..Nodes::default() };
        let failure = changed(&mode, command);
        assert_eq!((failure.mode, failure.command), (FailureMode::NetworkCut, None));
        let pair = Nodes { node_failure_command: vec!["off".to_owned(), "on".to_owned()], ..Nodes::default() };
        let failure = changed(&pair, "mode = \"taint\"");
        assert_eq!(failure.mode, FailureMode::PowerOff);
        assert_eq!(failure.command, Some(CommandPair { inject: "off".to_owned(), heal: "on".to_owned() }));
        assert_eq!(changed(&Nodes::default(), command).command.expect("kept").inject, "a");
    }

    #[test]
    fn a_run_is_repeated_with_the_same_means() {
        let nodes = Nodes {
            agent_image: "driftproof:1".to_owned(),
            node_agent_namespace: "chaos".to_owned(),
            ..Nodes::default()
        };
        assert_eq!(nodes.again(&scenario("mode = \"taint\"")), ["--agent-image", "driftproof:1"]);
        let words = nodes.again(&scenario("mode = \"network-cut\""));
        assert_eq!(words, ["--agent-image", "driftproof:1", "--node-agent-namespace", "chaos"]);
    }
}
