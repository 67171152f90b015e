//! What the command says of itself and of what it would do: manual pages, completions, plans.

use std::fs;

use super::{code, driftproof, scenario, text};

/// A pod-kill with two queries that nothing on the embedded cluster can answer.
const WITH_QUERIES: &str = r#"
name = "queries"
[target]
namespace = "shop"
workload = "deployment/web"
[fixture]
manifests = ["FIXTURE"]
[[fault]]
kind = "pod-kill"
[[probe]]
name = "reads"
kind = "http"
service = "web:80"
[[query]]
name = "errors"
expr = "sum(rate(errors_total[1m])) or vector(0)"
bound = "< 1"
[[abort]]
query = "up"
bound = ">= 1"
[expect]
rto = "1m"
"#;

fn with_queries(folder: &std::path::Path) {
    let fixture = format!("{}/fixtures/web.yaml", super::scenarios());
    fs::write(folder.join("queries.toml"), WITH_QUERIES.replace("FIXTURE", &fixture)).expect("written");
}

#[test]
fn a_query_that_cannot_be_asked_is_told_by_plan_and_never_passes() {
    let folder = tempfile::tempdir().expect("scratch folder");
    with_queries(folder.path());
    let plan = driftproof(folder.path(), &["plan", "queries.toml"]);
    assert_eq!(code(&plan), 3, "{}", text(&plan.stderr));
    let said = text(&plan.stdout);
    assert!(said.contains("not answered: 2 queries, the embedded cluster has no Prometheus"), "{said}");
    assert!(said.contains("--skip-queries"), "{said}");
    let run = driftproof(folder.path(), &["run", "queries.toml", "--report-dir", "out"]);
    assert_eq!(code(&run), 3, "{}", text(&run.stderr));
    let report = fs::read_to_string(folder.path().join("out/report.md")).expect("written");
    assert!(report.contains("knob: --prometheus"), "{report}");
}

#[test]
fn queries_that_are_left_out_are_named_in_every_report() {
    let folder = tempfile::tempdir().expect("scratch folder");
    with_queries(folder.path());
    let plan = driftproof(folder.path(), &["plan", "queries.toml", "--skip-queries"]);
    assert_eq!(code(&plan), 0, "{}", text(&plan.stdout));
    let run = driftproof(folder.path(), &["run", "queries.toml", "--skip-queries", "--report-dir", "out"]);
    assert_eq!(code(&run), 0, "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("2 left out"), "{}", text(&run.stderr));
    for (file, wanted) in [
        ("report.md", "left out by --skip-queries: query.errors, the abort condition up"),
        ("report.html", "left out by --skip-queries: query.errors, the abort condition up"),
        ("report.json", "left out by --skip-queries: query.errors"),
        ("junit.xml", "queries: query.errors"),
    ] {
        let report = fs::read_to_string(folder.path().join("out").join(file)).expect("written");
        assert!(report.contains(wanted), "{file}: {report}");
    }
    let again = driftproof(folder.path(), &["verdict", "out"]);
    assert_eq!(code(&again), 0);
    assert!(text(&again.stdout).contains("2 left out"), "{}", text(&again.stdout));
}

#[test]
fn a_plan_says_what_is_drawn_and_every_right_once() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let files = ["pod-kill-one", "partition-groups", "node-drain"].map(scenario);
    let files: Vec<&str> = files.iter().map(String::as_str).filter(|file| fs::metadata(file).is_ok()).collect();
    assert!(files.len() >= 2, "the shipped scenarios have other names now");
    let plan = driftproof(folder.path(), &[&["plan"], files.as_slice()].concat());
    assert_eq!(code(&plan), 0, "{}", text(&plan.stderr));
    let said = text(&plan.stdout);
    let (before, rights) = said.split_once("permissions:\n").expect("the rights come last");
    assert!(!rights.contains("permissions:") && before.contains("pod-kill"), "{said}");
    let mut lines: Vec<&str> = rights.lines().filter(|line| line.starts_with("  ")).collect();
    let all = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert!(all > 5 && lines.len() == all, "{rights}");
}

#[test]
fn every_command_that_is_listed_has_a_manual_page() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let help = text(&driftproof(folder.path(), &["--help"]).stdout);
    let commands = help.split("Commands:").nth(1).and_then(|rest| rest.split("Options:").next()).expect("a list");
    let names: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.contains(&"run") && names.contains(&"undo"), "{names:?}");
    for name in names {
        let page = driftproof(folder.path(), &["man", name]);
        assert_eq!(code(&page), 0, "{name}");
        let page = text(&page.stdout).replace("\\-", "-");
        assert!(page.contains(&format!(".TH driftproof-{name}")) && page.contains("SYNOPSIS"), "{name}: {page}");
    }
    let unknown = driftproof(folder.path(), &["man", "fly"]);
    assert_eq!(code(&unknown), 2);
    assert!(text(&unknown.stderr).contains("there is no command fly"), "{}", text(&unknown.stderr));
}

#[test]
fn completions_offer_what_a_person_types() {
    let folder = tempfile::tempdir().expect("scratch folder");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(&driftproof(folder.path(), &["completions", shell]).stdout);
        assert!(script.contains("selftest") && script.contains("context"), "{shell}");
        // Options of the two commands that only Driftproof itself starts.
        assert!(!script.contains("timer") && !script.contains("idle-exit"), "{shell} offers hidden commands");
    }
}
