//! The operations of the store and what they do to its data: deterministic, so that equal logs give equal data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One operation of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Op {
    /// A new leader's first entry: commits what earlier leaders left.
    Noop,
    /// Appends a value to a set; a second time it is there twice, so that duplicates are seen.
    Add { set: String, value: String },
    /// Sets a key.
    Put { key: String, value: String },
    /// Sets a key if it has this value.
    Cas { key: String, from: Option<String>, to: String },
}

/// What an operation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Done.
    Done,
    /// The key had another value.
    Differs(Option<String>),
}

/// Everything that a replica holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Data {
    pub(super) sets: BTreeMap<String, Vec<String>>,
    pub(super) keys: BTreeMap<String, String>,
}

impl Data {
    pub(super) fn apply(&mut self, op: &Op) -> Outcome {
        match op {
            Op::Noop => {}
            Op::Add { set, value } => self.sets.entry(set.clone()).or_default().push(value.clone()),
            Op::Put { key, value } => {
                self.keys.insert(key.clone(), value.clone());
            }
            Op::Cas { key, from, to } => {
                let actual = self.keys.get(key);
                if actual != from.as_ref() {
                    return Outcome::Differs(actual.cloned());
                }
                self.keys.insert(key.clone(), to.clone());
            }
        }
        Outcome::Done
    }
}
