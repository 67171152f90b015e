//! The tables of a scenario: objectives, faults with their proofs, data, differences, gaps.

use maud::{Markup, html};

use crate::evidence::Connection;
use crate::measure::text::{duration, some};
use crate::measure::{DataMeasure, FaultSpan, Measurements, ProbeMeasure, SameMeasure, SetMeasure, VolumeMeasure};
use crate::report::text;

use super::histories;
use crate::verdict::{Judgement, Outcome};

pub(super) fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Inconclusive => "inconclusive",
    }
}

pub(super) fn objectives(judgements: &[Judgement]) -> Markup {
    html! {
        table {
            thead { tr { th { "objective" } th {} th { "measured" } th { "bound" } th { "why" } } }
            tbody {
                @for judgement in judgements {
                    tr {
                        td { code { (judgement.objective) } }
                        td { span class={ "badge " (class(judgement.outcome)) } { (judgement.outcome.word()) } }
                        td class="number" { (judgement.measured) }
                        td class="number" { (judgement.bound) }
                        td { (judgement.reason) @if !judgement.knob.is_empty() { " " span class="knob" { "knob: " (judgement.knob) } } }
                    }
                }
            }
        }
    }
}

pub(super) fn faults(faults: &[FaultSpan]) -> Markup {
    html! {
        @if !faults.is_empty() {
            h3 { "Faults and their proof" }
            table {
                thead { tr { th { "fault" } th { "targets" } th { "injected" } th { "healed" } th { "recovered after" } th { "proof" } } }
                tbody { @for fault in faults { (fault_row(fault)) } }
            }
        }
    }
}

fn fault_row(fault: &FaultSpan) -> Markup {
    let time = |at: Option<u64>| at.map_or_else(|| "–".to_owned(), duration);
    html! {
        tr {
            td { code { (fault.step) } }
            td { (some(&fault.targets, 6)) }
            td class="number" { (time(fault.injected)) }
            td class="number" { (time(fault.healed)) }
            td class="number" { (time(fault.rto())) }
            td {
                @if !fault.problem.is_empty() { p { (fault.problem) } }
                @match &fault.proof {
                    Some(proof) => {
                        @if !proof.proven { strong { "not proven: " } }
                        (proof.statement)
                        @if !proof.canaries.is_empty() {
                            details { summary { (proof.canaries.len()) " canaries" }
                                ul { @for canary in &proof.canaries { li {
                                    (canary.path) ", " (match canary.connection { Connection::New => "new", Connection::Established => "established" })
                                    " connection: " (passes(canary.before)) " before, " (passes(canary.now)) " now"
                                } } }
                            }
                        }
                    }
                    None => { "no proof was recorded" }
                }
                @if let Some(proof) = &fault.heal_proof { p class="note" { "healed: " (proof.statement) } }
            }
        }
    }
}

const fn passes(passed: bool) -> &'static str {
    if passed { "passed" } else { "blocked" }
}

pub(super) fn outages(probes: &[ProbeMeasure]) -> Markup {
    const SHOWN: usize = 12;
    let rows: Vec<_> =
        probes.iter().flat_map(|probe| probe.outages.iter().map(move |outage| (probe, outage))).collect();
    html! {
        @if !rows.is_empty() {
            h3 { "Outages seen by probes" }
            table {
                thead { tr { th { "probe" } th { "from" } th { "length" } th { "failed" } th { "seen" } th { "during" } } }
                tbody {
                    @for (probe, outage) in rows.iter().take(SHOWN) {
                        tr {
                            td { (probe.name) } td class="number" { (duration(outage.from)) }
                            td class="number" { (duration(outage.to - outage.from)) } td class="number" { (outage.failed) }
                            td { (outage.seen) }
                            td { (outage.steps.join(", "))
                                @if let Some((phase, instance)) = &outage.phase { ", " (instance) " before " (phase.word()) } }
                        }
                    }
                }
            }
            @if rows.len() > SHOWN { p class="note" { (rows.len() - SHOWN) " more are in report.json." } }
        }
    }
}

pub(super) fn data(measures: &[DataMeasure]) -> Markup {
    html! {
        @if !measures.is_empty() {
            h3 { "Data" }
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
            h3 { "Recovered, but not the same" }
            table {
                thead { tr { th { "aspect" } th { "object" } th { "before" } th { "after" } } }
                tbody {
                    @for measure in differing {
                        @for (subject, before, after) in &measure.differences {
                            tr { td { code { (format!("{:?}", measure.aspect).to_lowercase()) } } td { (subject) } td { (before) } td { (after) } }
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
            h3 { "Clocks inside the cluster" }
            ul { @for clock in &measurements.clocks { li { (text::clock(clock)) } } }
        }
    }
}

pub(super) fn gaps(measurements: &Measurements) -> Markup {
    html! {
        @if !measurements.gaps.is_empty() {
            h3 { "What could not be observed" }
            ul { @for gap in &measurements.gaps { li { (gap) } } }
        }
    }
}
