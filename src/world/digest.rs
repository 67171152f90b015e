//! One digest for a tree of files, the same in both worlds.

use std::collections::BTreeMap;
use std::fmt::Write;

use sha2::{Digest, Sha256};

/// SHA-256 in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Digest of a tree from the digest of each file by its relative path, and the number of files.
#[must_use]
pub fn digest_of(files: BTreeMap<String, String>) -> (String, u64) {
    let count = files.len() as u64;
    let text: String = files.into_iter().fold(String::new(), |mut text, (path, hash)| {
        let _ = writeln!(text, "{hash}  {path}");
        text
    });
    (format!("sha256:{}", sha256(text.as_bytes())), count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_known_one_and_depends_on_names_and_contents() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let tree = |name: &str, text: &str| digest_of(BTreeMap::from([(name.to_owned(), sha256(text.as_bytes()))]));
        assert_ne!(tree("a", "1"), tree("b", "1"));
        assert_ne!(tree("a", "1"), tree("a", "2"));
        assert_eq!(tree("a", "1").1, 1);
    }
}
