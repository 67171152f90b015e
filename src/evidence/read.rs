//! Reading evidence back. Everything up to a cut is usable; the cut itself is reported, never hidden.

use super::event::{Event, Header, Record, VERSION};

/// A run's evidence in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The first line.
    pub header: Header,
    /// All lines, the header included.
    pub records: Vec<Record>,
    /// Why reading stopped before the end, when it did.
    pub cut: Option<String>,
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
}

impl Evidence {
    /// Reads JSON Lines.
    ///
    /// # Errors
    /// When there is no usable header. A later line that cannot be read, or a gap in the numbering, ends the evidence there (`cut`).
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let record: Record = serde_json::from_str(first).map_err(|error| ReadError::NoHeader(error.to_string()))?;
        let Event::Header(header) = &record.event else {
            return Err(ReadError::NoHeader("the first line is another record".to_owned()));
        };
        if header.version > VERSION {
            return Err(ReadError::TooNew { found: header.version });
        }
        let header = (**header).clone();
        let mut records = vec![record];
        let mut cut = None;
        for (index, line) in lines.enumerate() {
            match serde_json::from_str::<Record>(line) {
                Ok(record) if record.i == index as u64 + 1 => records.push(record),
                Ok(record) => {
                    cut = Some(format!("line {} has number {}: lines are missing", index + 2, record.i));
                    break;
                }
                Err(error) => {
                    cut = Some(format!("line {} cannot be read: {error}", index + 2));
                    break;
                }
            }
        }
        if cut.is_none() && !matches!(records.last(), Some(Record { event: Event::End(_), .. })) {
            cut = Some("the run was cut off: there is no closing record".to_owned());
        }
        Ok(Self { header, records, cut })
    }
}
