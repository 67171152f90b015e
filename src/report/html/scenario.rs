//! One scenario: its headline and what to change, the objectives, what happened when, and how to see it again.

use maud::{Markup, html};

use super::order::{Group, Row};
use super::scale::Scale;
use super::words::{badge, change};
use super::{drifts, lanes, objectives, outages, plots, summary, tables, timeline};
use crate::report::{Entry, text};

/// Points of a latency plot: of one that passed fewer are enough.
const POINTS: usize = 300;
const POINTS_PASSED: usize = 100;

/// One that did not pass, open, with the way to the next.
pub(super) fn open(row: &Row<'_>, next: Option<&str>) -> Markup {
    html! {
        section class={ "scenario " (row.group.class()) } id=(row.anchor) data-g=(row.group.class()) data-n=(row.entry.name) {
            h3 class="title" {
                (badge(row.group)) " " (row.entry.name)
                nav { @if let Some(next) = next { a href={ "#" (next) } { "next ↓" } } " " a href="#" { "top ↑" } }
            }
            (body(row, POINTS))
        }
    }
}

/// One that passed, folded into its line.
pub(super) fn folded(row: &Row<'_>) -> Markup {
    html! {
        details class={ "scenario " (row.group.class()) } data-g=(row.group.class()) data-n=(row.entry.name) {
            (summary::line(row))
            // A link to what is folded unfolds it: the anchor is inside.
            div class="body" id=(row.anchor) { (body(row, POINTS_PASSED)) }
        }
    }
}

fn body(row: &Row<'_>, points: usize) -> Markup {
    let entry = row.entry;
    let measured = &entry.measurements;
    let scale = Scale::of(entry);
    let verdict = &entry.verdict;
    let plots = html! {
        (plots::plots(scale, &measured.probes, &measured.strength, measured.end, points))
        (lanes::lanes(scale, &measured.lanes))
    };
    html! {
        p class="headline" { (verdict.line) }
        @if row.group != Group::Passed { p class="change" { (change(verdict)) } }
        @if !entry.header.scenario.description.is_empty() { p class="description" { (entry.header.scenario.description) } }
        (objectives::objectives(verdict))
        h4 { "Timeline" }
        (timeline::timeline(scale, &measured.faults, &plots))
        (lanes::legend(&measured.lanes))
        (drifts::waterfall(&measured.drifts, measured.end))
        (tables::faults(scale, &measured.faults, &verdict.line))
        (outages::outages(scale, &measured.probes))
        (tables::data(&measured.data))
        (tables::same(&measured.same))
        (tables::clocks(measured))
        (tables::gaps(measured))
        (origin(entry))
    }
}

/// Where it ran, how it was written, and the command that repeats it.
fn origin(entry: &Entry) -> Markup {
    let written = toml::to_string(&entry.header.scenario).unwrap_or_default();
    html! {
        h4 { "Again" }
        p class="again" { code { (entry.header.again) } }
        p class="note" {
            (text::world(&entry.header.world)) " · seed " (entry.header.seed) " · run " (entry.header.run)
            " · started " (entry.header.started)
        }
        @if !written.is_empty() {
            details class="toml" { summary { "the scenario as it was understood" }
                pre tabindex="0" { (written) }
            }
        }
    }
}
