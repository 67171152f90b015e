//! Plays each lie, and the honest store, over many seeds and compares what the checkers say with what they must. Knows no
//! command line; prints nothing.

use std::collections::BTreeSet;

use super::bug::Bug;
use super::expected::{HONEST, TRIALS, Trial};
use super::planted::{PLANTED, Planted};
use super::play::{ACCOUNTS, Play, REPLICAS, play};
use crate::consistency::text::{Claim, Judged, Request, check_text};
use crate::consistency::vacuity::{self, Least, Needs};
use crate::consistency::{
    Anomaly, AnomalyKind, Budget, Certificate, Format, Model, Options, Outcome, Refusal, Value, append, verify,
};
use crate::workload::{Kind, minima};

/// What the lines of histories are called that were written down.
const PLANTED_WORD: &str = "planted";
/// Requests of one history before its final phase.
const OPERATIONS: usize = 240;

/// How much is played.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The first seed.
    pub seed: u64,
    /// How many seeds, one after the other; at least 1.
    pub seeds: u64,
    /// Only rows whose lie, workload or claim is one of these; empty for all.
    pub words: Vec<String>,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The lie, `honest`, or what the history lacks.
    pub bug: String,
    /// The workload.
    pub workload: &'static str,
    /// What the store claims.
    pub claim: String,
    /// What must be said.
    pub expected: Vec<&'static str>,
    /// What was said: names of anomalies, `ok` or `unknown`.
    pub found: Vec<&'static str>,
    /// Of how many histories it was said.
    pub caught: u64,
    /// How many histories were judged.
    pub histories: u64,
    /// The least number of operations until the last one of a witness, over all histories.
    pub operations: Option<usize>,
    /// One anomaly in a sentence, or what is missing.
    pub witness: String,
    /// Answers that the independent verifier confirmed.
    pub verified: u64,
    /// What is wrong; none when all is as expected.
    pub wrong: Option<String>,
    /// Whether nothing else is wrong than that the lie was never found: a few more seeds may find it.
    pub missed: bool,
}

/// The names of all lies, workloads and claims, by which rows can be chosen.
#[must_use]
pub fn words() -> BTreeSet<String> {
    let mut words = BTreeSet::from(["honest", "unknown", PLANTED_WORD].map(str::to_owned));
    words.extend(Kind::ALL.iter().map(|kind| kind.name().to_owned()));
    words.extend(HONEST.iter().map(|(kind, claim)| word(*kind, *claim)));
    words.extend(TRIALS.iter().flat_map(|trial| [trial.bug.name().to_owned(), word(trial.kind, trial.claim)]));
    words.extend(Lack::ALL.iter().map(|lack| lack.name().to_owned()));
    words
}

/// Plays everything that the words choose. `told` hears of each line as soon as it is there.
pub fn run(settings: &Settings, mut told: impl FnMut(&Row)) -> Vec<Row> {
    let mut rows = Vec::new();
    let chosen = |words: [&str; 3]| {
        settings.words.is_empty() || settings.words.iter().any(|word| words.contains(&word.as_str()))
    };
    let mut keep = |row: Row| {
        told(&row);
        rows.push(row);
    };
    for (kind, claim) in HONEST {
        if chosen(["honest", kind.name(), &word(kind, claim)]) {
            keep(honest(kind, claim, settings));
        }
    }
    for trial in TRIALS {
        if chosen([trial.bug.name(), trial.kind.name(), &word(trial.kind, trial.claim)]) {
            keep(lying(trial, settings));
        }
    }
    for planted in &PLANTED {
        if chosen([PLANTED_WORD, Kind::Append.name(), &word(Kind::Append, planted.claim)]) {
            keep(shown(planted));
        }
    }
    for lack in Lack::ALL {
        for kind in Kind::ALL {
            if chosen([lack.name(), kind.name(), "unknown"]) && lack.shows(kind) {
                keep(lacking(lack, kind, settings));
            }
        }
    }
    rows
}

/// A history that says too little.
#[derive(Clone, Copy)]
enum Lack {
    Operations,
    End,
    FinalReads,
}

impl Lack {
    const ALL: [Self; 3] = [Self::Operations, Self::End, Self::FinalReads];

    fn name(self) -> &'static str {
        match self {
            Self::Operations => "too-few-operations",
            Self::End => "cut-off",
            Self::FinalReads => "no-final-reads",
        }
    }

    /// A lock is given back and not read in the end, and transactions are judged by what they read themselves: neither
    /// needs a final read.
    fn shows(self, kind: Kind) -> bool {
        match self {
            Self::Operations => true,
            Self::End | Self::FinalReads => !matches!(kind, Kind::Lock | Kind::Append),
        }
    }
}

fn word(kind: Kind, claim: Claim) -> String {
    let all = Claim::of(kind.model());
    all.iter().find(|(_, other)| *other == claim).map_or_else(String::new, |(word, _)| (*word).to_owned())
}

/// Judges the bytes of a history as `driftproof check` does, after asking whether it says enough.
fn judge(text: &str, kind: Kind, claim: Claim) -> Result<(Judged, Request), String> {
    let initial = (kind == Kind::Bank).then_some(Value::Int(100 * i64::try_from(ACCOUNTS).unwrap_or(0)));
    let options = Options { initial, ..Options::default() };
    let request = Request { model: kind.model(), format: Format::Native, claim: Some(claim), options };
    let mut judged = check_text(text.as_bytes(), &request, &|| false).map_err(|error| error.to_string())?;
    // A violation stands however little there is besides.
    if let (Outcome::Ok(_), Some(history)) = (&judged.outcome, &judged.history)
        && let Some(vacuous) = vacuity::check(history, &[], &needs(kind))
    {
        judged.outcome = vacuous;
    }
    Ok((judged, request))
}

fn needs(kind: Kind) -> Needs {
    let least = minima(kind).iter().map(|least| Least {
        function: least.verb.name().to_owned(),
        in_window: least.in_window,
        in_all: least.in_all,
    });
    let replicas = match kind {
        Kind::Lock | Kind::Queue | Kind::Append => 0,
        Kind::Register | Kind::Set | Kind::Bank | Kind::Counter | Kind::Watch => REPLICAS,
    };
    Needs {
        least: least.collect(),
        contended: !matches!(kind, Kind::Watch),
        final_reads: (0..replicas).map(|replica| format!("db-{replica}")).collect(),
        reads: vec!["read".to_owned(), "watch".to_owned()],
    }
}

/// Whether the independent verifier agrees; none where it has no rule.
fn confirmed(judged: &Judged, request: &Request) -> Result<bool, String> {
    let Some(history) = &judged.history else { return Ok(false) };
    if let (Some(Claim::Isolation(claim)), Outcome::Ok(Certificate::Orders(orders))) = (request.claim, &judged.outcome)
    {
        let order = orders.first().map_or(&[][..], Vec::as_slice);
        return append::verify_order(history, claim, order).map(|()| true);
    }
    if !matches!(request.claim, Some(Claim::Linearizable)) || request.model == Model::Counter {
        return Ok(false);
    }
    match verify(history, request.model, &request.options, &judged.outcome) {
        Ok(_) => Ok(true),
        Err(Refusal::Undecided(_)) => Ok(false),
        Err(Refusal::Wrong(why)) => Err(why),
    }
}

fn blank(bug: &str, kind: Kind, claim: Claim, expected: Vec<&'static str>, histories: u64) -> Row {
    Row {
        bug: bug.to_owned(),
        workload: kind.name(),
        claim: word(kind, claim),
        expected,
        found: Vec::new(),
        caught: 0,
        histories,
        operations: None,
        witness: String::new(),
        verified: 0,
        wrong: None,
        missed: false,
    }
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Ok(_) => "ok",
        Outcome::Unknown(_) => "unknown",
        Outcome::Violation(anomalies) => anomalies.first().map_or("violation", |anomaly| anomaly.kind.name()),
    }
}

/// Plays and judges one history for a row; what cannot be read or is refuted is wrong.
fn one(row: &mut Row, plan: &Play, claim: Claim, cut: bool) -> Option<Judged> {
    let judged = play(plan).and_then(|text| {
        let lines = text.split_inclusive('\n');
        let count = if cut { lines.clone().count() / 2 } else { usize::MAX };
        judge(&lines.take(count).collect::<String>(), plan.kind, claim)
    });
    let answer = judged.and_then(|(judged, request)| Ok((confirmed(&judged, &request)?, judged)));
    match answer {
        Ok((confirmed, judged)) => {
            row.verified += u64::from(confirmed);
            Some(judged)
        }
        Err(why) => {
            row.wrong.get_or_insert(format!("seed {}: {why}", plan.seed));
            None
        }
    }
}

/// Every history must be judged to be `expected`.
fn always(mut row: Row, expected: &'static str, plans: impl Iterator<Item = Play>, claim: Claim, cut: bool) -> Row {
    let mut found = BTreeSet::new();
    for plan in plans {
        let Some(judged) = one(&mut row, &plan, claim, cut) else { continue };
        let name = name(&judged.outcome);
        found.insert(name);
        if let Outcome::Unknown(Budget::Evidence(missing)) = &judged.outcome {
            row.witness.clone_from(missing);
        }
        if name == expected {
            row.caught += 1;
        } else {
            row.wrong.get_or_insert(format!("seed {}: {name}", plan.seed));
            if let Outcome::Violation(anomalies) = &judged.outcome {
                row.witness = anomalies.first().map_or_else(String::new, |anomaly| anomaly.sentence.clone());
            }
        }
    }
    row.found = found.into_iter().collect();
    row
}

fn honest(kind: Kind, claim: Claim, settings: &Settings) -> Row {
    let row = blank("honest", kind, claim, vec!["ok"], settings.seeds);
    always(row, "ok", plays(kind, None, OPERATIONS, true, settings), claim, false)
}

fn lacking(lack: Lack, kind: Kind, settings: &Settings) -> Row {
    let claim = HONEST.iter().find(|(other, _)| *other == kind).map_or(Claim::Linearizable, |(_, claim)| *claim);
    let row = blank(lack.name(), kind, claim, vec!["unknown"], settings.seeds);
    let (operations, final_reads, cut) = match lack {
        Lack::Operations => (4, true, false),
        Lack::End => (OPERATIONS, true, true),
        Lack::FinalReads => (OPERATIONS, false, false),
    };
    always(row, "unknown", plays(kind, None, operations, final_reads, settings), claim, cut)
}

fn plays(
    kind: Kind,
    bug: Option<Bug>,
    operations: usize,
    final_reads: bool,
    settings: &Settings,
) -> impl Iterator<Item = Play> + use<> {
    let first = settings.seed;
    (0..settings.seeds.max(1)).map(move |more| Play {
        kind,
        bug,
        seed: first.wrapping_add(more),
        operations,
        final_reads,
    })
}

/// Anything but a right name is wrong, and so is a lie that is never found.
fn lying(trial: &Trial, settings: &Settings) -> Row {
    let names: Vec<&'static str> = trial.names.iter().map(|kind| kind.name()).collect();
    let mut row = blank(trial.bug.name(), trial.kind, trial.claim, names, settings.seeds);
    let mut found: BTreeSet<AnomalyKind> = BTreeSet::new();
    // It takes many small transfers until an account is empty.
    let operations = if trial.bug == Bug::Overdraft { 10 * OPERATIONS } else { OPERATIONS };
    for plan in plays(trial.kind, Some(trial.bug), operations, true, settings) {
        let Some(judged) = one(&mut row, &plan, trial.claim, false) else { continue };
        let Outcome::Violation(anomalies) = &judged.outcome else { continue };
        found.extend(anomalies.iter().map(|anomaly| anomaly.kind));
        let right = |name: &AnomalyKind| anomalies.iter().find(|anomaly| anomaly.kind == *name);
        let Some(right) = trial.names.iter().find_map(right) else {
            row.wrong.get_or_insert(format!("seed {}: accused of {}", plan.seed, name(&judged.outcome)));
            continue;
        };
        row.caught += 1;
        let until = anomalies.iter().filter(|one| trial.names.contains(&one.kind)).filter_map(reach).min();
        if until.is_some() && (row.operations.is_none() || until < row.operations) {
            row.operations = until;
            row.witness.clone_from(&right.sentence);
        }
    }
    row.found = found.into_iter().map(AnomalyKind::name).collect();
    if row.caught == 0 && row.wrong.is_none() {
        row.wrong = Some("never found".to_owned());
        row.missed = true;
    }
    row
}

/// A history that was written down must be told by its name, whatever else is told of it.
fn shown(planted: &Planted) -> Row {
    let mut row = blank(PLANTED_WORD, Kind::Append, planted.claim, vec![planted.name.name()], 1);
    match judge(&planted.text(), Kind::Append, planted.claim) {
        Ok((Judged { outcome: Outcome::Violation(anomalies), .. }, _)) => {
            row.found = anomalies.iter().map(|anomaly| anomaly.kind.name()).collect();
            if let Some(right) = anomalies.iter().find(|anomaly| anomaly.kind == planted.name) {
                (row.caught, row.operations) = (1, reach(right));
                row.witness.clone_from(&right.sentence);
            } else {
                row.wrong = Some(format!("told as {}", row.found.join(", ")));
            }
        }
        Ok((judged, _)) => row.wrong = Some(format!("{}, and not {}", name(&judged.outcome), planted.name)),
        Err(why) => row.wrong = Some(why),
    }
    row
}

/// How many operations had been called when the last one of the witness was.
fn reach(anomaly: &Anomaly) -> Option<usize> {
    anomaly.witness.iter().max().map(|last| *last as usize + 1)
}
