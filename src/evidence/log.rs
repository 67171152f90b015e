//! Writing evidence: one record after the other, numbered, times never decreasing. Buffers; whoever needs a record on
//! disk before going on calls [`Log::sync`]. Opens no file and reads no clock.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::event::{Event, Record};

/// Where evidence goes. Opened by the caller.
pub trait Sink: Send {
    /// Appends bytes, perhaps to a buffer.
    ///
    /// # Errors
    /// As the medium says.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Hands buffered bytes to the operating system, so that another process can read them.
    ///
    /// # Errors
    /// As the medium says.
    fn flush(&mut self) -> io::Result<()>;

    /// Returns when everything that was appended would survive a power cut.
    ///
    /// # Errors
    /// As the medium says.
    fn sync(&mut self) -> io::Result<()>;

    /// Opens another file beside this one, empty.
    ///
    /// # Errors
    /// As the medium says; a medium that has no place for more says so.
    fn beside(&mut self, name: &str) -> io::Result<Box<dyn Sink>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, format!("there is no place for {name} beside the evidence")))
    }
}

impl Sink for io::BufWriter<std::fs::File> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(self)
    }

    fn sync(&mut self) -> io::Result<()> {
        Write::flush(self)?;
        self.get_ref().sync_data()
    }
}

/// Evidence in memory; clones share one buffer.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    bytes: Arc<Mutex<Vec<u8>>>,
    files: Arc<Mutex<BTreeMap<String, Memory>>>,
}

impl Memory {
    /// What was written to a file beside the evidence.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<String> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).get(name).map(Self::text)
    }

    /// Everything that was written so far.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Sink for Memory {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn beside(&mut self, name: &str) -> io::Result<Box<dyn Sink>> {
        let file = Self::default();
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), file.clone());
        Ok(Box::new(file))
    }
}

/// The log of one run. Clones write to the same log.
#[derive(Clone)]
pub struct Log(Arc<Mutex<Inner>>);

struct Inner {
    sink: Box<dyn Sink>,
    next: u64,
    last: u64,
    failed: Option<String>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

impl Log {
    /// A log that begins at record 0.
    #[must_use]
    pub fn new(sink: Box<dyn Sink>) -> Self {
        Self(Arc::new(Mutex::new(Inner { sink, next: 0, last: 0, failed: None })))
    }

    /// Appends one record at `t` microseconds, or at the time of the record before when that is later. A medium that fails is remembered: see [`Log::failure`].
    pub fn append(&self, t: u64, event: Event) {
        let mut inner = self.lock();
        let t = t.max(inner.last);
        inner.last = t;
        let record = Record { i: inner.next, t, event };
        inner.next += 1;
        let written = serde_json::to_vec(&record).map_err(|error| error.to_string()).and_then(|mut line| {
            line.push(b'\n');
            inner.sink.append(&line).map_err(|error| error.to_string())
        });
        inner.remember(written);
    }

    /// Makes everything readable for other processes.
    pub fn flush(&self) {
        let mut inner = self.lock();
        let flushed = inner.sink.flush().map_err(|error| error.to_string());
        inner.remember(flushed);
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// When this or any earlier write failed: the intent of a fault is then not on record and nothing may be touched.
    pub fn sync(&self) -> Result<(), String> {
        let mut inner = self.lock();
        let synced = inner.sink.sync().map_err(|error| error.to_string());
        inner.remember(synced);
        inner.failed.clone().map_or(Ok(()), Err)
    }

    /// Opens a file beside the evidence.
    ///
    /// # Errors
    /// What the medium says.
    pub fn beside(&self, name: &str) -> Result<Box<dyn Sink>, String> {
        self.lock().sink.beside(name).map_err(|error| format!("open {name}: {error}"))
    }

    /// The first failure of the medium, if any.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.lock().failed.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn remember(&mut self, result: Result<(), String>) {
        if let Err(error) = result {
            self.failed.get_or_insert(format!("write evidence: {error}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Stage;

    struct Full;

    impl Sink for Full {
        fn append(&mut self, _: &[u8]) -> io::Result<()> {
            Err(io::Error::other("no space left"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn records_are_numbered_and_time_never_goes_back() {
        let memory = Memory::default();
        let log = Log::new(Box::new(memory.clone()));
        log.append(5, Event::Stage { stage: Stage::Prepare });
        log.append(3, Event::Stage { stage: Stage::Steady });
        let records: Vec<Record> = memory.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(records.iter().map(|record| (record.i, record.t)).collect::<Vec<_>>(), [(0, 5), (1, 5)]);
    }

    #[test]
    fn a_medium_that_failed_once_refuses_every_later_sync() {
        let log = Log::new(Box::new(Full));
        log.append(0, Event::Stage { stage: Stage::Prepare });
        assert_eq!(log.sync(), Err("write evidence: no space left".to_owned()));
    }
}
