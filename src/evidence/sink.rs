//! Where evidence goes: a file, or memory. Opens no file by itself.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

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
