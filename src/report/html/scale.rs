//! Time to pixels: one scale for all plots of a scenario, so that they can be read above each other.

use maud::{Markup, html};

use crate::measure::text::duration;
use crate::measure::{FaultSpan, Measurements};

/// Width of a plot in user units; SVG scales it to the page.
pub(super) const WIDTH: f64 = 1000.0;
/// Where the plot begins; labels stand to the left of it.
pub(super) const LEFT: f64 = 150.0;

/// The horizontal axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    end: f64,
}

impl Scale {
    pub(super) fn of(measurements: &Measurements) -> Self {
        Self { end: measurements.end.max(1) as f64 }
    }

    /// Position of an instant.
    pub(super) fn x(self, at: u64) -> f64 {
        LEFT + (at as f64 / self.end).min(1.0) * (WIDTH - LEFT)
    }

    /// Width of a stretch, at least wide enough to be seen.
    pub(super) fn width(self, from: u64, to: u64) -> f64 {
        (self.x(to) - self.x(from)).max(0.6)
    }

    /// Round instants for ticks, at most eleven.
    fn ticks(self) -> Vec<u64> {
        const STEPS: [u64; 16] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21_600, 86_400];
        let seconds = self.end / 1e6;
        let step = STEPS.into_iter().find(|step| seconds / (*step as f64) <= 10.0).unwrap_or(604_800);
        (0..=10).map(|index| index * step * 1_000_000).filter(|at| *at as f64 <= self.end).collect()
    }

    /// The axis with its labels.
    pub(super) fn axis(self) -> Markup {
        html! {
            svg class="axis" viewBox={ "0 0 " (WIDTH) " 18" } role="presentation" {
                @for at in self.ticks() {
                    line x1=(n(self.x(at))) x2=(n(self.x(at))) y1="0" y2="4" class="tick" {}
                    text x=(n(self.x(at))) y="14" text-anchor=(if at == 0 { "start" } else { "middle" }) { (duration(at)) }
                }
            }
        }
    }

    /// The shaded windows in which faults were in force, from injection to healing.
    pub(super) fn faults(self, faults: &[FaultSpan], height: f64) -> Markup {
        html! {
            @for (index, fault) in faults.iter().enumerate() {
                @if let Some(from) = fault.injected {
                    rect class={ "fault f" (index % 4) } x=(n(self.x(from))) y="0" height=(n(height))
                        width=(n(self.width(from, fault.healed.unwrap_or(from).max(from)))) {
                        title { (fault.step) ": " (fault.targets.join(", ")) " from " (duration(from)) }
                    }
                }
            }
        }
    }
}

/// A coordinate with one digit after the point: enough for a screen, and small.
pub(super) fn n(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        for seconds in [1_u64, 7, 59, 75, 600, 4000, 90_000] {
            let scale = Scale { end: seconds as f64 * 1e6 };
            let ticks = scale.ticks();
            assert!((1..=11).contains(&ticks.len()), "{seconds}: {ticks:?}");
            assert!(ticks.iter().all(|at| scale.x(*at) <= WIDTH));
        }
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(n(12.0), "12");
        assert_eq!(n(12.34), "12.3");
    }
}
