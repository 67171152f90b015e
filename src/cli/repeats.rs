//! What repeating a scenario showed (`--runs`): how often it passed, how its numbers spread, and which seeds did not pass.

use std::fmt::Write;

use driftproof::measure::text::{duration, percent};
use driftproof::report::{Figures, Recovery, Results, Row, Status};

/// The scenario that a row is a run of: its name without the seed.
pub(super) fn base(row: &Row) -> &str {
    row.name.strip_suffix(&format!("-seed-{}", row.seed)).unwrap_or(&row.name)
}

/// A table for each scenario that was run more than once.
pub(super) fn tables(results: &Results) -> String {
    let mut groups: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in &results.rows {
        match groups.iter_mut().find(|(name, _)| *name == base(row)) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((base(row), vec![row])),
        }
    }
    groups.iter().filter(|(_, rows)| rows.len() > 1).map(|(name, rows)| table(name, rows)).collect()
}

fn table(name: &str, rows: &[&Row]) -> String {
    let passed = rows.iter().filter(|row| row.status() == Status::Pass).count();
    let mut text = format!("{name}: {passed} of {} passed\n", rows.len());
    let figures: Vec<Figures> =
        rows.iter().filter_map(|row| row.entry()).map(|entry| Figures::of(&entry.measurements)).collect();
    let lines = [
        ("rto", spread(figures.iter().filter_map(|one| one.rto), recovery)),
        ("rpo", spread(figures.iter().filter_map(|one| one.rpo), |lost| lost.to_string())),
        (
            "availability",
            spread(figures.iter().filter_map(|one| one.availability.map(Share)), |share| percent(share.0)),
        ),
        ("longest_outage", spread(figures.iter().filter_map(|one| one.longest_outage), duration)),
    ];
    if lines.iter().any(|(_, spread)| spread.is_some()) {
        let _ = writeln!(text, "  {:<15} {:>9} {:>9} {:>9} {:>9}", "", "min", "median", "p95", "max");
    }
    for (objective, spread) in lines {
        if let Some([min, median, p95, max]) = spread {
            let _ = writeln!(text, "  {objective:<15} {min:>9} {median:>9} {p95:>9} {max:>9}");
        }
    }
    for (status, words) in [
        (Status::Fail, "failing seeds"),
        (Status::Inconclusive, "inconclusive seeds"),
        (Status::Error, "seeds with an error"),
        (Status::NotRun, "seeds not run"),
    ] {
        let seeds = ranges(rows.iter().filter(|row| row.status() == status).map(|row| row.seed));
        if !seeds.is_empty() {
            let _ = writeln!(text, "  {words}: {seeds}");
        }
    }
    text.push('\n');
    text
}

fn recovery(recovery: Recovery) -> String {
    match recovery {
        Recovery::After(micros) => duration(micros),
        Recovery::Never => "never".to_owned(),
    }
}

/// A share that can be put in order.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Share(f64);

impl Eq for Share {}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Share {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Least, median, 95th percentile and greatest, each a value that was measured (nearest rank). `None` when there is none.
fn spread<T: Ord + Copy>(values: impl Iterator<Item = T>, text: impl Fn(T) -> String) -> Option<[String; 4]> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    let rank = |percent: usize| values.get((values.len() * percent).div_ceil(100).max(1) - 1).copied().map(&text);
    Some([rank(0)?, rank(50)?, rank(95)?, rank(100)?])
}

/// `2, 6 to 9, 12`.
fn ranges(seeds: impl Iterator<Item = u64>) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for seed in seeds {
        match ranges.last_mut() {
            Some((_, last)) if last.wrapping_add(1) == seed => *last = seed,
            _ => ranges.push((seed, seed)),
        }
    }
    let text = |(first, last): &(u64, u64)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first} to {last}"),
    };
    ranges.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_made_of_values_that_were_measured() {
        let of = |values: &[u64]| spread(values.iter().copied(), |value| value.to_string());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[7]), Some([7, 7, 7, 7].map(|value: u64| value.to_string())));
        let hundred: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(of(&hundred), Some([1, 50, 95, 100].map(|value: u64| value.to_string())));
        let never = spread([Recovery::Never, Recovery::After(5)].into_iter(), recovery).expect("values");
        assert_eq!(never, ["5µs", "5µs", "never", "never"]);
    }

    #[test]
    fn seeds_in_a_row_are_told_together() {
        assert_eq!(ranges([2, 6, 7, 8, 12, 13].into_iter()), "2, 6 to 8, 12, 13");
        assert_eq!(ranges([].into_iter()), "");
    }
}
