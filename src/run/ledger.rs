//! What has to be taken back: one ledger for a whole run. An undo enters it after it is journalled and before the call that
//! makes it necessary, and leaves it when it was tried; so that nothing is lost wherever a run is broken off.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::evidence::Undo;

use super::context::Context;
use super::{tasks, undo};

/// One undo that is open.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    /// The step of the fault that it belongs to; none for what was created beside the faults.
    step: Option<String>,
    undo: Undo,
}

/// The open undos of a run, in the order in which they became necessary. Clones share one ledger.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger(Arc<Mutex<Vec<Entry>>>);

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is about to be created.
    pub(super) fn creating(&self, undo: Undo) {
        self.lock().push(Entry { step: None, undo });
    }

    /// A fault is about to be injected.
    pub(super) fn injecting(&self, step: &str, undo: &[Undo]) {
        let entry = |undo: &Undo| Entry { step: Some(step.to_owned()), undo: undo.clone() };
        self.lock().extend(undo.iter().map(entry));
    }

    /// It was taken back, or never done.
    pub(super) fn taken_back(&self, undo: &Undo) {
        let mut entries = self.lock();
        if let Some(last) = entries.iter().rposition(|entry| entry.undo == *undo) {
            entries.remove(last);
        }
    }

    /// What was created beside the faults, in that order.
    pub(super) fn created(&self) -> Vec<Undo> {
        self.lock().iter().filter(|entry| entry.step.is_none()).map(|entry| entry.undo.clone()).collect()
    }

    fn open(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<Undo> {
        self.lock().iter().filter(|entry| wanted(entry)).map(|entry| entry.undo.clone()).collect()
    }
}

/// Takes back everything that is still open, last first. Returns what is left, with the command that removes it.
pub(super) async fn take_back(context: &Context) -> Vec<String> {
    each(context, context.ledger.open(|_| true)).await
}

/// Takes back what is still open of one fault, last first. Returns what is left, with the command that removes it.
pub(super) async fn take_back_fault(context: &Context, step: &str) -> Vec<String> {
    each(context, context.ledger.open(|entry| entry.step.as_deref() == Some(step))).await
}

async fn each(context: &Context, open: Vec<Undo>) -> Vec<String> {
    let mut left = Vec::new();
    for one in open.into_iter().rev() {
        left.extend(apply(context, &one).await.err());
    }
    left
}

/// Applies one undo, which is then no longer open: what does not work is told, and not tried again.
///
/// # Errors
/// What is left, and the command that removes it.
pub(super) async fn apply(context: &Context, one: &Undo) -> Result<(), String> {
    let what = undo::describe(one);
    let done = tasks::guarded(&context.recorder, &what, undo::apply(context, one)).await;
    context.ledger.taken_back(one);
    done.unwrap_or_else(|| Err(format!("{what}: driftproof broke off; {}", undo::by_hand(one))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uncordon(node: &str) -> Undo {
        Undo::Uncordon { node: node.to_owned() }
    }

    #[test]
    fn clones_share_one_ledger_and_each_entry_leaves_once() {
        let ledger = Ledger::default();
        let other = ledger.clone();
        other.creating(uncordon("a"));
        other.injecting("1-drain", &[uncordon("b"), uncordon("a")]);
        assert_eq!(ledger.created(), [uncordon("a")]);
        assert_eq!(ledger.open(|_| true).len(), 3);
        ledger.taken_back(&uncordon("a"));
        assert_eq!(ledger.open(|_| true), [uncordon("a"), uncordon("b")]);
        ledger.taken_back(&uncordon("c"));
        assert_eq!(other.open(|entry| entry.step.is_some()), [uncordon("b")]);
    }
}
