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

/// Cuts text that comes in pieces into lines. Holds no more of it than a line that is not whole yet.
#[derive(Default)]
pub(crate) struct Lines {
    begun: Vec<u8>,
    /// The line that was given out last, from 1.
    number: u64,
}

impl Lines {
    /// Gives out each line that is whole, with its number; whatever is wrong ends it.
    pub(crate) fn push<E: From<ReadError>>(
        &mut self,
        mut piece: &[u8],
        mut each: impl FnMut(u64, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.begun.is_empty() {
            let Some(end) = piece.iter().position(|byte| *byte == b'\n') else {
                self.begun.extend_from_slice(piece);
                return Ok(());
            };
            self.begun.extend_from_slice(&piece[..=end]);
            piece = &piece[end + 1..];
            let line = std::mem::take(&mut self.begun);
            self.whole(&line, &mut each)?;
        }
        let whole = piece.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        self.begun.extend_from_slice(&piece[whole..]);
        self.whole(&piece[..whole], &mut each)
    }

    /// Gives out the last line, if nothing ended it.
    pub(crate) fn finish<E: From<ReadError>>(
        mut self,
        mut each: impl FnMut(u64, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let line = std::mem::take(&mut self.begun);
        self.whole(&line, &mut each)
    }

    fn whole<E: From<ReadError>>(
        &mut self,
        bytes: &[u8],
        each: &mut impl FnMut(u64, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let (sound, wrong) = match utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                // Up to the line that holds the byte.
                let before =
                    bytes.split_inclusive(|byte| *byte == b'\n').take((error.line - 1).try_into().unwrap_or(0));
                let end = before.map(<[u8]>::len).sum::<usize>();
                (std::str::from_utf8(&bytes[..end]).unwrap_or_default(), Some(error))
            }
        };
        let first = self.number;
        let mut rest = sound;
        while !rest.is_empty() {
            let (line, more) = rest.split_at(rest.find('\n').map_or(rest.len(), |end| end + 1));
            rest = more;
            self.number += 1;
            each(self.number, line)?;
        }
        match wrong {
            None => Ok(()),
            Some(error) => Err(ReadError { line: first + error.line, ..error }.into()),
        }
    }
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
