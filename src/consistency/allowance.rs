//! What a check may spend: time and memory. Reads no clock: whoever gives the allowance says when the time is over.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::check::Options;
use super::format::ReadError;
use super::outcome::Budget;

/// Units of work between two questions whether the time is over: about 10 µs.
const WORK: usize = 4096;

/// What one check may spend. Each thread counts on a `Meter` of its own.
#[derive(Clone, Copy)]
pub struct Allowance<'a> {
    exhausted: &'a (dyn Fn() -> bool + Sync),
    timeout: Duration,
    memory: Option<u64>,
    held: u64,
}

impl<'a> Allowance<'a> {
    /// The budgets of these options; `exhausted` is asked now and then, from several threads, whether the time is over.
    #[must_use]
    pub fn of(options: &Options, exhausted: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self { exhausted, timeout: options.timeout.unwrap_or_default(), memory: options.memory, held: 0 }
    }

    /// As much as it takes.
    #[must_use]
    pub fn unlimited() -> Allowance<'static> {
        Allowance { exhausted: &|| false, timeout: Duration::ZERO, memory: None, held: 0 }
    }

    /// Whether the time is over.
    pub(super) fn clock(self) -> &'a (dyn Fn() -> bool + Sync) {
        self.exhausted
    }

    /// Bytes that there may be beside those held already; none: no limit.
    pub(super) fn room(self) -> Option<u64> {
        self.memory.map(|memory| memory.saturating_sub(self.held))
    }

    /// The budget of memory, to be named.
    pub(super) fn full(self) -> Budget {
        Budget::Memory(self.memory.unwrap_or(u64::MAX))
    }

    /// So many bytes are held already, for as long as the check lasts.
    pub(super) fn holding(self, bytes: u64) -> Self {
        Self { held: self.held.saturating_add(bytes), ..self }
    }

    /// What to count on.
    pub(super) fn meter(self) -> Meter<'a> {
        Meter { allowance: self, work: Cell::new(0), over: Cell::new(false) }
    }
}

/// Counts the work of one thread.
pub(super) struct Meter<'a> {
    allowance: Allowance<'a>,
    work: Cell<usize>,
    over: Cell<bool>,
}

impl Meter<'_> {
    /// Whether the time is over, after so many further units of work. Once it is, it stays so.
    #[inline]
    pub(super) fn spent(&self, work: usize) -> bool {
        let done = self.work.get().saturating_add(work);
        if done < WORK {
            self.work.set(done);
            return self.over.get();
        }
        self.work.set(0);
        if !self.over.get() {
            self.over.set((self.allowance.exhausted)());
        }
        self.over.get()
    }

    /// Whether the time is over; asks at once.
    pub(super) fn is_over(&self) -> bool {
        self.spent(WORK)
    }

    /// Goes on, unless the time is over after so many further units of work.
    #[inline]
    pub(super) fn spend(&self, work: usize) -> Result<(), Stop> {
        if self.spent(work) { Err(Stop::Budget(self.time())) } else { Ok(()) }
    }

    /// Goes on, unless so many bytes beside those held already are more than there may be.
    pub(super) fn hold(&self, bytes: u64) -> Result<(), Stop> {
        match self.allowance.memory.filter(|memory| self.allowance.held.saturating_add(bytes) > *memory) {
            Some(memory) => Err(Stop::Budget(Budget::Memory(memory))),
            None => Ok(()),
        }
    }

    /// The budget of time, to be named.
    pub(super) fn time(&self) -> Budget {
        Budget::Time(self.allowance.timeout)
    }
}

/// Why a check ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The history is none of its model.
    Input(ReadError),
    /// A budget was used up.
    Budget(Budget),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Input(error)
    }
}

/// What the work says. If it panics, the fault is the checker's own: nothing is known of the history, and whoever else is
/// judged still is.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Budget> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        let text = text.unwrap_or_else(|| "without a message".to_owned());
        Budget::Evidence(format!("the checker itself failed ({text}): nothing was judged; please report it"))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn the_clock_is_asked_seldom_and_believed_for_good() {
        let asked = AtomicUsize::new(0);
        let exhausted = || asked.fetch_add(1, Ordering::Relaxed) == 1;
        let timeout = Duration::from_secs(3);
        let options = Options { timeout: Some(timeout), memory: Some(100), ..Options::default() };
        let meter = Allowance::of(&options, &exhausted).holding(60).meter();
        assert!((0..2 * WORK - 1).all(|_| !meter.spent(1)));
        assert_eq!(meter.spend(1), Err(Stop::Budget(Budget::Time(timeout))));
        assert!(meter.spent(1) && meter.is_over());
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        assert_eq!(meter.hold(40), Ok(()));
        assert_eq!(meter.hold(41), Err(Stop::Budget(Budget::Memory(100))));
    }
}
