//! The outages that probes saw: how many, how long in all, the longest; each single one folded below.

use maud::{Markup, html};

use super::scale::Scale;
use crate::measure::text::{count, duration};
use crate::measure::{Outage, ProbeMeasure};

/// More outages than this are not listed.
const LISTED: usize = 100;
/// A few are not worth folding.
const UNFOLDED: usize = 3;

pub(super) fn outages(scale: Scale, probes: &[ProbeMeasure]) -> Markup {
    let seen: Vec<&ProbeMeasure> = probes.iter().filter(|probe| !probe.outages.is_empty()).collect();
    let rows: Vec<(&ProbeMeasure, &Outage)> =
        seen.iter().flat_map(|probe| probe.outages.iter().map(|outage| (*probe, outage))).collect();
    html! {
        @if !seen.is_empty() {
            h4 { "Outages seen by probes" }
            table class="stack" {
                thead { tr { th { "probe" } th { "outages" } th { "in all" } th { "longest" } th { "the longest was seen" } } }
                tbody { @for probe in &seen { (sums(scale, probe)) } }
            }
            @if rows.len() > seen.len() {
                details open[rows.len() <= UNFOLDED] {
                    summary { "all " (count(rows.len() as u64, "outage")) }
                    (list(scale, &rows))
                    @if rows.len() > LISTED { p class="note" { (rows.len() - LISTED) " more are in report.json." } }
                }
            }
        }
    }
}

fn sums(scale: Scale, probe: &ProbeMeasure) -> Markup {
    let longest = probe.outages.iter().max_by_key(|outage| outage.to - outage.from);
    let total: u64 = probe.outages.iter().map(|outage| outage.to - outage.from).sum();
    html! {
        tr {
            td data-l="probe" { (probe.name) }
            td data-l="outages" class="number" { (probe.outages.len()) }
            td data-l="in all" class="number" { (duration(total)) }
            @if let Some(outage) = longest {
                td data-l="longest" class="number" { (duration(outage.to - outage.from)) }
                td data-l="seen" { "from " (scale.instant(outage.from)) ", " (outage.failed) " failed: " (outage.seen) (during(outage)) }
            }
        }
    }
}

fn list(scale: Scale, rows: &[(&ProbeMeasure, &Outage)]) -> Markup {
    html! {
        table class="stack" {
            thead { tr { th { "probe" } th { "from" } th { "length" } th { "failed" } th { "seen" } } }
            tbody { @for (probe, outage) in rows.iter().take(LISTED) { tr {
                td data-l="probe" { (probe.name) }
                td data-l="from" class="number" { (scale.instant(outage.from)) }
                td data-l="length" class="number" { (duration(outage.to - outage.from)) }
                td data-l="failed" class="number" { (outage.failed) }
                td data-l="seen" { (outage.seen) (during(outage)) }
            } } }
        }
    }
}

fn during(outage: &Outage) -> Markup {
    html! {
        @if !outage.steps.is_empty() { ", during " (outage.steps.join(", ")) }
        @if let Some((phase, instance)) = &outage.phase { ", " (instance) " before " (phase.word()) }
    }
}
