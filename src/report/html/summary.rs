//! What did not pass, in one table at the top: the numbers with their bounds, why, and what to change.

use maud::{Markup, html};

use super::order::Placed;
use super::words::{badge, change, shortened};
use crate::report::{Figures, Row, Status};
use crate::verdict::Outcome;

/// The whole text stands below, at the scenario.
const WHY: usize = 180;

/// The columns of numbers: heading and the objective that bounds it.
const COLUMNS: [(&str, &str); 4] =
    [("rto", "rto"), ("rpo", "rpo"), ("availability", "availability"), ("longest outage", "longest_outage")];

/// The table of those that did not pass; nothing when all did.
pub(super) fn summary(placed: &[Placed<'_>]) -> Markup {
    let open = || placed.iter().filter(|one| one.status != Status::Pass);
    html! {
        @if open().next().is_some() {
            table class="stack summary" {
                thead { tr { th { "result" } th { "scenario" } @for (word, _) in COLUMNS { th { (word) } } th { "why, and what to change" } } }
                tbody { @for placed in open() { (one(placed)) } }
            }
        }
    }
}

fn one(placed: &Placed<'_>) -> Markup {
    let row = placed.row;
    html! {
        tr data-g=(placed.status.key()) data-n=(row.name) {
            td { (badge(placed.status)) }
            td class="name" { a href={ "#" (placed.anchor) } { (row.name) } }
            @for (word, class, number) in numbers(row) { td data-l=(word) class=(class) { (number) } }
            td class="why" { (shortened(row.line(), WHY)) @if let Some(entry) = row.entry() { p { (change(&entry.verdict)) } } }
        }
    }
}

/// The headings of the folded lines of those that passed.
pub(super) fn headings() -> Markup {
    html! {
        div class="line head" aria-hidden="true" { span {} span { "scenario" } @for (word, _) in COLUMNS { span { (word) } } span { "result" } }
    }
}

/// One that passed, in a line that unfolds.
pub(super) fn line(row: &Row) -> Markup {
    html! {
        summary class="line" {
            (badge(row.status()))
            b { (row.name) }
            @for (word, class, number) in numbers(row) { span data-l=(word) class=(class) { (number) } }
            span class="why" { (shortened(row.line(), WHY)) }
        }
    }
}

/// The numbers of a scenario, each with its bound where it has one: without it, 18 % beside PASS looks like a mistake.
fn numbers(row: &Row) -> impl Iterator<Item = (&'static str, &'static str, Markup)> {
    let figures = row.entry().map(|entry| Figures::of(&entry.measurements)).unwrap_or_default();
    COLUMNS.into_iter().zip(figures.words()).map(|((word, objective), number)| {
        let objectives = row.entry().map(|entry| entry.verdict.objectives.as_slice()).unwrap_or_default();
        let judged = objectives.iter().find(|judgement| judgement.objective == objective);
        let failed = judged.is_some_and(|judgement| judgement.outcome == Outcome::Fail);
        let bound = judged.map(|judgement| judgement.bound.as_str()).filter(|bound| !bound.is_empty());
        let cell = html! {
            span class=[failed.then_some("broken")] { (number) @if failed { " ✗" } }
            @if let Some(bound) = bound { " " small { (bound) } }
        };
        (word, if number == "–" { "number none" } else { "number" }, cell)
    })
}
