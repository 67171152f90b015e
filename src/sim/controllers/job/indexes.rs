//! The completion indexes of an Indexed Job: how they are written (`0-2,5`), and which pod has which. Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::Object;

/// Annotation and label of a pod with its index.
pub(super) const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// A set of indexes.
pub(super) type Indexes = BTreeSet<u32>;

/// Reads `0-2,5`; what is no number or not below the number of completions is left out.
pub(super) fn parse(text: &str, completions: u32) -> Indexes {
    let intervals = text.split(',').filter_map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        Some(first..last.saturating_add(1).min(completions))
    });
    intervals.flatten().collect()
}

/// Writes indexes as the API has them: two neighbours with a comma, more of them as an interval.
pub(super) fn write(indexes: &Indexes) -> String {
    let mut text = String::new();
    let mut rest = indexes.iter().copied().peekable();
    while let Some(first) = rest.next() {
        let mut last = first;
        while rest.peek() == Some(&(last + 1)) {
            last += 1;
            rest.next();
        }
        let comma = if text.is_empty() { "" } else { "," };
        let mark = if last == first + 1 { "," } else { "-" };
        // Writing into a text cannot fail.
        let _ = if last == first { write!(text, "{comma}{first}") } else { write!(text, "{comma}{first}{mark}{last}") };
    }
    text
}

/// The index of a pod.
pub(super) fn of(pod: &Object) -> Option<u32> {
    pod.annotation(INDEX)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_read_and_written_as_the_api_has_them() {
        for (text, completions, written) in [
            ("", 5, ""),
            ("0", 5, "0"),
            ("0,1", 5, "0,1"),
            ("0-1", 5, "0,1"),
            ("0-3,7,9,10", 20, "0-3,7,9,10"),
            ("1-9", 4, "1-3"),
            ("x,2", 5, "2"),
        ] {
            assert_eq!(write(&parse(text, completions)), written, "{text}");
        }
    }
}
