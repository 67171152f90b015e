//! Folders of runs: each its own, never mixed, never over somebody else's files; and what a scenario is called.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{code, command, driftproof, scenario, text};

fn json(file: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(file).expect("written")).expect("JSON")
}

#[test]
fn runs_that_begin_together_never_share_a_folder() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let scenarios = ["pod-kill-one", "anti-patterns/single-replica", "anti-patterns/no-match", "pod-kill-one"];
    let start = |name: &&str| command(folder.path(), &["run", &scenario(name), "-q"]).spawn().expect("starts");
    let mut children: Vec<_> = scenarios.iter().map(start).collect();
    let codes: Vec<_> = children.iter_mut().map(|child| child.wait().expect("ends").code()).collect();
    assert_eq!(codes, [Some(0), Some(1), Some(3), Some(0)]);
    let entries = fs::read_dir(folder.path().join("reports")).expect("there").map(|entry| entry.expect("one").path());
    let mut outcomes: Vec<String> = entries
        .filter(|path| !path.is_symlink())
        .map(|path| {
            let report = json(&path.join("report.json"));
            assert_eq!(report["scenarios"].as_array().expect("rows").len(), 1, "{}", path.display());
            report["outcome"].as_str().expect("a word").to_owned()
        })
        .collect();
    outcomes.sort();
    assert_eq!(outcomes, ["fail", "inconclusive", "pass", "pass"]);
    assert!(fs::read_link(folder.path().join("reports/latest")).is_ok());
}

#[test]
fn a_folder_that_is_used_again_holds_the_new_run_alone() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let run = |name: &str| driftproof(folder.path(), &["run", &scenario(name), "--report-dir", "out"]);
    assert_eq!(code(&run("anti-patterns/single-replica")), 1);
    fs::write(folder.path().join("out/notes.txt"), "mine").expect("writable");
    assert_eq!(code(&run("pod-kill-one")), 0);
    assert_eq!(code(&driftproof(folder.path(), &["report", "out"])), 0);
    let report = json(&folder.path().join("out/report.json"));
    assert_eq!(report["scenarios"].as_array().expect("rows").len(), 1);
    assert!(!folder.path().join("out/single-replica").exists());
    assert_eq!(fs::read_to_string(folder.path().join("out/notes.txt")).expect("there"), "mine");
    assert_eq!(code(&run("pod-kill-one")), 0, "the same once more");
}

#[test]
fn a_folder_in_use_or_with_files_of_others_is_refused() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let run = || driftproof(folder.path(), &["run", &scenario("pod-kill-one"), "--report-dir", "out"]);
    fs::create_dir(folder.path().join("out")).expect("created");
    let held = File::open(folder.path().join("out")).expect("opened");
    held.lock().expect("free");
    let output = run();
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("another run of driftproof is at work"), "{}", text(&output.stderr));
    drop(held);

    fs::create_dir(folder.path().join("elsewhere")).expect("created");
    symlink(folder.path().join("elsewhere"), folder.path().join("out/pod-kill-one")).expect("linked");
    let output = run();
    assert_eq!(code(&output), 2, "{}", text(&output.stdout));
    assert_eq!(fs::read_dir(folder.path().join("elsewhere")).expect("there").count(), 0, "no link is followed");
    fs::remove_file(folder.path().join("out/pod-kill-one")).expect("removable");

    fs::write(folder.path().join("out/report.html"), "<title>somebody's report</title>").expect("writable");
    let output = run();
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("not of an earlier run"), "{}", text(&output.stderr));
}

#[test]
fn a_scenario_is_called_what_its_evidence_says() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let file = scenario("pod-kill-one");
    assert_eq!(code(&driftproof(folder.path(), &["run", &file, "--runs", "2", "--report-dir", "out"])), 0);
    fs::create_dir_all(folder.path().join("copied/v2")).expect("created");
    let evidence = folder.path().join("out/pod-kill-one-seed-1/evidence.jsonl");
    fs::copy(&evidence, folder.path().join("copied/v2/evidence.jsonl")).expect("copied");
    for given in ["copied", "copied/v2", "copied/v2/evidence.jsonl"] {
        let output = driftproof(folder.path(), &["verdict", given]);
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        assert!(text(&output.stdout).starts_with("PASS         pod-kill-one "), "{given}: {}", text(&output.stdout));
    }
    assert_eq!(code(&driftproof(folder.path(), &["report", "copied"])), 0);
    let page = fs::read_to_string(folder.path().join("copied/report.html")).expect("written");
    assert!(page.contains("href=\"v2/evidence.jsonl\""), "the page leads to the evidence where it lies");
    fs::create_dir(folder.path().join("copied/v3")).expect("created");
    let evidence = folder.path().join("out/pod-kill-one-seed-2/evidence.jsonl");
    fs::copy(&evidence, folder.path().join("copied/v3/evidence.jsonl")).expect("copied");
    let output = text(&driftproof(folder.path(), &["verdict", "copied"]).stdout);
    assert!(output.contains("pod-kill-one-seed-1 ") && output.contains("pod-kill-one-seed-2 "), "{output}");
}
