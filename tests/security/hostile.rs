//! Names, messages and log lines of a cluster that mean harm, through every report and onto the terminal.

use std::fs;

use serde_json::Value;

use super::{driftproof, files, said, scenario};

/// Ends a CDATA section, a table cell, a code span and an attribute; starts a script; clears the screen; turns text round.
const HARM: &str =
    "<script>alert(1)</script>]]>`|\"'><img src=x onerror=alert(2)>\u{1b}[2J\u{202e}**b** [l](javascript:x) &amp; @all";

/// Puts harm behind every name of a pod or node and every sentence.
fn poison(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("web-") || text.contains("worker-") || text.contains(' ') => {
            text.push_str(HARM);
        }
        Value::Array(items) => items.iter_mut().for_each(poison),
        Value::Object(fields) => fields.values_mut().for_each(poison),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The evidence of a run, poisoned where text of the cluster stands in it; then all reports of it again.
fn poisoned(name: &str) -> (String, Vec<(String, String)>) {
    let folder = tempfile::tempdir().expect("a scratch folder");
    driftproof(folder.path(), &["run", &scenario(name), "--report-dir", "out"]);
    let stem = name.rsplit('/').next().and_then(|file| file.strip_suffix(".toml")).expect("a file");
    let path = folder.path().join("out").join(stem).join("evidence.jsonl");
    let text = fs::read_to_string(&path).expect("evidence");
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut record: Value = serde_json::from_str(line).expect("JSON");
        match record["type"].as_str() {
            Some("seen" | "fault" | "gap" | "steady") => poison(&mut record),
            Some("header") => record["again"] = Value::from(HARM),
            _ => {}
        }
        lines.push(record.to_string());
    }
    fs::write(&path, lines.join("\n") + "\n").expect("written");
    let mut terminal = said(&driftproof(folder.path(), &["verdict", "out"]));
    terminal.push_str(&said(&driftproof(folder.path(), &["report", "out"])));
    let reports = files(&folder.path().join("out"));
    (terminal, reports.into_iter().filter(|(name, _)| !name.ends_with("jsonl")).collect())
}

#[test]
fn what_a_cluster_says_is_shown_and_never_obeyed() {
    for name in ["anti-patterns/single-replica.toml", "anti-patterns/policies-ignored.toml", "pod-kill-one.toml"] {
        let (terminal, reports) = poisoned(name);
        assert!(!terminal.contains(['\u{1b}', '\u{202e}']), "the terminal would obey {name}: {terminal:?}");
        let mut kinds = 0;
        for (file, text) in &reports {
            let kind = file.rsplit('.').next().unwrap_or_default();
            match kind {
                "html" | "md" => {
                    assert!(!text.contains("<script>alert") && !text.contains("<img src=x"), "{file} of {name}");
                    kinds += 1;
                }
                "xml" => {
                    assert!(!text.contains("<script>") && !text.contains("]]>") && !text.contains('\u{1b}'), "{file}");
                    kinds += 1;
                }
                _ => {}
            }
            if kind == "md" {
                assert!(!text.contains("](javascript") && !text.contains("@all"), "{file} of {name}");
                rows_keep_their_columns(text);
            }
        }
        assert_eq!(kinds, 3, "{reports:?}");
    }
}

/// A table of Markdown has as many unescaped bars in each of its lines.
fn rows_keep_their_columns(text: &str) {
    let bars = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
    let rows: Vec<usize> = text.lines().filter(|line| line.starts_with('|')).map(bars).collect();
    assert!(rows.windows(2).all(|pair| pair[0] == pair[1]), "{rows:?}\n{text}");
}
