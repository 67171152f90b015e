//! One history of registers for each anomaly, with what is said of it.

use crate::append::Claim;
use crate::append::registers::{analyse, check};
use crate::format::{self, Format};
use crate::history::{History, Value};
use crate::outcome::{Budget, Outcome};
use crate::{Allowance, Anomaly};

/// Calls of all, then answers of all: everything is concurrent. A read's answer is what is given.
fn concurrent(transactions: &[&str]) -> History {
    let silent = |txn: &str| {
        let micros = txn.split("] [").map(|micro| {
            let micro = micro.trim_matches(['[', ']']);
            let call =
                micro.rsplit_once(' ').filter(|_| micro.starts_with(":r")).map(|(call, _)| format!("{call} nil"));
            format!("[{}]", call.unwrap_or_else(|| micro.to_owned()))
        });
        format!("[{}]", micros.collect::<Vec<_>>().join(" "))
    };
    let event =
        |at: usize, kind: &str, value: String| format!("{{:process {at}, :type :{kind}, :f :txn, :value {value}}}\n");
    let calls = transactions.iter().enumerate().map(|(at, txn)| event(at, "invoke", silent(txn)));
    let ends = transactions.iter().enumerate().map(|(at, txn)| event(at, "ok", (*txn).to_owned()));
    let text: String = calls.chain(ends).collect();
    format::read(text.as_bytes(), Format::Elle).expect("reads")
}

fn found(history: &History) -> Vec<Anomaly> {
    analyse(history, None, Allowance::unlimited()).expect("transactions").anomalies
}

fn weakest(history: &History) -> Option<Claim> {
    analyse(history, None, Allowance::unlimited()).expect("transactions").weakest_ruled_out()
}

#[test]
fn what_was_read_shows_by_itself() {
    for (history, kind, claim) in [
        (concurrent(&["[[:r :x 7]]"]), "phantom-read", Claim::ReadCommitted),
        (concurrent(&["[[:w :x 1] [:w :x 2]]", "[[:r :x 1]]"]), "G1b", Claim::ReadCommitted),
        (concurrent(&["[[:r :x 1] [:w :x 1]]"]), "G1c", Claim::ReadCommitted),
        (concurrent(&["[[:w :x 1] [:r :y 2]]", "[[:w :y 2] [:r :x 1]]"]), "G1c", Claim::ReadCommitted),
        (concurrent(&["[[:w :x 1] [:r :x nil]]"]), "internal", Claim::RepeatableRead),
        (concurrent(&["[[:r :x nil] [:w :x 1]]", "[[:r :x nil] [:w :x 2]]"]), "lost-update", Claim::RepeatableRead),
        (concurrent(&["[[:r :x nil] [:w :y 1]]", "[[:r :y nil] [:w :x 2]]"]), "G2-item", Claim::RepeatableRead),
        (concurrent(&["[[:w :x 1] [:w :y 1]]", "[[:r :x nil] [:r :y 1]]"]), "G-single", Claim::RepeatableRead),
    ] {
        let anomalies = found(&history);
        assert!(anomalies.iter().any(|anomaly| anomaly.kind.name() == kind), "{kind}: {anomalies:?}");
        assert_eq!(weakest(&history), Some(claim), "{kind}");
    }
    let skew = concurrent(&["[[:r :x nil] [:w :y 1]]", "[[:r :y nil] [:w :x 2]]"]);
    assert!(matches!(check(&skew, Claim::SnapshotIsolation, None, Allowance::unlimited()), Ok(Outcome::Ok(_))));
    let told = &found(&skew)[0].sentence;
    assert_eq!(
        told,
        "T0 read :x as nil, before T1 wrote 2; T1 read :y as nil, before T0 wrote 1: so T0 < T1 < T0, which no order allows"
    );
}

#[test]
fn a_stale_read_in_real_time_breaks_only_strict_claims() {
    let text = "{:process 0, :type :invoke, :f :txn, :value [[:w 1 5]]}{:process 0, :type :ok, :f :txn, :value [[:w 1 5]]}\
                {:process 1, :type :invoke, :f :txn, :value [[:r 1 nil]]}{:process 1, :type :ok, :f :txn, :value [[:r 1 nil]]}";
    let history = format::read(text.as_bytes(), Format::Elle).expect("reads");
    assert_eq!(weakest(&history), Some(Claim::StrongSnapshotIsolation));
    assert!(matches!(check(&history, Claim::Serializable, None, Allowance::unlimited()), Ok(Outcome::Ok(_))));
}

#[test]
fn an_initial_value_is_read_by_whoever_comes_first_and_written_by_nobody() {
    let history = concurrent(&["[[:r :x 0] [:w :x 1]]", "[[:r :x 1]]"]);
    let initial = Value::Int(0);
    let outcome = check(&history, Claim::Serializable, Some(&initial), Allowance::unlimited());
    assert!(matches!(outcome, Ok(Outcome::Ok(_))), "{outcome:?}");
    assert_eq!(weakest(&history), Some(Claim::ReadCommitted), "without it nobody wrote 0");
    for twice in [["[[:w :x 1]]", "[[:w :x 1]]"], ["[[:w :x 0]]", "[[:w :x 2]]"]] {
        let error = check(&concurrent(&twice), Claim::Serializable, Some(&initial), Allowance::unlimited());
        assert!(error.is_err_and(|error| error.what.starts_with("a write of")), "{twice:?}");
    }
}

/// Far more than can be looked at pair by pair: in the order of their ends they explain themselves.
#[test]
fn many_transactions_in_their_order() {
    let mut text = String::new();
    for at in 0..20_000_u32 {
        let (key, value) = (at % 50, at + 1);
        let before = if at < 50 { "nil".to_owned() } else { (value - 50).to_string() };
        for (kind, read) in [("invoke", "nil"), ("ok", &before)] {
            text +=
                &format!("{{:process {key}, :type :{kind}, :f :txn, :value [[:r {key} {read}] [:w {key} {value}]]}}\n");
        }
    }
    let history = format::read(text.as_bytes(), Format::Elle).expect("reads");
    for claim in Claim::ALL {
        let outcome = check(&history, claim, None, Allowance::unlimited()).expect("transactions");
        assert!(matches!(outcome, Outcome::Ok(_)), "{}", claim.word());
    }
    // One read that no serial order allows and that shows nothing by itself: not known, and never ok.
    let strange = text.replacen("[:r 7 7458]", "[:r 7 7408]", 1);
    let history = format::read(strange.as_bytes(), Format::Elle).expect("reads");
    let outcome = check(&history, Claim::Serializable, None, Allowance::unlimited()).expect("transactions");
    assert!(matches!(outcome, Outcome::Violation(_) | Outcome::Unknown(Budget::Evidence(_))), "{outcome:?}");
}
