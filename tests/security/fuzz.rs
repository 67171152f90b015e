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

#[test]
fn evidence() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    for name in ["pod-kill-one.toml", "db-leader-killed.toml", "partition-deny-all.toml"] {
        super::driftproof(folder.path(), &["run", &super::scenario(name), "--report-dir", name]);
    }
    let all = super::files(folder.path()).into_iter().filter(|(name, _)| name.ends_with("evidence.jsonl"));
    // Fewer lines, so that more of the changes hit something that matters.
    let texts: Vec<String> = all.map(|(_, text)| text.lines().take(160).collect::<Vec<_>>().join("\n")).collect();
    fuzz("evidence", &texts, |text| match Evidence::read(text) {
        Ok(evidence) => {
            let verdict = judge(&evidence.header.scenario, &measure(&evidence));
            assert!(evidence.cut.is_none() || verdict.outcome != driftproof::verdict::Outcome::Pass, "{verdict:?}");
            evidence.cut.is_none()
        }
        Err(_) => false,
    });
}

#[test]
fn histories() {
    use format::Format::{Elle, JepsenEdn, JepsenJson, JepsenLog, Native, PorcupineKv};
    let head = |text: String| text.lines().take(60).collect::<Vec<_>>().join("\n");
    let mut seeds: Vec<String> = texts("tests/histories", ".jsonl").into_iter().map(head).collect();
    seeds.extend(
        [
            "{:process 0, :type :invoke, :f :write, :value 1, :time 1}\n{:process 0, :type :ok, :f :write, :value 1, :time 2}",
            "[{:index 0 :type :invoke :process 1 :f :txn :value [[:append 3 1] [:r 3 nil]]}]",
            "{\"process\":0,\"type\":\"invoke\",\"f\":\"read\",\"value\":null,\"time\":3}",
            "INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]\nINFO  jepsen.util - 0\t:info\t:cas\t:timed-out",
            "{:process 0, :type :invoke, :f :append, :key \"0\", :value \"x 0 0 y\"}",
        ]
        .map(str::to_owned),
    );
    fuzz("histories", &seeds, |text| {
        let all = [Native, JepsenEdn, JepsenJson, JepsenLog, PorcupineKv, Elle];
        all.into_iter().filter(|kind| format::read(text.as_bytes(), *kind).is_ok()).count() > 0
    });
}
