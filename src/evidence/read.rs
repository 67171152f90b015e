//! Reading evidence back. Everything up to a cut is usable; the cut itself is reported, never hidden. Evidence that is not what
//! the run wrote is not used at all.

use std::io::{self, BufRead, Read};

use super::chain::Chain;
use super::event::{Event, Header, Record, VERSION};

/// The first version whose lines are chained.
const CHAINED: u32 = 2;
/// A longer line is none of ours: the largest one is the plan or the snapshot of a very large cluster.
const LINE_MAX: usize = 256 << 20;

/// A run's evidence in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The first line.
    pub header: Header,
    /// All lines, the header included.
    pub records: Vec<Record>,
    /// Why this is not the whole and untouched evidence of a run, when it is not.
    pub cut: Option<String>,
    /// SHA-256 of all lines, in hexadecimal, as `report.json` and the run's record on the cluster have it; empty when it is
    /// not known.
    pub digest: String,
}

/// Evidence that cannot be used at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No line, or the first is no header.
    #[error("the evidence does not start with a header: {0}")]
    NoHeader(String),
    /// Written by a later version.
    #[error("the evidence has format version {found}, this driftproof reads up to {VERSION}: use a newer driftproof")]
    TooNew {
        /// Its version.
        found: u32,
    },
    /// The medium failed.
    #[error("the evidence cannot be read: {0}")]
    Medium(String),
}

/// A line of a file.
enum Line {
    /// Without its end.
    Whole(Vec<u8>),
    /// The last one, whose end is missing: it was being written when the run was cut off.
    Torn(Vec<u8>),
    /// Longer than any of ours.
    TooLong,
    End,
}

impl Evidence {
    /// Reads JSON Lines.
    ///
    /// # Errors
    /// As [`Evidence::read_from`].
    pub fn read(text: &str) -> Result<Self, ReadError> {
        Self::read_from(text.as_bytes())
    }

    /// Reads JSON Lines, one line at a time.
    ///
    /// # Errors
    /// When there is no usable header, or the medium fails. A last line that is torn ends the evidence there (`cut`). A line that is not
    /// the one that the run wrote there (it was edited, put in, moved, or lines before it were taken out) is named in `cut`, and
    /// then nothing but the header is left: whatever else is there proves nothing.
    pub fn read_from(mut from: impl BufRead) -> Result<Self, ReadError> {
        let (first, torn) = match line(&mut from)? {
            Line::Whole(first) => (first, false),
            Line::Torn(first) => (first, true),
            Line::TooLong => return Err(ReadError::NoHeader("the first line is too long".to_owned())),
            Line::End => return Err(ReadError::NoHeader("it is empty".to_owned())),
        };
        let record: Record = serde_json::from_slice(&first).map_err(|error| ReadError::NoHeader(error.to_string()))?;
        let Event::Header(header) = &record.event else {
            return Err(ReadError::NoHeader("the first line is another record".to_owned()));
        };
        let header = (**header).clone();
        if header.version > VERSION {
            return Err(ReadError::TooNew { found: header.version });
        }
        if header.version < CHAINED {
            return unchained(header, record, from);
        }
        let mut chain = Chain::default();
        if !chain.follows(&first) && !torn {
            return Ok(Self::edited(header, record, 1));
        }
        let mut records = vec![record];
        let mut cut = torn.then(|| torn_at(1));
        while cut.is_none() {
            let number = records.len() + 1;
            match line(&mut from)? {
                Line::End => break,
                Line::Torn(_) => cut = Some(torn_at(number)),
                Line::TooLong => return Ok(Self::edited(header, records.swap_remove(0), number)),
                Line::Whole(line) => match serde_json::from_slice::<Record>(&line) {
                    Ok(record) if chain.follows(&line) && record.i == records.len() as u64 => records.push(record),
                    Ok(_) | Err(_) => return Ok(Self::edited(header, records.swap_remove(0), number)),
                },
            }
        }
        let digest = chain.hex();
        Ok(Self { cut: cut.or_else(|| unclosed(&records)), header, records, digest })
    }

    /// Whether this is known not to be what the run wrote: then only the header is left, and what the run did is not known.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        self.header.version >= CHAINED && self.digest.is_empty()
    }

    fn edited(header: Header, first: Record, number: usize) -> Self {
        let cut = format!(
            "line {number} of the evidence is not what the run wrote there: it was edited, put in or moved, or lines before it were taken out; nothing in this evidence can be trusted"
        );
        Self { header, records: vec![first], cut: Some(cut), digest: String::new() }
    }
}

fn torn_at(number: usize) -> String {
    format!("line {number} is torn: the run was cut off while it was written")
}

fn unclosed(records: &[Record]) -> Option<String> {
    let closed = matches!(records.last(), Some(Record { event: Event::End(_), .. }));
    (!closed).then(|| "the run was cut off: there is no closing record".to_owned())
}

/// Evidence of before there were chains: it can be read, and nobody knows whether it is what the run wrote.
fn unchained(header: Header, first: Record, mut from: impl BufRead) -> Result<Evidence, ReadError> {
    let mut records = vec![first];
    while let Line::Whole(line) = line(&mut from)? {
        match serde_json::from_slice::<Record>(&line) {
            Ok(record) if record.i == records.len() as u64 => records.push(record),
            Ok(_) | Err(_) => break,
        }
    }
    let cut = format!(
        "the evidence has format version {}, whose lines carry no digests: whether it was edited cannot be told; run the scenario again",
        header.version
    );
    Ok(Evidence { header, records, cut: Some(cut), digest: String::new() })
}

/// The next line, never more of it in memory than a line may have.
fn line(from: &mut impl BufRead) -> Result<Line, ReadError> {
    let mut line = Vec::new();
    let limited = from.take(LINE_MAX as u64).read_until(b'\n', &mut line);
    limited.map_err(|error: io::Error| ReadError::Medium(error.to_string()))?;
    Ok(match line.last() {
        None => Line::End,
        Some(b'\n') => {
            line.pop();
            Line::Whole(line)
        }
        Some(_) if line.len() == LINE_MAX => Line::TooLong,
        Some(_) => Line::Torn(line),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{End, Ending, Log, Memory, Stage};

    /// Evidence of a run that was closed.
    fn written() -> String {
        let scenario = crate::scenario::parse(
            "a.toml",
            "name = \"a\"\n[target]\nnamespace = \"shop\"\nworkload = \"deployment/web\"\n[[fault]]\nkind = \"pod-kill\"\n",
        );
        let header = Header {
            version: VERSION,
            tool: "test".to_owned(),
            run: "r".to_owned(),
            world: crate::evidence::WorldName::Embedded,
            seed: 1,
            started: "2026-01-01T00:00:00Z".to_owned(),
            again: String::new(),
            scenario: scenario.expect("a scenario"),
            not_modelled: Vec::new(),
            skipped: Vec::new(),
        };
        let memory = Memory::default();
        let log = Log::new(Box::new(memory.clone()));
        log.append(0, Event::Header(Box::new(header)));
        for stage in [Stage::Prepare, Stage::Steady, Stage::Fault, Stage::Clean] {
            log.append(7, Event::Stage { stage });
        }
        log.append(9, Event::End(End { how: Ending::Completed, dirty: Vec::new() }));
        memory.text()
    }

    /// How many records are left, and what is said.
    fn read(text: &str) -> (usize, String) {
        let evidence = Evidence::read(text).expect("it has a header");
        (evidence.records.len(), evidence.cut.unwrap_or_default())
    }

    #[test]
    fn what_the_run_wrote_is_whole_and_has_a_digest() {
        let text = written();
        let evidence = Evidence::read(&text).expect("readable");
        assert_eq!((evidence.records.len(), evidence.cut, evidence.digest.len()), (6, None, 64));
        // The digest is that of the chain's last line.
        assert!(text.trim_end().ends_with(&format!("{}\"}}", &evidence.digest[..32])));
    }

    #[test]
    fn every_edited_line_is_named_and_nothing_is_left() {
        let text = written();
        let lines: Vec<&str> = text.lines().collect();
        for number in 1..=lines.len() {
            let edit = |edited: String| {
                let mut all: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
                all[number - 1] = edited;
                all.concat()
            };
            let line = lines[number - 1];
            let time = line.replacen("\"t\":", "\"t\":1", 1);
            // With its chain field taken away, and with that of somebody else.
            let bare = format!("{}}}", line.split(",\"chain\"").next().expect("the record"));
            for edited in [time, bare, line.replace("\"chain\":\"", "\"chain\":\"0")] {
                let (left, said) = read(&edit(format!("{edited}\n")));
                assert_eq!(left, 1, "line {number}: {edited}");
                assert!(Evidence::read(&edit(format!("{edited}\n"))).is_ok_and(|read| read.is_edited()), "{edited}");
                assert!(said.starts_with(&format!("line {number} of the evidence is not")), "line {number}: {said}");
            }
            if number > 1 {
                let (left, said) = read(&edit("garbage\n".to_owned()));
                assert!(left == 1 && said.starts_with(&format!("line {number} of the evidence")), "{said}");
            }
        }
    }

    #[test]
    fn lines_that_were_taken_out_put_in_or_moved_are_named() {
        let text = written();
        let lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
        let mut out = lines.clone();
        out.remove(2);
        let mut put_in = lines.clone();
        put_in.insert(3, lines[1].clone());
        let mut moved = lines.clone();
        moved.swap(3, 4);
        for (what, lines, number) in [("taken out", out, 3), ("put in", put_in, 4), ("moved", moved, 4)] {
            let (left, said) = read(&lines.concat());
            assert!(left == 1 && said.starts_with(&format!("line {number} of")), "{what}: {said}");
        }
    }

    #[test]
    fn a_run_that_was_cut_off_is_readable_up_to_the_cut() {
        let text = written();
        let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        assert_eq!(read(&text[..ends[2]]), (3, "the run was cut off: there is no closing record".to_owned()));
        assert_eq!(
            read(&text[..ends[2] + 9]),
            (3, "line 4 is torn: the run was cut off while it was written".to_owned())
        );
        assert!(Evidence::read(&text[..9]).is_err() && Evidence::read("").is_err());
    }

    #[test]
    fn older_evidence_is_read_and_proves_nothing() {
        let text = written().replacen(&format!("\"version\":{VERSION}"), "\"version\":1", 1);
        let (left, said) = read(&text);
        assert_eq!(left, 6);
        assert!(said.contains("format version 1, whose lines carry no digests"), "{said}");
        let newer = written().replacen(&format!("\"version\":{VERSION}"), "\"version\":99", 1);
        assert_eq!(Evidence::read(&newer), Err(ReadError::TooNew { found: 99 }));
    }
}
