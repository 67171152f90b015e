//! Nodes that fail on a live cluster without a command: by an agent on the node, by a taint, by flags.

use driftproof::evidence::{Event, Evidence, Life, Undo};
use driftproof::sim::{Kind, Settings};

use crate::lab::{Ended, Lab, settings};

const EXPECT: &str = "[expect]\nrto = \"20s\"\nmoved = 1\nsame_after = [\"replicas\", \"nodes\"]\n";

fn fault(mode: &str, hold: &str) -> String {
    format!("[[fault]]\nkind = \"node-failure\"\nnode = {{ of = \"target\" }}\nmode = \"{mode}\"\nhold = \"{hold}\"\n")
}

fn lives(lab: &Lab) -> Vec<Life> {
    let evidence = Evidence::read(&lab.read("out/live/evidence.jsonl")).expect("readable");
    let lives = evidence.records.into_iter().filter_map(|record| match record.event {
        Event::Fault(fault) => Some(fault.life),
        _ => None,
    });
    lives.collect()
}

fn proofs(lab: &Lab) -> (String, String) {
    let (mut injected, mut healed) = (String::new(), String::new());
    for life in lives(lab) {
        match life {
            Life::Proof(proof) if proof.proven => injected = proof.statement,
            Life::HealProof(proof) if proof.proven => healed = proof.statement,
            _ => {}
        }
    }
    (injected, healed)
}

/// An agent's namespace, which every real cluster has.
async fn with_system_namespace(settings: Settings) -> Lab {
    let lab = Lab::start(settings).await;
    lab.deploy().await;
    lab
}

#[tokio::test]
async fn a_kubelet_is_stopped_by_an_agent_that_is_gone_afterwards() {
    let lab = with_system_namespace(settings()).await;
    lab.scenario(&format!("{}{EXPECT}", fault("kubelet-stop", "5s")));
    lab.run(&[]).await.expect(0);
    let (injected, healed) = proofs(&lab);
    assert!(injected.contains("Ready=Unknown") && healed.contains("Ready=True"), "{injected}; {healed}");
    assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
    // The intent holds what a run that was killed would have left, and how it ends by itself.
    let undo =
        lives(&lab).into_iter().find_map(|life| if let Life::Intent { undo, .. } = life { Some(undo) } else { None });
    let Some([Undo::EndNodeAgent { namespace, timer_seconds, .. }]) = undo.as_deref() else { panic!("{undo:?}") };
    assert_eq!((namespace.as_str(), *timer_seconds), ("kube-system", 65));
    let fires = lab.changes().into_iter().filter(|line| line.ends_with("/fire")).count();
    assert_eq!(fires, 1);
}

#[tokio::test]
async fn a_node_without_network_is_waited_for() {
    let lab = with_system_namespace(settings()).await;
    lab.scenario(&format!("{}{EXPECT}", fault("power-off", "4s")));
    lab.run(&["--node-failure-mode", "network-cut", "--node-agent-namespace", "shop"]).await.expect(0);
    let (injected, healed) = proofs(&lab);
    assert!(injected.contains("Ready=Unknown") && healed.contains("Ready=True"), "{injected}; {healed}");
    assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
    assert!(
        lab.read("out/report.json").contains("--node-failure-mode network-cut"),
        "it is repeated with the same flags"
    );
}

#[tokio::test]
async fn a_taint_drives_out_what_does_not_tolerate_it_and_goes_again() {
    let lab = with_system_namespace(settings()).await;
    lab.scenario(&format!("{}{EXPECT}", fault("taint", "3s")));
    lab.run(&[]).await.expect(0);
    let (injected, healed) = proofs(&lab);
    assert!(injected.starts_with("driven out: shop/web-"), "{injected}");
    assert!(healed.starts_with("no longer tainted: worker-"), "{healed}");
    let taints = lab.cluster.with(|state| {
        let nodes = state.store.all(Kind::Node).map(|(_, node)| node.at("/spec/taints").map(ToString::to_string));
        nodes.flatten().collect::<Vec<_>>()
    });
    assert!(taints.iter().all(|taints| !taints.contains("driftproof")), "{taints:?}");
    let patches = lab.changes().into_iter().filter(|line| line.starts_with("PATCH /api/v1/nodes/")).count();
    assert_eq!(patches, 2, "one to taint, one to take it back");
}

#[tokio::test]
async fn a_taint_that_all_pods_tolerate_is_no_fault() {
    let lab = Lab::start(settings()).await;
    let tolerant = include_str!("web.yaml").replace(
        "terminationGracePeriodSeconds: 3",
        "tolerations: [{ operator: Exists }]\n      terminationGracePeriodSeconds: 3",
    );
    lab.write("web.yaml", &tolerant);
    lab.scenario(&fault("taint", "3s"));
    let ended = lab.run(&["--apply-fixtures"]).await.expect(3);
    assert!(ended.out.contains("tolerates the taint"), "{}", ended.out);
    assert!(!lab.changes().iter().any(|line| line.contains("/nodes/")), "{:?}", lab.changes());
}

#[tokio::test]
async fn power_needs_a_command_and_flags_give_one() {
    let lab = with_system_namespace(settings()).await;
    lab.scenario(&format!("{}{EXPECT}", fault("power-off", "6s")));
    let refused = lab.run(&[]).await.expect(2);
    assert!(refused.said().contains("--node-failure-command INJECT HEAL"), "{}", refused.said());
    let pair = ["--node-failure-command", "touch off/$DRIFTPROOF_NODE", "rm -f off/$DRIFTPROOF_NODE"];
    let refused = lab.run(&pair).await.expect(2);
    assert!(refused.said().contains("only with --allow-commands"), "{}", refused.said());
    assert_eq!(lab.changes(), [] as [String; 0]);
    lab.run(&[&pair[..], &["--allow-commands"]].concat()).await.expect(0);
    assert!(proofs(&lab).0.contains("Ready=Unknown"));
    assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
}

#[tokio::test]
async fn an_agent_that_would_not_be_admitted_is_said_before_anything_is_touched() {
    let lab = with_system_namespace(settings()).await;
    lab.scenario(&fault("kubelet-stop", "5s"));
    let ended = lab.run(&["--node-agent-namespace", "nowhere"]).await.expect(2);
    assert!(ended.said().contains("an agent in namespace nowhere is refused"), "{}", ended.said());
    assert!(lab.ours().is_empty(), "{:?}", lab.ours());
}

#[tokio::test]
async fn a_machine_that_a_killed_run_has_switched_off_is_brought_back_by_the_mark_on_its_node() {
    let lab = with_system_namespace(settings()).await;
    lab.scenario(&fault("power-off", "5m"));
    let pair = ["--node-failure-command", "touch off/$DRIFTPROOF_NODE", "rm -f off/$DRIFTPROOF_NODE"];
    let mut child = lab.begin(&[&pair[..], &["--allow-commands"]].concat());
    let off = |lab: &Lab| std::fs::read_dir(lab.path("off")).is_ok_and(|mut files| files.next().is_some());
    lab.until("the machine is off", off).await;
    child.kill().await.expect("killed");
    assert!(lab.ours().iter().any(|ours| ours.starts_with("Node ")), "{:?}", lab.ours());
    let shown = lab.undo(&["--dry-run"]).await.expect(3);
    let heal = "rm off/$DRIFTPROOF_NODE && test -n \"$DRIFTPROOF_NODE_IP\"";
    let undo = ["undo", "--context", "lab", "--kubeconfig", "kubeconfig", "--run", Lab::shown(&shown.out)];
    // That a node is dead shows in its lease alone, which is looked at for 40 seconds.
    let child = lab.command(&[&undo[..], &["--node-heal-command", heal]].concat()).spawn().expect("it starts");
    let ended = tokio::time::timeout(std::time::Duration::from_secs(90), child.wait_with_output()).await;
    let ended = Ended::from(ended.expect("in time").expect("read")).expect(0);
    assert!(ended.out.contains("done      bring back node"), "{}", ended.out);
    assert!(!off(&lab) && lab.ours().is_empty(), "left behind: {:?}", lab.ours());
}
