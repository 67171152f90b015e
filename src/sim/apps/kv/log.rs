//! The replicated log of one replica. Indexes start at 1; index 0 is before the first entry.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::data::Op;

/// One entry: an operation and the term of the leader that wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) term: u64,
    pub(super) op: Op,
}

/// The entries of a replica.
#[derive(Debug, Default)]
pub(super) struct Log(Vec<Arc<Entry>>);

impl Log {
    pub(super) fn last(&self) -> usize {
        self.0.len()
    }

    /// Term of the entry at an index; 0 before the first.
    pub(super) fn term_at(&self, index: usize) -> u64 {
        index.checked_sub(1).and_then(|at| self.0.get(at)).map_or(0, |entry| entry.term)
    }

    /// Term and index of the last entry: the greater of two is the more up to date.
    pub(super) fn rank(&self) -> (u64, usize) {
        (self.term_at(self.last()), self.last())
    }

    pub(super) fn get(&self, index: usize) -> Option<&Arc<Entry>> {
        self.0.get(index.checked_sub(1)?)
    }

    pub(super) fn push(&mut self, entry: Arc<Entry>) {
        self.0.push(entry);
    }

    pub(super) fn truncate(&mut self, last: usize) {
        self.0.truncate(last);
    }

    /// Entries after `from` up to and including `to`.
    pub(super) fn between(&self, from: usize, to: usize) -> Vec<Arc<Entry>> {
        self.0.get(from..to.min(self.last())).unwrap_or_default().to_vec()
    }

    /// Where a leader should try next when the entry at `index` is of another term: before this term's first entry.
    pub(super) fn before_term_of(&self, index: usize) -> usize {
        let term = self.term_at(index);
        let first = self.0.partition_point(|entry| entry.term < term);
        first.min(index.saturating_sub(1))
    }
}
