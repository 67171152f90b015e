//! The command as a user meets it: exit codes, files, messages.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

#[path = "command/described.rs"]
mod described;
#[path = "command/endings.rs"]
mod endings;
#[path = "command/folders.rs"]
mod folders;
#[path = "command/reports.rs"]
mod reports;
#[path = "command/signals.rs"]
mod signals;

fn driftproof(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("the command starts")
}

/// The command, not started yet.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftproof"));
    command.current_dir(folder).args(arguments).env("NO_COLOR", "1");
    for variable in ["GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS", "GITHUB_WORKSPACE", "KUBECONFIG", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command
}

fn scenario(name: &str) -> String {
    format!("{}/{name}.toml", scenarios())
}

fn scenarios() -> String {
    format!("{}/scenarios", env!("CARGO_MANIFEST_DIR"))
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("not killed by a signal")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_run_writes_its_folder_and_nothing_else() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let output =
        driftproof(folder.path(), &["run", &format!("{}/pod-kill-one.toml", scenarios()), "--report-dir", "out"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stderr).starts_with("PASS"), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("Summary ["), "{}", text(&output.stdout));
    for file in ["report.json", "junit.xml", "report.md", "report.html", "pod-kill-one/evidence.jsonl"] {
        assert!(folder.path().join("out").join(file).is_file(), "{file} is missing");
    }
    assert!(!folder.path().join("reports").exists());
    let html = fs::read_to_string(folder.path().join("out/report.html")).expect("written");
    assert!(html.contains("embedded cluster, simulated"));
    assert!(!html.contains("http://") && !html.contains("https://"), "report.html must not need the network");
}

#[test]
fn without_a_named_folder_a_run_goes_below_reports() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let output = driftproof(folder.path(), &["run", &format!("{}/pod-kill-one.toml", scenarios())]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let reports = folder.path().join("reports");
    assert_eq!(fs::read_dir(&reports).expect("exists").count(), 2, "the run, and the link to it");
    assert!(reports.join("latest/report.html").is_file());
}

#[test]
fn stored_evidence_gives_the_same_verdict_and_the_same_reports() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let scenario = format!("{}/anti-patterns/single-replica.toml", scenarios());
    let run = driftproof(folder.path(), &["run", &scenario, "--report-dir", "out"]);
    assert_eq!(code(&run), 1, "{}", text(&run.stderr));
    let again = driftproof(folder.path(), &["verdict", "out"]);
    assert_eq!(code(&again), 1);
    let told = text(&run.stdout);
    let conclusion = told.split("report: ").next().expect("before the report line");
    assert!(text(&again.stdout).ends_with(conclusion), "{}\nis not the end of\n{}", conclusion, text(&again.stdout));

    for report in ["report.html", "report.json", "report.md", "junit.xml"] {
        let file = folder.path().join("out").join(report);
        let before = fs::read(&file).expect("written");
        fs::remove_file(&file).expect("removable");
        assert_eq!(code(&driftproof(folder.path(), &["report", "out"])), 0);
        assert!(fs::read(&file).expect("written again") == before, "{report} differs");
    }
}

#[test]
fn evidence_that_was_cut_off_is_inconclusive() {
    let folder = tempfile::tempdir().expect("scratch folder");
    driftproof(folder.path(), &["run", &format!("{}/pod-kill-one.toml", scenarios()), "--report-dir", "out"]);
    let file = folder.path().join("out/pod-kill-one/evidence.jsonl");
    let whole = fs::read_to_string(&file).expect("written");
    fs::write(&file, &whole[..whole.len() - 40]).expect("writable");
    let output = driftproof(folder.path(), &["verdict", "out"]);
    assert_eq!(code(&output), 3, "{}", text(&output.stdout));
    fs::write(&file, "").expect("writable");
    assert_eq!(code(&driftproof(folder.path(), &["verdict", "out"])), 2, "nothing of it can be judged");
    assert_eq!(code(&driftproof(folder.path(), &["verdict", "out/pod-kill-one"])), 2, "this is no evidence");
}

#[test]
fn evidence_that_was_edited_is_inconclusive_and_the_line_is_named() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let scenario = format!("{}/pod-kill-one.toml", scenarios());
    assert_eq!(code(&driftproof(folder.path(), &["run", &scenario, "--report-dir", "out"])), 0);
    let file = folder.path().join("out/pod-kill-one/evidence.jsonl");
    let whole = fs::read_to_string(&file).expect("written");
    let report = fs::read_to_string(folder.path().join("out/report.json")).expect("written");
    let last = whole.trim_end().rsplit('"').nth(1).expect("a digest");
    assert!(report.contains(&format!("\"evidence_sha256\": \"{last}")), "the report has the digest of the last line");
    let lines: Vec<&str> = whole.lines().collect();
    let attempt = lines.iter().position(|line| line.contains("\"took\":")).expect("an attempt");
    for (place, from, to) in [(0, "\"tool\":\"", "\"tool\":\"x"), (attempt, "\"took\":", "\"took\":1")] {
        let mut edited: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        edited[place] = edited[place].replacen(from, to, 1);
        fs::write(&file, edited.join("\n") + "\n").expect("written");
        let output = driftproof(folder.path(), &["verdict", "out"]);
        assert_eq!(code(&output), 3, "{}", text(&output.stdout));
        let named = format!("line {} of the evidence is not what the run wrote", place + 1);
        assert!(text(&output.stdout).contains(&named), "{named}: {}", text(&output.stdout));
    }
}

#[test]
fn several_mistakes_are_reported_at_once_and_nothing_starts() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let wrong = "name = \"x\"\n[target]\nnamespace = \"a\"\nselektor = \"app=web\"\n[[fault]]\nkind = \"pod-kil\"\n";
    fs::write(folder.path().join("x.toml"), wrong).expect("writable");
    let output = driftproof(folder.path(), &["run", "x.toml"]);
    let message = text(&output.stderr);
    assert_eq!(code(&output), 2);
    for part in ["x.toml:4", "selektor", "did you mean `selector`", "pod-kil", "did you mean `pod-kill`"] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    assert!(!folder.path().join("reports").exists(), "nothing may be started");
}

#[test]
fn wrong_input_is_usage_not_failure() {
    let folder = tempfile::tempdir().expect("scratch folder");
    for arguments in [
        &["run"] as &[&str],
        &["run", "absent.toml"],
        &["run", "."],
        &["run", "x.toml", "--kubeconfig", "f"],
        &["verdict", "absent"],
        &["report", "absent"],
        &["nonsense"],
    ] {
        assert_eq!(code(&driftproof(folder.path(), arguments)), 2, "{arguments:?}");
    }
    let output = driftproof(folder.path(), &["run", &scenarios(), "--tag", "no-such-tag"]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("tags here are"), "{}", text(&output.stderr));
    let output = driftproof(folder.path(), &["selftest", "no-such-lie"]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("split-brain"), "{}", text(&output.stderr));
}

#[test]
fn a_live_cluster_that_is_not_there_is_an_error_and_starts_nothing() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let config = "apiVersion: v1\nkind: Config\ncontexts: []\nclusters: []\nusers: []\n";
    fs::write(folder.path().join("config"), config).expect("writable");
    let scenario = format!("{}/pod-kill-one.toml", scenarios());
    let output = driftproof(folder.path(), &["run", &scenario, "--context", "staging", "--kubeconfig", "config"]);
    assert_eq!(code(&output), 2, "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("staging"), "{}", text(&output.stderr));
}

#[test]
fn a_plan_shows_the_targets_and_injects_nothing() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let scenario = format!("{}/pod-kill-one.toml", scenarios());
    for arguments in [&["plan", &scenario] as &[&str], &["run", &scenario, "--dry-run"]] {
        let output = driftproof(folder.path(), arguments);
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        assert!(
            text(&output.stdout).contains("1 of 3 pods of deployment/web in shop, drawn at that moment"),
            "{}",
            text(&output.stdout)
        );
    }
    let all = driftproof(folder.path(), &["plan", &scenarios()]);
    assert_eq!(code(&all), 0, "every shipped scenario can be carried out as planned:\n{}", text(&all.stdout));
    let none = driftproof(folder.path(), &["plan", &format!("{}/anti-patterns/no-match.toml", scenarios())]);
    assert_eq!(code(&none), 3, "{}", text(&none.stdout));
    assert!(!folder.path().join("reports").exists());
}

#[test]
fn help_teaches_and_names_the_exit_codes() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let output = driftproof(folder.path(), &["run", "--help"]);
    assert_eq!(code(&output), 0);
    for part in ["0  every scenario passed", "4  left dirty", "--context", "--seed"] {
        assert!(text(&output.stdout).contains(part), "`{part}` is missing");
    }
    for arguments in [&["man"] as &[&str], &["completions", "bash"], &["schema"]] {
        let output = driftproof(folder.path(), arguments);
        assert!(code(&output) == 0 && output.stdout.len() > 1000, "{arguments:?}");
    }
}

#[test]
fn runs_repeat_a_scenario_with_other_seeds() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let scenario = format!("{}/pod-kill-one.toml", scenarios());
    let output = driftproof(folder.path(), &["run", &scenario, "--runs", "3", "--seed", "5", "--report-dir", "out"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    for seed in 5..8 {
        assert!(folder.path().join(format!("out/pod-kill-one-seed-{seed}/evidence.jsonl")).is_file());
    }
    let told = text(&output.stdout);
    for part in ["pod-kill-one: 3 of 3 passed", "median", "p95", "  rto ", "seeds 5 to 7"] {
        assert!(told.contains(part), "`{part}` is not in:\n{told}");
    }
}

#[test]
fn the_summary_page_of_a_github_job_gets_the_markdown_report() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let output = command(folder.path(), &["run", &scenario("pod-kill-one"), "--report-dir", "out"])
        .env("GITHUB_STEP_SUMMARY", folder.path().join("summary.md"))
        .output()
        .expect("the command starts");
    assert_eq!(code(&output), 0);
    let summary = fs::read_to_string(folder.path().join("summary.md")).expect("written");
    assert_eq!(summary, fs::read_to_string(folder.path().join("out/report.md")).expect("written"));
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, bytes).expect("packed");
    packer.finish().expect("packed")
}

#[test]
fn a_compressed_history_is_judged_like_any_other_and_a_cut_one_is_not() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let scenario = format!("{}/db-linearizable.toml", scenarios());
    let run = driftproof(folder.path(), &["run", &scenario, "--report-dir", "out"]);
    assert_eq!(code(&run), 0, "{}", text(&run.stderr));
    let evidence = fs::read_dir(folder.path().join("out")).expect("written").filter_map(|entry| {
        let path = entry.expect("an entry").path();
        path.is_dir().then_some(path)
    });
    let plain = evidence.map(|path| path.join("history-0.jsonl")).next().expect("a history");
    let whole = fs::read(&plain).expect("written");
    // The page names the file where it lies; in nothing else may it differ.
    let page =
        || fs::read_to_string(folder.path().join("out/report.html")).expect("written").replace(".jsonl.gz", ".jsonl");
    let report = page();
    let gz = plain.with_extension("jsonl.gz");
    fs::write(&gz, packed(&whole)).expect("writable");
    fs::remove_file(&plain).expect("removable");

    assert_eq!(code(&driftproof(folder.path(), &["report", "out"])), 0);
    assert!(page() == report);
    assert_eq!(code(&driftproof(folder.path(), &["verdict", "out"])), 0);
    let check = |file: &std::path::Path| {
        let output = driftproof(folder.path(), &["check", &file.to_string_lossy(), "--model", "register"]);
        (code(&output), text(&output.stdout) + &text(&output.stderr))
    };
    for file in [&plain, &gz] {
        let (code, said) = check(file);
        assert!(code == 0 && said.starts_with("ok"), "{said}");
    }

    let bytes = fs::read(&gz).expect("written");
    fs::write(&gz, &bytes[..bytes.len() / 2]).expect("writable");
    let verdict = driftproof(folder.path(), &["verdict", "out"]);
    assert_eq!(code(&verdict), 3);
    assert!(text(&verdict.stdout).contains("history-0.jsonl is cut: it has"), "{}", text(&verdict.stdout));
    let (code, said) = check(&gz);
    assert!(code == 2 && said.contains("is cut or damaged after line"), "{said}");
}

#[test]
fn check_knows_format_and_model_from_the_file_and_says_so() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let check = |history: &str, more: &[&str]| {
        fs::write(folder.path().join("h"), history).expect("writable");
        let output = driftproof(folder.path(), &[&["check", "h"], more].concat());
        (code(&output), text(&output.stdout) + &text(&output.stderr))
    };
    let event = |kind: &str, f: &str, value: &str| {
        format!("{{:process 7, :type :{kind}, :f :{f}, :value {value}, :time {}}}\n", 90 - kind.len())
    };
    let done = |f: &str, value: &str| event("invoke", f, value) + &event("ok", f, value);
    let (code, said) = check(&done("write", "31"), &[]);
    assert!(code == 0 && said.starts_with("ok"), "{said}");
    assert!(said.contains("note: read as jepsen-edn, judged by the model register"), "{said}");
    let (code, said) = check(&event("invoke", "write", "31"), &["--model", "register"]);
    assert!(code == 3 && said.starts_with("unknown  nothing completed"), "{said}");
    let (code, said) = check(&done("write", "[31 4]"), &[]);
    assert!(code == 2 && said.contains("--keys tuple"), "{said}");
    assert_eq!(check(&done("write", "[31 4]"), &["--keys", "tuple"]).0, 0);
    let own = "[[:append 5 1] [:append 5 2]]";
    let read = event("invoke", "txn", "[[:r 5 nil]]") + &event("ok", "txn", "[[:r 5 [2 1]]]");
    let (code, said) = check(&(done("txn", own) + &read), &["--claim", "read-committed"]);
    assert!(code == 1 && said.contains("append-order") && said.contains("\n    T0 (lines 1 and 2): "), "{said}");
    let (code, said) = check("hello\n", &[]);
    assert!(code == 2 && said.contains("--format"), "{said}");
}
