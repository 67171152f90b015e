//! The page: a summary of all scenarios, then one section for each.

use maud::{DOCTYPE, Markup, PreEscaped, html as page};

use super::scale::Scale;
use super::{drifts, lanes, plots, tables};
use crate::report::markdown::Numbers;
use crate::report::{Entry, Fate, Results, Row, Status, text};
use crate::verdict::Outcome;

const STYLE: &str = include_str!("style.css");

/// Renders `report.html`.
#[must_use]
pub fn html(results: &Results) -> String {
    let tally = results.tally();
    let markup = page! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Driftproof: " (tally) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    @for row in results.rows.iter().filter(|row| !row.dirty().is_empty()) {
                        p class="dirty" { strong { "LEFT DIRTY " } (row.name) ": " (row.dirty().join("; ")) }
                    }
                    h1 { "Driftproof" span class="tally" { (tally) } }
                    @if let Some(entry) = results.entries().next() {
                        p class="note" { (text::world(&entry.header.world)) " · seed " (entry.header.seed) " · " (entry.header.tool)
                            " · started " (entry.header.started) }
                    }
                    (summary(&results.rows))
                }
                main { @for row in &results.rows { (section(row)) } }
            }
        }
    };
    markup.into_string()
}

const fn class(status: Status) -> &'static str {
    match status {
        Status::Pass => "pass",
        Status::Fail => "fail",
        Status::Inconclusive => "inconclusive",
        Status::Error => "error",
        Status::NotRun => "not-run",
    }
}

fn badge(status: Status) -> Markup {
    page! { span class={ "badge " (class(status)) } { (status.word()) } }
}

fn summary(rows: &[Row]) -> Markup {
    page! {
        table class="summary" {
            thead { tr { th {} th { "scenario" } th { "rto" } th { "rpo" } th { "availability" } th { "longest outage" } th { "result" } } }
            tbody {
                @for row in rows {
                    @let numbers = row.entry().map(|entry| Numbers::of(&entry.measurements)).unwrap_or_default();
                    tr {
                        td { (badge(row.status())) }
                        td { a href={ "#" (row.name) } { (row.name) } }
                        td class="number" { (numbers.rto) } td class="number" { (numbers.rpo) }
                        td class="number" { (numbers.availability) } td class="number" { (numbers.longest_outage) }
                        td { (row.line()) }
                    }
                }
            }
        }
    }
}

fn section(row: &Row) -> Markup {
    match &row.fate {
        Fate::Judged(entry) => judged(entry),
        Fate::Error(failure) => without_verdict(row, &failure.reason),
        Fate::NotRun { reason } => without_verdict(row, reason),
    }
}

/// Nothing was measured: why, and how to run it.
fn without_verdict(row: &Row, reason: &str) -> Markup {
    page! {
        section id=(row.name) class=(class(row.status())) {
            h2 { (badge(row.status())) " " (row.name) }
            @for line in reason.lines() { p class="line" { (line) } }
            @if !row.again.is_empty() { p class="again" { "To run it: " code { (row.again) } } }
        }
    }
}

fn judged(entry: &Entry) -> Markup {
    let measured = &entry.measurements;
    let scale = Scale::of(measured);
    let scenario = &entry.header.scenario;
    page! {
        section id=(entry.name) class=(tables::class(entry.verdict.outcome)) {
            h2 { span class={ "badge " (tables::class(entry.verdict.outcome)) } { (entry.verdict.outcome.word()) } " " (entry.name) }
            @if !scenario.description.is_empty() { p class="description" { (scenario.description) } }
            p class="line" { (entry.verdict.line) }
            (tables::objectives(&entry.verdict.objectives))
            h3 { "Timeline" }
            div class="timeline" {
                (plots::plots(scale, &measured.faults, &measured.probes, &measured.strength, measured.end))
                (lanes::lanes(scale, &measured.faults, &measured.lanes))
                (scale.axis())
            }
            (drifts::waterfall(&measured.drifts, measured.end))
            (tables::faults(&measured.faults))
            (tables::outages(&measured.probes))
            (tables::data(&measured.data))
            (tables::same(&measured.same))
            (tables::clocks(measured))
            (tables::gaps(measured))
            p class="again" { @if entry.verdict.outcome == Outcome::Pass { "Again: " } @else { "To see it again: " } code { (entry.header.again) } }
        }
    }
}
