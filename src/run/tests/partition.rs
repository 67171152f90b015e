//! What canaries prove, on networks that enforce policies at once, late, or never.

use std::time::Duration;

use crate::plan::{Canary, PodTarget};
use crate::scenario::Direction;

use super::super::context::Context;
use super::super::faults::canaries::{Opened, open};
use super::super::faults::network_partition::{ending, prove, prove_healed};
use super::fake::{Script, context};

type Passes = fn(Duration) -> bool;

fn canary() -> Canary {
    let pod = |name: &str| PodTarget {
        // Not a namespace that is watched, so that the pod is taken to run.
        namespace: "elsewhere".into(),
        name: name.into(),
        uid: name.into(),
        node: "worker-1".into(),
    };
    Canary { from: None, to: pod("web-1"), port: "8080".into() }
}

async fn before(context: &Context) -> Opened {
    cut(context, Direction::Ingress).await
}

async fn cut(context: &Context, direction: Direction) -> Opened {
    let canary = canary();
    open(context, std::slice::from_ref(&canary), std::slice::from_ref(&canary.to), direction).await
}

async fn proof(passes: fn(Duration) -> bool) -> (bool, String) {
    let (context, _) = context(&Script::default(), passes);
    let opened = before(&context).await;
    context.clock().sleep(Duration::from_secs(1)).await;
    let proof = prove(&context, &opened).await;
    (proof.proven, proof.statement)
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_proven_by_what_passed_before() {
    let path = "outside → elsewhere/web-1:8080";
    let blocked = format!("blocked: {path}, on new connections");
    let ignored = format!(
        "the network accepts NetworkPolicies and does not enforce them: {path} still passed 10s after the policy was created; which network plugin the cluster has could not be seen within 5s"
    );
    let nothing = format!("no canary passed before the cut, so that none can show it: {path} (no answer within 1s)");
    let cases: [(&str, Passes, bool, String); 4] = [
        ("enforced at once", |now| now < Duration::from_secs(1), true, blocked.clone()),
        ("enforced after 5 s", |now| now < Duration::from_secs(6), true, blocked),
        ("ignored", |_| true, false, ignored),
        ("closed from the start", |_| false, false, nothing),
    ];
    for (what, passes, proven, statement) in cases {
        assert_eq!(proof(passes).await, (proven, statement), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn healing_is_proven_by_the_same_traffic() {
    for (passes, proven) in
        [((|now| now.as_secs() != 2) as fn(Duration) -> bool, true), (|now| now.as_secs() < 2, false)]
    {
        let (context, _) = context(&Script::default(), passes);
        let opened = before(&context).await;
        context.clock().sleep(Duration::from_secs(2)).await;
        assert_eq!(prove_healed(&context, &opened).await.proven, proven);
    }
}

#[tokio::test(start_paused = true)]
async fn a_direction_that_was_asked_for_and_not_tried_is_not_proven() {
    let (context, _) = context(&Script::default(), |now| now < Duration::from_secs(1));
    let opened = cut(&context, Direction::Both).await;
    context.clock().sleep(Duration::from_secs(1)).await;
    let proof = prove(&context, &opened).await;
    assert!(!proof.proven, "{}", proof.statement);
    assert!(proof.statement.contains("not proven for egress, which could not be tried"), "{}", proof.statement);
}

#[tokio::test(start_paused = true)]
async fn a_short_cut_is_proven_at_once_and_told_once_more_at_its_end() {
    for (again, proven) in [(30, true), (4, false)] {
        let passes: Passes =
            if again == 30 { |now| now.as_secs() != 1 && now.as_secs() < 1 } else { |now| now.as_secs() != 1 };
        let (context, _) = context(&Script::default(), passes);
        let opened = before(&context).await;
        context.clock().sleep(Duration::from_secs(1)).await;
        let begun = context.clock().elapsed();
        assert!(prove(&context, &opened).await.proven);
        assert!(
            context.clock().elapsed().saturating_sub(begun) < Duration::from_secs(2),
            "established connections are not waited for"
        );
        context.clock().sleep(Duration::from_secs(4)).await;
        let told = ending(&context, &opened).await.expect("its pods run");
        assert_eq!(told.proven, proven, "{}", told.statement);
    }
}
