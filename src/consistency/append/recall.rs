//! Brings the operations of a few transactions back out of a text that was judged without a history. Judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::fast::{Batch, Type};
use super::pieces::{Pieces, Source};
use crate::format::{self, Format};
use crate::history::{Call, History};

/// One event that is kept.
struct Kept {
    text: String,
    line: u64,
    /// Its place in the order of the history, and its time where it has none of its own.
    at: u64,
    timed: bool,
}

/// The operations of these transactions in their order, with their lines. None if the text is not the one that was judged.
pub(crate) fn recall(source: &dyn Source, wanted: &BTreeSet<u32>) -> Option<History> {
    let kept = kept(source, wanted)?;
    let text: Vec<&str> = kept.iter().map(|event| event.text.as_str()).collect();
    let mut history = format::read(text.join("\n").as_bytes(), Format::Elle).ok()?;
    let place = |call: &mut Call| {
        let event = kept.get(usize::try_from(call.line).ok()?.checked_sub(1)?)?;
        let time = if event.timed { call.time } else { i64::try_from(event.at).unwrap_or(i64::MAX) };
        *call = Call { at: event.at, time, line: event.line };
        Some(())
    };
    for operation in &mut history.operations {
        place(&mut operation.call)?;
        if let Some(end) = &mut operation.end {
            place(end)?;
        }
    }
    (history.operations.len() == wanted.len()).then_some(history)
}

/// The calls and completions of these transactions.
fn kept(source: &dyn Source, wanted: &BTreeSet<u32>) -> Option<Vec<Kept>> {
    let pieces = Pieces::of(source)?;
    let mut kept = Vec::new();
    let (mut buffer, mut batch) = (Vec::new(), Batch::default());
    let mut line = 1 + lines(source, pieces.begin())?;
    let (mut events, mut calls) = (0_u64, 0_u32);
    let mut open: BTreeMap<i64, bool> = BTreeMap::new();
    for index in 0..pieces.count() {
        let mut rest = pieces.piece(index, &mut buffer)?;
        while let Some(begin) = rest.iter().position(|byte| *byte == b'{') {
            line += breaks(&rest[..begin]);
            rest = &rest[begin..];
            let end = rest[1..].iter().position(|byte| *byte == b'{').map_or(rest.len(), |end| end + 1);
            batch.scan(&rest[..end])?;
            let event = *batch.events.first()?;
            let is_wanted = match event.kind {
                Type::Invoke => {
                    let is_wanted = wanted.contains(&calls);
                    calls += 1;
                    open.insert(event.process?, is_wanted);
                    is_wanted
                }
                Type::End(_) => open.remove(&event.process?)?,
                Type::Unknown => return None,
            };
            if is_wanted {
                kept.push(Kept {
                    // One event is one line here, however it was written.
                    text: String::from_utf8_lossy(&rest[..end]).split_whitespace().collect::<Vec<_>>().join(" "),
                    line,
                    at: event.index.and_then(|index| u64::try_from(index).ok()).unwrap_or(events),
                    timed: event.time.is_some(),
                });
            }
            events += 1;
            line += breaks(&rest[..end]);
            rest = &rest[end..];
        }
        line += breaks(rest);
    }
    Some(kept)
}

fn breaks(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// Line breaks before the first event.
fn lines(source: &dyn Source, begin: u64) -> Option<u64> {
    let mut before = vec![0; usize::try_from(begin).ok()?];
    source.read_at(0, &mut before).ok()?;
    Some(breaks(&before))
}
