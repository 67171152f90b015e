//! From the bytes of a file to an outcome: which reader, which checker, which claim. Opens no file and reads no clock.

use std::collections::BTreeSet;

use super::account::{bank, counter, lock, queue, set, watch};
use super::allowance::{Allowance, Stop, caught};
use super::append::{self, Source};
use super::check::{Model, Options, check_within};
use super::format::{self, Format, ReadError, known_functions};
use super::history::{History, Operation, Value};
use super::intern::number_of;
use super::outcome::{Budget, Outcome};
use super::search::shrink;

/// Working memory of the list-append checker for each byte of a file, in tenths.
const APPEND_TENTHS: u64 = 14;

/// What a store can claim, in words for the command line. Each model has its own; its first is the one that is tested
/// unless another is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Operations on one object take effect at one moment between call and answer.
    Linearizable,
    /// Each read of a counter lies between all that surely and all that possibly was added: less than linearizable.
    Bounds,
    /// An isolation level of list-append transactions.
    Isolation(append::Claim),
    /// What was acknowledged is there in the end, on every replica.
    Durable,
    /// The total of a bank never changes, and no account is overdrawn.
    ConservedTotal,
    /// The total of a bank never changes.
    ConservedTotalOverdraft,
    /// How often, and in which order elements leave a queue.
    Delivery(queue::Delivery, queue::Order),
    /// Tokens of a lock only grow.
    Fencing,
    /// At most one surely holds a lock; judged from definite holds alone.
    MutualExclusion,
    /// A watch shows every change once, in order.
    OrderedDelivery,
}

/// How a file is to be read and judged.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the store promises to be.
    pub model: Model,
    /// How the file is written.
    pub format: Format,
    /// What the store claims; none for the model's own.
    pub claim: Option<Claim>,
    /// Initial value, nil, and budgets.
    pub options: Options,
}

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The outcome.
    pub outcome: Outcome,
    /// The history, for explanations and for [`verify`](super::verify()); none where it was judged without one.
    pub history: Option<History>,
    /// Where `history` is only what it takes to tell the outcome: the index that each of its operations has in the whole one.
    pub part: Option<Vec<u32>>,
    /// What there is to tell of the file: each begins with `note:` or `warning:`.
    pub notes: Vec<String>,
    /// How many anomalies there are at least, where that is known and more than are told.
    pub count: Option<u64>,
}

impl Judged {
    /// An outcome alone.
    #[must_use]
    pub fn of(outcome: Outcome) -> Self {
        Self { outcome, history: None, part: None, notes: Vec::new(), count: None }
    }

    /// The outcome in terms of the whole history.
    #[must_use]
    pub fn outcome_of_all(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        if let (Outcome::Violation(anomalies), Some(part)) = (&mut outcome, &self.part) {
            for index in anomalies.iter_mut().flat_map(|anomaly| &mut anomaly.witness) {
                *index = part.get(*index as usize).copied().unwrap_or(*index);
            }
        }
        outcome
    }

    /// The first word of what is printed: `ok`, `violation` or `unknown`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.outcome {
            Outcome::Ok(_) => "ok",
            Outcome::Violation(_) => "violation",
            Outcome::Unknown(_) => "unknown",
        }
    }
}

impl Claim {
    /// The claims of a model with their words, its own first.
    #[must_use]
    pub fn of(model: Model) -> Vec<(&'static str, Self)> {
        use queue::{Delivery, Order};
        match model {
            Model::Register | Model::Kv | Model::MultiRegister => vec![("linearizable", Self::Linearizable)],
            Model::Counter => vec![("linearizable", Self::Linearizable), ("bounds", Self::Bounds)],
            Model::Set => vec![("durable", Self::Durable), ("linearizable", Self::Linearizable)],
            Model::Append | Model::RwRegister => {
                append::Claim::ALL.map(|claim| (claim.word(), Self::Isolation(claim))).to_vec()
            }
            Model::Bank => vec![
                ("conserved-total", Self::ConservedTotal),
                ("conserved-total-overdraft", Self::ConservedTotalOverdraft),
            ],
            Model::Queue => vec![
                ("at-least-once", Self::Delivery(Delivery::AtLeastOnce, Order::Any)),
                ("at-least-once-fifo", Self::Delivery(Delivery::AtLeastOnce, Order::Fifo)),
                ("exactly-once", Self::Delivery(Delivery::ExactlyOnce, Order::Any)),
                ("exactly-once-fifo", Self::Delivery(Delivery::ExactlyOnce, Order::Fifo)),
            ],
            Model::Mutex => vec![
                ("linearizable", Self::Linearizable),
                ("mutual-exclusion", Self::MutualExclusion),
                ("fencing", Self::Fencing),
            ],
            Model::Watch => vec![("ordered-delivery", Self::OrderedDelivery)],
        }
    }

    /// The claim of a word.
    ///
    /// # Errors
    /// The words that the model knows.
    pub fn parse(model: Model, word: &str) -> Result<Self, String> {
        let known = Self::of(model);
        known.iter().find(|(other, _)| *other == word).map(|(_, claim)| *claim).ok_or_else(|| {
            let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
            format!("the model {model} knows no claim `{word}`; it knows {}", words.join(", "))
        })
    }
}

/// Reads and judges a history. `exhausted` is asked whether the time is over. The bytes count to what is held.
///
/// # Errors
/// The first place at which the bytes are no history of the format, or not one of the model.
pub fn check_text(bytes: &[u8], request: &Request, exhausted: &(dyn Fn() -> bool + Sync)) -> Result<Judged, ReadError> {
    guarded(|| read_and_judge(bytes, request, exhausted))
}

/// Judges a history that was read already. `exhausted` is asked whether the time is over.
///
/// # Errors
/// The first operation that is not of the model, or an option that the model does not use.
pub fn check_history(
    history: &History,
    request: &Request,
    exhausted: &(dyn Fn() -> bool + Sync),
) -> Result<Outcome, ReadError> {
    fit(request)?;
    let allowance = Allowance::of(&request.options, exhausted);
    guarded(|| judge(history, request, allowance)).map(|judged| judged.outcome)
}

fn read_and_judge(bytes: &[u8], request: &Request, exhausted: &(dyn Fn() -> bool + Sync)) -> Result<Judged, ReadError> {
    fit(request)?;
    let allowance = Allowance::of(&request.options, exhausted);
    if let Some(judged) = check_source(&bytes, request, exhausted) {
        return Ok(judged);
    }
    let allowance = allowance.holding(bytes.len() as u64);
    let meter = allowance.meter();
    if meter.is_over() {
        return Ok(Judged::of(Outcome::Unknown(meter.time())));
    }
    let read = match format::read_within(bytes, request.format, request.options.keys, &meter) {
        Ok(read) => read,
        Err(Stop::Input(error)) => return Err(error),
        Err(Stop::Budget(budget)) => return Ok(Judged::of(Outcome::Unknown(budget))),
    };
    let judged = if meter.is_over() {
        Judged::of(Outcome::Unknown(meter.time()))
    } else {
        judge(&read.history, request, allowance.holding(read.held))?
    };
    Ok(Judged { history: Some(read.history), notes: read.notes, ..judged })
}

/// What the work says; unknown if it panics.
fn guarded<E>(work: impl FnOnce() -> Result<Judged, E>) -> Result<Judged, E> {
    caught(work).unwrap_or_else(|fault| Ok(Judged::of(Outcome::Unknown(fault))))
}

/// An option that the model does not use is refused.
fn fit(request: &Request) -> Result<(), ReadError> {
    let refused = |what| ReadError { line: 0, column: 0, what, why: "see `driftproof check --help`".to_owned() };
    request.options.fit(request.model).map_err(refused)
}

/// Judges list-append transactions in plain EDN while they are read, without all of the text in memory. None where that cannot
/// be done: what is wrong with a text, or where in it a value was appended twice, [`check_text`] tells.
#[must_use]
pub fn check_source(source: &dyn Source, request: &Request, exhausted: &(dyn Fn() -> bool + Sync)) -> Option<Judged> {
    guarded(|| judge_source(source, request, exhausted).ok_or(())).ok()
}

fn judge_source(source: &dyn Source, request: &Request, exhausted: &(dyn Fn() -> bool + Sync)) -> Option<Judged> {
    // What is refused is told with its reason by the other way.
    fit(request).ok()?;
    let claim = request.claim.or_else(|| Claim::of(request.model).first().map(|(_, claim)| *claim));
    let (Model::Append, Some(Claim::Isolation(claim)), Format::Elle | Format::JepsenEdn) =
        (request.model, claim, request.format)
    else {
        return None;
    };
    let allowance = Allowance::of(&request.options, exhausted);
    if let Some(outcome) = over(source.size(), APPEND_TENTHS, &request.options) {
        return Some(Judged::of(outcome));
    }
    let transactions = append::read_fast_within(source, &allowance.meter())?;
    let analysis = append::analyse_within(&transactions, allowance.holding(source.size())).ok()?;
    let judged = Judged { notes: transactions.notes.clone(), ..isolated(analysis, claim) };
    drop(transactions);
    Some(with_witnesses(source, judged))
}

/// The same with the operations that show the anomalies, where they are found in the text again.
fn with_witnesses(source: &dyn Source, judged: Judged) -> Judged {
    let Outcome::Violation(anomalies) = &judged.outcome else { return judged };
    let wanted: BTreeSet<u32> = anomalies.iter().flat_map(|anomaly| anomaly.witness.iter().copied()).collect();
    let Some(history) = append::recall(source, &wanted) else { return judged };
    let part: Vec<u32> = wanted.into_iter().collect();
    let mut anomalies = anomalies.clone();
    for number in anomalies.iter_mut().flat_map(|anomaly| &mut anomaly.witness) {
        *number = part.binary_search(number).map_or(*number, number_of);
    }
    Judged { outcome: Outcome::Violation(anomalies), history: Some(history), part: Some(part), ..judged }
}

/// The outcome for an isolation level, and how many anomalies there are where not all are told.
fn isolated(analysis: append::Analysis, claim: append::Claim) -> Judged {
    let (told, all) = analysis.count(claim);
    Judged { count: Some(all).filter(|all| *all > told), ..Judged::of(analysis.outcome(claim)) }
}

/// What the history lacks to show anything: a history in which nothing happened keeps no promise.
fn something(history: &History, judged: Judged) -> Judged {
    let vacuous = matches!(judged.outcome, Outcome::Ok(_)) && !history.operations.iter().any(Operation::is_certain);
    if vacuous { Judged { outcome: nothing_completed(), ..judged } } else { judged }
}

/// The outcome where no operation is known to have happened.
pub(super) fn nothing_completed() -> Outcome {
    Outcome::Unknown(Budget::Evidence("nothing completed: no operation is known to have happened".to_owned()))
}

/// The outcome if the file cannot be judged within the budget of memory.
fn over(bytes: u64, tenths: u64, options: &Options) -> Option<Outcome> {
    let needed = bytes.saturating_mul(tenths) / 10;
    options.memory.filter(|memory| *memory < needed).map(|memory| Outcome::Unknown(Budget::Memory(memory)))
}

fn judge(history: &History, request: &Request, allowance: Allowance<'_>) -> Result<Judged, ReadError> {
    let claim = request.claim.or_else(|| Claim::of(request.model).first().map(|(_, claim)| *claim));
    let judged = match claim {
        Some(Claim::Isolation(claim)) if request.model == Model::RwRegister => {
            isolated(append::registers::analyse(history, request.options.initial.as_ref(), allowance)?, claim)
        }
        Some(Claim::Isolation(claim)) => isolated(append::analyse_history(history, allowance)?, claim),
        claim => Judged::of(accounted(history, request, claim.unwrap_or(Claim::Linearizable), allowance)?),
    };
    Ok(something(history, judged))
}

fn accounted(
    history: &History,
    request: &Request,
    claim: Claim,
    allowance: Allowance<'_>,
) -> Result<Outcome, ReadError> {
    match claim {
        Claim::Linearizable if request.model == Model::Counter => {
            counter::check(history, initial(request)?.unwrap_or(0), counter::Claim::Linearizable, allowance)
        }
        Claim::Bounds => counter::check(history, initial(request)?.unwrap_or(0), counter::Claim::Bounds, allowance),
        Claim::Linearizable => {
            known_functions(history, request.model.name(), functions(request.model))?;
            let exhausted = allowance.clock();
            let smaller = |anomaly| shrink(history, request.model, &request.options, anomaly, exhausted);
            Ok(match check_within(history, request.model, &request.options, allowance) {
                Outcome::Violation(anomalies) => Outcome::Violation(anomalies.into_iter().map(smaller).collect()),
                other @ (Outcome::Ok(_) | Outcome::Unknown(_)) => other,
            })
        }
        Claim::Isolation(claim) => append::check(history, claim, allowance),
        Claim::Durable => set::check(history, &request.options, allowance),
        Claim::ConservedTotal => bank::check(history, initial(request)?, bank::Overdraft::Forbidden, allowance),
        Claim::ConservedTotalOverdraft => bank::check(history, initial(request)?, bank::Overdraft::Allowed, allowance),
        Claim::Delivery(delivery, order) => queue::check(history, delivery, order, allowance),
        Claim::Fencing => lock::check(history, lock::Claim::Fencing, allowance),
        Claim::MutualExclusion => lock::check(history, lock::Claim::MutualExclusion, allowance),
        Claim::OrderedDelivery => watch::check(history, allowance),
    }
}

/// Functions of the linearizable models.
fn functions(model: Model) -> &'static [&'static str] {
    match model {
        Model::Register => &["read", "write", "cas"],
        Model::Kv => &["get", "put", "append"],
        Model::Set => &["add", "read"],
        Model::Mutex => &["acquire", "release"],
        Model::MultiRegister => &["txn"],
        Model::Append | Model::RwRegister | Model::Bank | Model::Queue | Model::Counter | Model::Watch => &[],
    }
}

/// The initial value of a counter, or the total of a bank.
fn initial(request: &Request) -> Result<Option<i64>, ReadError> {
    match &request.options.initial {
        None | Some(Value::Nil) => Ok(None),
        Some(Value::Int(number)) => Ok(Some(*number)),
        Some(other) => Err(ReadError {
            line: 0,
            column: 0,
            what: format!("the initial value {other}"),
            why: format!("that of the model {} is a whole number", request.model),
        }),
    }
}

#[cfg(test)]
mod tests;
