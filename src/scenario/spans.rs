//! Finds where a setting stands in a TOML document, by its path.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// The spans of one document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spans<'d>(&'d DeTable<'d>);

impl<'d> Spans<'d> {
    pub(super) const fn new(root: &'d DeTable<'d>) -> Self {
        Self(root)
    }

    /// Where the value at `fault/0/every` stands; the nearest thing above it that is written, when it is not.
    pub(super) fn of(self, path: &str) -> Range<usize> {
        self.find(path).0
    }

    /// Whether it is written.
    pub(super) fn has(self, path: &str) -> bool {
        self.find(path).1
    }

    fn find(self, path: &str) -> (Range<usize>, bool) {
        let mut parts = path.split('/');
        let Some(mut at) = parts.next().and_then(|key| self.0.get(key)) else { return (0..0, false) };
        for part in parts {
            let below = match at.get_ref() {
                DeValue::Table(table) => table.get(part),
                DeValue::Array(array) => part.parse::<usize>().ok().and_then(|index| array.get(index)),
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_) => None,
            };
            let Some(below) = below else { return (at.span(), false) };
            at = below;
        }
        (at.span(), true)
    }
}
