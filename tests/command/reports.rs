//! `junit.xml` and the summary page, as the systems that read them take them.

use std::collections::BTreeSet;
use std::fs;

use super::{code, command, driftproof, scenario, text};

/// The attributes of an element, by name: `name="value"`, in order.
fn attributes(element: &str) -> Vec<(String, String)> {
    let mut rest = element;
    let mut found = Vec::new();
    while let Some((name, after)) = rest.split_once("=\"") {
        let (value, after) = after.split_once('"').expect("a closing quote");
        let name = name.split_whitespace().last().unwrap_or_default();
        found.push((name.to_owned(), value.to_owned()));
        rest = after;
    }
    found
}

/// The opening tags of a kind.
fn tags<'a>(xml: &'a str, kind: &str) -> Vec<&'a str> {
    let starts = xml.match_indices(&format!("<{kind} ")).map(|(at, _)| at).collect::<Vec<_>>();
    starts.into_iter().map(|at| &xml[at..at + xml[at..].find('>').expect("it ends")]).collect()
}

fn names(tag: &str) -> Vec<String> {
    attributes(tag).into_iter().map(|(name, _)| name).collect()
}

fn value(tag: &str, wanted: &str) -> String {
    let found = attributes(tag).into_iter().find(|(name, _)| name == wanted);
    found.unwrap_or_else(|| panic!("no {wanted} in {tag}")).1
}

#[test]
fn junit_is_what_its_readers_take() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let files = ["anti-patterns/single-replica", "anti-patterns/no-match", "pod-kill-one", "zone-lost"].map(scenario);
    let [fail, blind, pass, rest] = files.each_ref().map(String::as_str);
    let output = driftproof(folder.path(), &["run", fail, blind, pass, rest, "--jobs", "1", "--report-dir", "out"]);
    assert_eq!(code(&output), 1, "{}", text(&output.stderr));
    let xml = fs::read_to_string(folder.path().join("out/junit.xml")).expect("written");

    // What the schema of Jenkins' xUnit plugin allows; it knows nothing else.
    let allowed: [(&str, &[&str]); 4] = [
        ("testsuites", &["name", "time", "tests", "failures", "errors"]),
        ("testsuite", &["name", "tests", "failures", "errors", "time", "skipped", "timestamp", "file"]),
        ("testcase", &["name", "time", "classname"]),
        ("property", &["name", "value"]),
    ];
    for (kind, allowed) in allowed {
        let tags = tags(&xml, kind);
        assert!(!tags.is_empty(), "no {kind}");
        for name in tags.iter().flat_map(|tag| names(tag)) {
            assert!(allowed.contains(&name.as_str()), "{kind} has {name}");
        }
    }
    for suite in tags(&xml, "testsuite") {
        assert!(fs::metadata(value(suite, "file")).is_ok_and(|file| file.is_file()));
        assert_eq!(value(suite, "timestamp").len(), "2026-01-01T00:00:00".len());
        assert!(value(suite, "time").parse::<f64>().expect("seconds") > 0.0);
    }
    let cases: Vec<String> = tags(&xml, "testcase").iter().map(|case| value(case, "name")).collect();
    assert!(cases.iter().all(|name| name.contains(": ")), "{cases:?}");
    assert_eq!(cases.iter().collect::<BTreeSet<_>>().len(), cases.len(), "names are unique");
    // One cause is one failure or one error.
    assert_eq!(xml.matches("<failure ").count(), 1, "{xml}");
    assert_eq!(xml.matches("<error ").count(), 1, "{xml}");
    assert_eq!(xml.matches("message=\"follows from faults: ").count(), 3, "{xml}");
    let whole = tags(&xml, "testsuites")[0];
    assert_eq!((value(whole, "failures"), value(whole, "errors")), ("1".to_owned(), "1".to_owned()));
}

#[test]
fn github_gets_annotations_at_the_lines_of_scenarios() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let root = env!("CARGO_MANIFEST_DIR");
    let output = command(folder.path(), &["run", &scenario("anti-patterns/single-replica"), &scenario("pod-kill-one")])
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", root)
        .output()
        .expect("starts");
    let told = text(&output.stdout);
    let annotations: Vec<&str> = told.lines().filter(|line| line.starts_with("::")).collect();
    let [annotation] = annotations[..] else { panic!("{told}") };
    let source = fs::read_to_string(scenario("anti-patterns/single-replica")).expect("there");
    let line = source.lines().position(|line| line.starts_with("longest_outage")).expect("an objective") + 1;
    let start = format!(
        "::error file=scenarios/anti-patterns/single-replica.toml,line={line},title=FAIL single-replica::probe reads"
    );
    assert!(annotation.starts_with(&start), "{annotation}");
    assert!(annotation.contains("; knob: replicas on deployment/web"), "{annotation}");
}
