//! Jepsen's log, and the `history.txt` of its store: a process, a type, a function and a value on each line. Other lines of a log
//! are left out; a line that begins like one must be one.
//!
//! Loggers have changed: `INFO  jepsen.util - 0 :invoke :read nil` until 2016, `… - jepsen.util 0 …` in the tutorial of 2017,
//! `… jepsen.util: 0 …` today; `history.txt` has the same lines without a logger.

use super::edn::{self, Lexer};
use super::error::{ReadError, Wrong, quoted};
use super::join::{Event, EventType, Joiner};
use crate::history::{Completion, Value};

const LOGGER: &str = "jepsen.util";
/// Lines that are looked at to recognise a log.
const LOOKED_AT: usize = 200;

/// `… jepsen.util: PROCESS :TYPE :FUNCTION VALUE`, parted by tabs or spaces.
pub(super) fn read(text: &str, joiner: &mut Joiner<'_>) -> Result<(), ReadError> {
    let mut offset = 0;
    let mut found = false;
    let mut strange = None;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if let Some(start) = start(line) {
            found = true;
            let event = event(&line[start..], number as u64 + 1, joiner);
            let pushed = event.and_then(|event| event.map_or(Ok(()), |event| joiner.push(event)));
            pushed.map_err(|wrong| wrong.at(text, offset + start))?;
        } else if !line.trim().is_empty() && strange.is_none() {
            strange = Some(offset);
        }
        offset += line.len();
        if joiner.is_over() {
            break;
        }
    }
    match strange {
        // A log with other loggers' lines is usual; a file with nothing of ours is another format, or was cut.
        Some(at) if !found || offset_is_last(text, at) => Err(Wrong::new(
            "a line that is no line of jepsen.util",
            "a line is written `INFO  jepsen.util - 0 :invoke :read nil`, or without what stands before the process; is the file \
             cut off, or of another format?",
        )
        .at(text, at)),
        _ => Ok(()),
    }
}

/// Whether the text looks like such a log.
pub(super) fn is_log(text: &str) -> bool {
    text.lines().take(LOOKED_AT).any(|line| start(line).is_some_and(|start| has_event(&line[start..])))
}

/// Where a line's process begins, if it is one of these lines.
fn start(line: &str) -> Option<usize> {
    if let Some(at) = line.find(LOGGER) {
        let rest = &line[at + LOGGER.len()..];
        let rest = rest.strip_prefix(':').or_else(|| rest.strip_prefix(" -")).unwrap_or(rest);
        let fields = rest.trim_start_matches([' ', '\t']);
        // Another logger may have such a name and more.
        return (fields.len() < rest.len()).then_some(line.len() - fields.len());
    }
    let process = line.len() - line.trim_start().len();
    has_event(&line[process..]).then_some(process)
}

/// Whether these are a process and a type.
fn has_event(rest: &str) -> bool {
    let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
    let process = words.next().is_some_and(|word| word.starts_with(':') || word.parse::<u64>().is_ok());
    process && words.next().is_some_and(|word| matches!(word.trim_end(), ":invoke" | ":ok" | ":fail" | ":info"))
}

/// Whether a line is the last one and does not end: what a cut leaves.
fn offset_is_last(text: &str, at: usize) -> bool {
    !text[at..].contains('\n')
}

fn event(rest: &str, line: u64, joiner: &mut Joiner<'_>) -> Result<Option<Event>, Wrong> {
    let mut fields = rest.trim_end();
    let mut field = || {
        fields = fields.trim_start();
        let end = fields.find([' ', '\t']).unwrap_or(fields.len());
        let (word, after) = fields.split_at(end);
        fields = after;
        word
    };
    let (process, kind, function) = (field(), field(), field());
    let value = fields.trim_start();
    if process.starts_with(':') {
        return Ok(None);
    }
    let process = process.parse::<u64>().map_err(|_| {
        Wrong::new(format!("{} is no process", quoted(process)), "a line names its process, a whole number, first")
    })?;
    let kind = EventType::parse(kind.strip_prefix(':').unwrap_or(kind))?;
    let function = function.strip_prefix(':').filter(|word| !word.is_empty()).ok_or_else(|| {
        Wrong::new("a line without a function", "a line is written `INFO  jepsen.util - 0 :invoke :read nil`")
    })?;
    let mut lexer = Lexer::new(value);
    let Some(value) = edn::value(&mut lexer)? else {
        return Err(Wrong::new("a line without a value", "the line is cut off; write nil where there is no value"));
    };
    let function = Some(joiner.word(function));
    let (index, time, key, node) = (None, None, None, None);
    let value = if kind == EventType::Invoke || kind == EventType::End(Completion::Ok) { value } else { Value::Nil };
    Ok(Some(Event { line, index, time, process: Some(process), kind, function, key, value, node, saw: None }))
}
