//! Sums of a few kinds of amounts: how many of each kind give a number. Knows no time and no history.

use crate::allowance::{Meter, Stop};

/// Answers to one question at most.
const ANSWERS_MAX: usize = 256;
/// Steps for one question at most.
const STEPS_MAX: usize = 20_000;

/// Amounts, none of them 0, with how many there are of each.
pub(super) struct Sums {
    kinds: Vec<(i64, u32)>,
    /// From each kind on: the least and the greatest sum, and the greatest common divisor.
    rest: Vec<(i128, i128, u64)>,
}

/// Counts by kind, in the order of the kinds.
pub(super) type Counts = Vec<u32>;

impl Sums {
    /// `kinds` in the order in which they are tried: what comes first is used first.
    pub(super) fn new(kinds: Vec<(i64, u32)>) -> Self {
        let mut rest = vec![(0, 0, 0)];
        for &(amount, count) in kinds.iter().rev() {
            let (low, high, divisor) = rest[rest.len() - 1];
            let all = i128::from(amount) * i128::from(count);
            let divisor = if count == 0 { divisor } else { gcd(divisor, amount.unsigned_abs()) };
            rest.push((low + all.min(0), high + all.max(0), divisor));
        }
        rest.reverse();
        Self { kinds, rest }
    }

    /// All ways to reach the target, and whether they are all.
    pub(super) fn ways(&self, target: i128, meter: &Meter<'_>) -> Result<(Vec<Counts>, bool), Stop> {
        let mut asked = Question { found: Vec::new(), counts: vec![0; self.kinds.len()], steps: 0, whole: true };
        self.descend(0, target, &mut asked);
        meter.spend(asked.steps + 1)?;
        Ok((asked.found, asked.whole))
    }

    fn descend(&self, kind: usize, target: i128, asked: &mut Question) {
        let (low, high, divisor) = self.rest[kind];
        let divides = if divisor == 0 { target == 0 } else { target % i128::from(divisor) == 0 };
        if target < low || target > high || !divides {
            return;
        }
        let Some(&(amount, count)) = self.kinds.get(kind) else {
            asked.found.push(asked.counts.clone());
            return;
        };
        let Some((least, most)) = self.fitting(kind, target) else { return };
        for used in (least..=most.min(count)).rev() {
            if asked.steps == STEPS_MAX || asked.found.len() == ANSWERS_MAX {
                asked.whole = false;
                break;
            }
            asked.steps += 1;
            asked.counts[kind] = used;
            self.descend(kind + 1, target - i128::from(amount) * i128::from(used), asked);
        }
        asked.counts[kind] = 0;
    }

    /// Between which counts the kinds after this one can make up the rest.
    fn fitting(&self, kind: usize, target: i128) -> Option<(u32, u32)> {
        let amount = i128::from(self.kinds[kind].0);
        let (low, high, _) = self.rest[kind + 1];
        // `used * amount` must lie between these.
        let (from, to) = (target - high, target - low);
        let (from, to) = if amount < 0 { (-to, -from) } else { (from, to) };
        let size = amount.abs();
        let (least, most) = (from.max(0).unsigned_abs().div_ceil(size.unsigned_abs()), to.div_euclid(size));
        let most = u32::try_from(most.min(i128::from(u32::MAX))).ok()?;
        Some((u32::try_from(least).ok()?, most))
    }
}

struct Question {
    found: Vec<Counts>,
    counts: Counts,
    steps: usize,
    whole: bool,
}

fn gcd(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { gcd(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Allowance;

    #[test]
    fn every_way_to_reach_a_sum() {
        let meter = Allowance::unlimited().meter();
        let ways = |kinds: &[(i64, u32)], target| Sums::new(kinds.to_vec()).ways(target, &meter).expect("no budget");
        assert_eq!(ways(&[(5, 1), (2, 3), (1, 1)], 5), (vec![vec![1, 0, 0], vec![0, 2, 1]], true));
        assert_eq!(ways(&[(5, 2), (-3, 2)], 4), (vec![vec![2, 2]], true));
        assert_eq!(ways(&[(5, 2)], 3), (vec![], true));
        assert_eq!(ways(&[], 0), (vec![vec![]], true));
        let (found, whole) = ways(&[(1, 900), (2, 900)], 900);
        assert!(found.len() == ANSWERS_MAX && !whole);
    }
}
