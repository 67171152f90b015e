//! Histories that once got the wrong answer at some claim, and what is said of them.

use std::fmt::Write as _;

use super::planted::{concurrent, edn};
use crate::Allowance;
use crate::append::{Claim, check};
use crate::format::{self, Format};
use crate::history::History;
use crate::outcome::{Anomaly, Budget, Certificate, Outcome};

fn history(lines: &str) -> History {
    format::read(edn(lines).as_bytes(), Format::Elle).expect("reads")
}

fn outcome(history: &History, claim: Claim) -> Outcome {
    check(history, claim, Allowance::unlimited()).expect("unique")
}

/// The claims that are broken, the strongest first.
fn broken(history: &History) -> Vec<Claim> {
    Claim::ALL.into_iter().filter(|claim| matches!(outcome(history, *claim), Outcome::Violation(_))).collect()
}

fn first(history: &History, claim: Claim) -> Anomaly {
    match outcome(history, claim) {
        Outcome::Violation(anomalies) => anomalies[0].clone(),
        other => panic!("{other:?}"),
    }
}

const ALL_BUT_UNCOMMITTED: [Claim; 7] = [
    Claim::StrictSerializable,
    Claim::StrongSessionSerializable,
    Claim::Serializable,
    Claim::StrongSnapshotIsolation,
    Claim::SnapshotIsolation,
    Claim::RepeatableRead,
    Claim::ReadCommitted,
];

#[test]
fn own_appends_stand_in_their_order() {
    let own = "[[:append 5 10] [:append 5 20] [:append 5 30]]";
    for list in ["[20 10 30]", "[10 30]", "[30 20 10]"] {
        let history = history(&concurrent(&[(own, own), ("[[:r 5 nil]]", &format!("[[:r 5 {list}]]"))]));
        assert_eq!(broken(&history), ALL_BUT_UNCOMMITTED, "{list}");
        let Outcome::Violation(found) = outcome(&history, Claim::ReadCommitted) else { panic!("{list}") };
        assert!(found.iter().any(|one| one.kind.name() == "append-order"), "{list}: {found:?}");
    }
    let history = history(&concurrent(&[(own, own), ("[[:r 5 nil]]", "[[:r 5 [20 10 30]]]")]));
    assert_eq!(
        first(&history, Claim::Serializable).sentence,
        "T0 appended 10 and then 20 to 5, but T1 read 5 as [20 10 30]: 20 before 10; this rules out read-committed"
    );
}

/// Neither of two writers of one list saw what the other did elsewhere: their snapshots overlap, and no read orders the list.
#[test]
fn unread_appends_of_overlapping_snapshots() {
    let skew = |other: &str| {
        concurrent(&[
            ("[[:r 6 nil] [:append 7 1] [:append 8 1]]", "[[:r 6 []] [:append 7 1] [:append 8 1]]"),
            (&format!("[[:r 7 nil] [:append 6 1] {other}]"), &format!("[[:r 7 []] [:append 6 1] {other}]")),
        ])
    };
    let both = history(&skew("[:append 8 2]"));
    assert!(
        broken(&both).contains(&Claim::SnapshotIsolation) && broken(&both).contains(&Claim::StrongSnapshotIsolation)
    );
    assert!(!broken(&both).contains(&Claim::ReadCommitted));
    assert!(first(&both, Claim::SnapshotIsolation).sentence.starts_with("T0 and T1 both appended to 8"));
    let apart = history(&skew("[:append 9 2]"));
    assert!(matches!(outcome(&apart, Claim::SnapshotIsolation), Outcome::Ok(_)));
}

#[test]
fn a_read_of_ones_own_future_is_g1c_and_no_order_is_claimed_where_there_is_none() {
    let future = history("0 invoke [[:r 5 nil] [:append 5 1]]\n0 ok [[:r 5 [1]] [:append 5 1]]");
    assert_eq!(broken(&future), ALL_BUT_UNCOMMITTED);
    assert_eq!(first(&future, Claim::ReadCommitted).kind.name(), "G1c");
    let internal = history("0 invoke [[:append 5 1] [:r 5 nil]]\n0 ok [[:append 5 1] [:r 5 []]]");
    for claim in [Claim::ReadCommitted, Claim::ReadUncommitted] {
        assert_eq!(outcome(&internal, claim), Outcome::Ok(Certificate::Accounted), "{}", claim.word());
    }
    assert!(broken(&internal).contains(&Claim::RepeatableRead));
}

#[test]
fn a_dirty_read_hides_no_write_cycle_whatever_is_answered_first() {
    let mixed = "[[:append 5 1] [:append 5 3]]";
    let dirty = ("[[:r 5 nil]]", "[[:r 5 [9 8]]]");
    let seen = ("[[:r 5 nil]]", "[[:r 5 [1 2 3]]]");
    let writers = [(mixed, mixed), ("[[:append 5 2]]", "[[:append 5 2]]"), ("[[:append 5 9] [:append 5 8]]", "fail")];
    for reads in [[dirty, seen], [seen, dirty]] {
        let history = history(&concurrent(&[writers.as_slice(), reads.as_slice()].concat()));
        assert_eq!(broken(&history), Claim::ALL);
        assert_eq!(first(&history, Claim::ReadUncommitted).kind.name(), "G0");
    }
    // Nobody knows in which order they were appended.
    let split = history(&concurrent(&[
        ("[[:append 5 1]]", "[[:append 5 1]]"),
        ("[[:append 5 2]]", "[[:append 5 2]]"),
        ("[[:r 5 nil]]", "[[:r 5 [1 2]]]"),
        ("[[:r 5 nil]]", "[[:r 5 [2 1]]]"),
    ]));
    assert!(matches!(outcome(&split, Claim::ReadUncommitted), Outcome::Unknown(Budget::Evidence(_))));
    assert_eq!(broken(&split), ALL_BUT_UNCOMMITTED);
}

#[test]
fn what_may_have_aborted_has_committed_only_from_read_committed_up() {
    let history = history(&concurrent(&[
        ("[[:append 5 1] [:append 5 2]]", "info"),
        ("[[:append 5 3] [:r 5 nil]]", "[[:append 5 3] [:r 5 [1 3]]]"),
    ]));
    assert!(matches!(outcome(&history, Claim::ReadUncommitted), Outcome::Ok(_)));
    assert_eq!(broken(&history), ALL_BUT_UNCOMMITTED);
}

#[test]
fn completions_alone_say_nothing_of_real_time() {
    let alone = history("0 ok [[:append 5 1]]\n1 ok [[:r 5 []]]\n1 ok [[:r 5 [1]]]");
    for claim in [Claim::StrictSerializable, Claim::StrongSnapshotIsolation] {
        let Outcome::Unknown(Budget::Evidence(missing)) = outcome(&alone, claim) else { panic!("{}", claim.word()) };
        assert!(missing.contains("no calls"), "{missing}");
    }
    assert!(matches!(outcome(&alone, Claim::Serializable), Outcome::Ok(_)));
    assert!(matches!(outcome(&alone, Claim::StrongSessionSerializable), Outcome::Ok(_)));
    let back = history("0 ok [[:append 5 1]]\n1 ok [[:r 5 [1]]]\n1 ok [[:r 5 []]]");
    assert!(broken(&back).contains(&Claim::StrongSessionSerializable) && !broken(&back).contains(&Claim::Serializable));
}

/// A long chain of reads, one of whose ends saw nothing of the other: the step that contradicts is told.
#[test]
fn a_long_cycle_is_told_with_the_step_that_closes_it() {
    let mut lines = "0 invoke [[:append 900 1] [:append 0 1]]\n0 ok [[:append 900 1] [:append 0 1]]\n".to_owned();
    for at in 0..20 {
        let (call, end) =
            (format!("[[:r {at} nil] [:append {} 1]]", at + 1), format!("[[:r {at} [1]] [:append {} 1]]", at + 1));
        let _ = write!(lines, "1 invoke {call}\n1 ok {end}\n");
    }
    lines.push_str("2 invoke [[:r 20 nil] [:r 900 nil]]\n2 ok [[:r 20 [1]] [:r 900 []]]\n");
    lines.push_str("3 invoke [[:r 900 nil]]\n3 ok [[:r 900 [1]]]\n");
    let anomaly = first(&history(&lines), Claim::Serializable);
    assert_eq!(
        anomaly.sentence,
        "T1 read 1 in 0, which T0 appended; 20 more steps lead from T1 to T21; T21 read 900 without 1, which T0 appended: \
         so T0 < T1 < … < T21 < T0, which no order allows; this rules out repeatable-read"
    );
    assert_eq!(anomaly.witness, [0, 1, 21]);
}

/// However much happens in between, a read that comes too late is told by two transactions; and in no more than linear time,
/// or this test does not end.
#[test]
fn a_late_stale_read_is_two_steps() {
    let mut lines = "8 invoke [[:append 0 1]]\n8 ok [[:append 0 1]]\n".to_owned();
    let mut list = String::new();
    for at in 0..20_000 {
        let _ = write!(list, "{} ", at % 50);
        if at % 50 == 49 {
            list.clear();
        }
        let append = format!("[[:append {} {}]]", 1 + at / 50, at % 50);
        let _ = write!(lines, "{0} invoke {append}\n{0} ok {append}\n", at % 7);
        if at % 50 == 48 {
            let key = 1 + at / 50;
            let _ = write!(lines, "{0} invoke [[:r {key} nil]]\n{0} ok [[:r {key} [{list}]]]\n", at % 7);
        }
    }
    lines.push_str("9 invoke [[:r 0 nil]]\n9 ok [[:r 0 []]]\n10 invoke [[:r 0 nil]]\n10 ok [[:r 0 [1]]]\n");
    let anomaly = first(&history(&lines), Claim::StrictSerializable);
    assert_eq!(anomaly.kind.name(), "G-single-realtime");
    assert_eq!(anomaly.witness.len(), 2, "{}", anomaly.sentence);
}
