//! Vectors of numbers, all of one length, by number: equal ones have one number, and what they have in common is held once.
//!
//! A vector is a binary tree. Each pair of subtrees is held once, so that a vector that differs from another one in one
//! place takes no more than one pair for each level; and equal trees are one tree.

use crate::intern::{Numbers, number_of, soon};

/// The vectors.
pub(super) struct Vectors {
    pairs: Vec<(u32, u32)>,
    known: Numbers,
    /// Levels of each tree, at least one.
    levels: u32,
}

impl Vectors {
    /// For vectors of so many numbers.
    pub(super) fn new(length: usize) -> Self {
        let levels = length.max(2).next_power_of_two().trailing_zeros();
        Self { pairs: Vec::new(), known: Numbers::new(), levels }
    }

    /// The vector of these numbers, and 0 behind them. None of them may be [`NONE`](crate::intern::NONE).
    pub(super) fn of(&mut self, numbers: &[u32]) -> u32 {
        let mut level = numbers.to_vec();
        let mut blank = 0;
        for _ in 0..self.levels {
            level.resize(level.len().max(1).next_multiple_of(2), blank);
            level = level.chunks_exact(2).map(|pair| self.pair(pair[0], pair[1])).collect();
            blank = self.pair(blank, blank);
        }
        level[0]
    }

    /// The number at a place.
    pub(super) fn get(&self, vector: u32, place: u32) -> u32 {
        (0..self.levels).rev().fold(vector, |tree, level| {
            let (left, right) = self.pairs[tree as usize];
            if place >> level & 1 == 0 { left } else { right }
        })
    }

    /// The vector that has another number at a place.
    pub(super) fn with(&mut self, vector: u32, place: u32, number: u32) -> u32 {
        let mut others = [0; 32];
        let mut tree = vector;
        for level in (0..self.levels).rev() {
            let (left, right) = self.pairs[tree as usize];
            (tree, others[level as usize]) = if place >> level & 1 == 0 { (left, right) } else { (right, left) };
        }
        (0..self.levels).fold(number, |tree, level| {
            let other = others[level as usize];
            if place >> level & 1 == 0 { self.pair(tree, other) } else { self.pair(other, tree) }
        })
    }

    fn pair(&mut self, left: u32, right: u32) -> u32 {
        let next = number_of(self.pairs.len());
        let number = self.known.get_or_insert(u64::from(left) << 32 | u64::from(right), next);
        if number == next {
            self.pairs.push((left, right));
        }
        number
    }

    /// Bytes that it holds at most after one more step.
    pub(super) fn soon(&self) -> u64 {
        self.known.soon() + soon(self.pairs.len(), self.pairs.capacity(), size_of::<(u32, u32)>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_vectors_are_one_and_share_their_parts() {
        for length in [1, 2, 3, 8, 1000] {
            let mut vectors = Vectors::new(length);
            let mut plain = vec![0; length];
            let empty = vectors.of(&plain);
            let mut vector = empty;
            for round in 0..200_u32 {
                let place = round * 7 % number_of(length);
                plain[place as usize] = round;
                vector = vectors.with(vector, place, round);
                assert_eq!(vectors.get(vector, place), round);
            }
            assert_eq!(vectors.of(&plain), vector);
            for (place, number) in (0..).zip(&plain) {
                assert_eq!(vectors.get(vector, place), *number);
                vector = vectors.with(vector, place, 0);
            }
            assert_eq!(vector, empty);
            // Each change takes a pair for each level, not a vector.
            assert!(vectors.pairs.len() < 5_000 + 2 * length, "{length}: {}", vectors.pairs.len());
        }
    }
}
