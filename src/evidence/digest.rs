//! What a file of lines was when it was complete: how many lines, and their digest. Opens no file.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Lines are added one after the other, so that nothing of them has to be kept.
#[derive(Clone, Debug, Default)]
pub struct LineDigest {
    lines: u64,
    hash: Sha256,
}

impl LineDigest {
    /// Adds bytes, which end at the end of a line.
    pub fn add(&mut self, bytes: &[u8]) {
        self.lines += bytes.split(|byte| *byte == b'\n').skip(1).count() as u64;
        self.hash.update(bytes);
    }

    /// How many lines, and SHA-256 in hexadecimal.
    #[must_use]
    pub fn end(self) -> (u64, String) {
        let hex = self.hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        (self.lines, hex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_the_whole_have_one_digest() {
        let (mut parts, mut whole) = (LineDigest::default(), LineDigest::default());
        parts.add(b"a\n");
        parts.add(b"bc\n");
        whole.add(b"a\nbc\n");
        let (lines, hash) = parts.end();
        assert_eq!((lines, hash.len()), (2, 64));
        assert_eq!((lines, hash), whole.end());
    }
}
