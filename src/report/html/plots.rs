//! Availability strips, latency and strength over time, with the fault windows shaded.

use std::fmt::Write;

use maud::{Markup, html};

use super::scale::{LEFT, Scale, WIDTH, n};
use crate::measure::text::{duration, percent};
use crate::measure::{Bucket, FaultSpan, ProbeMeasure, StrengthPoint};

/// All plots of the probes, and the strength of the target.
pub(super) fn plots(
    scale: Scale,
    faults: &[FaultSpan],
    probes: &[ProbeMeasure],
    strength: &[StrengthPoint],
    end: u64,
) -> Markup {
    html! {
        @for probe in probes {
            (availability(scale, faults, probe))
            (latency(scale, faults, probe))
        }
        @if !strength.is_empty() { (ready(scale, faults, strength, end)) }
    }
}

fn bucket_end(buckets: &[Bucket], index: usize, end: u64) -> u64 {
    buckets.get(index + 1).map_or(end, |next| next.from)
}

/// One cell for each bucket: green when all attempts were answered, red by the share that was not.
fn availability(scale: Scale, faults: &[FaultSpan], probe: &ProbeMeasure) -> Markup {
    const HEIGHT: f64 = 26.0;
    let last = probe.series.last().map_or(0, |bucket| bucket.from);
    let step = probe.series.get(1).map_or(1, |second| second.from - probe.series[0].from);
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label={ "availability of " (probe.name) } {
            (scale.faults(faults, HEIGHT))
            text class="label" x=(LEFT - 8.0) y="13" text-anchor="end" { (probe.name) }
            text class="label minor" x=(LEFT - 8.0) y="24" text-anchor="end" {
                (probe.availability().map_or_else(|| "no attempts".to_owned(), percent))
            }
            @for (index, bucket) in probe.series.iter().enumerate() {
                @if bucket.attempts > 0 {
                    rect class={ "cell " (cell(bucket)) } x=(n(scale.x(bucket.from))) y="5" height="16"
                        width=(n(scale.width(bucket.from, bucket_end(&probe.series, index, last + step)))) {
                        @if bucket.failed > 0 {
                            title { (bucket.failed) " of " (bucket.attempts) " failed at " (duration(bucket.from)) }
                        }
                    }
                }
            }
        }
    }
}

fn cell(bucket: &Bucket) -> &'static str {
    match bucket.failed {
        0 => "ok",
        failed if failed == bucket.attempts => "down",
        failed if failed * 2 >= bucket.attempts => "most",
        _ => "some",
    }
}

/// Median as a line and the highest as dots, on a logarithmic scale from 1 ms.
fn latency(scale: Scale, faults: &[FaultSpan], probe: &ProbeMeasure) -> Markup {
    const HEIGHT: f64 = 64.0;
    let top = probe.series.iter().map(|bucket| bucket.max).max().unwrap_or(0).max(10_000) as f64;
    let y = |micros: u64| {
        let share = ((micros.max(1_000) as f64) / 1_000.0).ln() / (top / 1_000.0).ln();
        n(HEIGHT - 6.0 - share.clamp(0.0, 1.0) * (HEIGHT - 14.0))
    };
    let answered: Vec<_> = probe.series.iter().filter(|bucket| bucket.attempts > bucket.failed).collect();
    let line: Vec<_> = answered.iter().map(|bucket| format!("{},{}", n(scale.x(bucket.from)), y(bucket.p50))).collect();
    html! {
        @if !answered.is_empty() {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label={ "latency of " (probe.name) } {
                (scale.faults(faults, HEIGHT))
                text class="label minor" x=(LEFT - 8.0) y="12" text-anchor="end" { "max " (duration(probe.series.iter().map(|b| b.max).max().unwrap_or(0))) }
                text class="label minor" x=(LEFT - 8.0) y="36" text-anchor="end" { "latency, log" }
                text class="label minor" x=(LEFT - 8.0) y=(HEIGHT - 4.0) text-anchor="end" { "1ms" }
                line class="base" x1=(LEFT) x2=(WIDTH) y1=(HEIGHT - 6.0) y2=(HEIGHT - 6.0) {}
                @for bucket in &answered {
                    @if bucket.max > bucket.p50.saturating_mul(2) {
                        circle class="late" cx=(n(scale.x(bucket.from))) cy=(y(bucket.max)) r="1.6" {}
                    }
                }
                polyline class="latency" points=(line.join(" ")) {}
            }
        }
    }
}

/// Ready pods as a filled step line under the wanted number.
fn ready(scale: Scale, faults: &[FaultSpan], strength: &[StrengthPoint], end: u64) -> Markup {
    const HEIGHT: f64 = 48.0;
    let top = strength.iter().map(|point| point.ready.max(point.desired)).max().unwrap_or(1).max(1);
    let y = |count: u32| n(HEIGHT - 4.0 - f64::from(count) / f64::from(top) * (HEIGHT - 12.0));
    let steps = |of: fn(&StrengthPoint) -> u32| -> String {
        let mut path = String::new();
        for (index, point) in strength.iter().enumerate() {
            let to = strength.get(index + 1).map_or(end, |next| next.at);
            let verb = if index == 0 { "M" } else { "L" };
            let _ = write!(path, "{verb}{} {}H{}", n(scale.x(point.at)), y(of(point)), n(scale.x(to)));
        }
        path
    };
    let first = strength.first().map_or(0, |point| point.at);
    let area = format!("{}V{}H{}Z", steps(|point| point.ready), n(HEIGHT - 4.0), n(scale.x(first)));
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label="ready pods" {
            (scale.faults(faults, HEIGHT))
            text class="label" x=(LEFT - 8.0) y="20" text-anchor="end" { "ready pods" }
            text class="label minor" x=(LEFT - 8.0) y="32" text-anchor="end" { "of " (top) }
            path class="ready" d=(area) {}
            path class="desired" d=(steps(|point| point.desired)) {}
        }
    }
}
