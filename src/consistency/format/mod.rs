//! Histories on disk: bytes in, a `History` or the place of what is wrong out. Opens no file and judges no history.
//!
//! | format         | one event looks like                                                              | made by              |
//! |----------------|-----------------------------------------------------------------------------------|----------------------|
//! | `native`       | `{"i":0,"t":12,"p":3,"type":"invoke","f":"write","k":"k7","v":41,"node":"db-1"}`    | Driftproof           |
//! | `jepsen-edn`   | `{:process 3, :type :invoke, :f :write, :value 41, :time 12, :index 0}`            | Jepsen `history.edn` |
//! | `jepsen-json`  | `{"process":3,"type":"invoke","f":"write","value":41,"time":12,"index":0}`         | exports of Jepsen's  |
//! | `jepsen-log`   | `INFO  jepsen.util - 3 :invoke :write 41`                                          | Jepsen `jepsen.log`  |
//! | `porcupine-kv` | `{:process 3, :type :invoke, :f :append, :key "7", :value "x"}`                    | Porcupine's tests    |
//! | `elle`         | `{:process 3, :type :ok, :value [[:append 7 1] [:r 8 [1 2]]]}`, or the same in JSON | Elle, elle-cli       |
//!
//! In `native` a compare-and-set that failed may say in `"saw"` what it found instead (`null`: nothing was there), where the
//! store said so in the step in which it compared; the other formats have no such word.
//!
//! EDN and JSON histories are one vector of maps, or one map after the other. Events of a process that is not a number
//! (Jepsen's `:nemesis`) are no operations and are left out. Times are nanoseconds. A history of `elle` may consist of
//! completions alone: such transactions have no order in real time.

mod edn;
mod edn_events;
mod error;
mod join;
mod json;
mod lines;
mod log;
pub mod native;
mod pairing;
mod plain;
mod rules;
mod seen;
#[cfg(test)]
mod tests;

pub use error::ReadError;
pub(super) use error::Wrong;
pub(super) use join::{EventType, Joiner};
pub(super) use lines::Lines;
pub(super) use pairing::Pairing;
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
    /// Elle's list-append transactions, EDN or JSON.
    Elle,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] =
        [Self::Native, Self::JepsenEdn, Self::JepsenJson, Self::JepsenLog, Self::PorcupineKv, Self::Elle];

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

/// Reads a history.
///
/// # Errors
/// The first place at which the bytes are not a history of this format, with what is wrong and what to do.
pub fn read(bytes: &[u8], format: Format) -> Result<History, ReadError> {
    match read_within(bytes, format, &Allowance::unlimited().meter()) {
        Ok(history) => Ok(history),
        Err(Stop::Input(error)) => Err(error),
        // There is none.
        Err(Stop::Budget(_)) => Ok(History::default()),
    }
}

/// Reads a history while there is time.
pub(super) fn read_within(bytes: &[u8], format: Format, meter: &Meter<'_>) -> Result<History, Stop> {
    let history = read_as(bytes, format, meter);
    meter.spend(0)?;
    history
}

fn read_as(bytes: &[u8], format: Format, meter: &Meter<'_>) -> Result<History, Stop> {
    let (strict, transactions) = (Joiner::strict(meter), Joiner::transactions(meter));
    let text = || lines::utf8(bytes);
    Ok(match format {
        Format::Native => native::read(bytes, strict)?,
        Format::JepsenEdn => rules::split_tuples(edn_events::read(text()?, strict)?),
        Format::JepsenJson => rules::split_tuples(json::read(text()?, strict)?),
        Format::JepsenLog => log::read(text()?, strict)?,
        Format::PorcupineKv => edn_events::read(text()?, strict)?,
        Format::Elle => match text()? {
            text if text.trim_start().starts_with("{\"") || text.trim_start().starts_with("[{\"") => {
                json::read(text, transactions)?
            }
            text => edn_events::read(text, transactions)?,
        },
    })
}
