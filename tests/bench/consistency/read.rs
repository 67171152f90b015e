//! Reads Porcupine's test data: logs of Jepsen's etcd test, and its get, put and append lines.
//!
//! Only what these files hold; the formats of `driftproof check` are read by the library.

use std::collections::BTreeMap;

use crate::consistency::{Call, Completion, History, Operation, Value};

/// One line: process, what kind, function, key, value.
struct Line<'a> {
    process: u64,
    kind: &'a str,
    function: &'a str,
    key: Option<&'a str>,
    value: &'a str,
}

/// The history of a file; lines that say nothing of an operation are skipped.
pub(crate) fn history(text: &str) -> History {
    let mut history = History::default();
    let mut running = BTreeMap::new();
    for (number, line) in (1_u64..).zip(text.lines()) {
        let Some(line) = logged(line).or_else(|| keyed(line)) else { continue };
        let at = Call { at: number, time: i64::try_from(number).unwrap_or(i64::MAX), line: number };
        if line.kind == "invoke" {
            running.insert(line.process, history.operations.len());
            history.operations.push(Operation {
                process: line.process,
                function: line.function.into(),
                key: line.key.map(|key| Value::Text(key.into())),
                input: value(line.value),
                output: Value::Nil,
                completion: Completion::Info,
                call: at,
                end: None,
                node: None,
            });
            continue;
        }
        let Some(index) = running.remove(&line.process) else { continue };
        let operation: &mut Operation = &mut history.operations[index];
        operation.end = Some(at);
        operation.completion = match line.kind {
            "ok" => Completion::Ok,
            "fail" => Completion::Fail,
            _ => Completion::Info,
        };
        if operation.completion == Completion::Ok {
            operation.output = value(line.value);
        }
    }
    history
}

/// `INFO  jepsen.util - 2 :invoke :cas [3 0]`
fn logged(line: &str) -> Option<Line<'_>> {
    let rest = line.strip_prefix("INFO")?.trim_start().strip_prefix("jepsen.util - ")?;
    let (process, rest) = rest.split_once(char::is_whitespace)?;
    let (kind, rest) = rest.trim_start().strip_prefix(':')?.split_once(char::is_whitespace)?;
    let (function, rest) = rest.trim_start().strip_prefix(':')?.split_once(char::is_whitespace)?;
    Some(Line { process: process.parse().ok()?, kind, function, key: None, value: rest.trim() })
}

/// `{:process 0, :type :invoke, :f :append, :key "0", :value "x"}`
fn keyed(line: &str) -> Option<Line<'_>> {
    let rest = line.strip_prefix("{:process ")?.strip_suffix('}')?;
    let (process, rest) = rest.split_once(", :type :")?;
    let (kind, rest) = rest.split_once(", :f :")?;
    let (function, rest) = rest.split_once(", :key \"")?;
    let (key, value) = rest.split_once("\", :value ")?;
    Some(Line { process: process.parse().ok()?, kind, function, key: Some(key), value })
}

/// `nil`, `3`, `[1 2]` or `"text"`.
fn value(word: &str) -> Value {
    if let Some(inner) = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')) {
        return Value::List(inner.split_whitespace().map(value).collect());
    }
    if let Some(inner) = word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) {
        return Value::Text(inner.into());
    }
    word.parse().map_or(Value::Nil, Value::Int)
}
