//! One door to the linearizability checkers: which model, which options, which partitions. Judges nothing itself.
//!
//! Never reads a clock: the caller says when the time is over.

use std::fmt;
use std::time::Duration;

use super::account::layers;
use super::allowance::{Allowance, Meter, Stop};
use super::format::Keys;
use super::history::{History, Value};
use super::intern::{Interner, number_of};
use super::outcome::{Anomaly, Budget, Certificate, Outcome};
use super::register::{bytes, check_key};
use super::{model, search};

/// What the store promises to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// `read`, `write v`, `cas [from to]` per key: linearizable.
    Register,
    /// `get`, `put s`, `append s` on text per key, initially empty: linearizable.
    Kv,
    /// `add v` and `read` of the whole set per key: linearizable.
    Set,
    /// List-append transactions.
    Append,
    /// Transfers between accounts and reads of all of them.
    Bank,
    /// `enqueue v`, `dequeue`, `drain`.
    Queue,
    /// `add n` and `read`.
    Counter,
    /// `acquire` and `release` per key: linearizable.
    Mutex,
    /// Transactions of reads and writes of several registers: strictly serializable.
    MultiRegister,
    /// Transactions of reads and unique writes of registers.
    RwRegister,
    /// Events of a watch.
    Watch,
}

impl Model {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Register,
        Self::Kv,
        Self::Set,
        Self::Append,
        Self::Bank,
        Self::Queue,
        Self::Counter,
        Self::Mutex,
        Self::MultiRegister,
        Self::RwRegister,
        Self::Watch,
    ];

    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Kv => "kv",
            Self::Set => "set",
            Self::Append => "append",
            Self::Bank => "bank",
            Self::Queue => "queue",
            Self::Counter => "counter",
            Self::Mutex => "mutex",
            Self::MultiRegister => "multi-register",
            Self::RwRegister => "rw-register",
            Self::Watch => "watch",
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a read of nil says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nil {
    /// The value nil: the key is absent.
    #[default]
    Absent,
    /// Nothing: any value was there.
    Wildcard,
}

/// What a compare-and-set that failed says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailedCas {
    /// That it did not happen, and nothing else (Knossos).
    #[default]
    Excluded,
    /// That at some moment between its call and its end the state was not the one compared with (Porcupine).
    Observed,
}

/// Which algorithm decides. They agree; this is for tests and measurements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// The unique-write register where it applies, both searches in turns elsewhere.
    #[default]
    Auto,
    /// Only the search that holds all configurations.
    Frontier,
    /// Only the search that goes down one line at a time.
    Depth,
    /// Both searches in turns.
    Portfolio,
}

/// Bytes that a check may hold unless another limit is given: 4 GiB, the same on every machine, so that one history gets one
/// answer.
pub const MEMORY_DEFAULT: u64 = 4 << 30;

/// How to read the history, and how much may be spent on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The value before all operations; nil if none.
    pub initial: Option<Value>,
    /// What a read of nil says.
    pub nil: Nil,
    /// What a compare-and-set that failed says.
    pub failed_cas: FailedCas,
    /// Which algorithm decides.
    pub engine: Engine,
    /// Whether values are tuples of a key and a value.
    pub keys: Keys,
    /// Bytes that the check may hold at once; none: no limit. [`MEMORY_DEFAULT`] unless it is given.
    pub memory: Option<u64>,
    /// The time after which `exhausted` says yes: only to be named in [`Budget::Time`].
    pub timeout: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            initial: None,
            nil: Nil::default(),
            failed_cas: FailedCas::default(),
            engine: Engine::default(),
            keys: Keys::default(),
            memory: Some(MEMORY_DEFAULT),
            timeout: None,
        }
    }
}

impl Options {
    /// Whether the model uses what is asked for: an option that says nothing would only look as if it did.
    ///
    /// # Errors
    /// The option that it does not use, or an initial value of another shape than the model's.
    pub fn fit(&self, model: Model) -> Result<(), String> {
        let shape = match model {
            Model::Kv => Some(("a text", matches!(self.initial, None | Some(Value::Nil | Value::Text(_))))),
            Model::Set => Some(("a list", matches!(self.initial, None | Some(Value::Nil | Value::List(_))))),
            Model::MultiRegister => Some(("one value or a map", !matches!(self.initial, Some(Value::List(_))))),
            Model::Counter | Model::Bank => {
                Some(("a whole number", matches!(self.initial, None | Some(Value::Nil | Value::Int(_)))))
            }
            // What was there would have been appended by nobody. A transaction is an initial version, too.
            Model::Append if self.initial.is_some() => {
                return Err(
                    "the model append has no initial value, its lists are empty at first: leave --initial out, and \
                            let the history begin with one transaction that appends what was there"
                        .to_owned(),
                );
            }
            Model::Queue | Model::Mutex | Model::Watch if self.initial.is_some() => {
                return Err(format!("the model {model} has no initial value: leave --initial out"));
            }
            Model::Register | Model::RwRegister | Model::Append | Model::Queue | Model::Mutex | Model::Watch => None,
        };
        if let (Some((shape, false)), Some(initial)) = (shape, &self.initial) {
            return Err(format!("the initial value {initial}: that of the model {model} is {shape}"));
        }
        let reads_nil = matches!(model, Model::Register | Model::Kv | Model::Set | Model::MultiRegister);
        if self.nil == Nil::Wildcard && !reads_nil {
            return Err(format!("nil has one meaning in the model {model}: leave --nil out"));
        }
        Ok(())
    }
}

/// Checks a history against a linearizable model: [`Model::Register`], [`Model::Kv`], [`Model::Set`], [`Model::Mutex`] or
/// [`Model::MultiRegister`]. Other models have checkers of their own and are `Unknown` here.
///
/// `exhausted` is asked now and then, from several threads, whether the time is over.
#[must_use]
pub fn check(history: &History, model: Model, options: &Options, exhausted: &(dyn Fn() -> bool + Sync)) -> Outcome {
    check_within(history, model, options, Allowance::of(options, exhausted))
}

/// The same within an allowance, which may hold something already.
pub(super) fn check_within(history: &History, model: Model, options: &Options, allowance: Allowance<'_>) -> Outcome {
    let partitions = match model {
        Model::Register | Model::Kv | Model::Set | Model::Mutex => by_key(history),
        Model::MultiRegister => vec![(0..number_of(history.operations.len())).collect()],
        Model::Append | Model::RwRegister | Model::Bank | Model::Queue | Model::Counter | Model::Watch => {
            return Outcome::Unknown(Budget::Evidence(format!("the model {model} is not one of linearizability")));
        }
    };
    let meter = allowance.meter();
    let mut orders = vec![Vec::new(); partitions.len()];
    let mut anomalies = Vec::new();
    let mut open = Vec::new();
    for (place, members) in partitions.iter().enumerate() {
        if place > 0 && meter.is_over() {
            return Outcome::Unknown(meter.time());
        }
        match direct(history, model, members, options, &meter) {
            Err(Stop::Budget(budget)) => return Outcome::Unknown(budget),
            Err(Stop::Input(error)) => return Outcome::Unknown(Budget::Evidence(error.to_string())),
            Ok(Some(Ok(order))) => orders[place] = order,
            Ok(Some(Err(anomaly))) => anomalies.push(anomaly),
            Ok(None) => open.push(place),
        }
    }
    if !anomalies.is_empty() {
        return Outcome::Violation(anomalies);
    }
    let searched = search::partitions(history, model, &partitions, &open, options, allowance);
    let mut unknown = None;
    for (place, outcome) in open.into_iter().zip(searched) {
        match outcome {
            search::Answer::Order(order) => orders[place] = order,
            search::Answer::Broken(anomaly) => anomalies.push(anomaly),
            search::Answer::Unknown(budget) => unknown = unknown.or(Some(budget)),
        }
    }
    match unknown {
        _ if !anomalies.is_empty() => Outcome::Violation(anomalies),
        Some(budget) => Outcome::Unknown(budget),
        None => Outcome::Ok(Certificate::Orders(orders)),
    }
}

/// The answer for one key where no search is needed; none where one is.
fn direct(
    history: &History,
    model: Model,
    members: &[u32],
    options: &Options,
    meter: &Meter<'_>,
) -> Result<Option<Result<Vec<u32>, Anomaly>>, Stop> {
    match model {
        Model::Register if options.engine == Engine::Auto => {
            meter.hold(bytes(members.len()))?;
            let observes = model::observes_failure(history, members, options);
            Ok(if observes { None } else { check_key(history, members, options).ok() })
        }
        Model::Set if options.engine == Engine::Auto => match layers::check_key(history, members, options, meter) {
            Ok(answer) => Ok(Some(answer)),
            Err(layers::Refused::AddedTwice) => Ok(None),
            Err(layers::Refused::Stop(stop)) => Err(stop),
        },
        _ => Ok(None),
    }
}

/// The operations of each key, keys in the order in which they first occur, operations in the order of their calls.
fn by_key(history: &History) -> Vec<Vec<u32>> {
    let first = history.operations.first().map(|operation| &operation.key);
    if history.operations.iter().all(|operation| Some(&operation.key) == first) {
        return vec![(0..number_of(history.operations.len())).collect()];
    }
    let mut keys = Interner::new();
    // By the number of the key; operations without a key are a partition of their own.
    let mut places = Vec::new();
    let mut without = None;
    let mut partitions: Vec<Vec<u32>> = Vec::new();
    for (index, operation) in (0_u32..).zip(&history.operations) {
        let known = match &operation.key {
            None => &mut without,
            Some(key) => {
                let number = keys.number(key) as usize;
                places.resize(places.len().max(number + 1), None);
                &mut places[number]
            }
        };
        let place = *known.get_or_insert_with(|| {
            partitions.push(Vec::new());
            partitions.len() - 1
        });
        partitions[place].push(index);
    }
    partitions
}
