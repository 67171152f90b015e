//! A counter: each read must be a number that it could have had. Reads no file.
//!
//! Before a read began, every acknowledged add had happened; until it ended, every add that had been called may have. So
//! it lies between the sums in which the uncertain ones count only where they lower, or only where they raise it.
//! That is the claim of bounds. A linearizable counter keeps more: the adds that a read saw stay, and no sum of adds may be
//! missing. Where the bounds hold, the orders are walked (`counter_walk`).

use super::counter_walk;
use super::findings::{Findings, Numbered, by_key, done, of, who, whole, within};
use crate::allowance::{Allowance, Meter, Stop};
use crate::format::ReadError;
use crate::history::{Completion, History, Moment, Value};
use crate::outcome::{AnomalyKind, Outcome};

/// What the counter promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Some order of all operations explains every read.
    Linearizable,
    /// Each read lies between its bounds, and shows no less than an earlier one where nothing is subtracted.
    Bounds,
}

/// Checks a counter that begins with `initial`.
///
/// # Errors
/// The first operation that is not of a counter.
pub fn check(history: &History, initial: i64, claim: Claim, allowance: Allowance<'_>) -> Result<Outcome, ReadError> {
    within(history, allowance, |findings, meter| {
        account(history, initial, findings, meter)?;
        if claim == Claim::Linearizable && findings.is_empty() {
            for (key, operations) in by_key(history, "counter", &["add", "read"], meter)? {
                counter_walk::walk(history, key, &operations, initial, findings, meter)?;
            }
        }
        Ok(())
    })
}

fn account(history: &History, initial: i64, findings: &mut Findings, meter: &Meter<'_>) -> Result<(), Stop> {
    let mut reads = 0;
    for (key, operations) in by_key(history, "counter", &["add", "read"], meter)? {
        meter.spend(operations.len())?;
        let adds = Adds::of(&operations)?;
        let mut values = Vec::new();
        for (number, read) in done(&operations, "read") {
            meter.spend(16)?;
            let value = i128::from(whole(read, "a counter, which is a whole number", &read.output)?);
            let lowest = i128::from(initial) + adds.raised.done(read.call.at) + adds.lowered.called(read.finish());
            let highest = i128::from(initial) + adds.lowered.done(read.call.at) + adds.raised.called(read.finish());
            if value < lowest || value > highest {
                let sentence = format!(
                    "{} read {value}, but at that time the counter was between {lowest} and {highest}",
                    who(read)
                );
                findings.add(AnomalyKind::OutOfBounds, key, &[number], sentence);
            }
            values.push((number, read, value));
        }
        reads += values.len();
        if adds.lowered.calls.is_empty() {
            steps_back(key, &values, findings);
        }
    }
    if reads == 0 {
        findings.lacks("no read of the counter succeeded: nobody knows its value".to_owned());
    }
    Ok(())
}

/// Where nothing is subtracted, a read shows no less than one that had ended before it began.
fn steps_back(key: Option<&Value>, values: &[(u32, &crate::history::Operation, i128)], findings: &mut Findings) {
    let mut ends: Vec<_> = values.iter().map(|(number, read, value)| (read.finish(), *value, *number)).collect();
    ends.sort_unstable();
    let mut passed = 0;
    let mut highest: Option<(i128, u32)> = None;
    for (number, read, value) in values {
        while let Some((_, before, other)) = ends.get(passed).filter(|(end, _, _)| *end < read.call.at) {
            if highest.is_none_or(|(highest, _)| *before > highest) {
                highest = Some((*before, *other));
            }
            passed += 1;
        }
        if let Some((before, other)) = highest.filter(|(before, _)| before > value) {
            let sentence =
                format!("{} read {value} after {before} had been read, and nothing was subtracted", who(read));
            findings.add(AnomalyKind::StaleRead, key, &[other, *number], sentence);
        }
    }
}

/// Adds that raise, and adds that lower.
struct Adds {
    raised: Sums,
    lowered: Sums,
}

/// Sums of amounts up to a moment, by their calls and by their ends.
#[derive(Default)]
struct Sums {
    calls: Vec<(Moment, i128)>,
    ends: Vec<(Moment, i128)>,
}

impl Adds {
    fn of(operations: &[Numbered<'_>]) -> Result<Self, ReadError> {
        let (mut raised, mut lowered) = (Sums::default(), Sums::default());
        for (_, add) in of(operations, "add") {
            let amount = i128::from(whole(add, "an amount, which is a whole number", &add.input)?);
            let side = if amount < 0 { &mut lowered } else { &mut raised };
            match add.completion {
                Completion::Fail => {}
                Completion::Info => side.calls.push((add.call.at, amount)),
                Completion::Ok => {
                    side.calls.push((add.call.at, amount));
                    side.ends.push((add.finish(), amount));
                }
            }
        }
        raised.add_up();
        lowered.add_up();
        Ok(Self { raised, lowered })
    }
}

impl Sums {
    fn add_up(&mut self) {
        for side in [&mut self.calls, &mut self.ends] {
            side.sort_unstable();
            let mut sum = 0;
            for (_, amount) in side {
                sum += *amount;
                *amount = sum;
            }
        }
    }

    /// Of all that had been called before this moment.
    fn called(&self, at: Moment) -> i128 {
        before(&self.calls, at)
    }

    /// Of all that had been acknowledged before this moment.
    fn done(&self, at: Moment) -> i128 {
        before(&self.ends, at)
    }
}

fn before(sums: &[(Moment, i128)], at: Moment) -> i128 {
    let count = sums.partition_point(|(moment, _)| *moment < at);
    count.checked_sub(1).map_or(0, |last| sums[last].1)
}
