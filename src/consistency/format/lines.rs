//! Lines of a text: their numbers, and whether the text is one at all. Knows no format.

use super::error::{ReadError, Wrong};

/// Text, or the place of the first byte that is none.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, ReadError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let sound = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        let why = "a history is UTF-8 text; unpack it first if it is compressed otherwise than by gzip";
        Wrong::new("bytes that are not UTF-8", why).at(sound, sound.len())
    })
}

/// Counts lines along a text that is read from front to back.
pub(super) struct LineCount<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> LineCount<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), at: 0, line: 1 }
    }

    /// The line of a byte that is not before the one asked for last.
    pub(super) fn of(&mut self, offset: usize) -> u64 {
        let end = offset.min(self.bytes.len());
        if let Some(passed) = self.bytes.get(self.at..end) {
            self.line += passed.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
            self.at = end;
        }
        self.line
    }
}
