//! Each kind of fault on a live cluster: injected, proven, healed, nothing left behind.

use driftproof::evidence::{Event, Evidence, Life, Proof};
use driftproof::sim::Kind;

use crate::lab::{Lab, settings};

const POD_KILL: &str = "[[fault]]\nkind = \"pod-kill\"\n";

fn evidence(lab: &Lab) -> Evidence {
    let evidence = Evidence::read(&lab.read("out/live/evidence.jsonl")).expect("readable");
    assert_eq!(evidence.cut, None);
    evidence
}

/// The proofs of injection and of healing of the only fault.
fn proofs(evidence: &Evidence) -> (Proof, Proof) {
    let lives = || {
        evidence.records.iter().filter_map(|record| match &record.event {
            Event::Fault(fault) => Some(&fault.life),
            _ => None,
        })
    };
    let injected = lives().find_map(|life| if let Life::Proof(proof) = life { Some(proof.clone()) } else { None });
    let healed = lives().find_map(|life| if let Life::HealProof(proof) = life { Some(proof.clone()) } else { None });
    (injected.expect("a proof of injection"), healed.expect("a proof of healing"))
}

#[tokio::test]
async fn a_pod_is_killed_and_nothing_is_left_behind() {
    let lab = Lab::start(settings()).await;
    let queries = "[[query]]\nname = \"now\"\nexpr = \"up_ratio\"\nbound = \">= 1\"\n\
        [[query]]\nname = \"all along\"\nexpr = \"up_ratio\"\nbound = \"> 0.5\"\nstep = \"1s\"\n";
    let url = lab.prometheus();
    let probes = format!(
        "[[probe]]\nname = \"by url\"\nkind = \"http\"\nurl = \"{url}/version\"\nrate = 5\n\
         [[probe]]\nname = \"by tcp\"\nkind = \"tcp\"\nurl = \"{}\"\nrate = 5\n",
        url.trim_start_matches("http://")
    );
    let expect = "[expect]\navailability = \"50%\"\nrto = \"20s\"\nsame_after = [\"replicas\", \"images\", \"spec\", \"leftovers\"]\n";
    lab.scenario(&format!("{probes}{POD_KILL}{queries}{expect}"));
    let ended = lab.run(&["--apply-fixtures", "--prometheus", &lab.prometheus()]).await.expect(0);
    assert!(ended.err.starts_with("PASS"), "{}", ended.said());
    assert!(lab.read("out/report.md").contains("live cluster lab (v1."), "{}", lab.read("out/report.md"));
    assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
    assert!(!lab.has(Kind::Namespace, "", "shop"), "the namespace of the fixture is still there");
    let tried = lab.changes();
    assert!(tried.iter().any(|line| line.starts_with("DELETE /api/v1/namespaces/shop/pods/web-")), "{tried:?}");
}

#[tokio::test]
async fn a_metric_decides_only_when_there_is_one() {
    let lab = Lab::start(settings()).await;
    lab.deploy().await;
    let query = |expr: &str| format!("{POD_KILL}[[query]]\nname = \"q\"\nexpr = \"{expr}\"\nbound = \"> 1\"\n");
    lab.scenario(&query("up_ratio"));
    let failed = lab.run(&["--prometheus", &lab.prometheus()]).await.expect(1);
    assert!(failed.out.contains("1 of 1 samples break the bound"), "{}", failed.out);
    lab.scenario(&query("nothing"));
    let none = lab.run(&["--prometheus", &lab.prometheus()]).await.expect(3);
    assert!(none.out.contains("no data"), "{}", none.out);
}

#[tokio::test]
async fn a_partition_is_proven_from_outside_and_healed() {
    let lab = Lab::start(settings()).await;
    lab.deploy().await;
    lab.scenario("[[fault]]\nkind = \"network-partition\"\ndirection = \"ingress\"\nhold = \"4s\"\n[expect]\nlongest_outage = \"20s\"\n");
    lab.run(&[]).await.expect(0);
    let evidence = evidence(&lab);
    let (injected, healed) = proofs(&evidence);
    assert!(injected.proven && healed.proven, "{injected:?} {healed:?}");
    assert!(injected.canaries.iter().any(|canary| canary.path.starts_with("outside") && !canary.now), "{injected:?}");
    let no_agent = |event: &Event| matches!(event, Event::Gap { what, recovered: true } if what.starts_with("nothing is tried from an agent"));
    assert!(evidence.records.iter().any(|record| no_agent(&record.event)), "{:?}", evidence.records);
    assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
    let created: Vec<String> = lab.changes().into_iter().filter(|line| line.starts_with("POST")).collect();
    // The served cluster cannot be attached to: its agent is not met, which is on record, and the outside has to do.
    let ours = ["/leases", "/networkpolicies", "/pods", "/configmaps", "/jobs"];
    assert!(
        created.iter().all(|line| ours.iter().any(|end| line.ends_with(end))),
        "without --apply-fixtures: {created:?}"
    );
    assert!(lab.has(Kind::Namespace, "", "shop"), "what was there before is not removed");
}

#[tokio::test]
async fn a_drained_node_is_cordoned_and_uncordoned() {
    let lab = Lab::start(settings()).await;
    lab.deploy().await;
    let fault = "[[fault]]\nkind = \"node-drain\"\nnode = { of = \"target\" }\nhold = \"3s\"\n";
    lab.scenario(&format!("{fault}[expect]\nrto = \"20s\"\nmoved = 1\nsame_after = [\"replicas\", \"nodes\"]\n"));
    lab.run(&[]).await.expect(0);
    let evidence = evidence(&lab);
    let (injected, healed) = proofs(&evidence);
    assert!(injected.proven && healed.proven, "{injected:?} {healed:?}");
    assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
    let changes = lab.changes();
    let patches = changes.iter().filter(|line| line.starts_with("PATCH /api/v1/nodes/worker-")).count();
    assert_eq!(patches, 2, "one cordon, one uncordon: {changes:?}");
    assert!(changes.iter().any(|line| line.ends_with("/eviction")), "{changes:?}");
}

#[tokio::test]
async fn a_node_fails_by_commands_and_only_when_they_are_allowed() {
    let lab = Lab::start(settings()).await;
    lab.deploy().await;
    let (on, off) = ("rm -f off/$DRIFTPROOF_NODE", "touch off/$DRIFTPROOF_NODE");
    let fault = "[[fault]]\nkind = \"node-failure\"\nnode = { of = \"target\" }\nhold = \"6s\"\n";
    lab.scenario(&format!(
        "{fault}command = {{ inject = \"{off}\", heal = \"{on}\" }}\n[expect]\nrto = \"20s\"\nmoved = 1\n"
    ));
    let refused = lab.run(&[]).await.expect(2);
    assert!(refused.said().contains("commands of scenario files run only with --allow-commands"), "{}", refused.said());
    assert_eq!(lab.changes(), [] as [String; 0]);

    lab.run(&["--allow-commands"]).await.expect(0);
    let (injected, healed) = proofs(&evidence(&lab));
    assert!(injected.proven && injected.statement.contains("Ready=Unknown"), "{injected:?}");
    assert!(healed.proven, "{healed:?}");
    assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
}
