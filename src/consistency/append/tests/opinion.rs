//! A second opinion: random small histories, each verdict against that of the crate `adya`, which works as Elle does. Where they
//! differ, the definition decides (`differential` tries it on all of them); here every difference must be one that is known and
//! explained in `append`.

use std::collections::BTreeMap;

use super::differential::HISTORIES;
use crate::append::oracle::{Deed, Txn, expected, history, of};
use crate::append::{Analysis, Claim, Transactions, analyse};
use crate::outcome::Outcome;
use adya::{Opts, Valid, Workload};

/// More with `DRIFTPROOF_HISTORIES=100000 cargo test -p driftproof-consistency --lib opinion`.
fn histories() -> u64 {
    std::env::var("DRIFTPROOF_HISTORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(HISTORIES / 2)
}

fn json(all: &[Txn<Deed>]) -> String {
    let deeds = |txn: &Txn<Deed>, called: bool| {
        let one = |deed: &Deed| match deed {
            Deed::Append(key, value) => format!("[\"append\",{key},{value}]"),
            Deed::Read(key, Some(list)) if !called => format!("[\"r\",{key},{list:?}]"),
            Deed::Read(key, _) => format!("[\"r\",{key},null]"),
        };
        txn.steps.iter().map(one).collect::<Vec<_>>().join(",")
    };
    let mut events: BTreeMap<u64, String> = BTreeMap::new();
    for txn in all {
        let event = |kind: &str, called: bool| {
            format!(
                "{{\"type\":\"{kind}\",\"process\":{},\"f\":\"txn\",\"value\":[{}]}}\n",
                txn.process,
                deeds(txn, called)
            )
        };
        events.insert(txn.call, event("invoke", true));
        match txn.ended {
            Some(true) => drop(events.insert(txn.end, event("ok", false))),
            Some(false) => drop(events.insert(txn.end, event("fail", true))),
            None => {}
        }
    }
    events.into_values().collect()
}

/// Why the two may differ; none if they may not.
fn explained(claim: Claim, ours: &Outcome, analysis: &Analysis, all: &[Txn<Deed>]) -> Option<&'static str> {
    let is_open = |at: u32| all.get(at as usize).is_some_and(|txn| txn.ended.is_none());
    let kinds = |broken: &[crate::Anomaly]| broken.iter().map(|one| one.kind.name()).collect::<Vec<_>>();
    match ours {
        Outcome::Violation(broken) if kinds(broken).contains(&"append-order") => Some("own appends in another order"),
        Outcome::Violation(broken) if kinds(broken).contains(&"phantom-read") => Some("a value that nobody appended"),
        Outcome::Violation(broken) if kinds(broken).contains(&"incompatible-order") => Some("lists that contradict"),
        Outcome::Violation(broken) if kinds(broken).contains(&"internal") => {
            Some("contradictions within a transaction")
        }
        Outcome::Violation(broken) if kinds(broken).contains(&"duplicate") => Some("an element twice"),
        Outcome::Violation(broken) if broken.iter().any(|one| one.sentence.contains("what nobody read")) => {
            Some("appends that no read orders")
        }
        // What was read of it shows that it happened, and when it was called; adya draws fewer edges to it.
        Outcome::Violation(broken) if broken.iter().any(|one| one.witness.iter().any(|at| is_open(*at))) => {
            Some("what is indeterminate and was read")
        }
        Outcome::Violation(_) if is_between(all) => Some("an order of versions across what is indeterminate"),
        Outcome::Ok(_) if claim == Claim::ReadUncommitted => Some("a write cycle through what may have aborted"),
        Outcome::Unknown(_) => Some("an order of versions that nobody knows"),
        Outcome::Violation(_) | Outcome::Ok(_) => {
            // Otherwise it takes an append that no read shows: it comes after those that are shown.
            let broken = "reads of what was not committed";
            let unread = "an append that no read shows";
            (!analysis.holds(Claim::ReadCommitted)).then_some(broken).or_else(|| has_unread(all).then_some(unread))
        }
    }
}

/// Whether a list shows what is indeterminate between two other elements: adya draws no edge across it.
fn is_between(all: &[Txn<Deed>]) -> bool {
    let open = all.iter().filter(|txn| txn.ended.is_none()).flat_map(|txn| &txn.steps);
    let open: Vec<i64> = open
        .filter_map(|deed| match deed {
            Deed::Append(_, value) => Some(*value),
            Deed::Read(..) => None,
        })
        .collect();
    let shows = |deed: &Deed| match deed {
        Deed::Read(_, Some(list)) if list.len() > 2 => list[1..list.len() - 1].iter().any(|one| open.contains(one)),
        Deed::Read(..) | Deed::Append(..) => false,
    };
    all.iter().flat_map(|txn| &txn.steps).any(shows)
}

/// Whether some append that may have happened is in no list.
fn has_unread(all: &[Txn<Deed>]) -> bool {
    let deeds = || all.iter().filter(|txn| txn.ended != Some(false)).flat_map(|txn| &txn.steps);
    let read = |value: &i64| deeds().any(|deed| matches!(deed, Deed::Read(_, Some(list)) if list.contains(value)));
    deeds().any(|deed| matches!(deed, Deed::Append(_, value) if !read(value)))
}

#[test]
fn a_second_checker_agrees_or_differs_for_a_known_reason() {
    let mut differences: BTreeMap<(&str, &str, bool), u64> = BTreeMap::new();
    let mut agreed = 0_u64;
    for seed in 0..histories() {
        let all = of(seed ^ 0x5eed);
        if all.iter().all(|txn| txn.ended != Some(true)) {
            continue;
        }
        let analysis = analyse(&Transactions::from_history(&history(&all)).expect("transactions")).expect("unique");
        let other = adya::History::from_json(&json(&all)).expect("reads");
        for claim in Claim::ALL {
            let ours = analysis.clone().outcome(claim);
            let opts = Opts { models: vec![claim.word().to_owned()], ..Opts::default() };
            let theirs = adya::check(&other, Workload::ListAppend, &opts);
            if theirs.valid == Valid::Unknown {
                continue;
            }
            let same = match (&ours, theirs.valid) {
                (Outcome::Ok(_), Valid::True) | (Outcome::Violation(_), Valid::False) => true,
                (Outcome::Ok(_) | Outcome::Violation(_) | Outcome::Unknown(_), _) => false,
            };
            if same {
                agreed += 1;
                continue;
            }
            let told = || format!("{} seed {seed}: {all:?}\n{ours:?}\n{:?}", claim.word(), theirs.anomaly_types);
            let reason = explained(claim, &ours, &analysis, &all).unwrap_or_else(|| panic!("unexplained: {}", told()));
            let broken = !matches!(ours, Outcome::Ok(_));
            // The definition is on our side.
            assert_eq!(expected(&all, claim), !broken, "{}", told());
            *differences.entry((claim.word(), reason, broken)).or_default() += 1;
        }
    }
    println!("{agreed} verdicts agree; claim, reason, whether we say that it is broken, how often: {differences:#?}");
    let differing: u64 = differences.values().sum();
    assert!(differing * 10 < agreed, "{differing} of {agreed} differ: {differences:#?}");
}
