//! List-append from file to verdict: transactions per second and peak memory, printed, never asserted.
//! `cargo bench --bench append` takes a million transactions; `cargo bench --bench append -- 10000000` as many as asked.
//!
//! The history is what Elle's own generator makes: up to four micro-operations, ten keys at a time, 32 appends to a key,
//! 100 clients, and one answer in a hundred lost. The reader and the checker are a process of their own.

#![expect(clippy::disallowed_types, reason = "a bench measures the wall clock")]
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

use driftproof::consistency::append::{Claim, Source, analyse, read_fast};
use driftproof::consistency::{Certificate, Outcome};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// The allocator of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CLIENTS: usize = 100;
const KEYS: usize = 10;
const APPENDS_OF_A_KEY: usize = 32;
/// What Elle's README says of itself, on its author's machine.
const ELLE: &str = "Elle's README: 100,000 to 160,000 operations/s (published, not measured here)";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [part, file] = &arguments[..]
        && part == "check"
    {
        return check(Path::new(file));
    }
    let count = arguments.first().and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let file = std::env::temp_dir().join(format!("driftproof-append-{}.edn", std::process::id()));
    let started = Instant::now();
    generate(&file, count).expect("the history is written");
    let size = fs::metadata(&file).map(|file| file.len()).unwrap_or_default();
    println!("{count} transactions, {} MB, generated in {:.1} s", size / 1_000_000, started.elapsed().as_secs_f64());
    let status =
        std::process::Command::new(std::env::current_exe().expect("this bench")).arg("check").arg(&file).status();
    let _ = fs::remove_file(&file);
    assert!(status.expect("the check runs").success(), "the check ended early");
    println!("{ELLE}");
}

/// Reads and judges a file, and says how long it took.
fn check(file: &Path) {
    let started = Instant::now();
    let file = Plain(fs::File::open(file).expect("readable"));
    let transactions = read_fast(&file).expect("plain events");
    let read = started.elapsed();
    let cpu_read = cpu_seconds();
    let count = transactions.len();
    let outcome = analyse(&transactions).expect("unique appends").outcome(Claim::StrictSerializable);
    let wall = started.elapsed().as_secs_f64();
    let word = match outcome {
        Outcome::Ok(Certificate::Orders(orders)) => format!("ok, an order of {} transactions", orders[0].len()),
        Outcome::Ok(Certificate::Accounted) => "ok".to_owned(),
        Outcome::Violation(anomalies) => format!("violation: {}", anomalies[0].sentence),
        Outcome::Unknown(_) => "unknown".to_owned(),
    };
    println!(
        "from file to verdict {wall:.2} s: {:.0} transactions/s (read {:.2} s, check {:.2} s; processor time {cpu_read:.2} s, \
         {:.2} s), peak {} MB: {word}",
        count as f64 / wall,
        read.as_secs_f64(),
        wall - read.as_secs_f64(),
        cpu_seconds() - cpu_read,
        peak_kib() / 1024,
    );
}

/// The file as the command reads it.
struct Plain(fs::File);

impl Source for Plain {
    fn size(&self) -> u64 {
        self.0.metadata().expect("a size").len()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> std::io::Result<()> {
        self.0.read_exact_at(into, at)
    }
}

/// Time of all processors that this process took, in seconds: on a busy machine the wall tells of its neighbours.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// `VmHWM` of this process in KiB.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default()
}

/// A key in use: its number and its elements.
struct Key {
    number: usize,
    elements: usize,
}

/// A client between two events.
#[derive(Clone)]
struct Client {
    process: usize,
    /// Key number and element of an append; key number alone of a read.
    micros: Vec<(usize, Option<usize>)>,
    /// The answer, once the store has run the transaction.
    answer: Option<String>,
}

struct Store {
    keys: Vec<Key>,
    next_key: usize,
    random: ChaCha8Rng,
    /// The list of every key that ever was.
    lists: Vec<Vec<usize>>,
}

fn generate(file: &Path, count: usize) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(file)?);
    let keys = (0..KEYS).map(|number| Key { number, elements: 0 }).collect();
    let mut store = Store { keys, next_key: KEYS, random: ChaCha8Rng::seed_from_u64(1), lists: vec![Vec::new(); KEYS] };
    let idle = |process| Client { process, micros: Vec::new(), answer: None };
    let mut clients: Vec<Client> = (0..CLIENTS).map(idle).collect();
    let (mut called, mut events, mut next_process) = (0, 0_u64, CLIENTS);
    while called < count || clients.iter().any(|client| !client.micros.is_empty()) {
        let at = store.random.random_range(0..CLIENTS);
        let client = &mut clients[at];
        let (kind, value) = if client.micros.is_empty() {
            if called == count {
                continue;
            }
            called += 1;
            client.micros = store.micros();
            ("invoke", called_text(&client.micros))
        } else if client.answer.is_none() {
            client.answer = Some(store.run(&client.micros));
            continue;
        } else if store.random.random_bool(0.01) {
            client.micros.clear();
            client.answer = None;
            ("info", "nil".to_owned())
        } else {
            client.micros.clear();
            ("ok", client.answer.take().unwrap_or_default())
        };
        writeln!(
            out,
            "{{:index {events}, :time {}, :process {}, :type :{kind}, :f :txn, :value {value}}}",
            events * 5_000,
            client.process
        )?;
        events += 1;
        if kind == "info" {
            client.process = next_process;
            next_process += 1;
        }
    }
    out.flush()
}

fn called_text(micros: &[(usize, Option<usize>)]) -> String {
    let one = |(key, element): &(usize, Option<usize>)| match element {
        Some(element) => format!("[:append {key} {element}]"),
        None => format!("[:r {key} nil]"),
    };
    format!("[{}]", micros.iter().map(one).collect::<Vec<_>>().join(" "))
}

impl Store {
    /// What a transaction asks; elements of a key are numbered as they are asked for.
    fn micros(&mut self) -> Vec<(usize, Option<usize>)> {
        (0..self.random.random_range(1..=4))
            .map(|_| {
                let at = self.random.random_range(0..KEYS);
                let number = self.keys[at].number;
                if self.random.random_bool(0.5) {
                    return (number, None);
                }
                self.keys[at].elements += 1;
                let element = self.keys[at].elements;
                if element == APPENDS_OF_A_KEY {
                    self.keys[at] = Key { number: self.next_key, elements: 0 };
                    self.next_key += 1;
                    self.lists.push(Vec::new());
                }
                (number, Some(element))
            })
            .collect()
    }

    /// Runs the transaction at once and writes the answer down.
    fn run(&mut self, micros: &[(usize, Option<usize>)]) -> String {
        let mut answer = "[".to_owned();
        for (key, element) in micros {
            let list = &mut self.lists[*key];
            if let Some(element) = element {
                list.push(*element);
                let _ = write!(answer, "[:append {key} {element}] ");
                continue;
            }
            let _ = write!(answer, "[:r {key} [");
            for element in list.iter() {
                let _ = write!(answer, "{element} ");
            }
            answer.push_str("]] ");
        }
        answer.push(']');
        answer
    }
}
