//! One value of an object, with its path and the list that refusals go to. What a rule says of it are one-liners
//! (`apimachinery/pkg/util/validation/field`).

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::api::error::Cause;

/// Where refusals go.
pub(super) type Sink = RefCell<Vec<Cause>>;

static NULL: Value = Value::Null;

#[derive(Debug)]
enum Step {
    Name(&'static str),
    Index(usize),
    Key(String),
}

#[derive(Debug)]
struct Link {
    parent: Option<Rc<Link>>,
    step: Step,
}

/// A value, its path and the sink. Cheap to descend from: the path is only written out for a refusal.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    path: Option<Rc<Link>>,
    /// The value; null when it is absent.
    pub(super) value: &'a Value,
    sink: &'a Sink,
}

impl<'a> Field<'a> {
    /// A whole object.
    pub(super) fn root(value: &'a Value, sink: &'a Sink) -> Self {
        Self { path: None, value, sink }
    }

    fn below(&self, step: Step, value: &'a Value) -> Self {
        Self { path: Some(Rc::new(Link { parent: self.path.clone(), step })), value, sink: self.sink }
    }

    /// A field of an object.
    pub(super) fn at(&self, name: &'static str) -> Self {
        self.below(Step::Name(name), self.value.get(name).unwrap_or(&NULL))
    }

    /// The items of a list.
    pub(super) fn items(&self) -> impl Iterator<Item = Self> + use<'a> {
        let this = self.clone();
        let items = self.value.as_array().into_iter().flatten().enumerate();
        items.map(move |(index, item)| this.below(Step::Index(index), item))
    }

    /// The entries of a map, with paths such as `limits[cpu]`.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Self)> + use<'a> {
        let this = self.clone();
        let entries = self.value.as_object().into_iter().flatten();
        entries.map(move |(key, value)| (key.as_str(), this.below(Step::Key(key.clone()), value)))
    }

    /// The path of one entry of a map.
    pub(super) fn key(&self, key: &str) -> Self {
        self.below(Step::Key(key.to_owned()), self.value.get(key).unwrap_or(&NULL))
    }

    /// Whether it is set.
    pub(super) fn is_set(&self) -> bool {
        !self.value.is_null()
    }

    /// How many items or entries it has.
    pub(super) fn len(&self) -> usize {
        self.value.as_array().map(Vec::len).or_else(|| self.value.as_object().map(serde_json::Map::len)).unwrap_or(0)
    }

    /// Whether it has no items or entries.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text, empty when there is none.
    pub(super) fn text(&self) -> &'a str {
        self.value.as_str().unwrap_or_default()
    }

    /// The whole number.
    pub(super) fn number(&self) -> Option<i64> {
        self.value.as_i64()
    }

    /// Whether it is true.
    pub(super) fn is_true(&self) -> bool {
        self.value.as_bool() == Some(true)
    }

    /// `spec.ports[0].name`.
    pub(super) fn path(&self) -> String {
        let mut steps = Vec::new();
        let mut at = self.path.as_ref();
        while let Some(link) = at {
            steps.push(&link.step);
            at = link.parent.as_ref();
        }
        let mut path = String::new();
        for step in steps.into_iter().rev() {
            match step {
                Step::Name(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Step::Index(index) => drop(write!(path, "[{index}]")),
                Step::Key(key) => drop(write!(path, "[{key}]")),
            }
        }
        path
    }

    /// It is refused, as somebody else says it.
    pub(super) fn refuse(&self, cause: Cause) {
        self.sink.borrow_mut().push(cause);
    }

    /// It must be given.
    pub(super) fn required(&self, detail: &str) {
        self.refuse(Cause::required(self.path(), detail));
    }

    /// It breaks a rule.
    pub(super) fn invalid(&self, detail: &str) {
        self.refuse(Cause::invalid(self.path(), self.value, detail));
    }

    /// Another value than its own breaks a rule here.
    pub(super) fn invalid_value(&self, value: &str, detail: &str) {
        self.refuse(Cause::invalid(self.path(), &json!(value), detail));
    }

    /// It may not be set here.
    pub(super) fn forbidden(&self, detail: &str) {
        self.refuse(Cause::forbidden(self.path(), detail));
    }

    /// It is not in its enumeration.
    pub(super) fn unsupported(&self, known: &[&str]) {
        let known: std::collections::BTreeSet<&str> = known.iter().copied().collect();
        let known: Vec<&str> = known.into_iter().collect();
        self.refuse(Cause::unsupported(self.path(), &json!(self.text()), &known));
    }

    /// As [`Field::unsupported`], of another value than its own.
    pub(super) fn unsupported_text(&self, value: &str, known: &[&str]) {
        self.refuse(Cause::unsupported(self.path(), &json!(value), known));
    }

    /// How much was refused so far.
    pub(super) fn refusals(&self) -> usize {
        self.sink.borrow().len()
    }

    /// It was there before.
    pub(super) fn duplicate(&self) {
        self.refuse(Cause::duplicate(self.path(), self.value));
    }

    /// What it names is not there.
    pub(super) fn not_found(&self) {
        let message = format!("Not found: {}", self.value);
        self.refuse(Cause { reason: "FieldValueNotFound", field: self.path(), message });
    }

    /// There are more than allowed.
    pub(super) fn too_many(&self, most: usize) {
        let message = format!("Too many: {}: must have at most {most} items", self.len());
        self.refuse(Cause { reason: "FieldValueTooMany", field: self.path(), message });
    }

    /// It is longer than allowed.
    pub(super) fn too_long(&self, most: usize) {
        let message = format!("Too long: may not be more than {most} bytes");
        self.refuse(Cause { reason: "FieldValueTooLong", field: self.path(), message });
    }

    /// One of an enumeration; absent is fine.
    pub(super) fn one_of(&self, known: &[&str]) {
        if self.is_set() && !known.contains(&self.text()) {
            self.unsupported(known);
        }
    }

    /// One of an enumeration, which must be given.
    pub(super) fn one_of_required(&self, known: &[&str]) {
        if self.text().is_empty() {
            self.required("");
        } else {
            self.one_of(known);
        }
    }

    /// A text that must be given. Tells whether it is.
    pub(super) fn is_given(&self) -> bool {
        let given = !self.text().is_empty();
        if !given {
            self.required("");
        }
        given
    }

    /// A number that may not be negative.
    pub(super) fn not_negative(&self) {
        if self.number().is_some_and(|number| number < 0) {
            self.invalid("must be greater than or equal to 0");
        }
    }

    /// A number that must be above zero.
    pub(super) fn positive(&self) {
        if self.is_set() && self.number().is_none_or(|number| number <= 0) {
            self.invalid("must be greater than zero");
        }
    }

    /// A number in a range.
    pub(super) fn between(&self, least: i64, most: i64) {
        if self.is_set() && self.number().is_none_or(|number| !(least..=most).contains(&number)) {
            self.invalid(&format!("must be between {least} and {most}, inclusive"));
        }
    }

    /// Checks a text that is set by a rule that says what is wrong.
    pub(super) fn text_by(&self, rule: impl Fn(&str) -> Option<String>) {
        if let Some(wrong) = rule(self.text()) {
            self.invalid(&wrong);
        }
    }

    /// As [`Field::text_by`], when it is not empty.
    pub(super) fn text_by_if_any(&self, rule: impl Fn(&str) -> Option<String>) {
        if !self.text().is_empty() {
            self.text_by(rule);
        }
    }

    /// A text that must be given and keep a rule.
    pub(super) fn given_by(&self, rule: impl Fn(&str) -> Option<String>) {
        if self.is_given() {
            self.text_by(rule);
        }
    }

    /// Of several fields at most one is set: each further one is refused. Tells how many are.
    pub(super) fn at_most_one(&self, names: &[&'static str], detail: &str) -> usize {
        let set: Vec<Self> = names.iter().map(|name| self.at(name)).filter(Self::is_set).collect();
        for more in set.iter().skip(1) {
            more.forbidden(detail);
        }
        set.len()
    }
}

impl Field<'_> {
    /// Checks another value in this one's place.
    pub(super) fn with(&self, value: &Value, check: impl FnOnce(Field<'_>)) {
        let sink = self.sink;
        check(Field { path: self.path.clone(), value, sink });
    }
}
