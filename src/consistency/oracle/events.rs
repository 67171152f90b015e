//! *Ordered delivery*: every change has a revision, a whole number from 1. If a change was acknowledged, or a watch that delivered it had
//! ended, before another one was called, that other one has a greater revision; one key changes once at a revision. A watch
//! delivers exactly the changes of its prefix from the revision after its first up to the last that it delivers, each
//! once, in the order of revisions. Changes are the writes that did not fail, and deletions, which nobody here asks for.

use std::collections::BTreeSet;

use super::objects::{items, whole};
use super::{Truth, happened, possible, precedes};
use crate::history::{Operation, Value};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    revision: i64,
    key: Value,
    value: Value,
}

struct Watch<'a> {
    operation: &'a Operation,
    after: i64,
    changes: Vec<Change>,
}

impl Watch<'_> {
    fn last(&self) -> Option<i64> {
        self.changes.iter().map(|change| change.revision).max()
    }

    fn covers(&self, key: &Value) -> bool {
        match (&self.operation.key, key) {
            (None, _) => true,
            (Some(Value::Text(prefix)), Value::Text(key)) => key.starts_with(&**prefix),
            (Some(prefix), key) => prefix == key,
        }
    }
}

pub(super) fn watch(operations: &[&Operation]) -> Truth {
    let watches: Vec<Watch<'_>> =
        operations.iter().filter(|one| &*one.function == "watch" && happened(one)).map(|one| read(one)).collect();
    let writes: Vec<&Operation> =
        operations.iter().copied().filter(|one| &*one.function == "write" && possible(one)).collect();
    let all: BTreeSet<Change> = watches.iter().flat_map(|watch| watch.changes.iter().cloned()).collect();
    let broken = !plain(&watches, &writes, &all) || !placed(&watches, &writes, &all);
    Truth { broken, says_enough: !watches.is_empty() }
}

fn read(operation: &Operation) -> Watch<'_> {
    let after = if operation.input == Value::Nil { 0 } else { whole(&operation.input) };
    let change = |event: &Value| {
        let [revision, key, value] = <[Value; 3]>::try_from(items(event)).expect("an event of three parts");
        Change { revision: whole(&revision), key, value }
    };
    Watch { operation, after, changes: items(&operation.output).iter().map(change).collect() }
}

/// What can be said of events without choosing anything.
fn plain(watches: &[Watch<'_>], writes: &[&Operation], all: &BTreeSet<Change>) -> bool {
    let source = |change: &Change| {
        let is = |one: &&&Operation| one.key.as_ref() == Some(&change.key) && one.input == change.value;
        writes.iter().copied().find(|one| is(&one))
    };
    let each = watches.iter().all(|watch| {
        let rising = watch.changes.windows(2).all(|pair| pair[0].revision <= pair[1].revision);
        let keys: BTreeSet<_> = watch.changes.iter().map(|change| (change.revision, &change.key)).collect();
        let own = watch.changes.iter().all(|change| {
            let known = change.value == Value::Nil
                || source(change).is_some_and(|one| watch.operation.end.is_none_or(|end| one.call.at < end.at));
            change.revision > watch.after && watch.covers(&change.key) && known
        });
        rising && own && keys.len() == watch.changes.len()
    });
    let one_value = all
        .iter()
        .all(|one| all.iter().all(|other| one == other || one.revision != other.revision || one.key != other.key));
    let one_place = all
        .iter()
        .filter(|one| one.value != Value::Nil)
        .all(|one| all.iter().all(|other| one == other || one.key != other.key || one.value != other.value));
    let no_gap = watches.iter().all(|watch| {
        all.iter().all(|change| {
            let within = change.revision > watch.after && watch.last().is_some_and(|last| change.revision <= last);
            !within || !watch.covers(&change.key) || watch.changes.contains(change)
        })
    });
    each && one_value && one_place && no_gap
}

/// Tries every revision for every write that was acknowledged and that no watch delivered.
fn placed(watches: &[Watch<'_>], writes: &[&Operation], all: &BTreeSet<Change>) -> bool {
    let of =
        |one: &Operation| all.iter().find(|change| Some(&change.key) == one.key.as_ref() && change.value == one.input);
    let mut known: Vec<(&Operation, i64)> = Vec::new();
    let mut unseen: Vec<&Operation> = Vec::new();
    for &one in writes {
        match of(one) {
            Some(change) => known.push((one, change.revision)),
            None if happened(one) => unseen.push(one),
            None => {}
        }
    }
    let high = watches.iter().filter_map(Watch::last).max().unwrap_or(0);
    let room = i64::try_from(unseen.len()).unwrap_or(0);
    choose(watches, all, &mut known, &unseen, (1, high + room))
}

fn choose<'a>(
    watches: &[Watch<'_>],
    all: &BTreeSet<Change>,
    known: &mut Vec<(&'a Operation, i64)>,
    unseen: &[&'a Operation],
    range: (i64, i64),
) -> bool {
    let late = |&(one, revision): &(&Operation, i64)| {
        let after = known.iter().any(|(other, reached)| precedes(other, one) && *reached >= revision);
        let seen =
            |watch: &Watch<'_>| precedes(watch.operation, one) && watch.last().is_some_and(|last| last >= revision);
        after || watches.iter().any(seen)
    };
    if known.iter().any(late) {
        return false;
    }
    let Some((&one, rest)) = unseen.split_first() else { return true };
    let key = one.key.clone().unwrap_or(Value::Nil);
    for revision in range.0..=range.1 {
        let hidden = watches.iter().all(|watch| {
            !watch.covers(&key) || revision <= watch.after || watch.last().is_none_or(|last| revision > last)
        });
        let free = all.iter().all(|change| change.revision != revision || change.key != key)
            && known.iter().all(|(other, taken)| *taken != revision || other.key != one.key);
        if hidden && free {
            known.push((one, revision));
            if choose(watches, all, known, rest, range) {
                return true;
            }
            known.pop();
        }
    }
    false
}
