//! The tables of a scenario: faults with their proofs, data, differences, clocks, gaps.

use maud::{Markup, html};

use crate::evidence::{CanaryResult, Connection};
use crate::measure::text::{count, duration, some};
use crate::measure::{DataMeasure, FaultSpan, Measurements, SameMeasure, SetMeasure, VolumeMeasure};
use crate::report::text;

use super::histories;
use super::scale::Scale;

/// What was injected and how it is known that it bit. `line` is the headline: what it says is not said again.
pub(super) fn faults(scale: Scale, faults: &[FaultSpan], line: &str) -> Markup {
    html! {
        @if !faults.is_empty() {
            h4 { "Faults and their proof" }
            table class="stack" {
                thead { tr { th { "fault" } th { "targets" } th { "injected" } th { "healed" } th { "recovered after" } th { "proof" } } }
                tbody { @for fault in faults { (fault_row(scale, fault, line)) } }
            }
        }
    }
}

fn fault_row(scale: Scale, fault: &FaultSpan, line: &str) -> Markup {
    let time = |at: Option<u64>| html! { @match at { Some(at) => (scale.instant(at)), None => "–" } };
    html! {
        tr {
            td data-l="fault" { code { (fault.step) } }
            td data-l="targets" class="names" { (some(&fault.targets, 6)) }
            td data-l="injected" class="number" { (time(fault.injected)) }
            td data-l="healed" class="number" { (time(fault.healed)) }
            td data-l="recovered after" class="number" { (fault.rto().map_or_else(|| "–".to_owned(), duration)) }
            td data-l="proof" {
                @if !fault.problem.is_empty() { p { (unless_said(&fault.problem, line)) } }
                @match &fault.proof {
                    Some(proof) => {
                        @if !proof.proven { strong { "not proven: " } }
                        (unless_said(&proof.statement, line))
                        (canaries(&proof.canaries))
                    }
                    None => { "no proof was recorded" }
                }
                @if let Some(proof) = &fault.heal_proof { p class="note" { "healed: " (proof.statement) } }
            }
        }
    }
}

fn unless_said(text: &str, line: &str) -> Markup {
    html! { @if line.contains(text) { span class="note" { "as said above" } } @else { (text) } }
}

fn canaries(canaries: &[CanaryResult]) -> Markup {
    html! {
        @if !canaries.is_empty() {
            details { summary { (count(canaries.len() as u64, "connection")) " tried" }
                ul { @for canary in canaries { li {
                    (canary.path) ", " (match canary.connection { Connection::New => "new", Connection::Established => "established" })
                    " connection: " (passes(canary.before)) " before, " (passes(canary.now)) " now"
                } } }
            }
        }
    }
}

const fn passes(passed: bool) -> &'static str {
    if passed { "passed" } else { "blocked" }
}

pub(super) fn data(measures: &[DataMeasure]) -> Markup {
    html! {
        @if !measures.is_empty() {
            h4 { "Data" }
            @for measure in measures {
                @match measure { DataMeasure::Set(set) => (set_check(set)), DataMeasure::Volume(volume) => (volume_check(volume)), DataMeasure::History(history) => (histories::history(history)) }
            }
        }
    }
}

fn set_check(set: &SetMeasure) -> Markup {
    html! {
        p {
            strong { (set.name) } ": " (set.acknowledged) " writes acknowledged (" (set.acknowledged_in_fault) " during faults), "
            (set.indeterminate) " indeterminate, " (set.refused) " refused; "
            strong { (set.lost.len()) " lost" } ", " (set.duplicated.len()) " duplicated, " (set.phantom.len()) " phantom"
            @if let Some((first, last)) = set.lost_between { " (lost ones were written between " (duration(first)) " and " (duration(last)) ")" }
        }
        @if set.missing_on.iter().any(|(_, missing)| *missing > 0) || !set.unread.is_empty() {
            ul {
                @for (replica, missing) in set.missing_on.iter().filter(|(_, missing)| *missing > 0) {
                    li { (replica) " lacks " (missing) " of the acknowledged writes" }
                }
                @for (replica, why) in &set.unread { li { (replica) " could not be read: " (why) } }
            }
        }
    }
}

fn volume_check(volume: &VolumeMeasure) -> Markup {
    let side = |rows: &[(String, String, u64)]| {
        rows.iter()
            .map(|(pod, digest, files)| format!("{pod}: {files} files, {}", digest.get(..19).unwrap_or(digest)))
            .collect::<Vec<_>>()
            .join("; ")
    };
    html! {
        p { strong { (volume.name) } ": before " (side(&volume.before)) "; after " (side(&volume.after)) }
        @for (pod, why) in &volume.unread { p class="note" { (pod) " could not be read: " (why) } }
    }
}

pub(super) fn same(measures: &[SameMeasure]) -> Markup {
    let differing: Vec<_> = measures.iter().filter(|measure| !measure.differences.is_empty()).collect();
    html! {
        @if !differing.is_empty() {
            h4 { "Recovered, but not the same" }
            table class="stack" {
                thead { tr { th { "aspect" } th { "object" } th { "before" } th { "after" } } }
                tbody {
                    @for measure in differing {
                        @for (subject, before, after) in &measure.differences {
                            tr {
                                td data-l="aspect" { code { (format!("{:?}", measure.aspect).to_lowercase()) } }
                                td data-l="object" class="names" { (subject) }
                                td data-l="before" { (before) }
                                td data-l="after" { (after) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How far times from inside the cluster can be trusted.
pub(super) fn clocks(measurements: &Measurements) -> Markup {
    html! {
        @if !measurements.clocks.is_empty() {
            h4 { "Clocks inside the cluster" }
            ul { @for clock in &measurements.clocks { li { (text::clock(clock)) } } }
        }
    }
}

/// What the run did without.
pub(super) fn notes(measured: &Measurements) -> Markup {
    html! { @for note in &measured.notes { p class="note" { "Note: " (note) } } }
}

pub(super) fn gaps(measurements: &Measurements) -> Markup {
    html! {
        @if !measurements.gaps.is_empty() {
            h4 { "What could not be observed" }
            ul { @for gap in &measurements.gaps { li { (gap) } } }
        }
    }
}
