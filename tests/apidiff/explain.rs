//! Disagreements that are no mistake, each with its reason.

use crate::ask::{Answer, Question};

/// Why the two may differ here, if they may.
pub(crate) fn reason(question: &Question, ours: &Answer, theirs: &Answer) -> Option<&'static str> {
    if theirs.code == 500 && ours.code >= 400 {
        return Some("both refuse; the real server fails on it");
    }
    if ours.message.contains("resourceVersion should not be set on objects to be created") && theirs.taken {
        return Some("the real server finds it only when it stores, and a dry run stores nothing");
    }
    if theirs.taken && ours.message.contains("provided port is not in the valid range") {
        return Some("the real server draws ports only when it stores, and a dry run stores nothing");
    }
    if theirs.message.contains("compilation failed: ERROR: <input>") && ours.taken {
        return Some("an expression in CEL, which the embedded server does not compile");
    }
    let number = ["invalid value: integer", "invalid type: floating point"];
    if question.apply && theirs.taken && number.iter().any(|words| ours.message.contains(words)) {
        return Some(
            "the real server lets an applied number wrap or lose its fraction; a created one it refuses as we do",
        );
    }
    None
}
