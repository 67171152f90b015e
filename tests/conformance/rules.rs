//! The embedded arm against what a real cluster was seen to do, without one: part of a plain `cargo test`, so that a rule
//! that breaks is noticed. Runs no real cluster.
#![expect(dead_code, reason = "the arm of the testbed and the flags belong to the program")]

mod acts;
mod arms;
mod body;
mod case;
mod cases;
mod committed;
mod compare;
mod edges;
mod hands;
mod known;
mod objects;
mod observed;
mod parts;
mod policies;
mod program;
mod record;
mod smooth;
mod steady;
mod table;
mod timeline;

use committed::Committed;
use compare::Verdict;
use observed::{Edge, Lane, Story};
use table::Compared;

#[test]
fn the_embedded_cluster_does_what_a_real_one_was_seen_to_do() {
    holds(&case::SHORT);
}

#[test]
fn so_it_does_with_the_timings_that_nobody_has_to_ask_for() {
    holds(&case::DEFAULT);
}

/// Runs all cases on the embedded cluster, and compares what happened and the table with what is committed.
fn holds(timings: &case::Timings) {
    let real = Committed::read(timings.name).expect("what was seen is committed");
    let cases = cases::all();
    let each = cases.iter().map(|case| {
        let ours = program::on_embedded(case, timings).expect("the case runs");
        Compared { case, rows: real.compared(case.name, &ours) }
    });
    let compared: Vec<Compared<'_>> = each.collect();
    let wrong = compared.iter().any(|one| one.rows.iter().any(|row| row.verdict.is_wrong()));
    assert!(!wrong, "{}", table::terminal(&compared, false));

    let network = policies::differences(&program::network(timings).expect("the pods run"), &real.truth.sets);
    assert!(network.iter().all(|one| one.known.is_some()), "{}", table::network(&real.truth, &network));

    let table = std::fs::read_to_string(committed::table_path(timings.name)).expect("the table is committed");
    let now = real.document(&compared, &network);
    assert!(table == now, "the table is old: cargo test --test conformance -- --timings {} --write", timings.name);
}

#[test]
fn every_case_and_every_set_of_policies_was_seen() {
    for timings in [&case::SHORT, &case::DEFAULT] {
        let real = Committed::read(timings.name).expect("what was seen is committed");
        let cases = cases::all();
        let names = cases.iter().map(|case| case.name);
        let unseen: Vec<&str> = names.filter(|name| !real.observed.cases.contains_key(*name)).collect();
        assert!(unseen.is_empty(), "never seen on a real cluster with {} timings: {unseen:?}", timings.name);
    }
    let real = Committed::read("short").expect("what was seen is committed");
    let sets = policies::sets();
    assert!(sets.len() >= 40, "{} sets", sets.len());
    assert!(sets.iter().all(|set| real.truth.sets.contains_key(&set.name)), "a set was never seen");
}

fn story(edges: &[(f64, &str)]) -> Story {
    let edges = edges.iter().map(|(at, what)| Edge(*at, (*what).to_owned())).collect();
    Story { lanes: vec![Lane { of: "node".to_owned(), edges }], ..Story::default() }
}

fn verdicts(ours: &[(f64, &str)], theirs: &[(f64, &str)]) -> Vec<Verdict> {
    compare::compare(&story(ours), &story(theirs)).into_iter().map(|row| row.verdict).collect()
}

#[test]
fn order_must_be_the_same_and_times_nearly() {
    use Verdict::{Agrees, Differs, Late, Shown};
    assert_eq!(verdicts(&[(7.0, "a"), (12.0, "b")], &[(8.9, "a"), (12.0, "b")]), [Agrees, Agrees]);
    assert_eq!(verdicts(&[(7.0, "a")], &[(9.1, "a")]), [Late]);
    assert_eq!(verdicts(&[(100.0, "a")], &[(114.0, "a")]), [Agrees]);
    assert_eq!(verdicts(&[(1.0, "running")], &[(30.0, "running")]), [Shown]);
    assert_eq!(verdicts(&[(1.0, "a"), (1.0, "b")], &[(1.0, "b"), (1.0, "a")]), [Differs, Agrees, Differs]);
    assert_eq!(verdicts(&[], &[(1.0, "b")]), [Differs]);
}

#[test]
fn changes_of_one_moment_are_one_and_none_when_they_cancel() {
    let edge = |at, what: &str| Edge(at, what.to_owned());
    let edges = vec![edge(1.0, "ready 2"), edge(1.2, "ready 3"), edge(5.0, "ready 2"), edge(9.0, "ready 3")];
    assert_eq!(smooth::count("ready 3", edges, None), [edge(5.0, "ready 2"), edge(9.0, "ready 3")]);
    let grows = vec![edge(0.0, "ready 3"), edge(2.0, "ready 4"), edge(5.0, "ready 6"), edge(9.0, "ready 5")];
    assert_eq!(smooth::count("ready 3", grows, None), [edge(5.0, "ready 6"), edge(9.0, "ready 5")]);
}

#[test]
fn races_have_one_order_and_moments_are_not_seen() {
    let edge = |at, what: &str| Edge(at, what.to_owned());
    let evicted = vec![edge(5.0, "deleted with grace 5"), edge(5.1, "disrupted DeletionByTaintManager")];
    let told: Vec<String> = smooth::lane(evicted).into_iter().map(|edge| edge.1).collect();
    assert_eq!(told, ["disrupted DeletionByTaintManager", "deleted with grace 5"]);
    let brief = vec![edge(1.0, "endpoint terminating, serving"), edge(1.2, "no endpoint")];
    assert_eq!(smooth::lane(brief), [edge(1.2, "no endpoint")]);
}

#[test]
fn uids_become_names() {
    let names = std::collections::BTreeMap::from([("u1".to_owned(), "web on the lost node".to_owned())]);
    assert_eq!(timeline::named("eviction of {u1}", &names), "eviction of web on the lost node");
    assert_eq!(timeline::named("{u2} to {u1}", &names), "somebody to web on the lost node");
}

#[test]
fn a_pod_that_is_evicted_is_disrupted_and_then_deleted() {
    use serde_json::json;
    let old = json!({ "spec": { "nodeName": "n1" }, "status": { "phase": "Running",
        "containerStatuses": [{ "restartCount": 0, "state": { "running": {} } }] } });
    let mut new = old.clone();
    new["metadata"] = json!({ "deletionGracePeriodSeconds": 30 });
    new["status"]["conditions"] =
        json!([{ "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI" }]);
    let edges = edges::pod(Some(&old), &new, ToOwned::to_owned);
    assert_eq!(edges, ["disrupted EvictionByEvictionAPI", "deleted with grace 30"]);
    assert_eq!(edges::gone(&new), "gone, running");
}
