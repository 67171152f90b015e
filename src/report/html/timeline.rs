//! The frame of a timeline: the faults by name, their windows behind all plots, and the axis below them.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::scale::{Scale, n};
use crate::measure::FaultSpan;
use crate::measure::text::duration;

/// Faults at one time stand below each other, in at most this many rows.
const ROWS: usize = 6;
/// Room for a name beside a fault that lasts no time, in percent of the plot for each character.
const CHARACTER: f64 = 0.8;

/// All plots of one scenario on one scale.
pub(super) fn timeline(scale: Scale, faults: &[FaultSpan], plots: &Markup) -> Markup {
    html! {
        div class="timeline" role="group" aria-label="timeline" {
            (windows(scale, faults))
            (names(scale, faults))
            (plots)
            (scale.axis())
        }
    }
}

fn window(fault: &FaultSpan) -> Option<(u64, u64)> {
    let from = fault.injected?;
    Some((from, fault.healed.unwrap_or(from).max(from)))
}

/// The shaded windows in which faults were in force, from injection to healing, and where the target was steady again.
fn windows(scale: Scale, faults: &[FaultSpan]) -> Markup {
    html! {
        div class="windows" aria-hidden="true" {
            @for fault in faults {
                @if let Some((from, to)) = window(fault) { i style=(scale.place(from, to)) {} }
                @if let Some(at) = fault.recovered.filter(|_| fault.injected.is_some()) {
                    b style={ "left:" (n(scale.percent(at))) "%" } {}
                }
            }
        }
    }
}

/// The names of the faults, each at its injection.
fn names(scale: Scale, faults: &[FaultSpan]) -> Markup {
    let mut ends = [0.0_f64; ROWS];
    let mut placed = Vec::new();
    for fault in faults {
        let Some((from, to)) = window(fault) else { continue };
        let (left, right) = (scale.percent(from), scale.percent(to));
        let needed = fault.step.len() as f64 * CHARACTER;
        let row = ends.iter().position(|end| *end <= left).unwrap_or(ROWS - 1);
        ends[row] = right.max(left + needed);
        placed.push((row, left + needed > 100.0, fault, from, to));
    }
    let rows = placed.iter().map(|(row, ..)| row + 1).max().unwrap_or(0);
    html! {
        @if rows > 0 {
            div class="row steps" {
                span class="tag" { "faults" }
                div class="plot" style={ "height:" (rows * 17) "px" } {
                    @for (row, late, fault, from, to) in &placed {
                        i class=[late.then_some("late")] style={ (scale.place(*from, *to)) ";top:" (row * 17) "px" } title=(told(fault)) {
                            span { (name(&fault.step)) }
                        }
                    }
                }
            }
        }
    }
}

/// `1-pod-kill`, of which a narrow screen shows the number.
fn name(step: &str) -> Markup {
    let (number, rest) = step.split_at(step.find('-').unwrap_or(step.len()));
    html! { (number) u { (rest) } }
}

fn told(fault: &FaultSpan) -> String {
    let mut text = format!("{}: {}", fault.step, crate::measure::text::some(&fault.targets, 4));
    for (word, at) in
        [("injected at", fault.injected), ("healed at", fault.healed), ("steady again at", fault.recovered)]
    {
        if let Some(at) = at {
            let _ = write!(text, ", {word} {}", duration(at));
        }
    }
    text
}
