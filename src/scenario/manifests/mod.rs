//! Fixture manifests: text as `kubectl apply` takes it in, Kubernetes objects as JSON out, each with the places of its
//! fields. Knows no kinds; whether an object is valid, the API server says.

mod documents;
mod object;
mod scalar;
mod tree;

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

pub use documents::{documents, manifests};
pub(super) use object::{is_list, mistake};

use super::codes::Code;
use super::diagnostic::Diagnostic;

/// Where the fields of one document stand: byte offsets by path (`spec.ports[0].name`; the whole document has an empty one).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(BTreeMap<String, usize>);

impl Places {
    /// Notes where a field begins.
    fn note(&mut self, path: &str, offset: usize) {
        self.0.entry(path.to_owned()).or_insert(offset);
    }

    /// Where a field begins; the nearest thing above it that is written, when it is not.
    #[must_use]
    pub fn offset(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(offset) = self.0.get(path) {
                return *offset;
            }
            // Keys may hold dots and brackets themselves, so that the longest known beginning counts.
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return self.0.get("").copied().unwrap_or(0),
            }
        }
    }

    /// What lies below a path, with paths of its own: the places of one item of a list.
    fn below(&self, path: &str) -> Self {
        let inner = self.0.iter().filter_map(|(known, offset)| {
            let rest = known.strip_prefix(path)?;
            if rest.is_empty() {
                Some((String::new(), *offset))
            } else {
                Some((rest.strip_prefix('.')?.to_owned(), *offset))
            }
        });
        Self(inner.collect())
    }
}

/// One object of a manifest, and where it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The file, as the person named it.
    pub file: String,
    /// The object as JSON.
    pub object: Value,
    /// Where its fields stand in the file.
    pub places: Places,
}

impl Manifest {
    /// What the API server, or the scenario, has against a field of this object; `text` is the file's.
    #[must_use]
    pub fn refusal(&self, text: &str, code: Code, field: &str, message: String, help: &str) -> Diagnostic {
        let span = line_at(text, self.places.offset(field));
        let mut diagnostic = Diagnostic::new(code, span, message).help(help);
        self.file.clone_into(&mut diagnostic.file);
        diagnostic
    }
}

/// From an offset to the end of its line, without the white space around it.
fn line_at(text: &str, offset: usize) -> Range<usize> {
    let start = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let line = text[start..].lines().next().unwrap_or_default();
    start..start + line.trim_end().len()
}
