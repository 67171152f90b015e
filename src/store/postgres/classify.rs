//! Which errors of PostgreSQL are definite, and until when. A whitelist: whatever does not stand here is `info`.

use crate::workload::Outcome;

/// How far a transaction had got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// COMMIT was not sent, so the transaction cannot take effect any more once the server has refused it.
    Before,
    /// COMMIT was sent.
    Committing,
}

/// The outcome of an error: its SQLSTATE (none when the connection broke) and how far the transaction had got.
pub(super) fn error(code: Option<&str>, stage: Stage, text: &str) -> Outcome {
    match (stage, code) {
        (Stage::Before, Some(code)) if is_definite(code) => Outcome::fail(format!("{code}: {text}")),
        (Stage::Before | Stage::Committing, Some(code)) => Outcome::info(format!("{code}: {text}")),
        (Stage::Before | Stage::Committing, None) => Outcome::info(text),
    }
}

/// Serialization failure, deadlock, read-only transaction, and violated constraints.
fn is_definite(code: &str) -> bool {
    matches!(code, "40001" | "40P01" | "25006") || code.starts_with("23")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consistency::Completion;

    #[test]
    fn only_the_whitelist_is_definite_and_only_before_commit() {
        let definite = ["40001", "40P01", "25006", "23000", "23502", "23503", "23505", "23514", "23P01"];
        for state in definite {
            assert_eq!(error(Some(state), Stage::Before, "").completion, Completion::Fail, "{state}");
            assert_eq!(error(Some(state), Stage::Committing, "").completion, Completion::Info, "{state}");
        }
        let others = [
            "40003", "57P01", "57P02", "57P03", "08006", "08003", "53300", "42P01", "25P02", "55P03", "57014", "XX000",
        ];
        for state in others {
            assert_eq!(error(Some(state), Stage::Before, "").completion, Completion::Info, "{state}");
            assert_eq!(error(Some(state), Stage::Committing, "").completion, Completion::Info, "{state}");
        }
        assert_eq!(error(None, Stage::Before, "connection closed").completion, Completion::Info);
        assert_eq!(error(None, Stage::Committing, "connection closed").completion, Completion::Info);
    }
}
