//! What was read of an object, as a number: which of the contents that this run has seen of it. A digest in the evidence would
//! let a reader try passwords until one fits; a number says whether something changed, and nothing else.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::world::sha256;

/// The digests that were seen, by object, in memory alone.
#[derive(Debug, Default)]
pub(super) struct Contents(Mutex<BTreeMap<String, Vec<String>>>);

impl Contents {
    /// `content 1` of what is seen first of an object, `content 2` of the first that differs from it.
    pub(super) fn number(&self, object: &str, content: &impl Serialize) -> String {
        let digest = sha256(&serde_json::to_vec(content).unwrap_or_default());
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = seen.entry(object.to_owned()).or_default();
        let index = of_it.iter().position(|known| *known == digest).unwrap_or_else(|| {
            of_it.push(digest);
            of_it.len() - 1
        });
        format!("content {}", index + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_and_a_content_is_not() {
        let contents = Contents::default();
        assert_eq!(contents.number("Secret a", &"hunter2"), "content 1");
        assert_eq!(contents.number("Secret a", &"hunter3"), "content 2");
        assert_eq!(contents.number("Secret a", &"hunter2"), "content 1");
        assert_eq!(contents.number("Secret b", &"hunter3"), "content 1");
    }
}
