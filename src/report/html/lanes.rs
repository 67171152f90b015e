//! A lane for each pod, coloured by node, so that a drift is seen as a change of colour.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::scale::{LEFT, Scale, WIDTH, n};
use crate::measure::text::duration;
use crate::measure::{FaultSpan, Lane, LaneState};

/// Colours by node name, in the order of names.
#[derive(Debug)]
pub(super) struct NodeColours(BTreeMap<String, usize>);

impl NodeColours {
    pub(super) fn of(lanes: &[Lane]) -> Self {
        let names =
            lanes.iter().flat_map(|lane| &lane.spans).map(|span| span.node.clone()).filter(|node| !node.is_empty());
        let mut colours: BTreeMap<String, usize> = names.map(|node| (node, 0)).collect();
        colours.values_mut().enumerate().for_each(|(index, colour)| *colour = index);
        Self(colours)
    }

    /// A colour that is readable on light and on dark ground. Neighbouring indexes are far apart (golden angle).
    pub(super) fn css(&self, node: &str) -> String {
        match self.0.get(node) {
            Some(index) => format!("hsl({:.0} 58% 52%)", (210.0 + 137.508 * *index as f64) % 360.0),
            None => "var(--idle)".to_owned(),
        }
    }

    fn legend(&self) -> Markup {
        const SHOWN: usize = 24;
        html! {
            p class="legend" {
                @for node in self.0.keys().take(SHOWN) {
                    span class="key" { i style={ "background:" (self.css(node)) } {} (node) }
                }
                @if self.0.len() > SHOWN { span class="key" { "… and " (self.0.len() - SHOWN) " more nodes" } }
                span class="key" { i class="pending" {} "pending" }
                span class="key" { i class="running" {} "not ready" }
                span class="key" { i class="terminating" {} "terminating" }
            }
        }
    }
}

/// Lanes are high enough for a label up to this many pods, and thinner beyond.
const LABELLED: usize = 60;
/// More lanes than this are thinner than a pixel: pods that nothing happened to are left out.
const DRAWN: usize = 600;

/// The lanes: oldest pod first when there are few, node by node when there are many.
pub(super) fn lanes(scale: Scale, faults: &[FaultSpan], lanes: &[Lane]) -> Markup {
    let colours = NodeColours::of(lanes);
    let shown = selected(lanes);
    let pitch = if shown.len() <= LABELLED { 14.0 } else { (840.0 / shown.len() as f64).max(1.4) };
    let height = pitch * shown.len() as f64 + 4.0;
    html! {
        @if !shown.is_empty() {
            svg viewBox={ "0 0 " (WIDTH) " " (n(height)) } role="img" aria-label="pods by node" {
                (scale.faults(faults, height))
                @if shown.len() > LABELLED {
                    text class="label" x=(LEFT - 8.0) y="14" text-anchor="end" { (lanes.len()) " pods" }
                    text class="label minor" x=(LEFT - 8.0) y="26" text-anchor="end" { "node by node" }
                }
                @for (index, lane) in shown.iter().enumerate() {
                    (one(scale, &colours, lane, index as f64 * pitch + 2.0, pitch, shown.len() <= LABELLED))
                }
            }
            (colours.legend())
            @if shown.len() < lanes.len() {
                p class="note" { (lanes.len() - shown.len()) " pods, mostly undisturbed ones, are not drawn; all are in report.json." }
            }
        }
    }
}

/// All lanes when they are few; else node by node, and of very many those to which something happened.
fn selected(lanes: &[Lane]) -> Vec<&Lane> {
    let mut shown: Vec<&Lane> = lanes.iter().collect();
    if shown.len() > DRAWN {
        let end = lanes.iter().filter_map(|lane| lane.spans.last()).map(|span| span.to).max().unwrap_or(0);
        let begun = |lane: &Lane| lane.spans.first().map_or(0, |span| span.from);
        let start = lanes.iter().map(begun).min().unwrap_or(0);
        // Undisturbed: there from about the start (a tenth of the run is for starting up), to the end, Ready once.
        let calm = |lane: &Lane| {
            let ready = lane.spans.iter().filter(|span| span.state == LaneState::Ready).count();
            let last = lane.spans.last().is_some_and(|span| span.to == end && span.state == LaneState::Ready);
            ready <= 1 && last && begun(lane) <= start + (end - start) / 10
        };
        shown.retain(|lane| !calm(lane));
        shown.truncate(DRAWN);
    }
    if shown.len() > LABELLED {
        let node = |lane: &Lane| lane.spans.iter().find(|span| !span.node.is_empty()).map(|span| span.node.clone());
        let start = |lane: &Lane| lane.spans.first().map_or(0, |span| span.from);
        shown.sort_by_key(|lane| (start(lane) / 30_000_000, node(lane), start(lane)));
    }
    shown
}

fn one(scale: Scale, colours: &NodeColours, lane: &Lane, y: f64, pitch: f64, labelled: bool) -> Markup {
    let height = if pitch > 6.0 { pitch - 3.0 } else { pitch * 0.8 };
    html! {
        @if labelled {
            text class="label minor" x=(LEFT - 8.0) y=(n(y + height - 2.0)) text-anchor="end" { (shortened(&lane.pod)) }
        }
        @for span in &lane.spans {
            rect class={ "lane " (class(span.state)) } x=(n(scale.x(span.from))) y=(n(y)) height=(n(height))
                width=(n(scale.width(span.from, span.to))) fill=(colours.css(&span.node)) {
                title { (lane.pod) " on " (if span.node.is_empty() { "no node" } else { &span.node }) ", " (class(span.state))
                    " from " (duration(span.from)) " to " (duration(span.to)) }
            }
        }
    }
}

const fn class(state: LaneState) -> &'static str {
    match state {
        LaneState::Pending => "pending",
        LaneState::Running => "running",
        LaneState::Ready => "ready-lane",
        LaneState::Terminating => "terminating",
    }
}

/// Long generated names keep their end, which tells them apart.
fn shortened(name: &str) -> String {
    const LIMIT: usize = 23;
    let length = name.chars().count();
    if length <= LIMIT {
        name.to_owned()
    } else {
        format!("…{}", name.chars().skip(length - LIMIT + 1).collect::<String>())
    }
}
