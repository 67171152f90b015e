//! Histories of real stores, recorded by `tests/stores`, keep their verdicts.

use std::path::Path;

use driftproof::consistency::text::Claim;
use driftproof::consistency::{Format, Model, Options, Outcome, Request, check_text};

/// What the checkers say of a file: the first word, and the names of what they found.
fn verdict(folder: &Path, file: &str, model: &str, claim: &str) -> (&'static str, Vec<&'static str>) {
    let model = Model::ALL.into_iter().find(|known| known.name() == model).expect("a model");
    let claim = Some(Claim::parse(model, claim).expect("a claim of the model"));
    let request = Request { model, format: Format::Native, claim, options: Options::default() };
    let bytes = std::fs::read(folder.join(file)).expect("the file is there");
    let judged = check_text(&bytes, &request, &|| false).expect("a history");
    let found = match &judged.outcome {
        Outcome::Violation(anomalies) => anomalies.iter().map(|anomaly| anomaly.kind.name()).collect(),
        Outcome::Ok(_) | Outcome::Unknown(_) => Vec::new(),
    };
    (judged.word(), found)
}

#[test]
fn recorded_histories_keep_their_verdicts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
    let table = std::fs::read_to_string(folder.join("verdicts.txt")).expect("the table is there");
    let lines: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
    for line in &lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [file, model, claim, word, anomaly @ ..] = words.as_slice() else { panic!("a short line: {line}") };
        let (said, found) = verdict(&folder, file, model, claim);
        assert_eq!(said, *word, "{file}: {found:?}");
        assert!(anomaly.iter().all(|name| found.contains(name)), "{file}: {found:?}");
    }
    let files = std::fs::read_dir(&folder).expect("the folder is there").flatten();
    let histories =
        files.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "jsonl")).count();
    assert_eq!(histories, lines.len(), "each history has its line");
}
