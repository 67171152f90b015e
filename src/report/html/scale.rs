//! Time to places: one scale for all plots of a scenario, in shares of the plot's width, so that they stand below each other
//! on every screen.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::evidence::WorldName;
use crate::measure::text::duration;
use crate::report::Entry;

/// Width of a drawing in its own units; the browser stretches it to the plot.
pub(super) const WIDTH: f64 = 1000.0;

/// The horizontal axis, and the wall clock where there was one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    end: f64,
    /// The wall clock at the start of a live run. A simulated clock is nobody's.
    started: Option<Timestamp>,
}

impl Scale {
    pub(super) fn of(entry: &Entry) -> Self {
        let started = match entry.header.world {
            WorldName::Live { .. } => entry.header.started.parse().ok(),
            WorldName::Embedded => None,
        };
        Self { end: entry.measurements.end.max(1) as f64, started }
    }

    /// Position of an instant, 0 to 1.
    fn share(self, at: u64) -> f64 {
        (at as f64 / self.end).min(1.0)
    }

    /// Position of an instant in a drawing.
    pub(super) fn x(self, at: u64) -> f64 {
        self.share(at) * WIDTH
    }

    /// Position of an instant in percent.
    pub(super) fn percent(self, at: u64) -> f64 {
        self.share(at) * 100.0
    }

    /// Place and width of a stretch, for a style attribute.
    pub(super) fn place(self, from: u64, to: u64) -> String {
        let (from, to) = (self.percent(from), self.percent(to));
        format!("left:{}%;width:{}%", n(from), n((to - from).max(0.0)))
    }

    /// An instant for people: since the run's start, and by the wall clock where there was one.
    pub(super) fn instant(self, at: u64) -> Markup {
        html! { (duration(at)) @if let Some(clock) = self.clock(at) { " " small { (clock) } } }
    }

    /// The wall clock at an instant, UTC: `14:03:07Z`.
    pub(super) fn clock(self, at: u64) -> Option<String> {
        let at = self.started?.checked_add(std::time::Duration::from_micros(at)).ok()?;
        Some(at.strftime("%H:%M:%SZ").to_string())
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
            div class="row axis" {
                span class="tag" {}
                div class="plot" {
                    @for at in self.ticks() {
                        @let place = self.percent(at);
                        span class=[(place > 96.0).then_some("last")] style={ "left:" (n(place)) "%" } {
                            (duration(at)) @if let Some(clock) = self.clock(at) { br; small { (clock) } }
                        }
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
            let scale = Scale { end: seconds as f64 * 1e6, started: None };
            let ticks = scale.ticks();
            assert!((1..=11).contains(&ticks.len()), "{seconds}: {ticks:?}");
            assert!(ticks.iter().all(|at| scale.x(*at) <= WIDTH));
        }
    }

    #[test]
    fn only_a_live_run_has_a_wall_clock() {
        let simulated = Scale { end: 1e6, started: None };
        assert_eq!(simulated.instant(2_500_000).into_string(), "2.5s");
        let live = Scale { end: 1e6, started: "2026-11-30T23:59:58Z".parse().ok() };
        assert_eq!(live.instant(2_500_000).into_string(), "2.5s <small>00:00:00Z</small>");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(n(12.0), "12");
        assert_eq!(n(12.34), "12.3");
    }
}
