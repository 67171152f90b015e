//! The number that an objective asks for, with its unit: what a program compares, beside the text that people read.

use serde::{Deserialize, Serialize};

use crate::measure::text;
use crate::scenario::Comparison;

use super::Judgement;

/// The number that an objective asks for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// How the measured value must stand to it.
    pub comparison: Comparison,
    /// The number, in the unit.
    pub number: f64,
    /// The unit of both; `None` when nobody knows it, as of a query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

/// The unit of a measured value and of its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Percent.
    #[serde(rename = "%")]
    Percent,
    /// Things that are counted.
    #[serde(rename = "count")]
    Count,
}

impl Unit {
    /// `s`, `%`, `count`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Percent => "%",
            Self::Count => "count",
        }
    }
}

impl Judgement {
    /// What was measured, in microseconds; becomes seconds.
    pub(super) fn took(self, micros: u64) -> Self {
        self.value(micros as f64 / 1e6)
    }

    /// What was measured, in the unit of the limit.
    pub(super) fn value(mut self, value: f64) -> Self {
        self.value = Some(value);
        self
    }

    /// At most this long, in microseconds.
    pub(super) fn at_most(self, micros: u64) -> Self {
        self.bound(format!("≤ {}", text::duration(micros))).limit(
            Comparison::AtMost,
            micros as f64 / 1e6,
            Some(Unit::Seconds),
        )
    }

    /// What the measured value is compared with.
    pub(super) fn limit(mut self, comparison: Comparison, number: f64, unit: Option<Unit>) -> Self {
        self.limit = Some(Limit { comparison, number, unit });
        self
    }
}
