//! Whether a history says enough to mean anything. A history in which nothing happened breaks no promise, and keeps none.
//! Judges no operation.

use std::collections::{BTreeMap, BTreeSet};

use super::history::{Completion, History, Moment, Operation, Value};
use super::outcome::{Budget, Outcome};

/// A stretch of the history, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// What it is called in messages: the name of a fault.
    pub name: String,
    /// Its first moment.
    pub from: Moment,
    /// Its last moment.
    pub to: Moment,
}

/// How many operations of one function must have been acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Least {
    /// The function.
    pub function: String,
    /// In each window. An operation belongs to every window that it overlaps.
    pub in_window: usize,
    /// In the whole history.
    pub in_all: usize,
}

/// What a history needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Acknowledged operations.
    pub least: Vec<Least>,
    /// Some key was used by two operations at once, one of which was no read.
    pub contended: bool,
    /// Each of these replicas answered a read (or one of `reads`) after the last operation that changes anything.
    pub final_reads: Vec<String>,
    /// Functions that change nothing.
    pub reads: Vec<String>,
}

/// What the history lacks, as an outcome; none if it says enough.
#[must_use]
pub fn check(history: &History, windows: &[Window], needs: &Needs) -> Option<Outcome> {
    let mut lacks = Vec::new();
    for least in &needs.least {
        counts(history, windows, least, &mut lacks);
    }
    if needs.contended && !contended(history, &needs.reads) {
        lacks.push("no key was used by two clients at once".to_owned());
    }
    final_reads(history, needs, &mut lacks);
    (!lacks.is_empty()).then(|| Outcome::Unknown(Budget::Evidence(lacks.join("; "))))
}

fn counts(history: &History, windows: &[Window], least: &Least, lacks: &mut Vec<String>) {
    let done = || {
        let is_one = |one: &&Operation| one.completion == Completion::Ok && *one.function == *least.function;
        history.operations.iter().filter(is_one)
    };
    let all = done().count();
    if all < least.in_all {
        lacks.push(format!("{all} ok of {}, {} are needed", least.function, least.in_all));
    }
    for window in windows {
        let inside = |one: &&Operation| one.call.at <= window.to && one.finish() >= window.from;
        let count = done().filter(inside).count();
        if count < least.in_window {
            lacks.push(format!("{count} ok of {} in {}, {} are needed", least.function, window.name, least.in_window));
        }
    }
}

/// Keys of an operation; those of its micro-operations if it is a transaction.
fn keys(operation: &Operation) -> Vec<Option<&Value>> {
    match (&operation.key, &operation.input) {
        (None, Value::List(micros)) if &*operation.function == "txn" => micros
            .iter()
            .filter_map(|micro| match micro {
                Value::List(parts) => parts.get(1).map(Some),
                _ => None,
            })
            .collect(),
        (key, _) => vec![key.as_ref()],
    }
}

/// Whether two operations on one key overlapped, one of them no read. Looks at each operation once.
fn contended(history: &History, reads: &[String]) -> bool {
    // Of each key: until when some operation is under way, and until when one that changes something is.
    let mut busy: BTreeMap<Option<&Value>, (Moment, Moment)> = BTreeMap::new();
    for operation in history.operations.iter().filter(|one| one.completion != Completion::Fail) {
        let changes = !reads.iter().any(|read| **read == *operation.function);
        let end = operation.end.map_or(Moment::MAX, |end| end.at);
        for key in keys(operation).into_iter().collect::<BTreeSet<_>>() {
            let (any, change) = busy.entry(key).or_insert((0, 0));
            if operation.call.at < *change || (changes && operation.call.at < *any) {
                return true;
            }
            *any = end.max(*any);
            if changes {
                *change = end.max(*change);
            }
        }
    }
    false
}

fn final_reads(history: &History, needs: &Needs, lacks: &mut Vec<String>) {
    let is_read = |one: &Operation| needs.reads.iter().any(|read| **read == *one.function);
    let changes = history.operations.iter().filter(|one| !is_read(one));
    let quiet = changes.map(|one| one.end.unwrap_or(one.call).at).max().unwrap_or(0);
    let last = |one: &&Operation| one.completion == Completion::Ok && is_read(one) && one.call.at > quiet;
    let answered: BTreeSet<&str> =
        history.operations.iter().filter(last).filter_map(|one| one.node.as_deref()).collect();
    let silent: Vec<&str> =
        needs.final_reads.iter().map(String::as_str).filter(|replica| !answered.contains(replica)).collect();
    if !silent.is_empty() {
        lacks.push(format!("no final read from {}", silent.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::history::Call;

    fn operation(function: &str, from: u64, to: u64, node: &str) -> Operation {
        let at = |at| Call { at, time: 0, line: 0 };
        Operation {
            process: from,
            function: Arc::from(function),
            key: None,
            input: Value::Nil,
            output: Value::Nil,
            completion: Completion::Ok,
            saw: None,
            call: at(from),
            end: Some(at(to)),
            node: Some(Arc::from(node)),
        }
    }

    fn told(operations: Vec<Operation>) -> String {
        let least = Least { function: "write".to_owned(), in_window: 1, in_all: 2 };
        let needs = Needs {
            least: vec![least],
            contended: true,
            final_reads: vec!["db-0".to_owned()],
            reads: vec!["read".to_owned()],
        };
        let window = Window { name: "partition-1".to_owned(), from: 10, to: 20 };
        match check(&History { operations }, &[window], &needs) {
            None => "enough".to_owned(),
            Some(Outcome::Unknown(Budget::Evidence(lacks))) => lacks,
            Some(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_history_in_which_nothing_happened_is_no_pass() {
        let write = |from, to| operation("write", from, to, "db-0");
        let read = |from, to| operation("read", from, to, "db-0");
        assert_eq!(told(vec![write(1, 12), write(11, 13), read(30, 31)]), "enough");
        assert_eq!(
            told(vec![]),
            "0 ok of write, 2 are needed; 0 ok of write in partition-1, 1 are needed; no key was used by two clients at \
             once; no final read from db-0"
        );
        assert_eq!(told(vec![write(1, 4), write(3, 5), read(30, 31)]), "0 ok of write in partition-1, 1 are needed");
        assert_eq!(told(vec![write(1, 4), write(11, 12), read(30, 31)]), "no key was used by two clients at once");
        assert_eq!(told(vec![write(1, 12), write(11, 35), read(30, 31)]), "no final read from db-0");
        let mut apart = vec![write(1, 12), write(11, 13), read(30, 31)];
        apart[0].key = Some(Value::Int(1));
        assert_eq!(told(apart), "no key was used by two clients at once");
    }
}
