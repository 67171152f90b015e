//! A bound such as `>= 0.99`: a comparison with a number. Knows nothing of where the values come from.

use serde::{Deserialize, Serialize};

/// A comparison with a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// How a value must stand to the number.
    pub comparison: Comparison,
    /// The number.
    pub number: f64,
}

/// How a value stands to a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// At least as large.
    #[serde(rename = ">=")]
    AtLeast,
    /// At most as large.
    #[serde(rename = "<=")]
    AtMost,
    /// The same.
    #[serde(rename = "==")]
    Equal,
    /// Another one.
    #[serde(rename = "!=")]
    NotEqual,
    /// Larger.
    #[serde(rename = ">")]
    Above,
    /// Smaller.
    #[serde(rename = "<")]
    Below,
}

impl Comparison {
    /// All of them. Two characters first: `>` begins `>=`.
    const ALL: [Self; 6] = [Self::AtLeast, Self::AtMost, Self::Equal, Self::NotEqual, Self::Above, Self::Below];

    /// `>=`, `<=`, `==`, `!=`, `>`, `<`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Above => ">",
            Self::Below => "<",
        }
    }
}

impl Bound {
    /// Reads `>= 0.99`; `None` when it is no bound.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (comparison, rest) = Comparison::ALL
            .into_iter()
            .find_map(|comparison| Some((comparison, text.strip_prefix(comparison.word())?)))?;
        let number = rest.trim().parse().ok().filter(|number: &f64| !number.is_nan())?;
        Some(Self { comparison, number })
    }

    /// Whether a value keeps it. No number keeps none.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "`== 0` on a counter means exactly zero")]
    pub fn holds(self, value: f64) -> bool {
        match self.comparison {
            Comparison::AtLeast => value >= self.number,
            Comparison::AtMost => value <= self.number,
            Comparison::Equal => value == self.number,
            Comparison::NotEqual => !value.is_nan() && value != self.number,
            Comparison::Above => value > self.number,
            Comparison::Below => value < self.number,
        }
    }
}
