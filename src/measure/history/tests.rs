//! Histories of runs within a budget: the same verdict with and without the whole of them in memory.

use super::judge::{guarded, judged};
use super::*;
use crate::consistency::{Budget, Outcome};
use crate::evidence::LineDigest;
use crate::measure::{FaultSpan, Measurements};
use crate::scenario::DataCheck;

fn check() -> StoreCheck {
    let text = "name = \"a\"\n[target]\nnamespace = \"shop\"\nworkload = \"statefulset/db\"\n[[fault]]\nkind = \"pod-kill\"\n\
         [[data]]\nkind = \"register\"\nstore = { kind = \"etcd\", service = \"db:2379\" }\n";
    let scenario = crate::scenario::parse("a.toml", text).expect("a scenario");
    let Some(DataCheck::Store(check)) = scenario.data.first() else { panic!("a store is checked") };
    (**check).clone()
}

/// Rounds of a write, a read and a compare-and-set of one key by three clients, which overlap; then a final read. In the round
/// that lies, the read shows the value before the last.
fn recorded(rounds: u64, stale: Option<u64>) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut text = String::new();
    let mut place = 0;
    let mut line = |process: u64, kind: &str, function: &str, value: &str| {
        let value = if value.is_empty() { String::new() } else { format!(",\"v\":{value}") };
        let _ = writeln!(
            text,
            "{{\"i\":{place},\"t\":{},\"p\":{process},\"type\":\"{kind}\",\"f\":\"{function}\",\"k\":\"x\"{value},\"node\":\"db-0\"}}",
            place * 1000
        );
        place += 1;
    };
    for round in 0..rounds {
        let (written, changed) = ((2 * round).to_string(), (2 * round + 1).to_string());
        let pair = format!("[{written},{changed}]");
        let shown = if stale == Some(round) { (2 * round).saturating_sub(3).to_string() } else { written.clone() };
        for (kind, read) in [("invoke", ""), ("ok", shown.as_str())] {
            line(0, kind, "write", &written);
            line(1, kind, "read", read);
        }
        for kind in ["invoke", "ok"] {
            line(2, kind, "cas", &pair);
        }
    }
    let last = (2 * rounds).saturating_sub(1).to_string();
    line(1, "invoke", "read", "");
    line(1, "ok", "read", &last);
    text.into_bytes()
}

fn seen(bytes: &[u8]) -> HistorySeen {
    let mut digest = LineDigest::default();
    digest.add(bytes);
    let (lines, sha256) = digest.end();
    HistorySeen {
        file: "history-0.jsonl".to_owned(),
        lines,
        sha256,
        replicas: vec!["db-0".to_owned()],
        ..HistorySeen::default()
    }
}

/// One fault, over the whole history.
fn measured() -> Measurements {
    let fault = FaultSpan {
        step: "pod-kill-1".to_owned(),
        name: String::new(),
        kind: "pod-kill".to_owned(),
        targets: Vec::new(),
        injected: Some(1),
        healed: None,
        proof: None,
        to_heal: false,
        heal_proof: None,
        problem: String::new(),
        budget: None,
        recovered: None,
    };
    Measurements { end: u64::MAX / 2, faults: vec![fault], ..Measurements::default() }
}

/// What is told of a history.
fn told(bytes: &[u8], memory: u64) -> HistoryMeasure {
    let read = |_: &str, each: &mut dyn FnMut(&[u8]) -> bool| {
        let _ = bytes.chunks(4096).all(each);
        Ok(())
    };
    let beside = Beside { read: &read, memory, exhausted: &|| false };
    let (check, seen, measured) = (check(), seen(bytes), measured());
    let mut measure = blank(&check);
    let found = judged(&seen, &check, &measured, beside).expect("a history");
    tell::fill(&mut measure, &check, &seen, &found, &measured);
    measure
}

#[test]
fn a_long_history_is_judged_with_a_part_of_its_size_in_memory() {
    let bytes = recorded(20_000, None);
    let size = bytes.len() as u64;
    assert!(size > 10 << 20, "{size}");
    let (small, large) = (told(&bytes, size), told(&bytes, MEMORY_DEFAULT));
    assert_eq!((small.held, small.unknown.as_str()), (Held::Ok, ""));
    assert_eq!(small, large);
    let counts: Vec<u64> = small.functions.iter().map(|count| count.ok).collect();
    assert_eq!(counts, [20_000, 20_001, 20_000]);
}

#[test]
fn what_is_broken_is_told_within_a_budget_that_does_not_hold_it_all() {
    let bytes = recorded(10_000, Some(9_000));
    let size = bytes.len() as u64;
    let (small, large) = (told(&bytes, size), told(&bytes, MEMORY_DEFAULT));
    assert_eq!((small.held, large.held), (Held::Violation, Held::Violation));
    let without = |measure: &HistoryMeasure| {
        let mut measure = measure.clone();
        measure.anomalies.iter_mut().for_each(|one| one.svg.clear());
        measure
    };
    assert_eq!(without(&small), without(&large));
    assert!(small.anomalies[0].svg.contains("the others need more --memory"));
    assert!(!large.anomalies[0].svg.contains("more --memory"));
}

#[test]
fn a_history_that_needs_more_memory_than_it_may_have_is_unknown() {
    let bytes = recorded(1000, None);
    assert_eq!(told(&bytes, MEMORY_DEFAULT).held, Held::Ok);
    for memory in [0, 100_000] {
        let told = told(&bytes, memory);
        assert_eq!(told.held, Held::Unknown);
        assert!(
            told.unknown.contains(&format!("within {memory} bytes")) && told.unknown.contains("--memory"),
            "{told:?}"
        );
    }
}

#[test]
fn what_is_missing_is_found_without_the_whole_history() {
    let short = told(&recorded(3, None), MEMORY_DEFAULT);
    assert_eq!(short.held, Held::Unknown);
    assert_eq!(
        short.unknown,
        "4 ok of read, 20 are needed; 4 ok of read in pod-kill-1, 5 are needed; 3 ok of write, 20 are needed; 3 ok of write in \
         pod-kill-1, 5 are needed; 3 ok of cas, 5 are needed"
    );
    let whole = recorded(1000, None);
    let cut = &whole[..whole.len() - 200];
    let cut = &cut[..=cut.iter().rposition(|byte| *byte == b'\n').expect("a line")];
    let read = |_: &str, each: &mut dyn FnMut(&[u8]) -> bool| {
        each(cut);
        Ok(())
    };
    let beside = Beside { read: &read, memory: MEMORY_DEFAULT, exhausted: &|| false };
    let refused = judged(&seen(&whole), &check(), &measured(), beside).err().expect("it is cut");
    assert_eq!(refused, "history-0.jsonl is cut: it has 5999 of 6002 lines");
}

#[test]
fn a_checker_that_panics_knows_nothing() {
    let panics: [fn() -> Result<(), String>; 2] = [|| panic!("planted"), || panic!("planted {}", 2)];
    for (panic, why) in panics.into_iter().zip(["(planted)", "(planted 2)"]) {
        let reason = guarded(panic).expect_err("it broke off");
        assert!(reason.starts_with("the checker itself broke off") && reason.contains(why), "{reason}");
    }
    assert_eq!(guarded(|| Ok(7)), Ok(7));
    assert!(tell::lacking(&Outcome::Unknown(Budget::Memory(7))).contains("--memory"));
}
