//! The phase waterfall: where the time of each drift went, as bars and, folded, as numbers.

use maud::{Markup, html};

use super::scale::n;
use crate::measure::text::duration;
use crate::measure::{Drift, FaultSpan, OldEnd};
use crate::scenario::Phase;

/// More drifts than this are not drawn; the slowest are.
const SHOWN: usize = 40;
/// What a character of a name in a bar needs, in percent of the row.
const CHARACTER: f64 = 0.8;

/// The waterfall, slowest first when there are many; with `details` the phases in numbers as well. Where the whole target
/// was steady again after the fault is marked on each bar: the bar itself counts one instance.
pub(super) fn waterfall(drifts: &[Drift], faults: &[FaultSpan], end: u64, details: bool) -> Markup {
    let mut order: Vec<&Drift> = drifts.iter().collect();
    if drifts.len() > SHOWN {
        order.sort_by_key(|drift| std::cmp::Reverse(drift.total().unwrap_or(u64::MAX)));
        order.truncate(SHOWN);
    }
    let recovery = |drift: &Drift| recovery(drift, faults);
    let reach = |drift: &&Drift| length(drift, end).max(recovery(drift).unwrap_or(0));
    let longest = order.iter().map(reach).max().unwrap_or(1).max(1);
    let marked = order.iter().any(|drift| recovery(drift).is_some());
    html! {
        @if !drifts.is_empty() {
            h4 { "Drifts: where the time went" }
            div class="waterfall" { @for drift in &order { (one(drift, recovery(drift), longest, end)) } }
            (legend(&order, marked))
            p class="note" {
                "A bar counts one instance: from the injection until its successor answered a probe (or was Ready, where nothing probes it)."
                @if marked { " The mark is rto, which counts the whole target: until it was steady again and stayed so." }
            }
            @if details { (numbers(&order, faults)) }
            @if drifts.len() > SHOWN { p class="note" { "The " (SHOWN) " slowest of " (drifts.len()) " drifts; all are in report.json." } }
        }
    }
}

/// From the injection that a drift is counted from until the target was steady again.
fn recovery(drift: &Drift, faults: &[FaultSpan]) -> Option<u64> {
    let step = drift.step.as_ref()?;
    let fault = faults.iter().find(|fault| fault.step == *step)?;
    fault.recovered?.checked_sub(drift.from)
}

fn legend(drifts: &[&Drift], marked: bool) -> Markup {
    let used = |phase: Phase| drifts.iter().any(|drift| drift.edges.iter().any(|edge| edge.phase == phase));
    html! {
        p class="legend" {
            @for phase in Phase::ALL.into_iter().filter(|phase| used(*phase)) {
                span class="key" { i class={ "p-" (phase.word()) } {} (phase.word()) }
            }
            @if drifts.iter().any(|drift| drift.stuck.is_some()) { span class="key" { i class="stuck" {} "stuck" } }
            @if marked { span class="key" { i class="rto" {} "target steady again (rto)" } }
        }
    }
}

fn length(drift: &Drift, end: u64) -> u64 {
    drift.total().unwrap_or_else(|| end.saturating_sub(drift.from))
}

fn one(drift: &Drift, recovery: Option<u64>, longest: u64, end: u64) -> Markup {
    let share = |micros: u64| micros as f64 / longest as f64 * 100.0;
    let phases = drift.phases();
    let reached: u64 = phases.iter().map(|(_, took)| took).sum();
    let rest = share(length(drift, end).saturating_sub(reached));
    html! {
        div class="drift" {
            span class="tag" { b { (drift.instance) } " " small { (path(drift)) } }
            div class="bars" {
                @for (phase, took) in phases.into_iter().filter(|(_, took)| *took > 0) {
                    @let width = share(took);
                    @let name = format!("{} {}", phase.word(), duration(took));
                    i class={ "p-" (phase.word()) } style={ "width:" (n(width)) "%" } title=(name) {
                        @if width >= name.len() as f64 * CHARACTER { (name) }
                    }
                }
                @if let Some(stuck) = &drift.stuck {
                    i class="stuck" style={ "width:" (n(rest)) "%" } title={ "stuck before " (stuck.phase.word()) ": " (stuck.why) } {
                        @if rest >= 20.0 * CHARACTER { span { "stuck before " (stuck.phase.word()) } }
                    }
                }
                @if let Some(took) = recovery {
                    b class="rto" style={ "left:" (n(share(took))) "%" } title={ "target steady again: rto " (duration(took)) } {}
                }
            }
            span class="total" { @match drift.total() { Some(total) => { (duration(total)) } None => { "never" } } }
        }
    }
}

/// The same as numbers, for those who cannot hover, see or print bars.
fn numbers(drifts: &[&Drift], faults: &[FaultSpan]) -> Markup {
    html! {
        details { summary { "phases in numbers" }
            table class="stack" {
                thead { tr { th { "instance" } th { "moved" } th { "phases" } th { "total" } th { "target steady after" } } }
                tbody { @for drift in drifts { tr {
                    td data-l="instance" { (drift.instance) }
                    td data-l="moved" { (path(drift)) }
                    td data-l="phases" {
                        @for (index, (phase, took)) in drift.phases().into_iter().enumerate() {
                            @if index > 0 { ", " } (phase.word()) " " (duration(took))
                        }
                        @if let Some(stuck) = &drift.stuck { "; stuck before " (stuck.phase.word()) ": " (stuck.why) }
                    }
                    td data-l="total" class="number" { @match drift.total() { Some(total) => { (duration(total)) } None => { "never" } } }
                    td data-l="target steady after" class="number" { (recovery(drift, faults).map_or_else(|| "–".to_owned(), duration)) }
                } } }
            }
        }
    }
}

fn path(drift: &Drift) -> String {
    let end = match drift.old_end {
        OldEnd::Graceful => "",
        OldEnd::Killed => ", killed",
        OldEnd::NeverConfirmed => ", end never confirmed",
    };
    let new = drift.new.as_ref().map_or("nowhere", |new| if new.node.is_empty() { "no node" } else { &new.node });
    if drift.new.is_some() && !drift.moved() {
        return format!("stayed on {}{end}", drift.old.node);
    }
    format!("{} → {new}{end}", drift.old.node)
}
