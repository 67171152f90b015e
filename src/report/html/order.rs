//! Who stands where on the page: what did not pass first, each group in the order in which people count.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::report::{Row, Status};

/// What needs a look first stands first.
pub(super) const ORDER: [Status; 5] = [Status::Fail, Status::Inconclusive, Status::Error, Status::NotRun, Status::Pass];

/// As headings and filters say it.
pub(super) const fn words(status: Status) -> &'static str {
    match status {
        Status::Fail => "failed",
        Status::Inconclusive => "inconclusive",
        Status::Error => "could not be run",
        Status::NotRun => "not run",
        Status::Pass => "passed",
    }
}

/// Tells outcomes apart without colour.
pub(super) const fn symbol(status: Status) -> &'static str {
    match status {
        Status::Fail => "✗",
        Status::Inconclusive => "?",
        Status::Error => "!",
        Status::NotRun => "–",
        Status::Pass => "✓",
    }
}

/// A scenario and its place.
#[derive(Clone, Debug)]
pub(super) struct Placed<'a> {
    /// Unique on the page, the same each time: links to it can be kept.
    pub(super) anchor: String,
    pub(super) status: Status,
    pub(super) row: &'a Row,
}

/// All scenarios in the order of the page.
pub(super) fn placed(rows: &[Row]) -> Vec<Placed<'_>> {
    let mut placed: Vec<Placed<'_>> =
        rows.iter().map(|row| Placed { anchor: anchor(&row.name), status: row.status(), row }).collect();
    let rank = |status: Status| ORDER.iter().position(|other| *other == status);
    placed.sort_by(|a, b| rank(a.status).cmp(&rank(b.status)).then_with(|| natural(&a.row.name, &b.row.name)));
    let mut taken = BTreeSet::new();
    for one in &mut placed {
        let name = one.anchor.clone();
        let mut number = 2;
        while !taken.insert(one.anchor.clone()) {
            one.anchor = format!("{name}.{number}");
            number += 1;
        }
    }
    placed
}

/// The name as an anchor that needs no escaping in a link. Our own anchors begin with a colon, which no name keeps.
fn anchor(name: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    name.chars()
        .map(|character| if plain(character) { character.to_string() } else { format!("~{:x}", u32::from(character)) })
        .collect()
}

/// Names with numbers in the order in which people count: `kill-2` before `kill-10`.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while !left.is_empty() && !right.is_empty() {
        let ((text, more), (other, rest)) = (head(left), head(right));
        let numbers = text.starts_with(|c: char| c.is_ascii_digit()) && other.starts_with(|c: char| c.is_ascii_digit());
        let order = if numbers {
            let value = |digits: &str| digits.trim_start_matches('0').len();
            let significant = |digits: &'_ str| digits.trim_start_matches('0').to_owned();
            value(text).cmp(&value(other)).then_with(|| significant(text).cmp(&significant(other)))
        } else {
            text.cmp(other)
        };
        if order.is_ne() {
            return order;
        }
        (left, right) = (more, rest);
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// The digits at the beginning of a text or what stands before the next digit, and the rest.
fn head(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|character: char| character.is_ascii_digit());
    text.split_at(text.find(|character: char| character.is_ascii_digit() != digits).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_in_which_people_count() {
        let mut names = ["kill-10", "kill-1", "node-lost-short", "kill-2", "node-lost", "kill-100", "kill"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["kill", "kill-1", "kill-2", "kill-10", "kill-100", "node-lost", "node-lost-short"]);
        assert_eq!(natural("a07", "a7"), Ordering::Greater);
        assert_eq!(natural("99999999999999999999998", "99999999999999999999999"), Ordering::Less);
    }

    #[test]
    fn an_anchor_needs_no_escaping() {
        assert_eq!(anchor("pod-kill_1.2"), "pod-kill_1.2");
        assert_eq!(anchor("a b<\"#%é"), "a~20b~3c~22~23~25~e9");
    }
}
