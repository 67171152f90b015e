//! Evidence that somebody made anew, lines, digests and all: told by the report that was written of the true one, and never where
//! the owner of a folder puts other evidence into it.

use std::fs;
use std::path::Path;

use driftproof::evidence::chained;
use serde_json::Value;

use super::{code, driftproof, scenario, text};

const OTHER: &str = "evidence.jsonl is not the one that report.json was written of";

/// The same evidence of another tool, sealed as a run seals it.
fn forged(true_one: &str) -> String {
    let records = true_one.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).expect("a record");
        let fields = record.as_object_mut().expect("an object");
        fields.remove("chain");
        if fields["type"] == "header" {
            fields.insert("tool".to_owned(), "driftproof 9.9.9".into());
        }
        record
    });
    chained(records).expect("records")
}

/// Exit code and output of `verdict`.
fn verdict(folder: &Path, run: &str) -> (i32, String) {
    let output = driftproof(folder, &["verdict", run]);
    (code(&output), text(&output.stdout))
}

#[test]
fn a_chain_that_was_made_anew_is_inconclusive_and_stays_so() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let at = folder.path();
    let files = ["pod-kill-one", "zone-lost"].map(scenario);
    let output = driftproof(at, &["run", &files[0], &files[1], "--report-dir", "out"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let file = at.join("out/pod-kill-one/evidence.jsonl");
    let whole = fs::read_to_string(&file).expect("written");
    for run in ["out", "out/pod-kill-one", "out/pod-kill-one/evidence.jsonl"] {
        assert_eq!(verdict(at, run).0, 0, "{run}");
    }
    fs::write(&file, forged(&whole)).expect("writable");
    for run in ["out", "out/pod-kill-one", "out/pod-kill-one/evidence.jsonl"] {
        let (code, told) = verdict(at, run);
        assert!(code == 3 && told.contains(OTHER), "{run}: {code} {told}");
    }
    assert_eq!(verdict(at, "out/zone-lost").0, 0, "the other scenario is as it was");
    // A report that is made anew does not take over what is there now.
    for _ in 0..2 {
        assert_eq!(code(&driftproof(at, &["report", "out"])), 0);
        let (code, told) = verdict(at, "out");
        assert!(code == 3 && told.contains(OTHER), "{code} {told}");
    }
    fs::write(&file, &whole).expect("writable");
    assert_eq!(verdict(at, "out").0, 0, "the true evidence is back");
    fs::write(&file, forged(&whole)).expect("writable");
    fs::remove_file(at.join("out/report.json")).expect("removable");
    assert_eq!(verdict(at, "out").0, 0, "without the report nobody knows");
}

#[test]
fn evidence_that_its_owner_collects_is_never_taken_for_another() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let at = folder.path();
    let run = |seed: &str, out: &str| {
        let output = driftproof(at, &["run", &scenario("pod-kill-one"), "--seed", seed, "--report-dir", out]);
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    };
    run("1", "one");
    run("2", "two");
    fs::create_dir_all(at.join("all/web")).expect("created");
    for from in ["one", "two", "one"] {
        fs::copy(at.join(from).join("pod-kill-one/evidence.jsonl"), at.join("all/web/evidence.jsonl")).expect("copied");
        for run in ["all", "all/web"] {
            assert_eq!(verdict(at, run).0, 0, "{from} in {run}");
            assert_eq!(code(&driftproof(at, &["report", run])), 0);
            assert_eq!(verdict(at, run).0, 0, "{from} in {run}, with a report of its own");
        }
    }
    // A run into the same folder replaces report and evidence.
    run("3", "one");
    assert_eq!(verdict(at, "one").0, 0);
}
