//! Moments for people: seconds, or places in the order where the format has no times. Reads no clock.

use super::Annotation;
use crate::history::{Call, History, Operation};

/// How moments of a history are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// Nanoseconds.
    Time,
    /// The history has no times: places in its order stand for them.
    Order,
}

impl Clock {
    pub(super) fn of(history: &History) -> Self {
        let timed = |call: Call| i64::try_from(call.at) != Ok(call.time);
        let has_times = |one: &Operation| timed(one.call) || one.end.is_some_and(timed);
        if history.operations.iter().any(has_times) { Self::Time } else { Self::Order }
    }

    /// An instant: `12.031 s`, or `event 17`.
    pub(super) fn tell(self, time: i64) -> String {
        match self {
            Self::Time => seconds(time),
            Self::Order => format!("event {time}"),
        }
    }
}

/// Nanoseconds as seconds with milliseconds.
pub(super) fn seconds(time: i64) -> String {
    let milliseconds = time.unsigned_abs() / 1_000_000;
    let sign = if time < 0 && milliseconds > 0 { "-" } else { "" };
    format!("{sign}{}.{:03} s", milliseconds / 1000, milliseconds % 1000)
}

/// A stretch as seconds with one decimal.
pub(super) fn stretch(time: i64) -> String {
    let tenths = (i128::from(time) + 50_000_000) / 100_000_000;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// The last instant of an operation that is known.
pub(super) fn end(operation: &Operation) -> i64 {
    operation.end.map_or(operation.call.time, |end| end.time)
}

/// From the first call to the last end of some operations.
pub(super) fn span<'a>(operations: impl Iterator<Item = &'a Operation>) -> Option<(i64, i64)> {
    operations.fold(None, |span, one| {
        let (from, to) = span.unwrap_or((i64::MAX, i64::MIN));
        Some((from.min(one.call.time), to.max(end(one))))
    })
}

impl Annotation {
    pub(super) fn overlaps(&self, from: i64, to: i64) -> bool {
        self.from <= to && self.to.is_none_or(|end| end >= from)
    }
}
