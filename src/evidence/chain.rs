//! The chain over the lines of evidence: each line ends with a digest of itself and of every line before it, so that a line
//! that was edited, cut out, put in or moved is found, and named. Opens no file.
//!
//! ```text
//! {"i":7,"t":51200,"type":"stage","stage":"fault","chain":"5f0c…"}
//! ```
//!
//! `d(n) = SHA-256(d(n-1) ‖ line n without its chain field)`, `d(-1)` is 32 zero bytes. A line carries the first 16 bytes of
//! its digest; the whole digest of the last line is kept elsewhere, too (`report.json`, the run's record on the cluster), so
//! that a chain that somebody made anew from an edited line on can be told from the one that the run made.

use std::fmt::Write;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// What stands before the digest in a line.
const FIELD: &[u8] = br#","chain":""#;
/// What stands after it.
const END: &[u8] = b"\"}";
/// Of a digest, so many bytes stand in its line, as twice as many hexadecimal digits.
const SHOWN: usize = 16;

/// The digest of all lines so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain([u8; 32]);

impl Chain {
    /// Takes a JSON object without its chain field, and gives the whole line, with its end.
    pub(super) fn seal(&mut self, mut object: Vec<u8>) -> Vec<u8> {
        let shown = self.add(&object);
        object.pop();
        object.extend_from_slice(FIELD);
        object.extend_from_slice(shown.as_bytes());
        object.extend_from_slice(END);
        object.push(b'\n');
        object
    }

    /// Takes a line without its end; whether it is the one that was sealed after the lines so far.
    pub(super) fn follows(&mut self, line: &[u8]) -> bool {
        let Some(parts) =
            line.strip_suffix(END).and_then(|line| line.split_at_checked(line.len().wrapping_sub(SHOWN * 2)))
        else {
            return false;
        };
        let Some(object) = parts.0.strip_suffix(FIELD) else { return false };
        let object = [object, b"}"].concat();
        self.add(&object).as_bytes() == parts.1
    }

    /// The digest of all lines, in hexadecimal.
    pub(super) fn hex(&self) -> String {
        hex(&self.0)
    }

    fn add(&mut self, object: &[u8]) -> String {
        self.0 = Sha256::new().chain_update(self.0).chain_update(object).finalize().into();
        hex(&self.0[..SHOWN])
    }
}

/// JSON Lines of records, chained as a run chains them.
///
/// # Errors
/// A record that is no JSON object.
pub fn chained<T: Serialize>(records: impl IntoIterator<Item = T>) -> serde_json::Result<String> {
    let mut chain = Chain::default();
    let mut lines = String::new();
    for record in records {
        let object = serde_json::to_vec(&record)?;
        lines.push_str(&String::from_utf8_lossy(&chain.seal(object)));
    }
    Ok(lines)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(objects: &[&str]) -> Vec<String> {
        let mut chain = Chain::default();
        let seal = |object: &&str| String::from_utf8(chain.seal(object.as_bytes().to_vec())).expect("text");
        objects.iter().map(seal).collect()
    }

    /// The number of the first line that does not follow, from 1.
    fn broken(lines: &[String]) -> Option<usize> {
        let mut chain = Chain::default();
        lines.iter().position(|line| !chain.follows(line.trim_end().as_bytes())).map(|index| index + 1)
    }

    #[test]
    fn lines_are_json_and_follow_each_other() {
        let lines = sealed(&["{\"i\":0}", "{\"i\":1}"]);
        for line in &lines {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(value["chain"].as_str().map(str::len), Some(32));
        }
        assert_eq!(broken(&lines), None);
    }

    #[test]
    fn whatever_is_done_to_a_line_is_found_there() {
        let lines = sealed(&["{\"i\":0}", "{\"i\":1}", "{\"i\":2}", "{\"i\":3}"]);
        let mut edited = lines.clone();
        edited[1] = edited[1].replace("\"i\":1", "\"i\":5");
        assert_eq!(broken(&edited), Some(2));
        let mut cut = lines.clone();
        cut.remove(1);
        assert_eq!(broken(&cut), Some(2));
        let mut inserted = lines.clone();
        inserted.insert(2, lines[1].clone());
        assert_eq!(broken(&inserted), Some(3));
        let mut reordered = lines.clone();
        reordered.swap(1, 2);
        assert_eq!(broken(&reordered), Some(2));
        let mut bare = lines.clone();
        bare[3] = "{\"i\":3}\n".to_owned();
        assert_eq!(broken(&bare), Some(4));
        assert_eq!(broken(&lines[1..]), Some(1));
    }

    #[test]
    fn nothing_is_too_short_to_be_looked_at() {
        for line in ["", "}", "\"}", "{\"chain\":\"\"}", "{,\"chain\":\"00000000000000000000000000000000\"}"] {
            assert!(!Chain::default().follows(line.as_bytes()), "{line}");
        }
    }
}
