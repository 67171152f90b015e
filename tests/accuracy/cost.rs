//! What one run costs, beside the truth that it looked for. Whole-process figures, from outside.

use std::time::Duration;

use crate::cases::WINDOW_SECONDS;
use crate::lab::{Run, driftproof, now};

/// Seconds, unless said otherwise.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    recovery: f64,
    error: f64,
    before: f64,
    past: f64,
    past_gone: Option<f64>,
    cpu: f64,
    memory_kib: u64,
    requests: [usize; 3],
    bytes: u64,
}

fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

impl Cost {
    /// `act`, `ready` and `gone` are wall clock in microseconds, `reported` is a duration in microseconds.
    pub(crate) fn of(run: &Run, act: i64, ready: i64, reported: i64, gone: Option<i64>) -> Self {
        Self {
            recovery: seconds(ready - act),
            error: seconds(reported - (ready - act)),
            before: seconds(act - run.begun) - WINDOW_SECONDS,
            past: seconds(run.ended - ready) - WINDOW_SECONDS,
            past_gone: gone.map(|gone| seconds(run.ended - gone.max(ready)) - WINDOW_SECONDS),
            cpu: run.cpu_seconds,
            memory_kib: run.memory_kib,
            requests: run.requests(),
            bytes: run.bytes,
        }
    }

    /// A row of the table: medians, for the error the worst one.
    pub(crate) fn row(title: &str, all: &[Self]) -> String {
        let median = |of: &dyn Fn(&Self) -> f64| {
            let mut values: Vec<f64> = all.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
        };
        let worst = all.iter().map(|cost| cost.error).max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(f64::NAN);
        let [requests, rights, watches] = all.last().map_or([0; 3], |cost| cost.requests);
        format!(
            "| {title} | {} | {:.3} | {:+.3} (worst {worst:+.3}) | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} | {requests} ({rights}, {watches}) | {:.0} |",
            all.len(),
            median(&|cost| cost.recovery),
            median(&|cost| cost.error),
            median(&|cost| cost.before),
            median(&|cost| cost.past),
            median(&|cost| cost.past_gone.unwrap_or(f64::NAN)),
            median(&|cost| cost.cpu),
            median(&|cost| cost.memory_kib as f64 / 1024.0),
            median(&|cost| cost.bytes as f64 / 1000.0),
        )
    }
}

/// Seconds until the smallest command has ended: the median of nine.
pub(crate) fn cold_start() -> Result<f64, String> {
    let mut all = Vec::new();
    for _ in 0..9 {
        let begun = now();
        driftproof().arg("--version").output().map_err(|error| format!("driftproof: {error}"))?;
        all.push(seconds(now() - begun));
        std::thread::sleep(Duration::from_millis(20));
    }
    all.sort_by(f64::total_cmp);
    Ok(all[all.len() / 2])
}
