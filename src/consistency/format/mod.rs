//! Histories on disk: bytes in, a `History` or the place of what is wrong out. Opens no file and judges no history.
//!
//! | format         | one event looks like                                                              | made by              |
//! |----------------|-----------------------------------------------------------------------------------|----------------------|
//! | `native`       | `{"i":0,"t":12,"p":3,"type":"invoke","f":"write","k":"k7","v":41,"node":"db-1"}`    | Driftproof           |
//! | `jepsen-edn`   | `{:process 3, :type :invoke, :f :write, :value 41, :time 12, :index 0}`            | Jepsen `history.edn` |
//! | `jepsen-json`  | `{"process":3,"type":"invoke","f":"write","value":41,"time":12,"index":0}`         | exports of Jepsen's  |
//! | `jepsen-log`   | `INFO  jepsen.util - 3 :invoke :write 41`                                          | Jepsen `jepsen.log`, `history.txt` |
//! | `porcupine-kv` | `{:process 3, :type :invoke, :f :append, :key "7", :value "x"}`                    | Porcupine's tests    |
//! | `elle`         | `{:process 3, :type :ok, :value [[:append 7 1] [:r 8 [1 2]]]}`, or the same in JSON | Elle, elle-cli       |
//! | `plume`        | `r(KEY,VALUE,SESSION,TRANSACTION)`                                                 | Plume, `PolySI`, `IsoVista` |
//!
//! Not read, and refused with the reason where they are recognised: dbcop's own histories (binary, or JSON of sessions without
//! what aborted; AWDIT converts them to Plume's text), Cobra's binary logs, and the operations in etcd's robustness reports, whose
//! answers tell of revisions and leases that no model here knows.
//!
//! In `native` a compare-and-set that failed may say in `"saw"` what it found instead (`null`: nothing was there), where the
//! store said so in the step in which it compared; the other formats have no such word.
//!
//! EDN and JSON histories are one vector of maps, or one map after the other. Events of a process that is not a number
//! (Jepsen's `:nemesis`) are no operations and are left out. Times are nanoseconds. A history of `elle` may consist of
//! completions alone: such transactions have no order in real time. So has one of `plume`.

mod detect;
mod edn;
mod edn_events;
mod error;
mod join;
mod json;
mod keys;
mod lines;
mod log;
pub mod native;
mod pairing;
mod plain;
mod plume;
mod rules;
mod seen;
#[cfg(test)]
mod tests;

pub use detect::detect;
pub use error::ReadError;
pub(super) use error::Wrong;
pub(super) use join::{EventType, Joiner};
pub(super) use lines::Lines;
pub(super) use pairing::{Disorder, Pairing};
pub(crate) use rules::at_call;
pub use rules::known_functions;
pub(super) use rules::{unique_inputs, unknown_function};
pub(super) use seen::Seen;

#[cfg(test)]
use edn::Lexer;

use super::allowance::{Allowance, Meter, Stop};
use super::history::{History, Value};

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON Lines, as Driftproof records them.
    Native,
    /// Jepsen's `history.edn`.
    JepsenEdn,
    /// The same as JSON.
    JepsenJson,
    /// The lines of `jepsen.util` in Jepsen's log.
    JepsenLog,
    /// Porcupine's key-value logs.
    PorcupineKv,
    /// Transactions of Elle, EDN or JSON.
    Elle,
    /// Transactions of registers as Plume, `PolySI` and `IsoVista` write them.
    Plume,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] =
        [Self::Native, Self::JepsenEdn, Self::JepsenJson, Self::JepsenLog, Self::PorcupineKv, Self::Elle, Self::Plume];

    /// Its word on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::JepsenEdn => "jepsen-edn",
            Self::JepsenJson => "jepsen-json",
            Self::JepsenLog => "jepsen-log",
            Self::PorcupineKv => "porcupine-kv",
            Self::Elle => "elle",
            Self::Plume => "plume",
        }
    }
}

/// Reads one value as EDN writes it: `5`, `nil`, `[1 2]`, `"text"`, `{:a 1}`.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read_value(text: &str) -> Result<Value, ReadError> {
    let mut lexer = edn::Lexer::new(text);
    let one = edn::value(&mut lexer).map_err(|wrong| wrong.at(text, lexer.start))?;
    let rest = edn::value(&mut lexer).map_err(|wrong| wrong.at(text, lexer.start))?;
    match (one, rest) {
        (Some(value), None) => Ok(value),
        _ => Err(error::Wrong::new("not one value", "write one value, such as 5, nil or [1 2]").at(text, 0)),
    }
}

/// Whether each value stands for a key and a value, as Jepsen's independent keys are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// Decided where it is certain, refused where it could be either.
    #[default]
    Known,
    /// Each value is `[key value]`.
    Tuple,
    /// Values are values.
    None,
}

/// What was read.
pub(super) struct Read {
    pub(super) history: History,
    /// What there is to tell of the file.
    pub(super) notes: Vec<String>,
    /// Bytes that the history holds.
    pub(super) held: u64,
}

/// Reads a history.
///
/// # Errors
/// The first place at which the bytes are not a history of this format, with what is wrong and what to do.
pub fn read(bytes: &[u8], format: Format) -> Result<History, ReadError> {
    read_with(bytes, format, Keys::Known)
}

/// Reads a history whose values may be tuples of a key and a value.
///
/// # Errors
/// The same; and a value that is none, or a history of pairs that could be either.
pub fn read_with(bytes: &[u8], format: Format, keys: Keys) -> Result<History, ReadError> {
    match read_within(bytes, format, keys, &Allowance::unlimited().meter()) {
        Ok(read) => Ok(read.history),
        Err(Stop::Input(error)) => Err(error),
        // There is none.
        Err(Stop::Budget(_)) => Ok(History::default()),
    }
}

/// Reads a history while there are time and memory.
pub(super) fn read_within(bytes: &[u8], format: Format, keys: Keys, meter: &Meter<'_>) -> Result<Read, Stop> {
    let mut joiner = joiner(format, meter);
    if matches!(format, Format::Native | Format::JepsenLog | Format::PorcupineKv) {
        joiner.expect(bytes.split(|byte| *byte == b'\n').count());
    }
    let read = join(bytes, format, &mut joiner);
    joiner.go_on()?;
    read?;
    let (notes, held) = (joiner.disorder().note().into_iter().collect(), joiner.held());
    let mut history = joiner.finish();
    if matches!(format, Format::JepsenEdn | Format::JepsenJson | Format::JepsenLog) {
        history = keys::split(history, keys)?;
    } else if keys == Keys::Tuple {
        let what = format!("keys in tuples in the format {}", format.word());
        let why = "only Jepsen's formats have them: leave --keys out".to_owned();
        return Err(Stop::Input(ReadError { line: 0, column: 0, what, why }));
    }
    Ok(Read { history, notes, held })
}

/// The operations at the beginning of a file that may go on: those before the first thing that is wrong.
#[must_use]
pub fn beginning(head: &[u8], format: Format) -> History {
    let allowance = Allowance::unlimited();
    let meter = allowance.meter();
    let mut joiner = joiner(format, &meter);
    // Whatever is wrong is told when all is read.
    let _cut = join(head, format, &mut joiner);
    let history = joiner.finish();
    if matches!(format, Format::JepsenEdn | Format::JepsenJson | Format::JepsenLog) {
        keys::split(history.clone(), Keys::Known).unwrap_or(history)
    } else {
        history
    }
}

fn joiner<'a>(format: Format, meter: &'a Meter<'a>) -> Joiner<'a> {
    if matches!(format, Format::Elle | Format::Plume) { Joiner::transactions(meter) } else { Joiner::strict(meter) }
}

fn join(bytes: &[u8], format: Format, joiner: &mut Joiner<'_>) -> Result<(), Stop> {
    let text = || lines::utf8(bytes);
    match format {
        Format::Native => native::read(bytes, joiner)?,
        Format::JepsenEdn | Format::PorcupineKv => edn_events::read(text()?, joiner)?,
        Format::JepsenJson => json::read(text()?, joiner)?,
        Format::JepsenLog => log::read(text()?, joiner)?,
        Format::Plume => plume::read(text()?, joiner)?,
        Format::Elle => match text()? {
            text if text.trim_start().starts_with(['{', '[']) && detect::is_json(text) => json::read(text, joiner)?,
            text => edn_events::read(text, joiner)?,
        },
    }
    Ok(())
}
