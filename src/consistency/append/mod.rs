//! List-append transactions: which isolation level a history rules out, in Adya's and Elle's words. Reads no file.
//!
//! Appends of unique values to lists reveal the order of versions: the longest list that was read is it, and everything
//! unread comes after it. From that follow the edges between transactions: `ww` (next version), `wr` (read it), `rw`
//! (read the version before it), the order within a process, and real time. A cycle is an anomaly; its edges name it.
//!
//! An indeterminate transaction happened iff somebody read one of its appends; otherwise it may be left out, since it
//! can always have happened after everything else.
//!
//! When every list is known, a history is serializable iff the graph has no cycle: appends that nobody read are bound
//! only to come after all versions and reads of their list, so any topological order explains what was read. Snapshot
//! isolation holds iff no cycle is without two neighbouring `rw` edges (Cerone and Gotsman 2016).

mod builder;
mod claim;
mod components;
mod cycles;
mod direct;
mod fast;
mod from_history;
mod graph;
mod judge;
mod keys;
mod pieces;
mod realtime;
mod recall;
pub mod registers;
mod scan;
mod settle;
mod snapshots;
mod tell;
#[cfg(test)]
mod tests;
mod timed;
mod verify;
mod versions;

pub use claim::Claim;
pub use fast::read as read_fast;
pub(super) use fast::read_within as read_fast_within;
pub use judge::{Analysis, analyse, check};
pub(super) use judge::{analyse_history, analyse_within};
pub use pieces::Source;
pub(super) use recall::recall;
pub use verify::verify_order;
use verify::verify_times;

use super::history::{Completion, Value};
use keys::Keys;

/// One micro-operation. What `value` means depends on `what`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Micro {
    key: u32,
    what: What,
    value: i64,
}

/// What a micro-operation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// It appended `value`.
    Append,
    /// It read the first `value` elements of the longest list of its key.
    Read,
    /// It read a list that is no beginning of the longest one: number `value` of `odd`.
    Odd,
    /// It would have read, but nobody knows what.
    Unread,
}

/// Transactions in little room: about 16 bytes for a micro-operation and 24 for a transaction. A transaction is named by
/// its index, which is that of its operation in the history.
#[derive(Clone, Debug, Default)]
pub struct Transactions {
    micros: Vec<Micro>,
    /// Where each transaction's micro-operations begin; one more at the end.
    starts: Vec<u32>,
    completions: Vec<Completion>,
    processes: Vec<u32>,
    /// Place of its call among all events.
    calls: Vec<u32>,
    /// Place of its completion; `u32::MAX` if it never ended for certain.
    ends: Vec<u32>,
    /// Those that ended, in the order of their ends.
    ended: Vec<u32>,
    keys: Keys,
    /// The longest list that was read of each key, and who read it.
    longest: Vec<Vec<i64>>,
    longest_reader: Vec<u32>,
    odd: Vec<Vec<i64>>,
    /// Elements that are no whole numbers; each stands for `i64::MIN` plus its index.
    words: Vec<Value>,
    /// Whether there are completions without calls: then nothing is known of real time.
    untimed: bool,
    /// What there is to tell of the file.
    pub(super) notes: Vec<String>,
    /// Whether no process is named: then nothing is known of the order of a session.
    unnamed: bool,
}

impl Transactions {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.completions.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.completions.is_empty()
    }

    /// Bytes held.
    fn bytes(&self) -> u64 {
        let lists: usize = self.longest.iter().chain(&self.odd).map(|list| list.capacity() * 8 + 24).sum();
        (self.micros.capacity() * 16 + self.starts.capacity() * 4 + self.len() * 20 + lists) as u64
    }

    fn micros(&self, transaction: u32) -> &[Micro] {
        let at = transaction as usize;
        &self.micros[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// Its call and its end as places among all events, from 1; 0 and `u32::MAX` of what is no transaction, or never ended.
    fn moments(&self, node: u32) -> (u32, u32) {
        match (self.calls.get(node as usize), self.ends.get(node as usize)) {
            (Some(call), Some(end)) => (call.saturating_add(1), end.saturating_add(1)),
            _ => (0, u32::MAX),
        }
    }

    /// The list that a read returned; none if that is not known.
    fn list(&self, micro: Micro) -> Option<&[i64]> {
        let number = usize::try_from(micro.value).unwrap_or(0);
        match micro.what {
            What::Read => Some(&self.longest[micro.key as usize][..number]),
            What::Odd => Some(&self.odd[number]),
            What::Append | What::Unread => None,
        }
    }

    /// An element for people.
    fn element(&self, value: i64) -> String {
        let word = usize::try_from(value.wrapping_sub(i64::MIN)).ok().and_then(|index| self.words.get(index));
        word.map_or_else(|| value.to_string(), ToString::to_string)
    }
}
