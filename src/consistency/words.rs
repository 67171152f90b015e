//! How operations are named in sentences. Knows no model.

use super::history::Operation;

/// The key as people read it.
pub(crate) fn key_of(operation: &Operation) -> Option<String> {
    operation.key.as_ref().map(ToString::to_string)
}

/// `a, b and c`.
pub(crate) fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
