//! A picture as SVG: no script, no font, no colour of its own where the page has one (`--ok`, `--bad`, `--warn`, `--fault`,
//! else `currentColor`), so that it fits a light and a dark page. Decides nothing about what is shown.

use maud::{Markup, html};

use super::clock::seconds;
use super::{AnnotationKind, Lane, Mark, MarkKind, Picture};
use crate::history::Completion;

const WIDTH: f64 = 1000.0;
/// Where the axis begins; labels stand to the left of it.
const LEFT: f64 = 190.0;
const TOP: f64 = 18.0;
const LANE: f64 = 22.0;
const LABEL_MAX: usize = 30;
const TITLE_MAX: usize = 100;

/// Draws a picture. All text is escaped.
#[must_use]
pub fn svg(picture: &Picture) -> String {
    let height = TOP + LANE * picture.lanes.len() as f64 + 20.0;
    let drawn = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {height}")) role="img"
            aria-label="the operations that show the anomaly, and those around them"
            font-family="system-ui, sans-serif" font-size="10.5" fill="currentColor" {
            (bands(picture, height))
            @for (at, lane) in (0_u32..).zip(&picture.lanes) { (row(picture, lane, TOP + LANE * f64::from(at))) }
            (axis(picture, height))
        }
    };
    drawn.into_string()
}

/// Position of an instant.
fn x(picture: &Picture, at: i64) -> f64 {
    let whole = (i128::from(picture.to) - i128::from(picture.from)).max(1) as f64;
    let part = (i128::from(at) - i128::from(picture.from)) as f64;
    LEFT + (part / whole).clamp(0.0, 1.0) * (WIDTH - LEFT)
}

fn n(value: f64) -> String {
    format!("{value:.1}")
}

fn short(label: &str) -> String {
    cut(label, LABEL_MAX)
}

fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}

fn bands(picture: &Picture, height: f64) -> Markup {
    html! {
        @for band in &picture.bands {
            @let from = x(picture, band.from);
            @let fill = match band.kind {
                AnnotationKind::Fault => "var(--fault, currentColor)",
                AnnotationKind::Drift => "var(--idle, currentColor)",
            };
            rect x=(n(from)) y="0" width=(n((x(picture, band.to) - from).max(1.0))) height=(n(height - 16.0))
                fill=(fill) fill-opacity=".18" { title { (cut(&band.name, TITLE_MAX)) } }
            text x=(n(from + 3.0)) y="11" font-size="9" { (short(&band.name)) }
        }
    }
}

fn row(picture: &Picture, lane: &Lane, top: f64) -> Markup {
    html! {
        text x=(n(LEFT - 8.0)) y=(n(top + 14.0)) text-anchor="end" { (short(&lane.label)) }
        @for mark in &lane.marks { (bar(picture, mark, top)) }
    }
}

fn bar(picture: &Picture, mark: &Mark, top: f64) -> Markup {
    let from = x(picture, mark.from);
    let width = (x(picture, mark.to) - from).max(1.5);
    let (fill, opacity, dashed) = look(mark.kind);
    let room = WIDTH - from - width;
    html! {
        rect x=(n(from)) y=(n(top + 4.0)) width=(n(width)) height=(n(LANE - 8.0)) rx="2" fill=(fill)
            fill-opacity=(opacity) stroke=[dashed.then_some("currentColor")] stroke-dasharray=[dashed.then_some("2 2")] {
            title { (cut(&mark.label, TITLE_MAX)) }
        }
        @if matches!(mark.kind, MarkKind::Witness(_)) {
            // Beside the bar, on the side where there is room.
            @if room > 150.0 { text x=(n(from + width + 4.0)) y=(n(top + 14.0)) { (short(&mark.label)) } }
            @else { text x=(n((from - 4.0).max(LEFT))) y=(n(top + 14.0)) text-anchor="end" { (short(&mark.label)) } }
        }
    }
}

/// Fill, opacity, and whether the outcome is unknown.
fn look(kind: MarkKind) -> (&'static str, String, bool) {
    match kind {
        MarkKind::Witness(_) => ("var(--bad, currentColor)", ".85".to_owned(), false),
        MarkKind::Single(Completion::Ok) => ("var(--ok, currentColor)", ".5".to_owned(), false),
        MarkKind::Single(Completion::Fail) => ("var(--idle, currentColor)", ".35".to_owned(), false),
        MarkKind::Single(Completion::Info) => ("var(--warn, currentColor)", ".35".to_owned(), true),
        MarkKind::Crowd { count, troubled } => {
            let fill = if troubled * 2 > count { "var(--warn, currentColor)" } else { "var(--ok, currentColor)" };
            (fill, format!("{:.2}", (0.15 + f64::from(count).log10() * 0.15).min(0.8)), false)
        }
    }
}

fn axis(picture: &Picture, height: f64) -> Markup {
    let tell = |at: i64| if picture.timed { seconds(at) } else { format!("event {at}") };
    let middle = picture.from.midpoint(picture.to);
    html! {
        line x1=(n(LEFT)) x2=(n(WIDTH)) y1=(n(height - 15.0)) y2=(n(height - 15.0)) stroke="currentColor"
            stroke-opacity=".4" {}
        @for (at, anchor) in [(picture.from, "start"), (middle, "middle"), (picture.to, "end")] {
            text x=(n(x(picture, at))) y=(n(height - 3.0)) text-anchor=(anchor) { (tell(at)) }
        }
    }
}
