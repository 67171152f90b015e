//! How a run ends whatever happens around it: scenarios that cannot run, readers that go away, disks that are full.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Stdio;

use super::{code, command, driftproof, scenario, text};

/// Every report of a run that people or their tools read, by name.
fn reports(folder: &Path) -> Vec<(&'static str, String)> {
    let read = |name| (name, fs::read_to_string(folder.join(name)).expect(name));
    ["report.json", "junit.xml", "report.md", "report.html"].map(read).to_vec()
}

/// A scenario that is valid, and whose fixture the API server refuses: an object of a kind that nobody has defined.
fn refused(folder: &Path) -> String {
    let widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata:\n  name: none\n---\n";
    let web =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/fixtures/web.yaml")).expect("there");
    fs::write(folder.join("refused.yaml"), format!("{widget}{web}")).expect("writable");
    let text = "name = \"refused\"\n[target]\nnamespace = \"shop\"\nworkload = \"deployment/web\"\n[fixture]\nmanifests = [\"refused.yaml\"]\n[[fault]]\nkind = \"pod-kill\"\n[expect]\nrto = \"1m\"\n";
    fs::write(folder.join("refused.toml"), text).expect("writable");
    folder.join("refused.toml").display().to_string()
}

#[test]
fn a_scenario_that_cannot_run_is_a_row_and_the_others_go_on() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let refused = refused(folder.path());
    let (failing, passing) = (scenario("anti-patterns/single-replica"), scenario("pod-kill-one"));
    let all = ["run", &failing, &refused, &passing, "--jobs", "1", "--report-dir", "out"];
    let output = driftproof(folder.path(), &all);
    assert_eq!(code(&output), 1, "the code of the worst, which failed: {}", text(&output.stderr));
    for (name, report) in reports(&folder.path().join("out")) {
        for scenario in ["single-replica", "refused", "pod-kill-one"] {
            assert!(report.contains(scenario), "{scenario} is not in {name}");
        }
    }
    let report: serde_json::Value = serde_json::from_str(&reports(&folder.path().join("out"))[0].1).expect("JSON");
    let counts = ["selected", "errors", "passed", "failed"].map(|word| report["counts"][word].as_u64());
    assert_eq!(counts, [Some(3), Some(1), Some(1), Some(1)]);
    let stored = driftproof(folder.path(), &["verdict", "out"]);
    assert_eq!(code(&stored), 1);
    assert!(text(&stored.stdout).contains("ERROR        refused"), "{}", text(&stored.stdout));

    let output = driftproof(folder.path(), &["run", &refused, &passing, "--report-dir", "two"]);
    assert_eq!(code(&output), 3, "something was started: {}", text(&output.stderr));
    let output = driftproof(folder.path(), &["run", &refused, "--report-dir", "three"]);
    assert_eq!(code(&output), 2, "nothing was started: {}", text(&output.stderr));
    assert!(text(&output.stdout).contains("three/report.html"), "{}", text(&output.stdout));
}

#[test]
fn what_was_not_reached_is_in_every_report() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let (failing, passing) = (scenario("anti-patterns/single-replica"), scenario("pod-kill-one"));
    let all = ["run", &failing, &passing, "--jobs", "1", "--fail-fast", "--report-dir", "out"];
    let output = driftproof(folder.path(), &all);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stdout).contains("1 failed, 1 not run"), "{}", text(&output.stdout));
    for (name, report) in reports(&folder.path().join("out")) {
        assert!(report.contains("--fail-fast") && report.contains("pod-kill-one"), "{name}");
    }
}

#[test]
fn what_the_embedded_cluster_cannot_do_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let output = driftproof(folder.path(), &["run", &scenario("pod-kill-one"), &scenario("stores/etcd-linearizable")]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("a store of kind etcd"), "{}", text(&output.stderr));
    assert!(!folder.path().join("reports").exists(), "nothing may be started");
}

/// Standard output or error that nobody reads, or that is full.
fn closed() -> Stdio {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("there").into()
}

#[test]
fn printing_never_changes_how_anything_ends() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let (pass, fail) = (scenario("pod-kill-one"), scenario("anti-patterns/single-replica"));
    assert_eq!(code(&driftproof(folder.path(), &["run", &fail, "--report-dir", "kept"])), 1);
    fs::write(folder.path().join("h.jsonl"), "").expect("writable");
    // Whatever these say is said where nobody reads it, too.
    let check = code(&driftproof(folder.path(), &["check", "h.jsonl", "--model", "register"]));
    let selftest = code(&driftproof(folder.path(), &["selftest", "split-brain", "--seeds", "3"]));
    let cases: [(&[&str], i32); 12] = [
        (&["run", &pass, "--report-dir", "out"], 0),
        (&["run", &fail, "--report-dir", "out"], 1),
        (&["run", &fail, "-v", "--report-dir", "out"], 1),
        (&["plan", &pass], 0),
        (&["validate", &pass, &fail], 0),
        (&["validate", "absent.toml"], 2),
        (&["verdict", "kept"], 1),
        (&["report", "kept"], 0),
        (&["check", "h.jsonl", "--model", "register"], check),
        (&["selftest", "split-brain", "--seeds", "3"], selftest),
        (&["undo", "--context", "absent"], 2),
        (&["nonsense"], 2),
    ];
    for (arguments, expected) in cases {
        for (what, out) in [("closed", closed as fn() -> Stdio), ("full", full)] {
            let _ = fs::remove_dir_all(folder.path().join("out"));
            let status = command(folder.path(), arguments).stdout(out()).stderr(out()).status().expect("starts");
            assert_eq!(status.code(), Some(expected), "{arguments:?} where the output is {what}");
            if arguments[0] == "run" {
                assert_eq!(reports(&folder.path().join("out")).len(), 4, "{arguments:?} where the output is {what}");
            }
        }
    }
    for made in ["schema", "man"] {
        assert_eq!(command(folder.path(), &[made]).stdout(closed()).status().expect("starts").code(), Some(0));
        let half = command(folder.path(), &[made]).stdout(full()).stderr(full()).status().expect("starts");
        assert_eq!(half.code(), Some(2), "half of it must not be taken for all of it");
    }
}

#[test]
fn a_side_output_that_fails_is_told_and_decides_nothing() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let output = command(folder.path(), &["run", &scenario("pod-kill-one")])
        .env("GITHUB_STEP_SUMMARY", folder.path().join("absent/summary.md"))
        .output()
        .expect("starts");
    assert_eq!(code(&output), 0);
    assert!(text(&output.stderr).contains("GITHUB_STEP_SUMMARY"), "{}", text(&output.stderr));
}

#[test]
fn a_quiet_run_says_what_did_not_pass_and_a_loud_one_says_every_event() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let run = |flags: &[&str]| {
        let (pass, fail) = (scenario("pod-kill-one"), scenario("anti-patterns/single-replica"));
        driftproof(folder.path(), &[&["run", &pass, &fail, "--report-dir", "out"], flags].concat())
    };
    let quiet = run(&["-q"]);
    assert_eq!(text(&quiet.stderr), "");
    assert!(!text(&quiet.stdout).contains("PASS"), "{}", text(&quiet.stdout));
    assert!(text(&quiet.stdout).contains("knob: ") && text(&quiet.stdout).contains("Summary ["));
    let plain = run(&[]);
    assert_eq!(text(&plain.stderr).lines().count(), 2, "{}", text(&plain.stderr));
    let loud = run(&["-v"]);
    assert!(text(&loud.stderr).contains("injected") && text(&loud.stderr).contains("waiting for recovery"));
}

#[test]
fn a_scenario_may_come_from_standard_input() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let file = File::open(scenario("pod-kill-one")).expect("there");
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let out = folder.path().join("out").display().to_string();
    let output = command(&home, &["run", "-", "--report-dir", &out]).stdin(file).output().expect("starts");
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let valid = command(&home, &["validate", "-"]).stdin(Stdio::null()).output().expect("starts");
    assert_eq!(code(&valid), 2);
    assert!(text(&valid.stderr).contains("standard input"), "{}", text(&valid.stderr));
    let valid = driftproof(folder.path(), &["validate", &scenario("pod-kill-one"), &scenario("zone-lost")]);
    assert!(text(&valid.stdout).ends_with("\n2 ok\n"), "{}", text(&valid.stdout));
}
