//! One scenario: its headline and what to change, the objectives, what happened when, and how to see it again.

use maud::{Markup, html};

use super::order::Placed;
use super::scale::Scale;
use super::words::{badge, change};
use super::{drifts, lanes, objectives, outages, plots, summary, tables, timeline};
use crate::measure::text::count;
use crate::report::{Entry, Fate, Row, text};

/// How much is told of a scenario.
#[derive(Clone, Copy, Debug)]
pub(super) struct Depth {
    /// Points of a latency plot.
    points: usize,
    /// Outages that are listed.
    outages: usize,
    /// Whether phases are told in numbers as well, and the scenario as it was understood.
    details: bool,
}

impl Depth {
    const FULL: Self = Self { points: 300, outages: 100, details: true };
    /// Of those that passed.
    pub(super) const PASSED: Self = Self { points: 100, outages: 12, details: true };
    /// Of those that passed among very many: the page must still open at once.
    pub(super) const BRIEF: Self = Self { points: 60, outages: 0, details: false };
}

/// One that did not pass, open, with the way to the next.
pub(super) fn open(placed: &Placed<'_>, next: Option<&str>) -> Markup {
    html! {
        section class={ "scenario " (placed.status.key()) } id=(placed.anchor) data-g=(placed.status.key()) data-n=(placed.row.name) {
            h3 class="title" {
                (badge(placed.status)) " " (placed.row.name)
                nav { @if let Some(next) = next { a href={ "#" (next) } { "next ↓" } } " " a href="#" { "top ↑" } }
            }
            @match &placed.row.fate {
                Fate::Judged(entry) => (judged(entry, Depth::FULL)),
                Fate::Error(failure) => (without_verdict(placed.row, &failure.reason)),
                Fate::NotRun { reason } => (without_verdict(placed.row, reason)),
            }
        }
    }
}

/// One that passed, folded into its line.
pub(super) fn folded(placed: &Placed<'_>, depth: Depth) -> Markup {
    html! {
        details class={ "scenario " (placed.status.key()) } data-g=(placed.status.key()) data-n=(placed.row.name) {
            (summary::line(placed.row))
            // A link to what is folded unfolds it: the anchor is inside.
            div class="body" id=(placed.anchor) {
                // Its name is in the line above; the outline that screen readers walk needs it here.
                h3 class="outline" { (placed.row.name) }
                @if let Some(entry) = placed.row.entry() { (judged(entry, depth)) }
            }
        }
    }
}

/// Nothing was measured: why, and how to run it.
fn without_verdict(row: &Row, reason: &str) -> Markup {
    html! {
        @for (index, line) in reason.lines().enumerate() { p class=(if index == 0 { "headline" } else { "note" }) { (line) } }
        @if !row.again.is_empty() { p class="again" { "To run it: " code { (row.again) } } }
        @if !row.file.is_empty() { p class="note" { "from " (row.file) } }
    }
}

fn judged(entry: &Entry, depth: Depth) -> Markup {
    let measured = &entry.measurements;
    let scale = Scale::of(entry);
    let verdict = &entry.verdict;
    let plots = html! {
        (plots::plots(scale, &measured.probes, &measured.strength, measured.end, depth.points))
        (lanes::lanes(scale, &measured.lanes))
    };
    html! {
        p class="headline" { (verdict.line) }
        p class="change" { (change(verdict)) }
        @if !entry.header.scenario.description.is_empty() { p class="description" { (entry.header.scenario.description) } }
        (objectives::objectives(verdict))
        h4 { "Timeline" }
        (timeline::timeline(scale, &measured.faults, &plots))
        (lanes::legend(&measured.lanes))
        (drifts::waterfall(&measured.drifts, &measured.faults, measured.end, depth.details))
        (tables::faults(scale, &measured.faults, &verdict.line))
        (outages::outages(scale, &measured.probes, depth.outages))
        (tables::data(&measured.data))
        (tables::same(&measured.same))
        (tables::clocks(measured))
        (tables::gaps(measured))
        (tables::notes(measured))
        (origin(entry, scale, depth))
    }
}

/// Where it ran, what it left, how it was written, and the command that repeats it.
fn origin(entry: &Entry, scale: Scale, depth: Depth) -> Markup {
    let written =
        if depth.details { toml::to_string(&entry.header.scenario).unwrap_or_default() } else { String::new() };
    let (header, nodes) = (&entry.header, entry.surroundings.nodes as u64);
    html! {
        h4 { "Again" }
        p class="again" { code { (header.again) } }
        p class="note" {
            (text::world(&header.world)) @if nodes > 0 { " · " (count(nodes, "node")) }
            " · seed " (header.seed) " · run " (header.run) " · started " (header.started)
            @if let Some(ended) = scale.clock(entry.measurements.end) { " · ended " (ended) }
        }
        p class="note" {
            @for (index, (path, file)) in entry.surroundings.links(&entry.name).enumerate() {
                @if index == 0 { "evidence: " } @else { " · " } a href=(path) { (file) }
            }
        }
        @if !written.is_empty() {
            details class="toml" { summary { "the scenario as it was understood" }
                pre tabindex="0" { (written) }
            }
        }
    }
}
