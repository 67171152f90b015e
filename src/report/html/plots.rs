//! Answers, latency and strength over time. What is bad is tall, red and hatched; what is good is low and calm, so that
//! neither needs colour to be seen.

use std::fmt::Write;

use maud::{Markup, html};

use super::scale::{Scale, WIDTH, n};
use crate::measure::text::{duration, percent};
use crate::measure::{Bucket, ProbeMeasure, StrengthPoint};

/// All plots of the probes, and the strength of the target. A latency line has at most `points` points.
pub(super) fn plots(
    scale: Scale,
    probes: &[ProbeMeasure],
    strength: &[StrengthPoint],
    end: u64,
    points: usize,
) -> Markup {
    html! {
        @for probe in probes {
            (answers(scale, probe))
            (latency(scale, probe, points))
        }
        @if !strength.is_empty() { (ready(scale, strength, end)) }
    }
}

/// Neighbouring buckets of the same kind, told as one.
struct Stretch {
    class: &'static str,
    from: u64,
    to: u64,
    attempts: u64,
    failed: u64,
}

fn stretches(series: &[Bucket]) -> Vec<Stretch> {
    let step = series.get(1).map_or(1, |second| second.from - series[0].from);
    let mut all: Vec<Stretch> = Vec::new();
    for (index, bucket) in series.iter().enumerate().filter(|(_, bucket)| bucket.attempts > 0) {
        let to = series.get(index + 1).map_or(bucket.from.saturating_add(step), |next| next.from);
        let (attempts, failed) = (u64::from(bucket.attempts), u64::from(bucket.failed));
        match all.last_mut().filter(|last| last.class == kind(bucket) && last.to == bucket.from) {
            Some(last) => {
                last.to = to;
                last.attempts += attempts;
                last.failed += failed;
            }
            None => all.push(Stretch { class: kind(bucket), from: bucket.from, to, attempts, failed }),
        }
    }
    all
}

fn kind(bucket: &Bucket) -> &'static str {
    match bucket.failed {
        0 => "ok",
        failed if failed == bucket.attempts => "down",
        failed if failed * 2 >= bucket.attempts => "most",
        _ => "some",
    }
}

/// A bar for each stretch: low when all attempts were answered, the taller the more were not.
fn answers(scale: Scale, probe: &ProbeMeasure) -> Markup {
    html! {
        div class="row answers" {
            span class="tag" {
                b { (probe.name) } " " (probe.availability().map_or_else(|| "no attempts".to_owned(), percent))
            }
            div class="plot" {
                @for stretch in stretches(&probe.series) {
                    i class=(stretch.class) style=(scale.place(stretch.from, stretch.to))
                        title=[(stretch.failed > 0).then(|| format!(
                            "{} of {} failed from {} to {}",
                            stretch.failed, stretch.attempts, duration(stretch.from), duration(stretch.to)
                        ))] {}
                }
            }
        }
    }
}

/// A point of the latency plot: of several buckets the slowest median and the highest of all.
#[derive(Clone, Copy)]
struct Point {
    from: u64,
    p50: u64,
    max: u64,
}

/// At most `limit` points; `None` where nothing was answered.
fn thinned(series: &[Bucket], limit: usize) -> Vec<Option<Point>> {
    let size = series.len().div_ceil(limit.max(1)).max(1);
    series
        .chunks(size)
        .map(|chunk| {
            let answered = || chunk.iter().filter(|bucket| bucket.attempts > bucket.failed);
            Some(Point {
                from: answered().next()?.from,
                p50: answered().map(|bucket| bucket.p50).max()?,
                max: answered().map(|bucket| bucket.max).max()?,
            })
        })
        .collect()
}

/// Median as a line and the highest as dots, on a logarithmic scale from 1 ms.
fn latency(scale: Scale, probe: &ProbeMeasure, limit: usize) -> Markup {
    const HEIGHT: f64 = 44.0;
    let highest = probe.series.iter().map(|bucket| bucket.max).max().unwrap_or(0);
    let top = highest.max(10_000) as f64;
    let y = |micros: u64| {
        let share = ((micros.max(1_000) as f64) / 1_000.0).ln() / (top / 1_000.0).ln();
        (HEIGHT - 3.0 - share.clamp(0.0, 1.0) * (HEIGHT - 8.0)).round()
    };
    let x = |at: u64| scale.x(at).round();
    let (mut line, mut dots, mut broken, mut any) = (String::new(), String::new(), true, false);
    for point in thinned(&probe.series, limit) {
        let Some(point) = point else {
            broken = true;
            continue;
        };
        let _ = write!(line, "{}{} {}", if broken { "M" } else { " " }, x(point.from), y(point.p50));
        if point.max > point.p50.saturating_mul(2) {
            let _ = write!(dots, "M{} {}h0", x(point.from), y(point.max));
        }
        (broken, any) = (false, true);
    }
    html! {
        @if any {
            div class="row latency" {
                span class="tag" { "latency " small { "1ms to " (duration(highest)) ", log" } }
                div class="plot" {
                    (drawing(HEIGHT, &format!("latency of {}", probe.name), &html! {
                        path class="line" d=(line) {}
                        @if !dots.is_empty() { path class="dots" d=(dots) {} }
                    }))
                }
            }
        }
    }
}

/// Ready pods as a filled step line under the wanted number.
fn ready(scale: Scale, strength: &[StrengthPoint], end: u64) -> Markup {
    const HEIGHT: f64 = 36.0;
    let top = strength.iter().map(|point| point.ready.max(point.desired)).max().unwrap_or(1).max(1);
    let y = |count: u32| n(HEIGHT - 2.0 - f64::from(count) / f64::from(top) * (HEIGHT - 6.0));
    let steps = |of: fn(&StrengthPoint) -> u32| -> String {
        let mut path = String::new();
        let mut before = None;
        for point in strength {
            let (at, height) = (n(scale.x(point.at)), y(of(point)));
            if before.is_none() {
                let _ = write!(path, "M{at} {height}");
            } else if before != Some(of(point)) {
                let _ = write!(path, "H{at}V{height}");
            }
            before = Some(of(point));
        }
        let _ = write!(path, "H{}", n(scale.x(end)));
        path
    };
    let first = strength.first().map_or(0, |point| point.at);
    let area = format!("{}V{}H{}Z", steps(|point| point.ready), n(HEIGHT - 2.0), n(scale.x(first)));
    html! {
        div class="row strength" {
            span class="tag" { "ready pods " small { "of " (top) } }
            div class="plot" {
                (drawing(HEIGHT, "ready pods", &html! {
                    path class="area" d=(area) {}
                    path class="wanted" d=(steps(|point| point.desired)) {}
                }))
            }
        }
    }
}

fn drawing(height: f64, label: &str, content: &Markup) -> Markup {
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (height) } preserveAspectRatio="none" style={ "height:" (height) "px" } role="img" aria-label=(label) { (content) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(from: u64, attempts: u32, failed: u32) -> Bucket {
        Bucket { from, attempts, failed, p50: 2_000, max: 3_000 }
    }

    #[test]
    fn what_is_the_same_is_told_once() {
        let series = [bucket(0, 5, 0), bucket(10, 5, 0), bucket(20, 5, 5), bucket(30, 0, 0), bucket(40, 5, 0)];
        let told: Vec<_> = stretches(&series).iter().map(|one| (one.class, one.from, one.to, one.failed)).collect();
        assert_eq!(told, [("ok", 0, 20, 0), ("down", 20, 30, 5), ("ok", 40, 50, 0)]);
    }

    #[test]
    fn a_thinned_line_keeps_its_peaks_and_its_holes() {
        let mut series: Vec<Bucket> =
            (0..600).map(|index| bucket(index, 1, u32::from((300..320).contains(&index)))).collect();
        series[77].max = 9_000_000;
        let points = thinned(&series, 120);
        assert_eq!(points.len(), 120);
        assert!(points.iter().flatten().any(|point| point.max == 9_000_000));
        assert_eq!(points.iter().filter(|point| point.is_none()).count(), 4);
    }
}
