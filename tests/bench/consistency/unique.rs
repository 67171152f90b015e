//! The unique-write register at scale: from compact operations and from a history, with the memory of the process.

use std::time::Instant;

use driftproof::consistency::format::{self, Format};
use driftproof::consistency::register::{Access, Compact, Judgement, NEVER, NONE, judge};
use driftproof::consistency::{Call, Completion, History, Model, Operation, Options, Outcome, Value, check};

use crate::{least, porcupine};
use driftproof::consistency::differential::Dice;

const CLIENTS: usize = 100;

pub(crate) fn measure(operations: u64) {
    println!("unique-write register, one thread, {CLIENTS} clients; half writes, half reads, one key");
    println!("{:<60} {:>11} {:>8} {:>8} {:>8}", "input", "operations", "wall s", "CPU s", "peak MB");
    for (size, indeterminate, cas) in [(operations, 1, 0), (operations, 1, 10), (100_000, 20, 0), (100_000, 20, 10)] {
        let input = recorded(size, indeterminate, cas, CLIENTS);
        forget_peak();
        let start = Clocks::now();
        let judgement = judge(&input).expect("unique writes");
        let time = start.elapsed();
        assert!(matches!(judgement, Judgement::Linearizable(_)), "the recorder was honest");
        let name = format!("compact, {indeterminate} % indeterminate, {cas} % compare-and-set");
        println!("{name:<60} {size:>11} {:>8.3} {:>8.2} {:>8}", time.0, time.1, peak());
    }
    for (size, indeterminate) in [(operations.min(5_000_000), 1), (100_000, 20)] {
        let history = written_out(&recorded(size, indeterminate, 10, CLIENTS));
        forget_peak();
        let start = Clocks::now();
        let outcome = check(&history, Model::Register, &Options::default(), &|| false);
        let time = start.elapsed();
        assert!(matches!(outcome, Outcome::Ok(_)), "the recorder was honest");
        let name = format!("History, {indeterminate} % indeterminate, 10 % compare-and-set");
        println!("{name:<60} {size:>11} {:>8.3} {:>8.2} {:>8}", time.0, time.1, peak());
    }
    beside_porcupine();
    println!();
}

/// A history that Porcupine can still hold: its memory grows with the square of the length.
fn beside_porcupine() {
    const SIZE: u64 = 20_000;
    let input = recorded(SIZE, 0, 10, 10);
    let text = logged(&input);
    let file = std::env::temp_dir().join(format!("driftproof-unique-{}.log", std::process::id()));
    std::fs::write(&file, &text).expect("a scratch file");
    let theirs = porcupine::run(std::slice::from_ref(&file));
    let _ = std::fs::remove_file(&file);
    let history = format::read(text.as_bytes(), Format::JepsenLog).expect("a log");
    let (ours, outcome) = least(|| check(&history, Model::Register, &Options::default(), &|| false));
    assert!(matches!(outcome, Outcome::Ok(_)), "the recorder was honest");
    let theirs = theirs.get(&file).map_or("skipped".to_owned(), |(verdict, nanoseconds)| {
        assert!(*verdict, "the recorder was honest");
        format!("{:.1} ms", std::time::Duration::from_nanos(*nanoseconds).as_secs_f64() * 1e3)
    });
    println!(
        "the same with 10 clients, {SIZE} operations, all known: {:.2} ms; Porcupine: {theirs}",
        ours.as_secs_f64() * 1e3
    );
}

/// The log of Jepsen's etcd test that says the same.
fn logged(input: &Compact) -> String {
    let name = |value: u32| if value == 0 { "nil".to_owned() } else { value.to_string() };
    let mut lines = Vec::with_capacity(input.accesses.len() * 2);
    for (process, access) in input.accesses.iter().enumerate() {
        let (function, value) = match (access.reads, access.writes) {
            (reads, NONE) => ("read", name(reads)),
            (NONE, writes) => ("write", name(writes)),
            (reads, writes) => ("cas", format!("[{} {}]", name(reads), name(writes))),
        };
        let asked = if function == "read" { "nil" } else { &value };
        lines.push((access.start, format!("INFO  jepsen.util - {process}\t:invoke\t:{function}\t{asked}\n")));
        lines.push((access.finish, format!("INFO  jepsen.util - {process}\t:ok\t:{function}\t{value}\n")));
    }
    lines.sort_unstable();
    lines.into_iter().map(|(_, line)| line).collect()
}

/// A register as clients saw it: each operation takes effect at some moment between its ends.
fn recorded(operations: u64, indeterminate: u64, cas: u64, clients: usize) -> Compact {
    let mut dice = Dice(1);
    let mut accesses: Vec<Access> = Vec::with_capacity(usize::try_from(operations).unwrap_or(0));
    let mut running: Vec<Option<(u32, bool)>> = vec![None; clients];
    let (mut moment, mut state, mut values) = (0, 0, 1);
    // A running operation first takes effect, and later completes.
    while (accesses.len() as u64) < operations || running.iter().any(Option::is_some) {
        let client = usize::try_from(dice.below(clients as u64)).unwrap_or(0);
        let Some((index, applied)) = running[client] else {
            if (accesses.len() as u64) < operations {
                moment += 1;
                let writes = dice.below(2) == 0;
                let value = if writes { values } else { NONE };
                values += u32::from(writes);
                // What it reads is known when it takes effect.
                let reads = if writes && dice.below(100) >= cas { NONE } else { 0 };
                running[client] = Some((u32::try_from(accesses.len()).unwrap_or(0), false));
                accesses.push(Access { start: moment, finish: NEVER, reads, writes: value });
            }
            continue;
        };
        let access = &mut accesses[index as usize];
        if !applied {
            if access.reads != NONE {
                access.reads = state;
            }
            state = if access.writes == NONE { state } else { access.writes };
            running[client] = Some((index, true));
            continue;
        }
        running[client] = None;
        if dice.below(100) >= indeterminate {
            moment += 1;
            access.finish = moment;
        }
    }
    accesses.retain(|access| access.writes != NONE || access.finish != NEVER);
    Compact { accesses, values }
}

fn written_out(input: &Compact) -> History {
    let value = |number: u32| if number == 0 { Value::Nil } else { Value::Int(i64::from(number)) };
    let at = |moment: u32| Call { at: u64::from(moment), time: i64::from(moment), line: 0 };
    let (read, write, cas) = ("read".into(), "write".into(), "cas".into());
    let operation = |access: &Access| {
        let (function, input, output) = match (access.reads, access.writes) {
            (reads, NONE) => (&read, Value::Nil, value(reads)),
            (NONE, writes) => (&write, value(writes), Value::Nil),
            (reads, writes) => (&cas, Value::List([value(reads), value(writes)].into()), Value::Nil),
        };
        let known = access.finish != NEVER;
        Operation {
            process: 0,
            function: std::sync::Arc::clone(function),
            key: None,
            input,
            output,
            completion: if known { Completion::Ok } else { Completion::Info },
            saw: None,
            call: at(access.start),
            end: known.then(|| at(access.finish)),
            node: None,
        }
    };
    History { operations: input.accesses.iter().map(operation).collect() }
}

/// The wall clock, and the processor's: on a machine that others use too, the second says what the work costs.
struct Clocks(Instant, f64);

impl Clocks {
    fn now() -> Self {
        Self(Instant::now(), processor())
    }

    fn elapsed(&self) -> (f64, f64) {
        (self.0.elapsed().as_secs_f64(), processor() - self.1)
    }
}

/// Seconds of processor time of this process, in hundredths; 0 where the kernel does not say.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Lets the kernel count the peak from here on.
pub(crate) fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory the process held since then, in MB, the input included; 0 where the kernel does not say.
pub(crate) fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse().map_or(0, |kilobytes: u64| kilobytes / 1024)
}
