//! Whether two operations on one key overlapped, one of them no read, event by event. Holds only what is under way.

use std::collections::BTreeMap;

use crate::history::{Completion, Value};

/// Operations that are under way, by key, until two are found that overlap.
#[derive(Debug, Default)]
pub(super) struct Contention {
    found: bool,
    /// By key, the operations under way.
    busy: BTreeMap<Option<Value>, BTreeMap<u32, Use>>,
    /// The keys of each.
    keys: BTreeMap<u32, Vec<Option<Value>>>,
}

/// An operation under way on one key.
#[derive(Debug)]
struct Use {
    changes: bool,
    /// It overlapped another one that counts, and has not failed; one of the two changes something.
    met: bool,
}

impl Contention {
    pub(super) fn call(&mut self, operation: u32, keys: &[Option<&Value>], changes: bool) {
        if self.found {
            return;
        }
        let own: Vec<Option<Value>> = keys.iter().map(|key| key.cloned()).collect();
        for key in &own {
            self.busy.entry(key.clone()).or_default().insert(operation, Use { changes, met: false });
        }
        self.keys.insert(operation, own);
    }

    /// What failed for sure did not happen, and overlapped nothing.
    pub(super) fn end(&mut self, operation: u32, completion: Completion) {
        for key in self.keys.remove(&operation).unwrap_or_default() {
            let Some(uses) = self.busy.get_mut(&key) else { continue };
            // A transaction may name a key twice.
            let Some(own) = uses.remove(&operation) else { continue };
            if completion != Completion::Fail {
                self.found |= own.met;
                for other in uses.values_mut().filter(|other| own.changes || other.changes) {
                    other.met = true;
                }
            }
            if uses.is_empty() {
                self.busy.remove(&key);
            }
        }
        if self.found {
            (self.busy, self.keys) = (BTreeMap::new(), BTreeMap::new());
        }
    }

    /// Whether there were two, when all events were given: what nobody answered may have happened.
    pub(super) fn is_found(&self) -> bool {
        let open = |uses: &BTreeMap<u32, Use>| {
            uses.values().any(|one| one.met) || (uses.len() > 1 && uses.values().any(|one| one.changes))
        };
        self.found || self.busy.values().any(open)
    }
}
