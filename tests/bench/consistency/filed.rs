//! From a file to a verdict: a long history as a run records it, judged by `driftproof check` in a process of its own.
//!
//! The file lies in the folder for scratch files (`TMPDIR`), takes about 100 bytes for an event, and is removed in the end.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use driftproof::consistency::format::native::Event;
use driftproof::consistency::{Completion, Value};

use driftproof::consistency::differential::Dice;

const CLIENTS: usize = 100;
const NODES: [&str; 3] = ["db-0", "db-1", "db-2"];

/// What is recorded.
#[derive(Clone, Copy)]
struct Shape {
    operations: u64,
    keys: usize,
    /// Percentage of compare-and-sets; half of the rest writes, the other half reads.
    cas: u64,
    /// Whether one read near the end shows the first value of its key.
    lies: bool,
}

pub(crate) fn measure(operations: u64) {
    println!(
        "unique-write register from file to verdict: `driftproof check FILE --model register`, {CLIENTS} clients, 1 % indeterminate"
    );
    println!("{:<60} {:>11} {:>8} {:>8} {:>8} {:>8}", "file", "operations", "MB", "wall s", "CPU s", "peak MB");
    let plain = Shape { operations, keys: 1, cas: 0, lies: false };
    let file = std::env::temp_dir().join(format!("driftproof-filed-{}.jsonl", std::process::id()));
    let shapes = [
        ("1 key", plain),
        ("10 keys, 10 % compare-and-set", Shape { keys: 10, cas: 10, ..plain }),
        ("10 keys, 10 % compare-and-set, one stale read", Shape { keys: 10, cas: 10, lies: true, ..plain }),
    ];
    for (name, shape) in shapes {
        record(&file, shape).expect("a scratch file");
        row(name, &file, shape);
    }
    // The last one once more, packed as a run leaves it.
    let (name, shape) = shapes[1];
    record(&file, shape).expect("a scratch file");
    let packed = Command::new("gzip").arg("-1").arg("-f").arg(&file).status();
    let gz = file.with_extension("jsonl.gz");
    if packed.is_ok_and(|status| status.success()) {
        row(&format!("{name}, gzip"), &gz, shape);
    }
    let _ = std::fs::remove_file(&gz);
    let _ = std::fs::remove_file(&file);
    println!();
}

fn row(name: &str, file: &Path, shape: Shape) {
    let megabytes = std::fs::metadata(file).map_or(0, |file| file.len() >> 20);
    let mut child = Command::new(env!("CARGO_BIN_EXE_driftproof"));
    child.arg("check").arg(file).args(["--model", "register"]).stdout(Stdio::piped());
    let begun = Instant::now();
    let mut child = child.spawn().expect("the command starts");
    let (mut peak, mut processor) = (0, 0.0);
    while child.try_wait().expect("a child").is_none() {
        (peak, processor) = used(child.id()).unwrap_or((peak, processor));
        std::thread::sleep(Duration::from_millis(5));
    }
    let wall = begun.elapsed().as_secs_f64();
    let output = child.wait_with_output().expect("its output");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = if shape.lies { "violation" } else { "ok" };
    assert!(said.starts_with(expected), "{said}");
    println!("{name:<60} {:>11} {megabytes:>8} {wall:>8.2} {processor:>8.2} {peak:>8}", shape.operations);
}

/// The most memory that a process held so far in MB, and its seconds of processor time; none once it has ended.
fn used(process: u32) -> Option<(u64, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").trim().parse().ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields = stat.rsplit(')').next()?.split_whitespace().skip(11).take(2);
    Some((kilobytes / 1024, fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0))
}

/// A client between call and answer.
struct Running {
    process: u64,
    key: usize,
    /// The value that a compare-and-set starts from.
    from: Option<i64>,
    /// What it sets, if it is no read.
    sets: Option<i64>,
    /// Whether it has taken effect, and what was there then.
    found: Option<i64>,
}

/// Writes a history down: each operation takes effect at some moment between its ends.
fn record(file: &Path, shape: Shape) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    let mut dice = Dice(1);
    let mut states = vec![0_i64; shape.keys];
    let mut first = states.clone();
    let mut running: Vec<Option<Running>> = (0..CLIENTS).map(|_| None).collect();
    let mut processes: Vec<u64> = (0..CLIENTS as u64).collect();
    let keys: Vec<Value> = (0..shape.keys).map(|key| Value::Text(format!("driftproof-s1-0-k{key}").into())).collect();
    let (mut calls, mut fresh, mut next, mut text) = (0, 0, CLIENTS as u64, String::new());
    let mut lie = shape.lies;
    let mut event = 0;
    while calls < shape.operations || running.iter().any(Option::is_some) {
        let client = usize::try_from(dice.below(CLIENTS as u64)).unwrap_or(0);
        let Some(mut one) = running[client].take() else {
            if calls < shape.operations {
                calls += 1;
                let key = usize::try_from(dice.below(shape.keys as u64)).unwrap_or(0);
                let cas = dice.below(100) < shape.cas;
                let sets = (cas || dice.below(2) == 0).then(|| {
                    fresh += 1;
                    fresh
                });
                let one =
                    Running { process: processes[client], key, from: cas.then_some(states[key]), sets, found: None };
                write(&mut out, &mut text, &mut event, &keys, &one, None)?;
                running[client] = Some(one);
            }
            continue;
        };
        if one.found.is_none() {
            let state = &mut states[one.key];
            one.found = Some(*state);
            if let Some(sets) = one.sets.filter(|_| one.from.is_none_or(|from| from == *state)) {
                *state = sets;
                first[one.key] = if first[one.key] == 0 { sets } else { first[one.key] };
            }
            running[client] = Some(one);
            continue;
        }
        let failed = one.from.is_some_and(|from| one.found != Some(from));
        let completion = match dice.below(100) {
            0 => Completion::Info,
            _ if failed => Completion::Fail,
            _ => Completion::Ok,
        };
        let quiet = calls > shape.operations * 9 / 10 && one.sets.is_none() && completion == Completion::Ok;
        if quiet && lie {
            // What was there in the beginning.
            (one.found, lie) = (Some(first[one.key]), false);
        }
        write(&mut out, &mut text, &mut event, &keys, &one, Some(completion))?;
        if completion == Completion::Info {
            (processes[client], next) = (next, next + 1);
        }
    }
    out.flush()
}

fn write(
    out: &mut impl Write,
    text: &mut String,
    event: &mut u64,
    keys: &[Value],
    one: &Running,
    completion: Option<Completion>,
) -> std::io::Result<()> {
    let value = |value: i64| if value == 0 { Value::Nil } else { Value::Int(value) };
    let asked = match (one.from, one.sets) {
        (Some(from), Some(to)) => Value::List([value(from), value(to)].into()),
        (_, Some(to)) => value(to),
        (_, None) => Value::Nil,
    };
    let found = one.found.map_or(Value::Nil, value);
    let is_read = one.sets.is_none();
    text.clear();
    Event {
        index: *event,
        time: i64::try_from(*event * 12_345).unwrap_or(0),
        process: one.process,
        completion,
        function: if is_read {
            "read"
        } else if one.from.is_some() {
            "cas"
        } else {
            "write"
        },
        key: Some(&keys[one.key]),
        value: if is_read && completion == Some(Completion::Ok) { &found } else { &asked },
        node: completion.map(|_| NODES[usize::try_from(*event % 3).unwrap_or(0)]),
        saw: (completion == Some(Completion::Fail)).then_some(&found),
    }
    .write(text);
    *event += 1;
    out.write_all(text.as_bytes())
}
