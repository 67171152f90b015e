//! A run that is stopped in the middle of a partition: asked to, it heals; killed, it leaves a record of what it did.

use std::time::Duration;

use driftproof::evidence::{Event, Evidence, Life, Undo};
use driftproof::sim::Kind;
use tokio::process::{Child, Command};

use crate::lab::{Lab, settings};

async fn in_the_middle_of_a_partition() -> (Lab, Child) {
    let lab = Lab::start(settings()).await;
    lab.deploy().await;
    lab.scenario("[[fault]]\nkind = \"network-partition\"\ndirection = \"ingress\"\nhold = \"5m\"\n");
    let child = lab.begin(&[]);
    lab.until("the policy", |lab| lab.ours().iter().any(|ours| ours.starts_with("NetworkPolicy"))).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    (lab, child)
}

fn intent(evidence: &Evidence) -> Option<&[Undo]> {
    evidence.records.iter().find_map(|record| match &record.event {
        Event::Fault(fault) => match &fault.life {
            Life::Intent { undo, .. } => Some(undo.as_slice()),
            _ => None,
        },
        _ => None,
    })
}

#[tokio::test]
async fn sigterm_heals_reports_and_is_inconclusive() {
    let (lab, child) = in_the_middle_of_a_partition().await;
    let id = child.id().expect("it still runs").to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.expect("kill").success());
    let ended = Lab::end(child).await.expect(3);
    assert!(ended.err.contains("interrupted: healing"), "{}", ended.err);
    assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
    let evidence = Evidence::read(&lab.read("out/live/evidence.jsonl")).expect("readable");
    assert_eq!(evidence.cut, None);
    assert!(lab.read("out/report.md").contains("live cluster lab"));
}

#[tokio::test]
async fn a_killed_run_leaves_its_intent_and_its_marks() {
    let (lab, mut child) = in_the_middle_of_a_partition().await;
    child.kill().await.expect("killed");
    let evidence = Evidence::read(&lab.read("out/live/evidence.jsonl")).expect("readable up to the cut");
    let Some([Undo::DeleteObject { kind, .. }, Undo::DeleteNetworkPolicy { namespace, name }]) = intent(&evidence)
    else {
        panic!("no intent with a switch and a policy: {:?}", intent(&evidence));
    };
    assert_eq!(kind, "Job");
    assert!(lab.has(Kind::NetworkPolicy, namespace, name), "{namespace}/{name} is not what is there: {:?}", lab.ours());
    let marks = lab.cluster.with(|state| {
        let policy = state.store.find(Kind::NetworkPolicy, namespace, name).expect("there");
        (policy.label("app.kubernetes.io/managed-by").map(str::to_owned), policy.label("driftproof.dev/run").is_some())
    });
    assert_eq!(marks, (Some("driftproof".to_owned()), true));
    let again = lab.call(&["verdict", "out"]).await.expect(3);
    assert!(again.out.starts_with("INCONCLUSIVE"), "{}", again.out);

    // From the cluster alone: shown, done, and nothing left to do.
    let foreign = lab.cluster.with(|state| state.store.all(Kind::NetworkPolicy).count());
    let shown = lab.undo(&["--dry-run"]).await.expect(3);
    assert!(shown.out.contains(&format!("delete NetworkPolicy {namespace}/{name}")), "{}", shown.out);
    assert_eq!(lab.cluster.with(|state| state.store.all(Kind::NetworkPolicy).count()), foreign, "a dry run is dry");
    // Its lock is held for as long as it could have taken: that it is dead has to be said.
    let skipped = lab.undo(&["--yes"]).await.expect(3);
    let run = Lab::shown(&shown.out);
    let hint = format!("when it is dead: driftproof undo --context lab --run {run}");
    assert!(skipped.out.contains(&hint), "{}", skipped.out);
    assert!(lab.has(Kind::NetworkPolicy, namespace, name), "it was not named");
    let done = lab.undo(&["--run", run]).await.expect(0);
    assert!(done.out.contains("done      delete NetworkPolicy"), "{}", done.out);
    assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
    let nothing = lab.undo(&[]).await.expect(0);
    assert!(nothing.out.contains("nothing of any run is left"), "{}", nothing.out);
}
