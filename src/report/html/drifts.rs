//! The phase waterfall: where the time of each drift went.

use maud::{Markup, html};

use super::scale::{WIDTH, n};
use crate::measure::text::duration;
use crate::measure::{Drift, OldEnd};
use crate::scenario::Phase;

/// More drifts than this are not drawn; the slowest are.
const SHOWN: usize = 40;
const NAME: f64 = 260.0;
const ROOM: f64 = WIDTH - NAME - 90.0;

/// The waterfall, slowest first when there are many.
pub(super) fn waterfall(drifts: &[Drift], end: u64) -> Markup {
    let mut order: Vec<&Drift> = drifts.iter().collect();
    if drifts.len() > SHOWN {
        order.sort_by_key(|drift| std::cmp::Reverse(drift.total().unwrap_or(u64::MAX)));
    }
    let longest = order.iter().take(SHOWN).map(|drift| length(drift, end)).max().unwrap_or(1).max(1);
    html! {
        @if !drifts.is_empty() {
            h3 { "Drifts: where the time went" }
            svg viewBox={ "0 0 " (WIDTH) " " (n(25.0 * order.len().min(SHOWN) as f64 + 4.0)) } role="img" aria-label="phases of each drift" {
                @for (index, drift) in order.iter().take(SHOWN).enumerate() { (one(drift, 25.0 * index as f64, longest, end)) }
            }
            p class="legend" {
                @for phase in Phase::ALL { span class="key" { i class={ "p-" (phase.word()) } {} (phase.word()) } }
                span class="key" { i class="stuck" {} "stuck" }
            }
            @if drifts.len() > SHOWN { p class="note" { "The " (SHOWN) " slowest of " (drifts.len()) " drifts; all are in report.json." } }
        }
    }
}

fn length(drift: &Drift, end: u64) -> u64 {
    drift.total().unwrap_or_else(|| end.saturating_sub(drift.from))
}

fn one(drift: &Drift, y: f64, longest: u64, end: u64) -> Markup {
    let x = |micros: u64| NAME + micros as f64 / longest as f64 * ROOM;
    let mut at = 0;
    let bars: Vec<_> = drift
        .phases()
        .into_iter()
        .map(|(phase, took)| {
            let from = at;
            at += took;
            (phase, from, took)
        })
        .collect();
    let whole = length(drift, end);
    html! {
        text class="label" x=(NAME - 8.0) y=(n(y + 10.0)) text-anchor="end" { (drift.instance) }
        text class="label minor" x=(NAME - 8.0) y=(n(y + 19.0)) text-anchor="end" { (path(drift)) }
        @for (phase, from, took) in &bars {
            @if *took > 0 {
                rect class={ "p-" (phase.word()) } x=(n(x(*from))) y=(n(y + 3.0)) height="13"
                    width=(n((x(from + took) - x(*from)).max(0.5))) {
                    title { (phase.word()) ": " (duration(*took)) }
                }
            }
        }
        @if let Some(stuck) = &drift.stuck {
            rect class="stuck" x=(n(x(at))) y=(n(y + 3.0)) height="13" width=(n((x(whole) - x(at)).max(1.0))) {
                title { "stuck before " (stuck.phase.word()) ": " (stuck.why) }
            }
        }
        text class="label" x=(n(x(whole) + 6.0)) y=(n(y + 14.0)) {
            @match drift.total() { Some(total) => { (duration(total)) } None => { "never" } }
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
