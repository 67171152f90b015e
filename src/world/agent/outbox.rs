//! Items that are numbered from 1 and kept until the other end has them. Bounded: what is dropped is seen as a jump in
//! the numbers. No I/O.

use std::collections::VecDeque;

/// The items that the other end may still need.
#[derive(Debug)]
pub(super) struct Outbox<T> {
    items: VecDeque<(u64, T)>,
    last: u64,
    most: usize,
}

impl<T> Outbox<T> {
    /// An empty box for at most `most` items.
    pub(super) const fn new(most: usize) -> Self {
        Self { items: VecDeque::new(), last: 0, most }
    }

    /// Adds an item; the oldest one is dropped when there are too many.
    pub(super) fn push(&mut self, item: T) -> u64 {
        if self.items.len() >= self.most {
            self.items.pop_front();
        }
        self.last += 1;
        self.items.push_back((self.last, item));
        self.last
    }

    /// Forgets what the other end has.
    pub(super) fn acknowledge(&mut self, upto: u64) {
        while self.items.front().is_some_and(|(n, _)| *n <= upto) {
            self.items.pop_front();
        }
    }

    /// The first item after a number.
    pub(super) fn next(&self, after: u64) -> Option<(u64, &T)> {
        let first = self.items.front()?.0;
        let index = usize::try_from((after + 1).saturating_sub(first)).ok()?;
        self.items.get(index).map(|(n, item)| (*n, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(outbox: &Outbox<&'static str>, mut after: u64) -> Vec<(u64, &'static str)> {
        let mut found = Vec::new();
        while let Some((n, item)) = outbox.next(after) {
            found.push((n, *item));
            after = n;
        }
        found
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again() {
        let mut outbox = Outbox::new(10);
        for item in ["a", "b", "c"] {
            outbox.push(item);
        }
        assert_eq!(after(&outbox, 0), [(1, "a"), (2, "b"), (3, "c")]);
        outbox.acknowledge(1);
        assert_eq!(after(&outbox, 1), [(2, "b"), (3, "c")]);
        assert_eq!(after(&outbox, 2), [(3, "c")]);
        outbox.acknowledge(3);
        assert_eq!(after(&outbox, 1), []);
        assert_eq!(outbox.push("d"), 4);
        assert_eq!(after(&outbox, 3), [(4, "d")]);
    }

    #[test]
    fn a_full_box_drops_the_oldest_and_the_numbers_show_it() {
        let mut outbox = Outbox::new(2);
        for item in ["a", "b", "c", "d"] {
            outbox.push(item);
        }
        assert_eq!(after(&outbox, 1), [(3, "c"), (4, "d")]);
    }
}
