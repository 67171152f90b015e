//! One history for each anomaly, and the name that it must get.

use crate::Allowance;
use crate::append::{Claim, Transactions, analyse, check, read_fast};
use crate::format::{self, Format};
use crate::outcome::{Anomaly, AnomalyKind, Outcome};

/// Each line `PROCESS TYPE VALUE`.
pub(super) fn edn(lines: &str) -> String {
    let event = |line: &str| {
        let mut words = line.trim().splitn(3, ' ');
        let mut word = || words.next().expect("three words").to_owned();
        format!("{{:process {}, :type :{}, :f :txn, :value {}}}\n", word(), word(), word())
    };
    lines.trim().lines().map(event).collect()
}

/// Every anomaly with its sentence; both ways of reading must agree.
fn anomalies(lines: &str) -> Vec<Anomaly> {
    let text = edn(lines);
    let history = format::read(text.as_bytes(), Format::Elle).expect("reads");
    let slow = analyse(&Transactions::from_history(&history).expect("transactions")).expect("unique");
    let fast = analyse(&read_fast(&text.as_bytes()).expect("plain")).expect("unique");
    assert_eq!(slow.anomalies, fast.anomalies);
    assert!(slow.anomalies.iter().all(|anomaly| !anomaly.witness.is_empty() && anomaly.witness.len() <= 6));
    slow.anomalies
}

fn kinds(lines: &str) -> Vec<&'static str> {
    let mut kinds: Vec<_> = anomalies(lines).iter().map(|anomaly| anomaly.kind.name()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Calls of all, then answers of all: everything is concurrent.
pub(super) fn concurrent(transactions: &[(&str, &str)]) -> String {
    let call = |(at, (value, _)): (usize, &(&str, &str))| format!("{at} invoke {value}\n");
    let end = |(at, (value, end)): (usize, &(&str, &str))| {
        let (kind, value) = if end.starts_with('[') { ("ok", *end) } else { (*end, *value) };
        format!("{at} {kind} {value}\n")
    };
    let calls = transactions.iter().enumerate().map(call);
    calls.chain(transactions.iter().enumerate().map(end)).collect()
}

#[test]
fn a_history_of_one_after_the_other_is_strictly_serializable() {
    let lines = "0 invoke [[:append 1 1] [:r 1 nil]]\n0 ok [[:append 1 1] [:r 1 [1]]]\n\
                 1 invoke [[:r 1 nil] [:append 1 2]]\n1 ok [[:r 1 [1]] [:append 1 2]]\n2 invoke [[:append 1 3]]\n2 info nil";
    let history = format::read(edn(lines).as_bytes(), Format::Elle).expect("reads");
    let outcome = check(&history, Claim::StrictSerializable, Allowance::unlimited()).expect("unique");
    assert_eq!(outcome, Outcome::Ok(crate::Certificate::Orders(vec![vec![0, 1]])));
}

#[test]
fn a_write_cycle_is_g0() {
    let lines = concurrent(&[
        ("[[:append 1 1] [:append 2 1]]", "[[:append 1 1] [:append 2 1]]"),
        ("[[:append 1 2] [:append 2 2]]", "[[:append 1 2] [:append 2 2]]"),
        ("[[:r 1 nil]]", "[[:r 1 [1 2]]]"),
        ("[[:r 2 nil]]", "[[:r 2 [2 1]]]"),
    ]);
    assert!(kinds(&lines).contains(&"G0"), "{:?}", kinds(&lines));
}

#[test]
fn an_aborted_read_is_g1a_and_an_intermediate_one_g1b() {
    let aborted = concurrent(&[("[[:append 1 1]]", "fail"), ("[[:r 1 nil]]", "[[:r 1 [1]]]")]);
    assert_eq!(kinds(&aborted), ["G1a"]);
    let whole = "[[:append 1 1] [:append 1 2]]";
    let intermediate = concurrent(&[(whole, whole), ("[[:r 1 nil]]", "[[:r 1 [1]]]")]);
    assert!(kinds(&intermediate).contains(&"G1b"), "{:?}", kinds(&intermediate));
}

#[test]
fn circular_information_flow_is_g1c() {
    let lines = concurrent(&[
        ("[[:append 1 1] [:r 2 nil]]", "[[:append 1 1] [:r 2 [1]]]"),
        ("[[:append 2 1] [:r 1 nil]]", "[[:append 2 1] [:r 1 [1]]]"),
    ]);
    let found = anomalies(&lines);
    assert_eq!(kinds(&lines), ["G1c"]);
    assert_eq!(found[0].witness.len(), 2);
    assert_eq!(
        found[0].sentence,
        "T1 read 1 in 1, which T0 appended; T0 read 1 in 2, which T1 appended: so T0 < T1 < T0, which no order allows"
    );
}

#[test]
fn read_skew_is_g_single_and_write_skew_is_g2_item() {
    let write = "[[:append 1 1] [:append 2 1]]";
    let skew = concurrent(&[
        (write, write),
        ("[[:r 1 nil] [:r 2 nil]]", "[[:r 1 []] [:r 2 [1]]]"),
        ("[[:r 1 nil]]", "[[:r 1 [1]]]"),
    ]);
    assert_eq!(kinds(&skew), ["G-single"]);
    let skew = concurrent(&[
        ("[[:r 1 nil] [:append 2 1]]", "[[:r 1 nil] [:append 2 1]]"),
        ("[[:r 2 nil] [:append 1 1]]", "[[:r 2 nil] [:append 1 1]]"),
    ]);
    assert_eq!(kinds(&skew), ["G2-item"]);
    let history = format::read(edn(&skew).as_bytes(), Format::Elle).expect("reads");
    assert!(matches!(check(&history, Claim::SnapshotIsolation, Allowance::unlimited()), Ok(Outcome::Ok(_))));
    let Ok(Outcome::Violation(broken)) = check(&history, Claim::Serializable, Allowance::unlimited()) else {
        panic!("not serializable")
    };
    assert!(broken[0].sentence.ends_with("this rules out repeatable-read"), "{}", broken[0].sentence);
}

#[test]
fn a_long_fork_is_g_nonadjacent() {
    let lines = concurrent(&[
        ("[[:append 1 1]]", "[[:append 1 1]]"),
        ("[[:append 2 1]]", "[[:append 2 1]]"),
        ("[[:r 1 nil] [:r 2 nil]]", "[[:r 1 [1]] [:r 2 []]]"),
        ("[[:r 1 nil] [:r 2 nil]]", "[[:r 1 []] [:r 2 [1]]]"),
    ]);
    assert_eq!(kinds(&lines), ["G-nonadjacent"]);
}

#[test]
fn a_lost_update_is_named() {
    let lines = concurrent(&[
        ("[[:r 1 nil] [:append 1 1]]", "[[:r 1 []] [:append 1 1]]"),
        ("[[:r 1 nil] [:append 1 2]]", "[[:r 1 []] [:append 1 2]]"),
    ]);
    assert!(kinds(&lines).contains(&"lost-update"), "{:?}", kinds(&lines));
}

#[test]
fn a_stale_read_in_real_time_breaks_only_strict_claims() {
    let lines = "0 invoke [[:append 1 1]]\n0 ok [[:append 1 1]]\n1 invoke [[:r 1 nil]]\n1 ok [[:r 1 []]]";
    assert_eq!(kinds(lines), ["G-single-realtime"]);
    let history = format::read(edn(lines).as_bytes(), Format::Elle).expect("reads");
    assert!(matches!(check(&history, Claim::Serializable, Allowance::unlimited()), Ok(Outcome::Ok(_))));
    assert!(matches!(check(&history, Claim::StrictSerializable, Allowance::unlimited()), Ok(Outcome::Violation(_))));
    let lines = lines.replace("1 invoke", "0 invoke").replace("1 ok", "0 ok");
    assert_eq!(kinds(&lines), ["G-single-process", "G-single-realtime"]);
}

#[test]
fn lists_that_cannot_be_are_named() {
    let append = "[[:append 1 1]]";
    let other = "[[:append 1 2]]";
    let read = |list: &str| format!("[[:r 1 {list}]]");
    let twice = concurrent(&[(append, append), ("[[:r 1 nil]]", &read("[1 1]"))]);
    assert!(kinds(&twice).contains(&"duplicate"));
    let phantom = concurrent(&[(append, append), ("[[:r 1 nil]]", &read("[9]"))]);
    assert!(kinds(&phantom).contains(&"phantom-read"));
    let split = concurrent(&[
        (append, append),
        (other, other),
        ("[[:r 1 nil]]", &read("[1 2]")),
        ("[[:r 1 nil]]", &read("[2]")),
    ]);
    assert!(kinds(&split).contains(&"incompatible-order"));
    let own = concurrent(&[("[[:append 1 1] [:r 1 nil]]", "[[:append 1 1] [:r 1 []]]")]);
    assert!(kinds(&own).contains(&"internal"));
}

#[test]
fn an_indeterminate_append_exists_iff_it_is_read() {
    let lines =
        concurrent(&[("[[:append 1 1] [:append 2 1]]", "info"), ("[[:r 1 nil] [:r 2 nil]]", "[[:r 1 [1]] [:r 2 []]]")]);
    assert_eq!(kinds(&lines), ["G-single"]);
    let unread = concurrent(&[("[[:append 1 1]]", "info"), ("[[:r 1 nil]]", "[[:r 1 []]]")]);
    assert!(kinds(&unread).is_empty());
}

#[test]
fn what_is_appended_twice_is_no_history() {
    let lines = concurrent(&[("[[:append 1 1]]", "info"), ("[[:append 1 1]]", "info")]);
    let history = format::read(edn(&lines).as_bytes(), Format::Elle).expect("reads");
    let error = check(&history, Claim::Serializable, Allowance::unlimited()).expect_err("refused").to_string();
    assert!(error.starts_with("line 2, column 1: append of 1 to 1 for the second time: T0 did it before"), "{error}");
    for bad in ["[[:w 1 1]]", "[[:append 1 nil]]", "[7]", "7", "[[:append 1]]"] {
        let history = format::read(edn(&format!("0 invoke {bad}")).as_bytes(), Format::Elle).expect("reads");
        assert!(check(&history, Claim::Serializable, Allowance::unlimited()).is_err(), "{bad}");
    }
    let other = "0 invoke [[:r 1 nil]]\n0 ok [[:r 2 nil]]";
    let history = format::read(edn(other).as_bytes(), Format::Elle).expect("reads");
    assert!(
        check(&history, Claim::Serializable, Allowance::unlimited())
            .expect_err("other")
            .what
            .contains("other micro-operations")
    );
}

#[test]
fn stronger_claims_forbid_more() {
    for kind in [AnomalyKind::G0, AnomalyKind::G1a, AnomalyKind::GSingle, AnomalyKind::G2Item, AnomalyKind::G0Realtime]
    {
        assert!(Claim::StrictSerializable.forbids(kind));
    }
    assert!(!Claim::SnapshotIsolation.forbids(AnomalyKind::G2Item));
    assert!(!Claim::ReadCommitted.forbids(AnomalyKind::LostUpdate));
    assert!(!Claim::Serializable.forbids(AnomalyKind::GSingleRealtime));
    assert_eq!(Claim::ALL.map(|claim| Claim::parse(claim.word())), Claim::ALL.map(Some));
}
