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

/// The lanes, oldest pod first.
pub(super) fn lanes(scale: Scale, faults: &[FaultSpan], lanes: &[Lane]) -> Markup {
    let colours = NodeColours::of(lanes);
    let pitch = if lanes.len() <= LABELLED { 14.0 } else { (840.0 / lanes.len() as f64).max(2.0) };
    let height = pitch * lanes.len() as f64 + 4.0;
    html! {
        @if !lanes.is_empty() {
            svg viewBox={ "0 0 " (WIDTH) " " (n(height)) } role="img" aria-label="pods by node" {
                (scale.faults(faults, height))
                @if lanes.len() > LABELLED {
                    text class="label" x=(LEFT - 8.0) y="14" text-anchor="end" { (lanes.len()) " pods" }
                }
                @for (index, lane) in lanes.iter().enumerate() {
                    (one(scale, &colours, lane, index as f64 * pitch + 2.0, pitch, lanes.len() <= LABELLED))
                }
            }
            (colours.legend())
        }
    }
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
