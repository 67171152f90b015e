//! A text in pieces of whole events, each brought when it is asked for: two threads look at two pieces at a time, and nobody
//! holds all of it. Opens no file and reads no event.

use std::io;

/// Bytes of a piece, about.
pub(super) const PIECE: usize = 1 << 17;
/// How much longer an event at the end of a piece usually is, and more white space than stands around a file.
const SLACK: usize = 1 << 12;

/// Bytes that can be read at any place, by several threads at once: a file, or what is in memory.
pub trait Source: Sync {
    /// How many there are.
    fn size(&self) -> u64;

    /// Reads from a place on until `into` is full.
    ///
    /// # Errors
    /// As the medium says; also when there are not so many bytes.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

impl Source for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let bytes = from.get(..into.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(bytes);
        Ok(())
    }
}

/// The pieces of a source. In the plain form every `{` begins an event, so that it can be cut before any of them.
pub(super) struct Pieces<'a> {
    source: &'a dyn Source,
    begin: u64,
    end: u64,
}

impl<'a> Pieces<'a> {
    /// Leaves out the brackets of a vector around the events; nothing if only one is there.
    pub(super) fn of(source: &'a dyn Source) -> Option<Self> {
        let size = source.size();
        let edge = usize::try_from(size).unwrap_or(SLACK).min(SLACK);
        let (mut front, mut back) = (vec![0; edge], vec![0; edge]);
        source.read_at(0, &mut front).ok()?;
        source.read_at(size - edge as u64, &mut back).ok()?;
        let before = (edge - front.trim_ascii_start().len()) as u64;
        let after = (edge - back.trim_ascii_end().len()) as u64;
        // White space alone, or so much of it that somebody else may look.
        (size == 0 || (before < edge as u64 && after < edge as u64)).then_some(())?;
        let bracket = match (front.trim_ascii_start().starts_with(b"["), back.trim_ascii_end().ends_with(b"]")) {
            (true, true) => 1,
            (false, false) => 0,
            _ => return None,
        };
        let (begin, end) = (before + bracket, size.checked_sub(after + bracket)?);
        (begin <= end).then_some(Self { source, begin, end })
    }

    /// Where the events begin.
    pub(super) fn begin(&self) -> u64 {
        self.begin
    }

    /// How many there are, at least one.
    pub(super) fn count(&self) -> u64 {
        (self.end - self.begin).div_ceil(PIECE as u64).max(1)
    }

    /// The events that begin in a piece. The buffer is the caller's, and serves for all pieces.
    pub(super) fn piece<'b>(&self, index: u64, buffer: &'b mut Vec<u8>) -> Option<&'b [u8]> {
        let from = self.begin + index * PIECE as u64;
        let rest = usize::try_from(self.end - from).unwrap_or(usize::MAX);
        let mut wanted = PIECE + SLACK;
        loop {
            let length = rest.min(wanted);
            if buffer.len() < length {
                buffer.resize(length, 0);
            }
            self.source.read_at(from, &mut buffer[..length]).ok()?;
            let (own, more) = buffer[..length].split_at(length.min(PIECE));
            let start = if index == 0 { Some(0) } else { own.iter().position(|byte| *byte == b'{') };
            let Some(start) = start else { return Some(&[]) };
            match more.iter().position(|byte| *byte == b'{') {
                Some(after) => return Some(&buffer[start..PIECE + after]),
                None if length == rest => return Some(&buffer[start..length]),
                None => wanted *= 2,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined(text: &[u8]) -> Option<Vec<u8>> {
        let pieces = Pieces::of(&text)?;
        let mut buffer = Vec::new();
        let mut all = Vec::new();
        for index in 0..pieces.count() {
            all.extend_from_slice(pieces.piece(index, &mut buffer)?);
        }
        Some(all)
    }

    #[test]
    fn brackets_and_what_stands_around_them_are_left_out() {
        assert_eq!(joined(b" [{:a 1}\n{:a 2}]\n"), Some(b"{:a 1}\n{:a 2}".to_vec()));
        assert_eq!(joined(b"{:a 1}\n"), Some(b"{:a 1}".to_vec()));
        assert_eq!(joined(b"[{:a 1}"), None);
        assert_eq!(joined(b"["), None);
        assert_eq!(joined(b""), Some(Vec::new()));
        assert_eq!(joined(b"  "), None);
    }

    proptest! {
        #[test]
        fn the_pieces_together_are_the_text(lengths in prop::collection::vec(0..90_000_usize, 1..12)) {
            let events: Vec<String> = lengths.iter().map(|length| format!("{{{}}}\n", "x".repeat(*length))).collect();
            let text = events.concat();
            let all = joined(text.as_bytes()).map(|all| String::from_utf8(all).expect("text"));
            prop_assert_eq!(all.as_deref(), Some(text.trim_end()));
        }
    }
}
