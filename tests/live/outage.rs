//! An API server that is away, busy or forgetful in the middle of a run: survived, on record, and never a false word.

use std::time::Duration;

use driftproof::evidence::{Event, Evidence};

use crate::lab::{Lab, settings};
use crate::server::Mood;

/// A scenario without probes: they go through the API server, and see nothing while it is away.
fn unprobed(faults: &str) -> String {
    let head = "name = \"live\"\n[target]\nnamespace = \"shop\"\nworkload = \"deployment/web\"\n\
        [steady]\nwindow = \"500ms\"\ntimeout = \"20s\"\n";
    format!("{head}{faults}")
}

fn gaps(lab: &Lab) -> Vec<(String, bool)> {
    let evidence = Evidence::read(&lab.read("out/live/evidence.jsonl")).expect("readable");
    let gaps = evidence.records.into_iter().filter_map(|record| match record.event {
        Event::Gap { what, recovered } => Some((what, recovered)),
        _ => None,
    });
    gaps.collect()
}

async fn policy(lab: &Lab) {
    lab.until("the policy", |lab| lab.ours().iter().any(|ours| ours.starts_with("NetworkPolicy"))).await;
}

const PARTITION: &str = "[[fault]]\nkind = \"network-partition\"\ndirection = \"ingress\"\nhold = \"6s\"\n";

#[tokio::test]
async fn a_partition_is_healed_by_a_server_that_was_away_when_it_was_to_be() {
    let lab = Lab::start(settings()).await;
    lab.deploy().await;
    lab.write("scenario.toml", &unprobed(PARTITION));
    let child = lab.begin(&[]);
    policy(&lab).await;
    tokio::time::sleep(Duration::from_millis(3500)).await;
    lab.api(Mood::Away);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!lab.ours().is_empty());
    lab.api(Mood::Fine);
    Lab::end(child).await.expect(0);
    assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
    let gaps = gaps(&lab);
    let told = |words: &str| gaps.iter().any(|(what, recovered)| *recovered && what.contains(words));
    assert!(told("delete NetworkPolicy") && told("watch of pods in shop broke"), "{gaps:#?}");
    assert!(gaps.iter().all(|(_, recovered)| *recovered), "{gaps:#?}");
}

#[tokio::test]
async fn what_a_probe_could_not_send_is_no_outage_of_the_service() {
    let lab = Lab::start(settings()).await;
    lab.deploy().await;
    lab.scenario(&format!("{}[expect]\navailability = \"100%\"\n", "[[fault]]\nkind = \"pod-kill\"\nat = \"1s\"\n[[fault]]\nkind = \"node-drain\"\nnode = { of = \"target\" }\nat = \"7s\"\nhold = \"2s\"\n"));
    let child = lab.begin(&[]);
    lab.until("the kill", |lab| {
        lab.changes().iter().any(|line| line.starts_with("DELETE /api/v1/namespaces/shop/pods"))
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    lab.api(Mood::Away);
    tokio::time::sleep(Duration::from_secs(2)).await;
    lab.api(Mood::Fine);
    let ended = Lab::end(child).await.expect(3);
    assert!(ended.out.contains("probe reads saw nothing from"), "{}", ended.out);
    assert!(!ended.out.contains("FAIL"), "{}", ended.out);
    assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
}

#[tokio::test]
async fn a_fault_waits_for_a_server_that_is_busy_or_forgets() {
    let lab = Lab::start(settings()).await;
    lab.deploy().await;
    let fault = "[[fault]]\nkind = \"pod-kill\"\nat = \"2s\"\n[expect]\nrto = \"20s\"\n";
    for (mood, word) in [
        (Mood::Says(429), "in a mood of 429"),
        (Mood::Says(500), "in a mood of 500"),
        // By a server that did let us in, and will again when it knows its roles.
        (Mood::Says(403), "in a mood of 403"),
        (Mood::Forgets, "expired"),
    ] {
        lab.write("scenario.toml", &unprobed(fault));
        let before = lab.changes().len();
        let child = lab.begin(&[]);
        lab.until("the lock", |lab| lab.changes()[before..].iter().any(|line| line.ends_with("/leases"))).await;
        // From just before the kill is due until a moment after.
        tokio::time::sleep(Duration::from_secs(2)).await;
        lab.api(mood);
        tokio::time::sleep(Duration::from_millis(2500)).await;
        lab.api(Mood::Fine);
        Lab::end(child).await.expect(0);
        let gaps = gaps(&lab);
        assert!(gaps.iter().any(|(what, recovered)| *recovered && what.contains(word)), "{mood:?}: {gaps:#?}");
        let kills =
            lab.changes()[before..].iter().filter(|line| line.starts_with("DELETE") && line.contains("/pods/")).count();
        assert_eq!(kills, 1, "{mood:?}");
        assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
    }
}
