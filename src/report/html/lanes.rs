//! A lane for each pod, coloured and named by node, so that a drift is seen as a change. Red is left to what is bad.

use maud::{Markup, html};

use super::order::natural;
use super::scale::Scale;
use crate::measure::text::duration;
use crate::measure::{Lane, LaneSpan, LaneState};

/// Lanes have labels and names of nodes up to this many pods, and are thin beyond.
const LABELLED: usize = 60;
/// More lanes than this are thinner than a pixel: pods that nothing happened to are left out.
const DRAWN: usize = 600;
/// Nodes that have a colour and a pattern of their own in the style sheet.
const STYLES: usize = 12;
/// A stretch of less than this share of the plot has no room for the name of a node, in percent.
const NAMED: f64 = 5.0;

/// Names of nodes, in the order in which people count.
#[derive(Debug)]
struct Nodes<'a>(Vec<&'a str>);

impl<'a> Nodes<'a> {
    fn of(lanes: &'a [Lane]) -> Self {
        let spans = lanes.iter().flat_map(|lane| &lane.spans);
        let mut names: Vec<&str> = spans.map(|span| span.node.as_str()).filter(|node| !node.is_empty()).collect();
        names.sort_unstable_by(|a, b| natural(a, b));
        names.dedup();
        Self(names)
    }

    fn index(&self, node: &str) -> Option<usize> {
        self.0.iter().position(|name| *name == node)
    }

    /// A colour and a pattern for each of a few nodes.
    fn class(&self, node: &str) -> Option<String> {
        let index = self.index(node).filter(|_| self.0.len() <= STYLES)?;
        Some(format!("n{index}"))
    }

    /// Shades from blue to violet for many nodes; neighbouring indexes are far apart (golden section).
    fn shade(&self, node: &str) -> Option<String> {
        let index = self.index(node).filter(|_| self.0.len() > STYLES)? as f64;
        let (hue, light) = ((index * 0.618_034).fract(), (index * 0.754_878).fract());
        Some(format!(
            ";background:hsl({:.0} {:.0}% {:.0}%)",
            195.0 + hue * 100.0,
            20.0 + light * 45.0,
            30.0 + light * 26.0
        ))
    }

    fn legend(&self) -> Markup {
        const SHOWN: usize = 24;
        html! {
            p class="legend" {
                @for node in self.0.iter().take(SHOWN) {
                    span class="key" { i class=[self.class(node)] style=[self.shade(node)] {} (node) }
                }
                @if self.0.len() > SHOWN { span class="key" { "… and " (self.0.len() - SHOWN) " more nodes" } }
                span class="key" { i class="pending" {} "pending" }
                span class="key" { i class="running" {} "not ready" }
                span class="key" { i class="terminating" {} "terminating" }
            }
        }
    }
}

/// The lanes: oldest pod first when there are few, node by node when there are many.
pub(super) fn lanes(scale: Scale, lanes: &[Lane]) -> Markup {
    let nodes = Nodes::of(lanes);
    let shown = selected(lanes);
    html! {
        @if shown.len() > LABELLED {
            div class="row thin" {
                span class="tag" { b { (lanes.len()) " pods" } " " small { "node by node" } }
                div class="plot" { @for lane in &shown { div { @for span in &lane.spans { (thin(scale, &nodes, lane, span)) } } } }
            }
        } @else {
            @for lane in &shown {
                div class="row lane" {
                    span class="tag" { (shortened(&lane.pod)) }
                    div class="plot" { (named(scale, &nodes, lane)) }
                }
            }
        }
    }
}

/// What the colours of the lanes mean.
pub(super) fn legend(lanes: &[Lane]) -> Markup {
    let shown = selected(lanes).len();
    html! {
        @if shown > 0 { (Nodes::of(lanes).legend()) }
        @if shown < lanes.len() {
            p class="note" { (lanes.len() - shown) " pods, mostly undisturbed ones, are not drawn; all are in series.json." }
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

/// The stretches of a pod; the node is named where it begins and there is room.
fn named(scale: Scale, nodes: &Nodes<'_>, lane: &Lane) -> Markup {
    let mut last = "";
    html! {
        @for span in &lane.spans {
            @let roomy = scale.percent(span.to) - scale.percent(span.from) >= NAMED;
            @let tell = roomy && span.node != last;
            i class=(classes(nodes, span)) style={ (scale.place(span.from, span.to)) (nodes.shade(&span.node).unwrap_or_default()) }
                title=(told(lane, span)) { @if tell { ({ last = &span.node; last }) } }
        }
    }
}

fn thin(scale: Scale, nodes: &Nodes<'_>, lane: &Lane, span: &LaneSpan) -> Markup {
    html! {
        i class=(classes(nodes, span)) style={ (scale.place(span.from, span.to)) (nodes.shade(&span.node).unwrap_or_default()) }
            title=[(span.state != LaneState::Ready).then(|| told(lane, span))] {}
    }
}

fn classes(nodes: &Nodes<'_>, span: &LaneSpan) -> String {
    let node = nodes.class(&span.node).unwrap_or_default();
    match span.state {
        LaneState::Ready => node,
        LaneState::Pending => "pending".to_owned(),
        LaneState::Running => format!("{node} running"),
        LaneState::Terminating => format!("{node} terminating"),
    }
}

fn told(lane: &Lane, span: &LaneSpan) -> String {
    let state = match span.state {
        LaneState::Pending => "pending",
        LaneState::Running => "not ready",
        LaneState::Ready => "ready",
        LaneState::Terminating => "terminating",
    };
    let node = if span.node.is_empty() { "no node" } else { &span.node };
    format!("{} on {node}, {state} from {} to {}", lane.pod, duration(span.from), duration(span.to))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(pod: &str, node: &str) -> Lane {
        let span = LaneSpan { from: 0, to: 1_000_000, node: node.to_owned(), state: LaneState::Ready };
        Lane { pod: pod.to_owned(), uid: String::new(), spans: vec![span] }
    }

    #[test]
    fn no_node_is_red_or_green() {
        let lanes: Vec<Lane> = (0..400).map(|index| lane("web", &format!("worker-{index}"))).collect();
        let nodes = Nodes::of(&lanes);
        for node in &nodes.0 {
            let shade = nodes.shade(node).expect("many nodes have shades");
            let hue: f64 = shade
                .trim_start_matches(";background:hsl(")
                .split(' ')
                .next()
                .and_then(|hue| hue.parse().ok())
                .expect("a hue");
            assert!((190.0..300.0).contains(&hue), "{shade}");
        }
        assert_eq!(nodes.0[2], "worker-2");
        assert_eq!(Nodes::of(&lanes[..3]).class("worker-2").as_deref(), Some("n2"));
    }
}
