//! A history: what each client asked, when, and what became of it. Knows no file format and judges nothing.

use std::fmt;
use std::sync::Arc;

/// A place in the recorder's one order: the event's sequence number. Two events never share one.
pub type Moment = u64;

/// A value that was written, read or compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Nothing: what it means (absent, or anything) is an option of the check.
    #[default]
    Nil,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number, in one form for each: `1.5`, `1e300`, `1/2`, `1.0M`.
    Number(Arc<str>),
    /// Text.
    Text(Arc<str>),
    /// A keyword of EDN, without its colon. JSON has none.
    Keyword(Arc<str>),
    /// A list, a vector or a tuple, in the order in which it was written; a set, in ascending order.
    List(Arc<[Value]>),
    /// A map, in ascending order of its keys, each of which is there once.
    Map(Arc<[(Value, Value)]>),
}

/// Whole numbers below this are exact as numbers with a fraction too.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

impl Value {
    /// A map of entries in any order; the key that is there twice if there is one.
    ///
    /// # Errors
    /// The key that is there twice.
    pub fn map(mut entries: Vec<(Self, Self)>) -> Result<Self, Self> {
        if entries.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            entries.sort_by(|one, other| one.0.cmp(&other.0));
        }
        match entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(pair[0].0.clone()),
            None => Ok(Self::Map(entries.into())),
        }
    }

    /// A set of elements in any order.
    #[must_use]
    pub fn set(mut elements: Vec<Self>) -> Self {
        elements.sort();
        elements.dedup();
        Self::List(elements.into())
    }

    /// A number with a fraction, in its one form.
    #[must_use]
    pub fn decimal(number: f64) -> Self {
        Self::Number(Arc::from(format!("{number:?}")))
    }

    /// A number of JSON, where 1 and 1.0 are one number.
    #[must_use]
    pub fn number(number: f64) -> Self {
        if number.abs() < EXACT_MAX && number.fract() == 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole, and small enough to be exact")]
            return Self::Int(number as i64);
        }
        Self::decimal(number)
    }

    /// Bytes that it holds beside itself, as an allocator rounds them.
    pub(crate) fn held(&self) -> u64 {
        match self {
            Self::Nil | Self::Bool(_) | Self::Int(_) => 0,
            Self::Number(text) | Self::Text(text) | Self::Keyword(text) => held(text.len()),
            Self::List(items) => held(size_of_val(&**items)) + items.iter().map(Self::held).sum::<u64>(),
            Self::Map(entries) => {
                let each = entries.iter().map(|(key, value)| key.held() + value.held());
                held(size_of_val(&**entries)) + each.sum::<u64>()
            }
        }
    }

    /// A word: text or a keyword, as formats write the names of functions.
    #[must_use]
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Text(word) | Self::Keyword(word) => Some(word),
            Self::Nil | Self::Bool(_) | Self::Int(_) | Self::Number(_) | Self::List(_) | Self::Map(_) => None,
        }
    }
}

/// Bytes that something shared of this size holds: with its two counts, in the next size that is given out.
pub(crate) fn held(size: usize) -> u64 {
    let whole = size as u64 + 16;
    (whole + 8).next_multiple_of(16).max(32) + whole / 16
}

/// Whether text would be taken for something else if it stood there without quotes.
fn is_ambiguous(text: &str) -> bool {
    text.is_empty()
        || text.starts_with([':', '"'])
        || matches!(text, "nil" | "true" | "false")
        || (text.parse::<f64>().is_ok() && !matches!(text.as_bytes()[0], b'i' | b'n' | b'I' | b'N'))
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Completion {
    /// It happened.
    Ok,
    /// It did not happen, for a definite reason.
    Fail,
    /// Nobody knows: it may take effect at any time after it was called, or never.
    Info,
}

/// What was asked. Open, since each workload has words of its own (`read`, `write`, `cas`, `add`, `txn`, …).
pub type Function = Arc<str>;

/// One operation of one client: its call joined with its completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Logical process: one operation at a time. After `info` a client goes on as a new one. [`UNNAMED`] if it is not known.
    pub process: u64,
    /// What was asked.
    pub function: Function,
    /// The key, for stores of many keys.
    pub key: Option<Value>,
    /// What was sent: the value to write, `[from, to]` of a compare-and-set, the micro-operations of a transaction.
    pub input: Value,
    /// What came back (equal to the input where the format repeats it); `Nil` unless the completion is `Ok`.
    pub output: Value,
    /// What became of it.
    pub completion: Completion,
    /// What a compare-and-set that failed found instead, if the store said so in the step in which it compared: then it is as
    /// good as a read.
    pub saw: Option<Box<Value>>,
    /// When it was called.
    pub call: Call,
    /// When it completed; none when no completion was recorded (its outcome is then `Info`).
    pub end: Option<Call>,
    /// The pod or endpoint that answered, when it is known.
    pub node: Option<Arc<str>>,
}

/// One end of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Place in the order of the history. Only this decides what was before what.
    pub at: Moment,
    /// Nanoseconds since the history's zero, for people; equal to `at` where the format has no times.
    pub time: i64,
    /// Line of the file, from 1; 0 when there is no file.
    pub line: u64,
}

/// A history, ordered by the moment of the call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Its operations. An operation is named by its index here.
    pub operations: Vec<Operation>,
}

/// The process of an operation that names none.
pub const UNNAMED: u64 = u64::MAX;

impl Operation {
    /// Whether only its completion was recorded: it is not known when it began.
    #[must_use]
    pub fn is_uncalled(&self) -> bool {
        self.call.at == 0
            && self.end.is_some_and(|end| (end.line, end.time) == (self.call.line, self.call.time))
            && self.call.line > 0
    }

    /// Whether it names no process: then nothing is known of what its client did before and after.
    #[must_use]
    pub fn is_unnamed(&self) -> bool {
        self.process == UNNAMED
    }

    /// The moment after which the operation cannot take effect any more: its end if it is known to have happened,
    /// never otherwise.
    #[must_use]
    pub fn finish(&self) -> Moment {
        match (self.completion, self.end) {
            (Completion::Ok | Completion::Fail, Some(end)) => end.at,
            (Completion::Ok | Completion::Fail, None) | (Completion::Info, _) => Moment::MAX,
        }
    }

    /// Of an operation of a register: the value that must have been there.
    #[must_use]
    pub fn found(&self) -> Option<&Value> {
        match (&*self.function, &self.saw) {
            ("read", _) => Some(&self.output),
            (_, Some(saw)) => Some(saw),
            (_, None) => self.pair().map(|(from, _)| from),
        }
    }

    /// Of an operation of a register: the value that is there afterwards; none of one that failed.
    #[must_use]
    pub fn set(&self) -> Option<&Value> {
        if self.completion == Completion::Fail { None } else { self.meant() }
    }

    /// Of an operation of a register: the value that it was to set, whatever became of it.
    #[must_use]
    pub fn meant(&self) -> Option<&Value> {
        if &*self.function == "write" { Some(&self.input) } else { self.pair().map(|(_, to)| to) }
    }

    /// The two values of a compare-and-set.
    fn pair(&self) -> Option<(&Value, &Value)> {
        match &self.input {
            Value::List(pair) if &*self.function == "cas" && pair.len() == 2 => Some((&pair[0], &pair[1])),
            _ => None,
        }
    }

    /// Whether it may have an effect, or says something of the state.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.completion != Completion::Fail || self.saw.is_some()
    }

    /// Whether it is known to have taken place between its call and its end.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.completion == Completion::Ok || self.saw.is_some()
    }

    /// The key as people read it.
    #[must_use]
    pub fn key_text(&self) -> Option<String> {
        self.key.as_ref().map(ToString::to_string)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Text(value) if is_ambiguous(value) => write!(f, "\"{value}\""),
            Self::Number(value) | Self::Text(value) => value.fmt(f),
            Self::Keyword(value) => write!(f, ":{value}"),
            Self::List(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index == 0 { "" } else { " " })?;
                }
                f.write_str("]")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{key} {value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}
