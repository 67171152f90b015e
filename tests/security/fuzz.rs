//! Parsers of foreign text: valid texts with bytes changed, removed, doubled and swapped. None may panic; whatever evidence
//! is read can be measured and judged. Prints how many texts were tried and how long it took.

use std::path::Path;
use std::time::Instant;

use driftproof::consistency::format;
use driftproof::evidence::Evidence;
use driftproof::measure::measure;
use driftproof::scenario::{manifests, parse};
use driftproof::verdict::judge;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

/// Texts for each parser; `FUZZ` in the environment asks for more.
fn cases() -> u64 {
    std::env::var("FUZZ").ok().and_then(|text| text.parse().ok()).unwrap_or(1_500)
}

/// Files below a folder with an ending.
fn texts(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.extend(std::fs::read_to_string(&path).ok().filter(|text| text.len() < 200_000));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no {ending} below {folder}");
    found
}

/// Pieces that parsers stumble over.
const PIECES: [&str; 16] = [
    "\0",
    "\u{feff}",
    "é",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "=",
    "\n",
    "-9223372036854775808",
    "1e400",
    "!!binary ",
    "&a *a",
    "\\u0000",
];

fn mutate(text: &str, dice: &mut ChaCha8Rng) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..dice.random_range(1..8) {
        let at = dice.random_range(0..=bytes.len());
        let to = (at + dice.random_range(0..64)).min(bytes.len());
        match dice.random_range(0..5) {
            0 => drop(bytes.drain(at..to)),
            1 => {
                let again = bytes[at..to].to_vec();
                bytes.splice(at..at, again);
            }
            2 => bytes[at..to].iter_mut().for_each(|byte| *byte = dice.random()),
            3 => bytes.truncate(at),
            _ => {
                let piece = PIECES.choose(dice).copied().unwrap_or_default();
                bytes.splice(at..at, piece.bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn fuzz(what: &str, texts: &[String], mut read: impl FnMut(&str) -> bool) {
    let (begun, mut accepted) = (Instant::now(), 0);
    for case in 0..cases() {
        let mut dice = ChaCha8Rng::seed_from_u64(case);
        let text = texts.choose(&mut dice).expect("a text");
        accepted += u64::from(read(&mutate(text, &mut dice)));
    }
    println!("{what}: {} texts from {} seeds, {accepted} accepted, {:.1?}", cases(), texts.len(), begun.elapsed());
}

#[test]
fn scenarios() {
    fuzz("scenarios", &texts("scenarios", ".toml"), |text| parse("fuzz.toml", text).is_ok());
}

#[test]
fn yaml() {
    fuzz("YAML", &texts("scenarios", ".yaml"), |text| manifests("fuzz.yaml", text).is_ok());
}

/// Runs shipped scenarios.
fn evidence_of(names: [&str; 3]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a scratch folder");
    for name in names {
        super::driftproof(folder.path(), &["run", &super::scenario(name), "--report-dir", name]);
    }
    let all = super::files(folder.path()).into_iter().filter(|(name, _)| name.ends_with("evidence.jsonl"));
    all.map(|(_, text)| text).collect()
}

#[test]
fn evidence() {
    let all = evidence_of(["pod-kill-one.toml", "db-leader-killed.toml", "partition-deny-all.toml"]);
    // Fewer lines, so that more of the changes hit something that matters.
    let texts: Vec<String> = all.iter().map(|text| text.lines().take(160).collect::<Vec<_>>().join("\n")).collect();
    fuzz("evidence", &texts, |text| match Evidence::read(text) {
        Ok(evidence) => {
            let verdict = judge(&evidence.header.scenario, &measure(&evidence));
            assert!(evidence.cut.is_none() || verdict.outcome != driftproof::verdict::Outcome::Pass, "{verdict:?}");
            evidence.cut.is_none()
        }
        Err(_) => false,
    });
}

/// Evidence that stays evidence, record by record, and says something else: times, numbers, names, whole records.
#[test]
fn changed_evidence() {
    let all = evidence_of(["pod-kill-one.toml", "db-leader-killed.toml", "node-tainted.toml"]);
    let runs: Vec<Vec<Value>> =
        all.iter().map(|text| text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()).collect();
    let (begun, mut whole) = (Instant::now(), 0);
    for case in 0..cases() / 5 {
        let mut dice = ChaCha8Rng::seed_from_u64(case);
        let mut records = runs.choose(&mut dice).expect("a run").clone();
        for _ in 0..dice.random_range(1..6) {
            change(&mut records, &mut dice);
        }
        let numbered = records.iter_mut().enumerate().map(|(i, record)| {
            record["i"] = i.into();
            // Chained anew, as somebody would who changes evidence and knows its form.
            record.as_object_mut().map(|record| record.remove("chain"));
            &*record
        });
        let text = driftproof::evidence::chained(numbered).expect("objects");
        if let Ok(evidence) = Evidence::read(&text) {
            let verdict = judge(&evidence.header.scenario, &measure(&evidence));
            assert!(evidence.cut.is_none() || verdict.outcome != driftproof::verdict::Outcome::Pass, "{verdict:?}");
            whole += u64::from(evidence.cut.is_none());
        }
    }
    println!("changed evidence: {} runs from {}, {whole} read whole, {:.1?}", cases() / 5, runs.len(), begun.elapsed());
    assert!(whole > 0, "nothing was read whole: the changes are too coarse");
}

/// Changes one record: a value in it, its place, or whether it is there.
fn change(records: &mut Vec<Value>, dice: &mut ChaCha8Rng) {
    let at = dice.random_range(1..records.len());
    match dice.random_range(0..8) {
        0 => drop(records.remove(at)),
        1 => records.insert(at, records[at].clone()),
        2 => {
            let other = dice.random_range(1..records.len());
            records.swap(at, other);
        }
        _ => {
            let mut value = &mut records[at];
            while let Value::Object(_) | Value::Array(_) = value {
                let size = value.as_object().map_or_else(|| value.as_array().map_or(0, Vec::len), serde_json::Map::len);
                if size == 0 {
                    break;
                }
                let chosen = dice.random_range(0..size);
                value = match value {
                    Value::Object(fields) => fields.values_mut().nth(chosen).expect("a field"),
                    Value::Array(items) => &mut items[chosen],
                    _ => unreachable!("only objects and arrays have parts"),
                };
            }
            *value = match value {
                Value::Number(_) => [0, 1, u64::MAX, u64::MAX / 2, 1 << 53].choose(dice).copied().unwrap_or(0).into(),
                Value::String(_) => {
                    ["", "True", "db-0", "2026-13-45T99:99:99Z", "-"].choose(dice).copied().unwrap_or("").into()
                }
                Value::Bool(held) => (!*held).into(),
                Value::Null | Value::Object(_) | Value::Array(_) => Value::Null,
            };
        }
    }
}

#[test]
fn histories() {
    let head = |text: String| text.lines().take(60).collect::<Vec<_>>().join("\n");
    let mut seeds: Vec<String> = texts("tests/histories", ".jsonl").into_iter().map(head).collect();
    seeds.extend(
        [
            "{:process 0, :type :invoke, :f :write, :value 1, :time 1}\n{:process 0, :type :ok, :f :write, :value 1, :time 2}",
            "[{:index 0 :type :invoke :process 1 :f :txn :value [[:append 3 1] [:r 3 nil]]}]",
            "{\"process\":0,\"type\":\"invoke\",\"f\":\"read\",\"value\":null,\"time\":3}",
            "INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]\nINFO  jepsen.util - 0\t:info\t:cas\t:timed-out",
            "{:process 0, :type :invoke, :f :append, :key \"0\", :value \"x 0 0 y\"}",
            "w(3,41,0,7)\nr(3,41,1,8)\nw(4,5,1,-1)",
            "4\t:invoke\t:read\tnil\n4\t:ok\t:read\t[1 #{2 3} {:a 1.50}]",
        ]
        .map(str::to_owned),
    );
    fuzz("histories", &seeds, |text| {
        let known = format::detect(text.as_bytes()).map(|kind| format::beginning(text.as_bytes(), kind));
        let read = |kind: &format::Format| format::read(text.as_bytes(), *kind).is_ok();
        format::Format::ALL.iter().filter(|kind| read(kind)).count() > 0 || known.is_ok()
    });
}
