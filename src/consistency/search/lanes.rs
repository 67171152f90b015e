//! Counters of used optional operations, many to a word, compared all at once.
//!
//! Each class has a lane with one bit more than its count needs: the guard that keeps lanes apart in a subtraction.

use super::problem::Class;

/// Where the counter of one class is.
#[derive(Clone, Copy)]
pub(super) struct Lane {
    pub(super) word: usize,
    pub(super) shift: u32,
    mask: u64,
}

pub(super) struct Lanes {
    pub(super) lanes: Vec<Lane>,
    /// The guard bits of each word.
    guards: Vec<u64>,
}

impl Lanes {
    pub(super) fn new(classes: &[Class]) -> Self {
        let mut lanes = Vec::with_capacity(classes.len());
        let mut guards = Vec::new();
        let mut shift = 64;
        for class in classes {
            let bits = usize::BITS - class.members.len().leading_zeros();
            if shift + bits + 1 > 64 {
                guards.push(0);
                shift = 0;
            }
            let word = guards.len() - 1;
            lanes.push(Lane { word, shift, mask: (1 << bits) - 1 });
            guards[word] |= 1 << (shift + bits);
            shift += bits + 1;
        }
        Self { lanes, guards }
    }

    pub(super) fn words(&self) -> usize {
        self.guards.len()
    }

    /// Whether no counter of `fewer` is above that of `more`.
    pub(super) fn below<const U: usize>(&self, fewer: &[u64; U], more: &[u64; U]) -> bool {
        self.guards.iter().zip(fewer).zip(more).all(|((guard, fewer), more)| ((more | guard) - fewer) & guard == *guard)
    }
}

impl Lane {
    pub(super) fn count(self, used: &[u64]) -> u64 {
        (used[self.word] >> self.shift) & self.mask
    }
}
