//! The steps of a story's plan: `STEP ACTION ARGUMENTS`.

use driftproof::plan::{Action, NodeTarget, Ordinals, PodTarget, Step};
use driftproof::scenario::{Direction, FailureMode};

/// A step from its words.
pub(crate) fn step(args: &[&str]) -> Step {
    let pods = || {
        let pod = |text: &&str| {
            let (uid, rest) = text.split_once('=').expect("UID=NAME@NODE");
            let (name, node) = rest.split_once('@').expect("UID=NAME@NODE");
            PodTarget {
                namespace: "shop".to_owned(),
                name: name.to_owned(),
                uid: uid.to_owned(),
                node: node.to_owned(),
            }
        };
        args[2..].iter().map(pod).collect::<Vec<_>>()
    };
    let nodes = || {
        let node = |name: &&str| NodeTarget { name: (*name).to_owned(), ip: String::new(), zone: String::new() };
        args[2..].iter().map(node).collect::<Vec<_>>()
    };
    let zero = std::time::Duration::ZERO;
    let action = match args[1] {
        "kill" => Action::PodKill { pods: pods(), grace_seconds: None },
        "partition" => Action::NetworkPartition {
            policies: Vec::new(),
            pods: pods(),
            from: Vec::new(),
            direction: Direction::Both,
            canaries: Vec::new(),
        },
        "drain" => Action::NodeDrain { nodes: nodes(), timeout: zero, delete_emptydir_data: true, force: false },
        "member" => Action::EtcdMemberReplace {
            stateful_set: "db".to_owned(),
            ordinals: Ordinals { start: 0, replicas: 3 },
            leaving: pods().swap_remove(0),
            guest: Some("db-3".to_owned()),
            claim_templates: vec!["data".to_owned()],
            port: "2379".to_owned(),
            timeout: zero,
        },
        "fail" => Action::NodeFailure { nodes: nodes(), mode: FailureMode::PowerOff, command: None },
        other => panic!("`{other}` is no action"),
    };
    Step {
        id: args[0].to_owned(),
        name: args[0].to_owned(),
        fault: 0,
        repeat: 0,
        at: zero,
        hold: zero,
        action,
        drawn: None,
    }
}
