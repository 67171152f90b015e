//! Kinds that a `CustomResourceDefinition` adds. Each is remembered once for the whole process, so that a kind stays as cheap
//! to copy and compare as one of Kubernetes' own.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::{Facts, Kind};

/// What a definition says of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names<'a> {
    /// API group.
    pub group: &'a str,
    /// The version that is stored.
    pub version: &'a str,
    /// Whether the stored version is served, too.
    pub served: bool,
    /// All other versions that are served.
    pub also: Vec<&'a str>,
    /// Plural name as in URLs.
    pub plural: &'a str,
    /// The `kind` field.
    pub kind: &'a str,
    /// Short names that kubectl accepts.
    pub short: Vec<&'a str>,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// Whether it has a `/status` subresource.
    pub status: bool,
}

/// All that were ever defined. They live as long as the process: a handful of names for each definition.
static KNOWN: Mutex<BTreeSet<&'static Facts>> = Mutex::new(BTreeSet::new());

/// The kind of these names.
#[must_use]
pub fn custom(names: &Names<'_>) -> Kind {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let is_same = |facts: &&&'static Facts| {
        (facts.group, facts.version, facts.plural, facts.kind) == (names.group, names.version, names.plural, names.kind)
            && (facts.namespaced, facts.status, facts.served) == (names.namespaced, names.status, names.served)
            && facts.also == names.also
            && facts.short == names.short
    };
    if let Some(facts) = known.iter().find(is_same) {
        return Kind::Stored(facts);
    }
    let text = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    let list = |all: &[&str]| -> &'static [&'static str] {
        Box::leak(all.iter().map(|one| text(one)).collect::<Vec<_>>().into_boxed_slice())
    };
    let facts: &'static Facts = Box::leak(Box::new(Facts {
        group: text(names.group),
        version: text(names.version),
        served: names.served,
        plural: text(names.plural),
        kind: text(names.kind),
        short: list(&names.short),
        namespaced: names.namespaced,
        status: names.status,
        scale: false,
        also: list(&names.also),
    }));
    known.insert(facts);
    Kind::Stored(facts)
}
