//! Writing evidence: one record after the other, numbered, chained, times never decreasing. Buffers; whoever needs a record on
//! disk before going on calls [`Log::sync`]. Opens no file and reads no clock.
//!
//! A log of its own thread ([`Log::on_its_own_thread`]) makes nobody who observes wait for JSON or for a disk. A log without
//! one ([`Log::new`]) is for the embedded cluster, whose time must not pass while a disk is waited for.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use super::chain::Chain;
use super::event::{Event, Record};
use super::sink::Sink;

/// So many records may wait for a slow disk, some minutes of a busy run. Then whoever observes waits, too: nothing is dropped.
const WAITING_MAX: usize = 1 << 16;

/// The log of one run. Clones write to the same log.
#[derive(Clone)]
pub struct Log(Arc<Mutex<Inner>>);

struct Inner {
    next: u64,
    last: u64,
    closed: bool,
    way: Way,
}

enum Way {
    Here(Box<Writer>),
    Thread(SyncSender<Order>),
}

/// What the writer is asked for, and where the answer goes.
enum Order {
    Record(Box<Record>),
    Flush,
    Sync(oneshot::Sender<Result<(), String>>),
    Digest(oneshot::Sender<String>),
    Open(String, oneshot::Sender<Result<usize, String>>),
    Append(usize, Vec<u8>),
    Close(usize, oneshot::Sender<Result<(), String>>),
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

/// Why there is no answer from a writer.
fn gone() -> String {
    "write evidence: its writer broke off".to_owned()
}

impl Log {
    /// A log that begins at record 0 and is written by whoever appends to it.
    #[must_use]
    pub fn new(sink: Box<dyn Sink>) -> Self {
        Self::of(Way::Here(Box::new(Writer::new(sink))))
    }

    /// A log that begins at record 0 and is written by a thread of its own, which ends with its last clone.
    ///
    /// # Errors
    /// When there can be no other thread.
    pub fn on_its_own_thread(sink: Box<dyn Sink>) -> io::Result<Self> {
        let (orders, taken) = sync_channel(WAITING_MAX);
        let writer = Writer::new(sink);
        thread::Builder::new().name("evidence".to_owned()).spawn(move || writer.work(&taken))?;
        Ok(Self::of(Way::Thread(orders)))
    }

    fn of(way: Way) -> Self {
        Self(Arc::new(Mutex::new(Inner { next: 0, last: 0, closed: false, way })))
    }

    /// Appends one record at `t` microseconds, or at the time of the record before when that is later. After [`Event::End`] nothing
    /// is taken any more. A medium that fails is remembered: see [`Log::sync`].
    pub fn append(&self, t: u64, event: Event) {
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        inner.closed = matches!(event, Event::End(_));
        let t = t.max(inner.last);
        inner.last = t;
        let record = Record { i: inner.next, t, event };
        inner.next += 1;
        inner.order(Order::Record(Box::new(record)));
    }

    /// Makes everything readable for other processes, soon.
    pub fn flush(&self) {
        self.lock().order(Order::Flush);
    }

    /// Returns when everything is durable.
    ///
    /// # Errors
    /// When this or any earlier write failed: the intent of a fault is then not on record and nothing may be touched.
    pub async fn sync(&self) -> Result<(), String> {
        self.ask(Order::Sync).await.unwrap_or_else(|| Err(gone()))
    }

    /// SHA-256 of all lines so far, in hexadecimal; empty when the writer is gone.
    pub async fn digest(&self) -> String {
        self.ask(Order::Digest).await.unwrap_or_default()
    }

    /// Opens a file beside the evidence.
    ///
    /// # Errors
    /// What the medium says.
    pub async fn beside(&self, name: &str) -> Result<Beside, String> {
        let opened = self.ask(|answer| Order::Open(name.to_owned(), answer)).await;
        opened.unwrap_or_else(|| Err(gone())).map(|file| Beside { log: self.clone(), file })
    }

    /// Orders something, and waits for the answer; there is none when the writer is gone.
    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let (answer, heard) = oneshot::channel();
        self.lock().order(order(answer));
        heard.await.ok()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn order(&mut self, order: Order) {
        match &mut self.way {
            Way::Here(writer) => writer.carry_out(order),
            // A writer that is gone answers nobody, and that is what whoever asks is told.
            Way::Thread(orders) => drop(orders.send(order)),
        }
    }
}

/// A file beside the evidence, written as the evidence is.
#[derive(Debug)]
pub struct Beside {
    log: Log,
    file: usize,
}

impl Beside {
    /// Appends bytes.
    pub fn append(&self, bytes: Vec<u8>) {
        self.log.lock().order(Order::Append(self.file, bytes));
    }

    /// Returns when everything is durable.
    ///
    /// # Errors
    /// When this or any earlier write to this file failed.
    pub async fn close(self) -> Result<(), String> {
        self.log.ask(|answer| Order::Close(self.file, answer)).await.unwrap_or_else(|| Err(gone()))
    }
}

/// Turns records into lines, and lines into a file.
struct Writer {
    sink: Box<dyn Sink>,
    chain: Chain,
    failed: Option<String>,
    beside: Vec<File>,
}

struct File {
    sink: Option<Box<dyn Sink>>,
    failed: Option<String>,
}

impl Writer {
    fn new(sink: Box<dyn Sink>) -> Self {
        Self { sink, chain: Chain::default(), failed: None, beside: Vec::new() }
    }

    fn work(mut self, orders: &Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            self.carry_out(order);
        }
        let _ = self.sink.flush();
    }

    /// Whoever asked may have stopped waiting for the answer.
    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Record(record) => self.record(&record),
            Order::Flush => {
                let flushed = self.sink.flush();
                self.remember(flushed);
            }
            Order::Sync(answer) => {
                let synced = self.sink.sync();
                self.remember(synced);
                let _ = answer.send(self.failed.clone().map_or(Ok(()), Err));
            }
            Order::Digest(answer) => drop(answer.send(self.chain.hex())),
            Order::Open(name, answer) => {
                let opened = self.sink.beside(&name).map_err(|error| format!("open {name}: {error}"));
                let _ = answer.send(opened.map(|sink| {
                    self.beside.push(File { sink: Some(sink), failed: None });
                    self.beside.len() - 1
                }));
            }
            Order::Append(file, bytes) => {
                if let Some(file) = self.beside.get_mut(file) {
                    file.write(|sink| sink.append(&bytes));
                }
            }
            Order::Close(file, answer) => {
                let closed = self.beside.get_mut(file).map_or_else(
                    || Err(gone()),
                    |file| {
                        file.write(|sink| sink.sync());
                        file.sink = None;
                        file.failed.clone().map_or(Ok(()), Err)
                    },
                );
                let _ = answer.send(closed);
            }
        }
    }

    fn record(&mut self, record: &Record) {
        let written = serde_json::to_vec(record).map_err(io::Error::other).and_then(|object| {
            let line = self.chain.seal(object);
            self.sink.append(&line)
        });
        self.remember(written);
    }

    fn remember(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.failed.get_or_insert(format!("write evidence: {error}"));
        }
    }
}

impl File {
    fn write(&mut self, write: impl FnOnce(&mut dyn Sink) -> io::Result<()>) {
        let Some(sink) = &mut self.sink else { return };
        if let Err(error) = write(&mut **sink) {
            self.failed.get_or_insert(error.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::evidence::{End, Ending, Memory, Stage};

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

    /// A disk that does nothing until somebody lets it.
    struct Stuck {
        gate: mpsc::Receiver<()>,
        memory: Memory,
    }

    impl Stuck {
        fn wait(&self) {
            // Open for good when the other end is gone.
            let _ = self.gate.recv();
        }
    }

    impl Sink for Stuck {
        fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.wait();
            self.memory.append(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            self.wait();
            Ok(())
        }
        fn sync(&mut self) -> io::Result<()> {
            self.wait();
            Ok(())
        }
        fn beside(&mut self, name: &str) -> io::Result<Box<dyn Sink>> {
            self.memory.beside(name)
        }
    }

    fn stage(stage: Stage) -> Event {
        Event::Stage { stage }
    }

    #[test]
    fn records_are_numbered_and_time_never_goes_back() {
        let memory = Memory::default();
        let log = Log::new(Box::new(memory.clone()));
        log.append(5, stage(Stage::Prepare));
        log.append(3, stage(Stage::Steady));
        let records: Vec<Record> = memory.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(records.iter().map(|record| (record.i, record.t)).collect::<Vec<_>>(), [(0, 5), (1, 5)]);
    }

    #[tokio::test]
    async fn a_medium_that_failed_once_refuses_every_later_sync() {
        for log in [Log::new(Box::new(Full)), Log::on_its_own_thread(Box::new(Full)).expect("a thread")] {
            log.append(0, stage(Stage::Prepare));
            assert_eq!(log.sync().await, Err("write evidence: no space left".to_owned()));
            assert_eq!(log.sync().await, Err("write evidence: no space left".to_owned()));
        }
    }

    #[tokio::test]
    async fn both_ways_write_the_same_bytes() {
        let (here, there) = (Memory::default(), Memory::default());
        let logs =
            [Log::new(Box::new(here.clone())), Log::on_its_own_thread(Box::new(there.clone())).expect("a thread")];
        for log in &logs {
            let file = log.beside("history").await.expect("there is room");
            for t in 0..100 {
                log.append(t, stage(Stage::Fault));
                file.append(format!("{t}\n").into_bytes());
            }
            log.flush();
            file.close().await.expect("it is written");
            log.append(100, Event::End(End { how: Ending::Completed, dirty: Vec::new() }));
            log.append(101, stage(Stage::Clean));
            log.sync().await.expect("it is written");
        }
        assert_eq!(here.text(), there.text());
        assert_eq!(here.text().lines().count(), 101);
        assert_eq!(here.file("history"), there.file("history"));
        assert_eq!(logs[0].digest().await, logs[1].digest().await);
    }

    /// Without a thread of its own this would wait for the disk for ever.
    #[tokio::test]
    async fn whoever_observes_does_not_wait_for_a_disk() {
        let (open, gate) = mpsc::channel();
        let memory = Memory::default();
        let log = Log::on_its_own_thread(Box::new(Stuck { gate, memory: memory.clone() })).expect("a thread");
        let file = log.beside("history").await.expect("there is room");
        for t in 0..1000 {
            log.append(t, stage(Stage::Fault));
            file.append(vec![b'x']);
        }
        log.flush();
        let synced = log.sync();
        assert_eq!(memory.text(), "");
        drop(open);
        assert_eq!(synced.await, Ok(()));
        assert_eq!(memory.text().lines().count(), 1000);
        assert_eq!(memory.file("history").map(|text| text.len()), Some(1000));
    }
}
