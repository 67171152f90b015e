//! The judgement of the checkers over a recording: the same ones, by the same words, as `driftproof check` uses.

use std::collections::BTreeSet;

use driftproof::consistency::text::Claim;
use driftproof::consistency::{Format, Model, Options, Outcome, Request, check_text};
use driftproof::workload::Kind;

use super::case::Seen;

/// What the checkers say.
pub(crate) struct Judgement {
    /// `ok`, `violation` or `unknown`.
    pub(crate) word: &'static str,
    /// The names of the anomalies.
    pub(crate) kinds: BTreeSet<&'static str>,
    /// The first of them in sentences, or what is unknown.
    pub(crate) sentences: Vec<String>,
}

/// Judges a recording by what its store claims.
pub(crate) fn judge(seen: &Seen) -> Result<Judgement, String> {
    let model = seen.kind.model();
    let claim = Some(Claim::parse(model, seen.claim.name())?);
    let request = Request { model, format: Format::Native, claim, options: Options::default() };
    let judged = check_text(seen.recording.lines().as_bytes(), &request, &|| false);
    let judged = judged.map_err(|error| format!("{}: {error}", seen.name))?;
    let (kinds, sentences) = match &judged.outcome {
        Outcome::Ok(_) => (BTreeSet::new(), Vec::new()),
        Outcome::Violation(anomalies) => (
            anomalies.iter().map(|anomaly| anomaly.kind.name()).collect(),
            anomalies.iter().map(|anomaly| format!("{}: {}", anomaly.kind, anomaly.sentence)).collect(),
        ),
        Outcome::Unknown(budget) => (BTreeSet::new(), vec![format!("{budget:?}")]),
    };
    Ok(Judgement { word: judged.word(), kinds, sentences })
}
