//! Numbers that may be percentages, such as `maxSurge` and `minAvailable`.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// To which side a percentage of a whole number is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// As for `maxSurge`, `minAvailable` and a budget's `maxUnavailable`.
    Up,
    /// As for a rollout's `maxUnavailable`.
    Down,
}

/// The number itself, or that percentage of a total; 0 when it is no number.
pub(super) fn scaled(value: &IntOrString, total: i32, round: Round) -> i32 {
    match value {
        IntOrString::Int(number) => *number,
        IntOrString::String(text) => {
            let Some(percent) = text.trim().strip_suffix('%').and_then(|number| number.parse::<i64>().ok()) else {
                return text.parse().unwrap_or(0);
            };
            let product = percent * i64::from(total);
            let rounded = match round {
                Round::Up => (product + 99).div_euclid(100),
                Round::Down => product.div_euclid(100),
            };
            i32::try_from(rounded).unwrap_or(i32::MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_as_asked() {
        let table = [("25%", 3, 1, 0), ("25%", 4, 1, 1), ("50%", 5, 3, 2), ("0%", 5, 0, 0), ("100%", 7, 7, 7)];
        for (text, total, up, down) in table {
            let value = IntOrString::String(text.to_owned());
            assert_eq!((scaled(&value, total, Round::Up), scaled(&value, total, Round::Down)), (up, down), "{text}");
        }
        assert_eq!(scaled(&IntOrString::Int(2), 10, Round::Up), 2);
    }
}
