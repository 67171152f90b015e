//! A bound such as `>= 0.99`: a comparison with a number. Knows nothing of where the values come from.

/// A comparison with a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    comparison: Comparison,
    number: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    AtLeast,
    AtMost,
    Equal,
    NotEqual,
    Above,
    Below,
}

impl Bound {
    /// Reads `>= 0.99`; `None` when it is no bound.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Two characters first: `>` begins `>=`.
        let words = [
            (">=", Comparison::AtLeast),
            ("<=", Comparison::AtMost),
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            (">", Comparison::Above),
            ("<", Comparison::Below),
        ];
        let text = text.trim();
        let (comparison, rest) =
            words.iter().find_map(|(word, comparison)| Some((*comparison, text.strip_prefix(word)?)))?;
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
