//! One YAML document as JSON, with the place of each field. Holds kubectl's reading (YAML 1.1 scalars, aliases, merges);
//! knows nothing of Kubernetes. What is written twice is a mistake here, although kubectl lets the last one win.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use serde_json::{Map, Value};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::{Places, line_at, scalar};

/// Deeper than this is a mistake, or an attack.
const DEPTH_MAX: usize = 128;

/// More values than this, aliases counted at each use, are a mistake, or an attack.
const VALUES_MAX: usize = 2_000_000;

/// Why a document was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    /// The first of two.
    pub(super) other: Option<Range<usize>>,
}

/// Reads the documents of a piece of a file that begins at `base`.
///
/// # Errors
/// The first mistake, with its place in the whole `text`.
pub(super) fn read(text: &str, piece: Range<usize>) -> Result<Vec<(Value, Places)>, Fault> {
    let parser = Parser::new_from_str(&text[piece.clone()]);
    let mut reader =
        Reader { text, base: piece.start, parser, anchors: BTreeMap::new(), places: Places::default(), values: 0 };
    let mut documents = Vec::new();
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => return Ok(documents),
            Event::DocumentStart(..) => {
                let (event, span) = reader.next()?;
                if matches!(event, Event::DocumentEnd) {
                    continue;
                }
                reader.places.note("", reader.offset(span));
                let value = reader.node(event, span, &mut String::new(), 0)?;
                documents.push((value, std::mem::take(&mut reader.places)));
                reader.anchors.clear();
            }
            Event::StreamStart | Event::DocumentEnd => {}
            _ => return Err(reader.fault(span, "something outside of a document")),
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    base: usize,
    parser: Parser<'t, StrInput<'t>>,
    anchors: BTreeMap<usize, Value>,
    places: Places,
    values: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Fault> {
        loop {
            match self.parser.next_event() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(found)) => return Ok(found),
                Some(Err(error)) => {
                    let at = self.base + error.marker().byte_offset().unwrap_or(0);
                    return Err(Fault { span: line_at(self.text, at), message: error.info(), other: None });
                }
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn offset(&self, span: Span) -> usize {
        self.base + span.start.byte_offset().unwrap_or(0)
    }

    fn fault(&self, span: Span, message: impl Into<String>) -> Fault {
        Fault { span: line_at(self.text, self.offset(span)), message: message.into(), other: None }
    }

    /// A node, whose first event was read already.
    fn node(&mut self, event: Event<'t>, span: Span, path: &mut String, depth: usize) -> Result<Value, Fault> {
        self.values += 1;
        if depth > DEPTH_MAX {
            return Err(self.fault(span, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        if self.values > VALUES_MAX {
            return Err(self.fault(span, format!("more than {VALUES_MAX} values")));
        }
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => (anchor, self.scalar(&text, style, tag.as_deref(), span)?),
            Event::SequenceStart(_, anchor, _) => (anchor, self.sequence(path, depth)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.mapping(path, depth)?),
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let value = known.ok_or_else(|| self.fault(span, "an alias of something that contains it"))?;
                self.values += count(&value);
                (0, value)
            }
            _ => return Err(self.fault(span, "a value is missing")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Result<Value, Fault> {
        let own = tag.filter(|tag| tag.handle() == "tag:yaml.org,2002:").map(Tag::suffix);
        let read = match own.and_then(|tag| scalar::tagged(tag, text)) {
            Some(read) => read,
            None if style == ScalarStyle::Plain && tag.is_none() => scalar::resolve(text),
            None => Ok(text.into()),
        };
        read.map_err(|message| self.fault(span, message))
    }

    fn sequence(&mut self, path: &mut String, depth: usize) -> Result<Value, Fault> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Value::Array(items));
            }
            let length = path.len();
            let _ = write!(path, "[{}]", items.len());
            self.places.note(path, self.offset(span));
            items.push(self.node(event, span, path, depth + 1)?);
            path.truncate(length);
        }
    }

    fn mapping(&mut self, path: &mut String, depth: usize) -> Result<Value, Fault> {
        let mut fields = Map::new();
        let mut written: BTreeMap<String, Span> = BTreeMap::new();
        let mut merged = Vec::new();
        loop {
            let (event, key_span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let is_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, _) if text == "<<");
            let key = self.node(event, key_span, &mut String::from("\u{0}"), depth + 1)?;
            let key = scalar::key(&key).map_err(|message| self.fault(key_span, message))?;
            let length = path.len();
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&key);
            self.places.note(path, self.offset(key_span));
            let (event, span) = self.next()?;
            let value = self.node(event, span, path, depth + 1)?;
            path.truncate(length);
            if is_merge {
                merged.push((value, span));
            } else if let Some(first) = written.insert(key.clone(), key_span) {
                return Err(self.twice(&key, first, key_span));
            } else {
                fields.insert(key, value);
            }
        }
        for (value, span) in merged {
            self.merge(&mut fields, value, span)?;
        }
        Ok(Value::Object(fields))
    }

    fn twice(&self, key: &str, first: Span, second: Span) -> Fault {
        let line = |span: Span| self.text[..self.offset(span)].matches('\n').count() + 1;
        let message = format!("`{key}` is written twice, in line {} and in line {}", line(first), line(second));
        Fault { other: Some(line_at(self.text, self.offset(first))), ..self.fault(second, message) }
    }

    /// `<<`: fields that are not written here come from there; the first of several wins.
    fn merge(&self, fields: &mut Map<String, Value>, value: Value, span: Span) -> Result<(), Fault> {
        let all = match value {
            Value::Array(items) => items,
            other => vec![other],
        };
        for one in all {
            let Value::Object(more) = one else {
                return Err(self.fault(span, "`<<` needs a mapping, or a list of them"));
            };
            for (name, value) in more {
                fields.entry(name).or_insert(value);
            }
        }
        Ok(())
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(count).sum::<usize>() + 1,
        Value::Object(fields) => fields.values().map(count).sum::<usize>() + 1,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}
