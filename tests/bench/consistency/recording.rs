//! What it costs to write a history down while it happens: the recorder of a run on one thread, its file on another.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use driftproof::consistency::Value;
use driftproof::evidence::{HistorySeen, Log, Sink};
use driftproof::workload::{Action, Outcome, Request, Target};
use driftproof::world::Clock;

use crate::book::Book;

const CLIENTS: u64 = 100;

/// Evidence that nobody wants, and a history beside it.
struct Scratch(PathBuf);

impl Sink for Scratch {
    fn append(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn beside(&mut self, _: &str) -> io::Result<Box<dyn Sink>> {
        Ok(Box::new(BufWriter::new(File::create(&self.0)?)))
    }
}

/// Operations are called and end at once: half writes, half reads of the value before, of one key among ten.
pub(crate) fn measure(operations: u64) {
    let keys: Vec<Arc<str>> = (0..10).map(|key| format!("driftproof-r20261126-0-key{key}").into()).collect();
    let node: Arc<str> = "db-1".into();
    let path = std::env::temp_dir().join(format!("driftproof-recording-{}.jsonl", std::process::id()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let log = Log::on_its_own_thread(Box::new(Scratch(path.clone()))).expect("a thread");
    let file = runtime.block_on(log.beside("history")).expect("a scratch file");
    let mut book = Book::new(Clock::of_this_machine(), file);
    let start = Instant::now();
    for number in 0..operations {
        let key = keys[usize::try_from(number / 2 % 10).unwrap_or(0)].clone();
        let value = i64::try_from(number / 2).unwrap_or(i64::MAX);
        let (action, answer) = if number % 2 == 0 {
            (Action::Write { key, value }, Value::Int(value))
        } else {
            (Action::Read { key }, Value::Int(value))
        };
        let process = number % CLIENTS;
        let client = usize::try_from(process).unwrap_or(0);
        let request = Request { client, process, target: Target::Any, action };
        book.call(&request);
        book.end(&request, &Outcome::ok(answer).at(&node));
    }
    let mut seen = HistorySeen::default();
    runtime.block_on(book.close(&mut seen));
    let wall = start.elapsed().as_secs_f64();
    let size = std::fs::metadata(&path).map(|file| file.len()).unwrap_or_default();
    let _ = std::fs::remove_file(&path);
    assert_eq!((seen.lines, seen.reason.as_str()), (2 * operations, ""), "everything was written");
    println!(
        "recording: {operations} operations, {} MB, in {wall:.2} s: {:.0} operations/s with their digest and \
         the sync at the end\n",
        size / 1_000_000,
        operations as f64 / wall,
    );
}
