//! The second look at a file: only the operations that it takes to tell what is broken are kept. Judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::gather::Gather;
use super::names::{Keys, Names};
use super::pick::{Finding, Picked};
use crate::allowance::Allowance;
use crate::check::Options;
use crate::format::native::Line;
use crate::format::{EventType, Joiner, Lines, ReadError, Seen, Wrong};
use crate::history::{History, Value};
use crate::intern::number_of;
use crate::outcome::Outcome;
use crate::register::explain;
use crate::text::Judged;

/// Reads a history once more to tell what is broken.
pub struct Telling {
    options: Options,
    lines: Lines,
    reader: Reader,
    findings: Vec<Finding>,
    /// Events and calls of the first look.
    seen: (u64, u32),
    stop: Option<ReadError>,
    notes: Vec<String>,
}

/// What is looked for, and what was found.
struct Reader {
    keys: Keys,
    values: Names,
    /// Calls that are needed, the last first.
    wanted: Vec<Picked>,
    /// Keys and values of which the first write is needed, which is known to have failed.
    meant: BTreeSet<(u32, u32)>,
    /// The event that calls each of those.
    failed: BTreeMap<(u32, u32), u32>,
    /// Processes of which the next event is an answer that is needed.
    followed: BTreeSet<u64>,
    /// The lines that are needed, each with its number.
    kept: Vec<(u64, String)>,
    /// Of each operation that is kept, what it was in the first look.
    picked: Vec<Picked>,
    events: u64,
    calls: u32,
}

impl Telling {
    pub(super) fn new(
        gather: Gather,
        calls: u32,
        timed: Option<Picked>,
        findings: Vec<Finding>,
        options: Options,
    ) -> Self {
        let mut wanted: Vec<Picked> =
            findings.iter().flat_map(|finding| finding.picked.iter().copied()).chain(timed).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.reverse();
        let meant = findings.iter().filter_map(|finding| Some((finding.key, finding.meant?))).collect();
        let seen = (gather.events(), calls);
        let notes = gather.notes();
        let reader = Reader {
            keys: gather.keys,
            values: gather.values,
            wanted,
            meant,
            failed: BTreeMap::new(),
            followed: BTreeSet::new(),
            kept: Vec::new(),
            picked: Vec::new(),
            events: 0,
            calls: 0,
        };
        Self { options, lines: Lines::default(), reader, findings, seen, stop: None, notes }
    }

    /// Bytes that it holds until the file is read again.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.reader.values.held() + self.reader.keys.held() + self.reader.wanted.len() as u64 * 8
    }

    /// The next bytes of the file; whether more are of use.
    pub fn push(&mut self, piece: &[u8]) -> bool {
        if self.stop.is_none() {
            let reader = &mut self.reader;
            self.stop = self.lines.push(piece, |number, line| reader.line(number, line)).err();
        }
        self.stop.is_none()
    }

    /// The outcome, with the operations that show it.
    ///
    /// # Errors
    /// The file is not the one that was judged.
    pub fn finish(mut self) -> Result<Judged, ReadError> {
        let reader = &mut self.reader;
        if let Some(error) = self.stop {
            return Err(error);
        }
        self.lines.finish(|number, line| reader.line(number, line))?;
        if (reader.events, reader.calls) != self.seen || !reader.wanted.is_empty() {
            return Err(changed());
        }
        let history = reader.history()?;
        let mut anomalies = Vec::with_capacity(self.findings.len());
        for finding in self.findings {
            let place = |start: u32| reader.picked.binary_search_by_key(&start, |picked| picked.start).map(number_of);
            let indices: Result<Vec<u32>, usize> = finding.picked.iter().map(|picked| place(picked.start)).collect();
            let indices = indices.map_err(|_| changed())?;
            let failed = finding.meant.and_then(|value| reader.failed.get(&(finding.key, value)));
            let mut members = indices.clone();
            members.extend(failed.and_then(|start| place(*start).ok()));
            members.sort_unstable();
            anomalies.push(explain(&history, &members, &indices, finding.flaw, &self.options));
        }
        let part = Some(reader.picked.iter().map(|picked| picked.operation).collect());
        let outcome = Outcome::Violation(anomalies);
        Ok(Judged { history: Some(history), part, notes: self.notes, ..Judged::of(outcome) })
    }
}

impl Reader {
    fn line(&mut self, number: u64, text: &str) -> Result<(), ReadError> {
        let Some(line) = Line::read(number, text)? else { return Ok(()) };
        self.events += 1;
        let needed = match line.kind().map_err(|wrong| wrong.on(number, 1))? {
            EventType::Invoke => self.is_needed(&line) && self.followed.insert(line.p),
            EventType::End(_) => self.followed.remove(&line.p),
        };
        if needed {
            self.kept.push((number, text.to_owned()));
        }
        Ok(())
    }

    /// Whether the call is of an operation that is needed.
    fn is_needed(&mut self, line: &Line<'_>) -> bool {
        let one = Picked { start: u32::try_from(self.events).unwrap_or(u32::MAX), operation: self.calls };
        self.calls = self.calls.saturating_add(1);
        let mut needed = self.wanted.pop_if(|wanted| *wanted == one).is_some();
        if let Some(meant) = self.meant_by(line)
            && self.meant.remove(&meant)
        {
            self.failed.insert(meant, one.start);
            needed = true;
        }
        if needed {
            self.picked.push(one);
        }
        needed
    }

    /// Key and value of a call that changes something, as far as somebody asks for that.
    fn meant_by(&mut self, line: &Line<'_>) -> Option<(u32, u32)> {
        if self.meant.is_empty() {
            return None;
        }
        let value = match (&*line.f, line.value()) {
            ("write", value) => self.values.number(value),
            ("cas", Seen::Whole(Value::List(pair))) if pair.len() == 2 => self.values.of(&pair[1]),
            _ => return None,
        };
        let name = self.keys.name(line.k.as_ref());
        Some((self.keys.called(name), value))
    }

    /// The operations that were kept.
    fn history(&mut self) -> Result<History, ReadError> {
        let meter = Allowance::unlimited().meter();
        let mut joiner = Joiner::strict(&meter);
        for (number, line) in std::mem::take(&mut self.kept) {
            if let Some(line) = Line::read(number, &line)? {
                line.join(number, &mut joiner)?;
            }
        }
        let history = joiner.finish();
        if history.operations.len() == self.picked.len() { Ok(history) } else { Err(changed()) }
    }
}

fn changed() -> ReadError {
    Wrong::new("the history is not the one that was judged", "do not write to the file while it is checked").on(1, 1)
}
