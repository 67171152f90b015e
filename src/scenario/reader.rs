//! A typed reader of TOML tables: every read of a key either gives a value or leaves a diagnostic with the exact span,
//! and at the end every key that nobody asked for is one too. Knows TOML types, not scenarios.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::codes::Code;
use super::diagnostic::Diagnostic;

/// Where diagnostics are collected.
#[derive(Debug, Default)]
pub(super) struct Sink(RefCell<Vec<Diagnostic>>);

impl Sink {
    /// Adds a diagnostic.
    pub(super) fn push(&self, diagnostic: Diagnostic) {
        self.0.borrow_mut().push(diagnostic);
    }

    /// Adds a diagnostic and gives nothing: `return sink.fail(…)`.
    pub(super) fn fail<T>(&self, diagnostic: Diagnostic) -> Option<T> {
        self.push(diagnostic);
        None
    }

    /// All diagnostics.
    pub(super) fn into_inner(self) -> Vec<Diagnostic> {
        self.0.into_inner()
    }
}

/// A value and where it stands.
pub(super) type Value<'d> = Spanned<DeValue<'d>>;

/// A table that is being read.
#[derive(Debug)]
pub(super) struct Table<'d> {
    /// How the person wrote it: `[target]`, `[[probe]]`.
    pub(super) name: String,
    /// Its header, or its braces.
    pub(super) span: Range<usize>,
    /// Where diagnostics go.
    pub(super) sink: &'d Sink,
    entries: &'d DeTable<'d>,
    known: Vec<&'static str>,
}

impl<'d> Table<'d> {
    pub(super) const fn new(entries: &'d DeTable<'d>, name: String, span: Range<usize>, sink: &'d Sink) -> Self {
        Self { name, span, sink, entries, known: Vec::new() }
    }

    /// The table in a value; a diagnostic when it is something else.
    pub(super) fn from_value(value: &'d Value<'d>, name: String, sink: &'d Sink) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(table) => Some(Self::new(table, name, value.span(), sink)),
            other => sink.fail(wrong_type(value, "a table", other)),
        }
    }

    /// The raw value of a key, which is known from now on.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'d Value<'d>> {
        self.known.push(key);
        self.entries.get(key)
    }

    /// Where the value of a key stands; the table itself when the key is absent.
    pub(super) fn span_of(&self, key: &str) -> Range<usize> {
        self.entries.get(key).map_or_else(|| self.span.clone(), Spanned::span)
    }

    /// Whether the key is written, rightly or wrongly.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// An optional key.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Value<'_>, &Sink) -> Option<T>,
    ) -> Option<T> {
        self.get(key).and_then(|value| read(value, self.sink))
    }

    /// A key with a default, which also stands in for a value that cannot be read.
    pub(super) fn or<T>(&mut self, key: &'static str, read: impl Fn(&Value<'_>, &Sink) -> Option<T>, default: T) -> T {
        self.optional(key, read).unwrap_or(default)
    }

    /// A key that must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Value<'_>, &Sink) -> Option<T>,
    ) -> Option<T> {
        if !self.has(key) {
            self.known.push(key);
            self.missing(key);
            return None;
        }
        self.optional(key, read)
    }

    /// Says that a key is missing.
    pub(super) fn missing(&self, key: &str) {
        let message = format!("{} has no `{key}`", self.name);
        self.sink
            .push(Diagnostic::new(Code::MissingKey, self.span.clone(), message).label(format!("`{key}` is missing")));
    }

    /// An array; elements that cannot be read are left out.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Value<'_>, &Sink) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Array(array) => Some(array.iter().filter_map(|element| read(element, self.sink)).collect()),
            other => {
                let diagnostic = wrong_type(value, "a list", other);
                self.sink.fail(match one_element(other) {
                    Some(list) => diagnostic.help(format!("write {list}")),
                    None => diagnostic,
                })
            }
        }
    }

    /// The elements of an array of tables.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Table<'d>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let name = format!("[[{key}]]");
        match value.get_ref() {
            DeValue::Array(array) => {
                array.iter().filter_map(|element| Table::from_value(element, name.clone(), self.sink)).collect()
            }
            other => {
                let message = format!("`{key}` is {}, but there may be several", article(other));
                let help = format!("write {name}");
                self.sink.push(Diagnostic::new(Code::WrongType, value.span(), message).help(help));
                Vec::new()
            }
        }
    }

    /// A table below this one.
    pub(super) fn table(&mut self, key: &'static str, name: &str) -> Option<Table<'d>> {
        let value = self.get(key)?;
        Table::from_value(value, name.to_owned(), self.sink)
    }

    /// A table whose keys are free.
    pub(super) fn map<K: Ord, V>(
        &mut self,
        key: &'static str,
        read_key: impl Fn(&str, Range<usize>, &Sink) -> Option<K>,
        read: impl Fn(&'d Value<'d>, &str, &'d Sink) -> Option<V>,
    ) -> BTreeMap<K, V> {
        let Some(value) = self.get(key) else { return BTreeMap::new() };
        let DeValue::Table(table) = value.get_ref() else {
            self.sink.push(wrong_type(value, "a table", value.get_ref()));
            return BTreeMap::new();
        };
        let entries = table.iter().filter_map(|(name, value)| {
            let key = read_key(name.get_ref(), name.span(), self.sink);
            let value = read(value, name.get_ref(), self.sink);
            key.zip(value)
        });
        entries.collect()
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self) {
        self.finish_with(|_, _| None);
    }

    /// The same, where some keys are known to be meant otherwise.
    pub(super) fn finish_with(self, hint: impl Fn(&str, &Value<'_>) -> Option<String>) {
        for (key, value) in self.entries.iter().filter(|(key, _)| !self.known.contains(&key.get_ref().as_ref())) {
            let message = format!("{} has no key `{}`", self.name, key.get_ref());
            let help = hint(key.get_ref(), value)
                .or_else(|| suggestion(key.get_ref(), &self.known))
                .unwrap_or_else(|| format!("the keys are {}", listed(&self.known)));
            self.sink.push(Diagnostic::new(Code::UnknownKey, key.span(), message).label("unknown key").help(help));
        }
    }
}

/// A single value as the list that was meant: a number in quotes is a number.
fn one_element(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) if text.parse::<i64>().is_ok() => Some(format!("[{text}]")),
        DeValue::String(text) => {
            let parts: Vec<String> = text.split(',').map(|part| format!("\"{}\"", part.trim())).collect();
            Some(format!("[{}]", parts.join(", ")))
        }
        DeValue::Integer(number) => Some(format!("[{}]", number.as_str())),
        _ => None,
    }
}

/// `did you mean …`, when one of the words is near.
pub(super) fn suggestion(written: &str, words: &[&str]) -> Option<String> {
    let distance =
        |word: &str| strsim::damerau_levenshtein(&written.to_lowercase().replace('_', "-"), &word.replace('_', "-"));
    let near = words.iter().map(|word| (distance(word), *word)).min()?;
    let within = (written.chars().count() / 3).clamp(1, 3);
    (near.0 <= within).then(|| format!("did you mean `{}`?", near.1))
}

/// `` `a`, `b` and `c` ``
pub(super) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The diagnostic for a value of another type.
pub(super) fn wrong_type(value: &Value<'_>, expected: &str, found: &DeValue<'_>) -> Diagnostic {
    let message = format!("expected {expected}, found {}", article(found));
    Diagnostic::new(Code::WrongType, value.span(), message).label(format!("expected {expected}"))
}

fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
