//! The page: a summary of all scenarios, then one section for each.

use maud::{DOCTYPE, Markup, PreEscaped, html as page};

use super::scale::Scale;
use super::{drifts, lanes, plots, tables};
use crate::report::markdown::Numbers;
use crate::report::{Entry, text};
use crate::verdict::Outcome;

const STYLE: &str = include_str!("style.css");

/// Renders `report.html`.
#[must_use]
pub fn html(entries: &[Entry]) -> String {
    let tally = text::tally(entries.iter().map(|entry| entry.verdict.outcome));
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
                    @for entry in entries.iter().filter(|entry| !entry.verdict.dirty.is_empty()) {
                        p class="dirty" { strong { "LEFT DIRTY " } (entry.name) ": " (entry.verdict.dirty.join("; ")) }
                    }
                    h1 { "Driftproof" span class="tally" { (tally) } }
                    @if let Some(entry) = entries.first() {
                        p class="note" { (text::world(&entry.header.world)) " · seed " (entry.header.seed) " · " (entry.header.tool)
                            " · started " (entry.header.started) }
                    }
                    (summary(entries))
                }
                main { @for entry in entries { (section(entry)) } }
            }
        }
    };
    markup.into_string()
}

fn summary(entries: &[Entry]) -> Markup {
    page! {
        table class="summary" {
            thead { tr { th {} th { "scenario" } th { "rto" } th { "rpo" } th { "availability" } th { "longest outage" } th { "result" } } }
            tbody {
                @for entry in entries {
                    @let numbers = Numbers::of(&entry.measurements);
                    tr {
                        td { span class={ "badge " (tables::class(entry.verdict.outcome)) } { (entry.verdict.outcome.word()) } }
                        td { a href={ "#" (entry.name) } { (entry.name) } }
                        td class="number" { (numbers.rto) } td class="number" { (numbers.rpo) }
                        td class="number" { (numbers.availability) } td class="number" { (numbers.longest_outage) }
                        td { (entry.verdict.line) }
                    }
                }
            }
        }
    }
}

/// With many scenarios only those that need a look are open.
fn section(entry: &Entry) -> Markup {
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
