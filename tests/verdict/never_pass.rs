//! Not having seen is never a pass: evidence that is cut, thinned or marked by a gap is at best inconclusive.

use driftproof::evidence::{Event, Evidence, Life, chained};
use driftproof::measure::{Measurements, measure};
use driftproof::verdict::{Outcome, Verdict, judge};
use proptest::prelude::*;

use super::stories::{KILL, KILL_SCENARIO, LOST, LOST_SCENARIO, stuck, with, without};
use super::story::evidence;
use super::{judged, objective};

fn verdict(evidence: &Evidence) -> Verdict {
    judge(&evidence.header.scenario, &measure(evidence))
}

fn lenient() -> String {
    with(LOST_SCENARIO, "2m", "10m")
}

/// The evidence as the file that a run writes.
fn text(evidence: &Evidence) -> String {
    chained(&evidence.records).expect("records are objects")
}

#[test]
fn mutated_evidence_never_passes() {
    assert_eq!(judged(KILL_SCENARIO, KILL).outcome, Outcome::Pass);
    let table = [
        ("no proof", without(KILL, "proof"), "faults"),
        ("a refuted proof", with(KILL, "proof 1-pod-kill yes", "proof 1-pod-kill no"), "faults"),
        ("never injected", without(KILL, "inject"), "faults"),
        ("no plan", without(KILL, "plan"), "evidence"),
        ("a gap", with(KILL, "12.8 pod", "12 gap lost the watch of pods broke\n 12.8 pod"), "evidence"),
        ("no attempts", without(KILL, "probes"), "evidence"),
        ("no attempts after the injection", with(KILL, "probes 18", "probes 10"), "evidence"),
        (
            "probes that stop",
            with(&with(KILL, "probes 18", "probes 11"), "18.2 stage", "30 stage")
                .replace("18.3", "30")
                .replace("18.4", "30"),
            "evidence",
        ),
        ("never steady before", without(KILL, "0.1 steady"), "evidence"),
        ("no end", without(KILL, "end completed"), "evidence"),
        ("interrupted", with(KILL, "end completed", "end interrupted"), "evidence"),
        ("aborted", with(KILL, "end completed", "end aborted the API server is gone"), "evidence"),
    ];
    for (what, story, name) in table {
        let verdict = judged(KILL_SCENARIO, &story);
        assert_eq!(objective(&verdict, name).outcome, Outcome::Inconclusive, "{what}: {verdict:#?}");
        assert_ne!(verdict.outcome, Outcome::Pass, "{what}");
        assert!(!verdict.line.is_empty(), "{what}");
    }
    let recovered = with(KILL, "12.8 pod", "12 gap recovered the watch of pods was resumed\n 12.8 pod");
    assert_eq!(judged(KILL_SCENARIO, &recovered).outcome, Outcome::Pass);
}

#[test]
fn a_fault_that_holds_must_be_healed_and_proven_healed() {
    assert_eq!(judged(&lenient(), LOST).outcome, Outcome::Pass);
    for word in ["heal-proof", "heal 1-node-failure"] {
        let story = with(&without(LOST, word), "436 end", "436 end");
        let verdict = judged(&lenient(), &story);
        assert_eq!(objective(&verdict, "faults").outcome, Outcome::Inconclusive, "{word}: {verdict:#?}");
    }
}

#[test]
fn missing_or_disordered_records_are_gaps() {
    let whole = evidence(KILL_SCENARIO, KILL);
    let mut missing = whole.clone();
    missing.records.remove(20);
    assert_eq!(verdict(&missing).outcome, Outcome::Inconclusive);
    let mut backwards = whole;
    let last = backwards.records.len() - 2;
    backwards.records[last].t = 1;
    assert_eq!(verdict(&backwards).outcome, Outcome::Inconclusive);
}

#[test]
fn nothing_but_a_header_is_inconclusive() {
    let mut bare = evidence(KILL_SCENARIO, KILL);
    bare.records.truncate(1);
    let verdict = verdict(&bare);
    assert_eq!(verdict.outcome, Outcome::Inconclusive, "{verdict:#?}");
}

#[test]
fn the_same_evidence_gives_the_same_bytes_and_they_read_back() {
    for (scenario, story) in
        [(KILL_SCENARIO, KILL.to_owned()), (LOST_SCENARIO, LOST.to_owned()), (LOST_SCENARIO, stuck())]
    {
        let evidence = evidence(scenario, &story);
        let again = Evidence::read(&text(&evidence)).expect("it reads back");
        assert_eq!((&again.header, &again.records), (&evidence.header, &evidence.records));
        let measured = measure(&evidence);
        let json = serde_json::to_string(&measured).expect("JSON");
        // Only what was read from a file has its digest.
        let unread = Measurements { evidence_sha256: String::new(), ..measure(&again) };
        assert_eq!(json, serde_json::to_string(&unread).expect("JSON"));
        assert_eq!(serde_json::from_str::<Measurements>(&json).expect("it reads back"), measured);
        let judged = verdict(&evidence);
        let json = serde_json::to_string(&judged).expect("JSON");
        assert_eq!(serde_json::from_str::<Verdict>(&json).expect("it reads back"), judged);
    }
}

/// The stories that a property starts from; the first and the last pass.
fn stories() -> Vec<Evidence> {
    vec![
        evidence(KILL_SCENARIO, KILL),
        evidence(LOST_SCENARIO, LOST),
        evidence(LOST_SCENARIO, &stuck()),
        evidence(&lenient(), LOST),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cut_is_at_best_inconclusive(which in 0_usize..4, share in 0.0_f64..1.0) {
        let whole = &stories()[which];
        let mut cut = whole.clone();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        cut.records.truncate(((whole.records.len() - 1) as f64 * share) as usize + 1);
        if cut.records.len() < whole.records.len() {
            prop_assert_ne!(verdict(&cut).outcome, Outcome::Pass);
        }
        // What the whole run did not fail, no beginning of it fails.
        if verdict(whole).outcome == Outcome::Pass {
            prop_assert_ne!(verdict(&cut).outcome, Outcome::Fail);
        }
    }

    #[test]
    fn a_file_that_ends_anywhere_never_passes(which in 0_usize..4, share in 0.0_f64..1.0) {
        let text = text(&stories()[which]);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        let mut at = (text.len() as f64 * share) as usize;
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        if let Ok(cut) = Evidence::read(&text[..at]) {
            prop_assert_ne!(verdict(&cut).outcome, Outcome::Pass);
        }
    }

    #[test]
    fn dropping_any_records_never_panics_and_never_beats_the_whole(which in 0_usize..4, keep in proptest::collection::vec(any::<bool>(), 700)) {
        let whole = &stories()[which];
        let mut thin = whole.clone();
        let mut keep = keep.into_iter().cycle();
        thin.records.retain(|record| matches!(record.event, Event::Header(_)) || keep.next().unwrap_or(true));
        let measured = measure(&thin);
        for drift in &measured.drifts {
            let sum: u64 = drift.phases().iter().map(|(_, took)| took).sum();
            prop_assert_eq!(sum, drift.edges.last().map_or(drift.from, |edge| edge.at) - drift.from);
        }
        for fault in &measured.faults {
            prop_assert!(fault.rto().is_none_or(|rto| rto <= measured.end));
        }
        if thin.records.len() < whole.records.len() {
            prop_assert_ne!(judge(&thin.header.scenario, &measured).outcome, Outcome::Pass);
        }
    }

    #[test]
    fn without_the_proof_no_numbering_helps(which in 0_usize..4) {
        // The same with the numbers made good again, as a run would write it that never proved anything.
        let mut unproven = stories()[which].clone();
        unproven.records.retain(|record| !matches!(&record.event, Event::Fault(fault) if matches!(fault.life, Life::Proof(_))));
        for (i, record) in unproven.records.iter_mut().enumerate() {
            record.i = i as u64;
        }
        prop_assert_ne!(verdict(&unproven).outcome, Outcome::Pass);
    }
}
