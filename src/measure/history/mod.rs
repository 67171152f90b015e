//! Histories of stores: what their clients did, whether the claim held, and what breaks it, told beside the faults. Opens no
//! file: the bytes are given. A history that is missing, cut or empty says nothing, and never that all is well.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

use crate::consistency::account::set;
use crate::consistency::explain::{explain, picture, svg};
use crate::consistency::text::{self, Judged};
use crate::consistency::vacuity::{self, Least, Needs, Window};
use crate::consistency::{Anomaly, AnomalyKind, Budget, Completion, Format, History, Options, Outcome};
use crate::evidence::{HistorySeen, LineDigest};
use crate::scenario::StoreCheck;
use crate::workload::{Claim, Kind, StoreKind, minima};

use super::Measurements;
use super::around;
use super::timeline::Timeline;

/// Anomalies that are told with their operations.
const TOLD_MAX: usize = 5;

/// Bytes that judging one history may take unless somebody says otherwise: a history of a few million operations.
pub const MEMORY_DEFAULT: u64 = 4 << 30;

/// The files beside the evidence, and when to give up on them.
#[derive(Clone, Copy)]
pub struct Beside<'a> {
    /// The bytes of a file, by its name; an error for one that has more than `memory`.
    pub read: &'a dyn Fn(&str) -> Result<Vec<u8>, String>,
    /// Bytes that may be held at once while one history is read and judged. What needs more stays unknown.
    pub memory: u64,
    /// Asked now and then whether the time is over.
    pub exhausted: &'a (dyn Fn() -> bool + Sync),
}

/// The history of one check of a store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryMeasure {
    /// Name.
    pub name: String,
    /// What the clients did.
    pub workload: Kind,
    /// What the store is.
    pub store: StoreKind,
    /// What it promises.
    pub claim: Claim,
    /// Whether it kept it.
    pub held: Held,
    /// Why that is unknown; empty when it is not.
    pub unknown: String,
    /// The file beside the evidence.
    pub file: String,
    /// The agents' pods through which the clients spoke; empty when they spoke from outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<String>,
    /// How often each function ended how.
    pub functions: Vec<FunctionCount>,
    /// The clearest anomalies.
    pub anomalies: Vec<AnomalyMeasure>,
    /// How many there are of each kind, the most frequent first; of one kind and key at most some are counted.
    pub found: Vec<(String, u64)>,
    /// Acknowledged elements of a set that no final read shows; none where nobody knows.
    pub lost: Option<u64>,
    /// Whether nothing but lost elements is wrong.
    pub only_lost: bool,
    /// What the workload left in the store; empty when nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub left: String,
}

/// Whether a claim held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// It did.
    Ok,
    /// It did not.
    Violation,
    /// It cannot be told.
    Unknown,
}

/// Operations of one function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCount {
    /// The function.
    pub function: String,
    /// Acknowledged.
    pub ok: u64,
    /// Certainly not done.
    pub fail: u64,
    /// Unknown.
    pub info: u64,
}

/// One anomaly, told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnomalyMeasure {
    /// Its name in the literature.
    pub kind: String,
    /// One sentence, with the fault that it falls into.
    pub headline: String,
    /// Who answered the operations that show it: `db-1 on worker-2`.
    pub places: Vec<String>,
    /// At most six operations, each in a sentence.
    pub operations: Vec<String>,
    /// Faults and drifts that overlap it, each in a sentence.
    pub surroundings: Vec<String>,
    /// Whether the same was there before any fault.
    pub steady: Option<String>,
    /// Its neighbourhood, for the page.
    #[serde(skip)]
    pub svg: String,
}

/// A check of which nothing is known yet.
pub(super) fn blank(check: &StoreCheck) -> HistoryMeasure {
    HistoryMeasure {
        name: check.name().to_owned(),
        workload: check.kind,
        store: check.store.kind,
        claim: check.claim(),
        held: Held::Unknown,
        unknown: String::new(),
        file: String::new(),
        inside: Vec::new(),
        functions: Vec::new(),
        anomalies: Vec::new(),
        found: Vec::new(),
        lost: None,
        only_lost: false,
        left: String::new(),
    }
}

/// Judges the history of one check. The rest of the run was measured before.
pub(super) fn history(
    timeline: &Timeline<'_>,
    index: usize,
    check: &StoreCheck,
    measured: &Measurements,
    beside: Beside<'_>,
) -> HistoryMeasure {
    let mut measure = blank(check);
    measure.file = HistorySeen::file_of(index);
    let judged = complete(timeline, index, beside).and_then(|(seen, bytes)| {
        measure.left.clone_from(&seen.left);
        measure.inside.clone_from(&seen.inside);
        guarded(|| judged(&bytes, check, beside)).map(|judged| (seen, judged))
    });
    match judged {
        Ok((seen, judged)) => fill(&mut measure, check, seen, &judged, measured),
        Err(why) => measure.unknown = why,
    }
    measure
}

/// The bytes of a history that is as it was when the run closed it.
fn complete<'a>(
    timeline: &Timeline<'a>,
    index: usize,
    beside: Beside<'_>,
) -> Result<(&'a HistorySeen, Vec<u8>), String> {
    let file = HistorySeen::file_of(index);
    let seen = timeline.histories.iter().find(|seen| seen.check == index);
    let seen = seen.ok_or_else(|| format!("{file} was not completed: the run was cut off"))?;
    if !seen.reason.is_empty() {
        return Err(seen.reason.clone());
    }
    let bytes = (beside.read)(&seen.file).map_err(|error| format!("{file} cannot be read: {error}"))?;
    let mut digest = LineDigest::default();
    digest.add(&bytes);
    let (lines, sha256) = digest.end();
    if lines < seen.lines {
        return Err(format!("{file} is cut: it has {lines} of {} lines", seen.lines));
    }
    if lines != seen.lines || sha256 != seen.sha256 {
        return Err(format!("{file} is not the one that the run wrote: its digest differs"));
    }
    Ok((seen, bytes))
}

/// A checker that panics has found nothing: neither that the claim holds nor that it does not.
fn guarded<T>(judge: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    // Nothing that it may have left half-changed is looked at again.
    catch_unwind(AssertUnwindSafe(judge)).unwrap_or_else(|panic| {
        let why = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let why = why.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(format!("the checker itself broke off ({why}); please report this"))
    })
}

fn judged(bytes: &[u8], check: &StoreCheck, beside: Beside<'_>) -> Result<Judged, String> {
    let model = check.kind.model();
    let claim = Some(text::Claim::parse(model, check.claim().name())?);
    // The bytes are held, too.
    let memory = beside.memory.saturating_sub(bytes.len() as u64);
    let options = Options { memory: Some(memory), ..Options::default() };
    let request = text::Request { model, format: Format::Native, claim, options };
    text::check_text(bytes, &request, beside.exhausted).map_err(|error| format!("the history is unusable: {error}"))
}

fn fill(
    measure: &mut HistoryMeasure,
    check: &StoreCheck,
    seen: &HistorySeen,
    judged: &Judged,
    measured: &Measurements,
) {
    let Some(history) = &judged.history else {
        measure.unknown = lacking(&judged.outcome);
        return;
    };
    measure.functions = functions(history);
    if check.kind == Kind::Set {
        measure.lost = set::lost(history).ok().flatten().map(|lost| lost.len() as u64);
    }
    match &judged.outcome {
        Outcome::Violation(anomalies) => {
            measure.held = Held::Violation;
            measure.found = found(anomalies);
            measure.only_lost = anomalies.iter().all(|anomaly| anomaly.kind == AnomalyKind::LostWrite);
            let around = around::around(measured);
            let told = |anomaly| tell(history, anomaly, anomalies, &around);
            measure.anomalies = anomalies.iter().take(TOLD_MAX).map(told).collect();
        }
        Outcome::Unknown(_) => measure.unknown = lacking(&judged.outcome),
        Outcome::Ok(_) => match vacuous(history, check.kind, seen, measured) {
            Some(why) => measure.unknown = why,
            None => measure.held = Held::Ok,
        },
    }
}

fn lacking(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok(_) | Outcome::Violation(_) => "there is no history to look at".to_owned(),
        Outcome::Unknown(Budget::Time(_)) => "it was not decided in time: `driftproof check` takes longer".to_owned(),
        Outcome::Unknown(Budget::Memory(limit)) => {
            format!("it was not decided within {limit} bytes: `driftproof check --memory BYTES` may hold more")
        }
        Outcome::Unknown(Budget::Evidence(missing)) => missing.clone(),
    }
}

fn functions(history: &History) -> Vec<FunctionCount> {
    let mut counts: Vec<FunctionCount> = Vec::new();
    for operation in &history.operations {
        let place = counts.iter().position(|count| *count.function == *operation.function);
        let place = place.unwrap_or_else(|| {
            counts.push(FunctionCount { function: operation.function.to_string(), ok: 0, fail: 0, info: 0 });
            counts.len() - 1
        });
        let count = &mut counts[place];
        match operation.completion {
            Completion::Ok => count.ok += 1,
            Completion::Fail => count.fail += 1,
            Completion::Info => count.info += 1,
        }
    }
    counts.sort_by(|a, b| a.function.cmp(&b.function));
    counts
}

fn found(anomalies: &[Anomaly]) -> Vec<(String, u64)> {
    let mut found: Vec<(String, u64)> = Vec::new();
    for anomaly in anomalies {
        match found.iter_mut().find(|(kind, _)| kind == anomaly.kind.name()) {
            Some((_, count)) => *count += 1,
            None => found.push((anomaly.kind.name().to_owned(), 1)),
        }
    }
    found.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    found
}

fn tell(
    history: &History,
    anomaly: &Anomaly,
    all: &[Anomaly],
    around: &crate::consistency::explain::Surroundings,
) -> AnomalyMeasure {
    let told = explain(history, anomaly, all, around);
    let mut places: Vec<String> = Vec::new();
    let witness = anomaly.witness.iter().filter_map(|number| history.operations.get(*number as usize));
    for pod in witness.filter_map(|operation| operation.node.as_deref()) {
        let place = around.nodes.get(pod).map_or_else(|| pod.to_owned(), |node| format!("{pod} on {node}"));
        if !places.contains(&place) {
            places.push(place);
        }
    }
    AnomalyMeasure {
        kind: anomaly.kind.name().to_owned(),
        headline: told.headline,
        places,
        operations: told.operations,
        surroundings: told.surroundings,
        steady: told.steady,
        svg: svg(&picture(history, anomaly, around)),
    }
}

/// What the history lacks to mean anything.
fn vacuous(history: &History, kind: Kind, seen: &HistorySeen, measured: &Measurements) -> Option<String> {
    if let Some(unread) = seen.unread.first() {
        return Some(format!("not everything was read in the end: {unread}"));
    }
    let least = minima(kind).iter().map(|minimum| Least {
        function: minimum.verb.name().to_owned(),
        in_window: minimum.in_window,
        in_all: minimum.in_all,
    });
    // Final reads that are no function of their own were seen to by the run itself.
    let final_reads = match kind {
        Kind::Register | Kind::Set | Kind::Bank | Kind::Counter | Kind::Watch => seen.replicas.clone(),
        Kind::Append | Kind::Queue | Kind::Lock => Vec::new(),
    };
    let needs = Needs {
        least: least.collect(),
        // A watch and the writes that it tells of have different keys.
        contended: kind != Kind::Watch,
        final_reads,
        reads: vec!["read".to_owned(), "watch".to_owned()],
    };
    match vacuity::check(history, &windows(history, measured), &needs) {
        Some(Outcome::Unknown(Budget::Evidence(lacks))) => Some(lacks),
        Some(Outcome::Ok(_) | Outcome::Violation(_) | Outcome::Unknown(_)) | None => None,
    }
}

/// The time of each fault as places in the order of the history.
fn windows(history: &History, measured: &Measurements) -> Vec<Window> {
    let ends = || history.operations.iter().flat_map(|one| [Some(one.call), one.end]).flatten();
    around::fault_windows(measured)
        .map(|(name, from, to)| Window {
            name: name.to_owned(),
            from: ends().filter(|end| end.time >= from).map(|end| end.at).min().unwrap_or(u64::MAX),
            to: ends().filter(|end| end.time <= to).map(|end| end.at).max().unwrap_or(0),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::DataCheck;

    /// A register check, and a history of so many writes of one client.
    fn register(operations: usize) -> (StoreCheck, Vec<u8>) {
        let text = "name = \"a\"\n[target]\nnamespace = \"shop\"\nworkload = \"statefulset/db\"\n[[fault]]\nkind = \"pod-kill\"\n\
             [[data]]\nkind = \"register\"\nstore = { kind = \"etcd\", service = \"db:2379\" }\n";
        let scenario = crate::scenario::parse("a.toml", text).expect("a scenario");
        let Some(DataCheck::Store(check)) = scenario.data.first() else { panic!("a store is checked") };
        let line = |number: usize| {
            let (kind, value) = (if number.is_multiple_of(2) { "invoke" } else { "ok" }, number / 2);
            format!(
                "{{\"i\":{number},\"t\":{number},\"p\":0,\"type\":\"{kind}\",\"f\":\"write\",\"k\":\"x\",\"v\":{value}}}\n"
            )
        };
        ((**check).clone(), (0..operations * 2).map(line).collect::<String>().into_bytes())
    }

    #[test]
    fn a_history_that_needs_more_memory_than_it_may_have_is_unknown() {
        let (check, bytes) = register(1000);
        let read = |_: &str| Err(String::new());
        let outcome = |memory| {
            let beside = Beside { read: &read, memory, exhausted: &|| false };
            judged(&bytes, &check, beside).expect("a history").outcome
        };
        assert!(matches!(outcome(MEMORY_DEFAULT), Outcome::Ok(_)));
        for memory in [0, bytes.len() as u64 + 1000] {
            let outcome = outcome(memory);
            assert!(matches!(outcome, Outcome::Unknown(Budget::Memory(_))), "{outcome:?}");
            assert!(lacking(&outcome).contains("--memory"));
        }
    }

    #[test]
    fn a_checker_that_panics_knows_nothing() {
        let panics: [fn() -> Result<(), String>; 2] = [|| panic!("planted"), || panic!("planted {}", 2)];
        for (panic, why) in panics.into_iter().zip(["(planted)", "(planted 2)"]) {
            let reason = guarded(panic).expect_err("it broke off");
            assert!(reason.starts_with("the checker itself broke off") && reason.contains(why), "{reason}");
        }
        assert_eq!(guarded(|| Ok(7)), Ok(7));
    }
}
