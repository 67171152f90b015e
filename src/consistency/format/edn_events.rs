//! Events of Jepsen, Porcupine and Elle out of EDN maps. Joins nothing itself.

use super::edn::{self, Bracket, Lexer, Token};
use super::error::{ReadError, Wrong, quoted};
use super::join::{Event, EventType, Joiner};
use super::lines::LineCount;
use crate::history::Value;

/// One vector or list of maps, or one map after the other.
pub(super) fn read(text: &str, joiner: &mut Joiner<'_>) -> Result<(), ReadError> {
    let mut lexer = Lexer::new(text);
    let mut lines = LineCount::new(text);
    events(&mut lexer, &mut lines, joiner).map_err(|wrong| wrong.at(text, lexer.start))
}

fn events(lexer: &mut Lexer<'_>, lines: &mut LineCount<'_>, joiner: &mut Joiner<'_>) -> Result<(), Wrong> {
    let mut around = None;
    loop {
        match lexer.token()? {
            Token::Open(Bracket::Curly) => {
                let start = lexer.start;
                let line = lines.of(start);
                if let Some(event) = event(lexer, joiner, line)? {
                    joiner.push(event).inspect_err(|_| lexer.start = start)?;
                }
                if joiner.is_over() {
                    return Ok(());
                }
            }
            Token::Open(bracket @ (Bracket::Square | Bracket::Round)) if around.is_none() => around = Some(bracket),
            Token::Close(bracket) if around == Some(bracket) => around = None,
            Token::Tag(_) => {}
            Token::Discard => edn::skip(lexer)?,
            Token::End if around.is_some() => {
                return Err(Wrong::new("the vector of events does not end", "the file is cut off; record it again"));
            }
            Token::End => return Ok(()),
            _ => {
                return Err(Wrong::new(
                    "something that is no event",
                    "a history is a vector of maps, or one map after the other, each like {:process 0, :type :invoke, …}",
                ));
            }
        }
    }
}

/// The fields of one event, as they are read.
struct Fields {
    index: Option<i64>,
    time: Option<i64>,
    process: Process,
    kind: Option<EventType>,
    event: Event,
    /// A bit for each field that was read.
    seen: u16,
}

enum Process {
    Unnamed,
    Client(u64),
    /// Jepsen's nemesis and its kin: no operation of the store.
    Other,
}

/// One event; none if it is not of a client. The opening bracket has been read.
fn event(lexer: &mut Lexer<'_>, joiner: &mut Joiner<'_>, line: u64) -> Result<Option<Event>, Wrong> {
    let start = lexer.start;
    let event = Event {
        line,
        index: None,
        time: None,
        process: None,
        kind: EventType::Invoke,
        function: None,
        key: None,
        value: Value::Nil,
        node: None,
        saw: None,
    };
    let mut fields = Fields { index: None, time: None, process: Process::Unnamed, kind: None, event, seen: 0 };
    loop {
        match lexer.token()? {
            Token::Close(Bracket::Curly) => break,
            Token::Keyword(name) => field(lexer, joiner, &mut fields, name)?,
            Token::Discard => edn::skip(lexer)?,
            Token::End => {
                lexer.start = start;
                return Err(Wrong::new(
                    "an event that does not end",
                    "the file is cut off; remove its last, unfinished event, or record it again",
                ));
            }
            _ => {
                return Err(Wrong::new("a field without a name", "an event is a map of keywords: {:process 0, …}"));
            }
        }
    }
    let process = match fields.process {
        Process::Other => return Ok(None),
        Process::Client(process) => Some(process),
        Process::Unnamed => None,
    };
    let Some(kind) = fields.kind else {
        lexer.start = start;
        return Err(Wrong::new("an event without a type", "each event has a :type of :invoke, :ok, :fail or :info"));
    };
    Ok(Some(Event { process, kind, index: fields.index, time: fields.time, ..fields.event }))
}

fn field(lexer: &mut Lexer<'_>, joiner: &mut Joiner<'_>, fields: &mut Fields, name: &str) -> Result<(), Wrong> {
    let bit = match name {
        "process" => 1,
        "type" => 2,
        "f" => 4,
        "value" => 8,
        "key" => 16,
        "time" => 32,
        "index" => 64,
        "node" => 128,
        _ => return required(lexer, name).map(drop),
    };
    if fields.seen & bit != 0 {
        return Err(Wrong::new(format!("the field :{name} twice"), "an event has each of its fields once"));
    }
    fields.seen |= bit;
    let event = &mut fields.event;
    match (name, required(lexer, name)?) {
        ("process", Value::Int(process)) => {
            let process = u64::try_from(process)
                .map_err(|_| Wrong::new(format!("process {process} is negative"), "processes are numbered from 0"))?;
            fields.process = Process::Client(process);
        }
        ("process", Value::Text(_) | Value::Keyword(_)) => fields.process = Process::Other,
        ("process", Value::Nil) => {}
        ("type", Value::Text(word) | Value::Keyword(word)) => match EventType::parse(&word) {
            Ok(kind) => fields.kind = Some(kind),
            Err(wrong) => return Err(wrong),
        },
        ("f", Value::Text(word) | Value::Keyword(word)) => event.function = Some(joiner.word(&word)),
        ("f" | "node", Value::Nil) => {}
        ("value", value) => event.value = value,
        ("key", Value::Text(key)) => event.key = Some(Value::Text(joiner.word(&key))),
        ("key", value) => event.key = Some(value),
        ("time", Value::Int(time)) => fields.time = Some(time),
        ("index", Value::Int(index)) => fields.index = Some(index),
        ("node", Value::Text(node) | Value::Keyword(node)) => event.node = Some(joiner.word(&node)),
        (_, other) => {
            return Err(Wrong::new(
                format!(":{name} is {}", quoted(&other.to_string())),
                "process, time and index are whole numbers; type, f and node are words",
            ));
        }
    }
    Ok(())
}

fn required(lexer: &mut Lexer<'_>, name: &str) -> Result<Value, Wrong> {
    // A closing bracket here is reported as one that was never opened, which it is for the value.
    edn::value(lexer)?.ok_or_else(|| {
        Wrong::new(format!("the text ends after :{name}"), "the file is cut off; remove its last, unfinished event")
    })
}
