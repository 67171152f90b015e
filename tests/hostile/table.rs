//! The campaign: schedules spread over scenarios and threads, and the summary that it prints.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use driftproof::verdict::Outcome;

use crate::campaign::{self, Run};
use crate::rows::{self, Row};
use crate::trouble::{Kind, Schedule};

/// A run that takes longer on this machine's clock goes round in circles without its own clock moving on.
const STUCK: Duration = Duration::from_secs(600);
/// Seeds of the scenarios: each has a clean run to be compared with.
const SEEDS: u64 = 3;

/// Schedules that found something, each with its scenario: a list after every 410, at once and for ever; deletions without
/// an end, since the answer to one of them never came.
const FOUND: [(u64, &str); 4] = [
    (44, "network-cut"),
    (70, "power-off, held too short"),
    (115, "partition, groups"),
    // The API server shed one of two deletions: the pods died one after the other, and the service went on.
    (445, "pod-kill, all at once"),
];

/// What came of one scenario.
#[derive(Default)]
pub(crate) struct Line {
    clean: Option<Outcome>,
    outcomes: BTreeMap<&'static str, u64>,
    longest: Duration,
}

#[derive(Default)]
struct All {
    lines: BTreeMap<&'static str, Line>,
    clean: BTreeMap<(&'static str, u64), Option<Outcome>>,
    done: BTreeMap<Kind, (u64, u64)>,
    wrong: Vec<String>,
}

fn lock(all: &Mutex<All>) -> MutexGuard<'_, All> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Panics of tasks, which a runtime keeps to itself.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Puts every panic on record, wherever it happens; the thread's name says under which schedule.
fn listen() {
    std::panic::set_hook(Box::new(|what| {
        let thread = std::thread::current();
        let line = format!("{}: panicked: {what}", thread.name().unwrap_or_default());
        eprintln!("{line}");
        PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }));
}

/// Runs all schedules, each on one scenario, or one schedule on all. Returns how many broke a promise.
pub(crate) fn campaign(schedules: Range<u64>, word: &str, one: bool) -> usize {
    let begun = Instant::now();
    listen();
    let rows: Vec<&'static Row> = rows::ALL.iter().filter(|row| row.name.contains(word)).collect();
    let jobs: Vec<(u64, &'static Row)> = if one {
        rows.iter().map(|row| (schedules.start, *row)).collect()
    } else {
        // Kinds go by the schedule's number, so scenarios go by another count: each meets each.
        let spread = schedules.map(|seed| (seed, rows[usize::try_from(seed / 16 + seed).unwrap_or(0) % rows.len()]));
        let found = |(seed, name): (u64, &str)| rows.iter().find(|row| row.name == name).map(|row| (seed, *row));
        FOUND.into_iter().filter_map(found).chain(spread).collect()
    };
    let all = Mutex::new(All::default());
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((seed, row)) =
                    jobs.get(usize::try_from(next.fetch_add(1, Ordering::SeqCst)).unwrap_or(usize::MAX))
                {
                    try_one(&all, row, *seed, one);
                }
            });
        }
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.wrong.extend(PANICS.lock().unwrap_or_else(PoisonError::into_inner).drain(..));
    print(&all, jobs.len(), begun.elapsed());
    all.wrong.len()
}

fn try_one(all: &Mutex<All>, row: &'static Row, seed: u64, talk: bool) {
    let scenario_seed = seed % SEEDS;
    let known = lock(all).clean.get(&(row.name, scenario_seed)).copied();
    let clean = known.unwrap_or_else(|| {
        let clean = guarded(row, scenario_seed, Schedule::none());
        let passes = rows::ALL.iter().position(|other| other.name == row.name).is_some_and(|at| at < rows::PASS);
        let mut all = lock(all);
        if passes != (clean.outcome() == Some(Outcome::Pass)) {
            all.wrong.push(format!("{}, undisturbed: {:?}", row.name, clean.verdict));
        }
        all.wrong.extend(clean.wrong.iter().map(|wrong| format!("{}, undisturbed: {wrong}", row.name)));
        all.clean.insert((row.name, scenario_seed), clean.outcome());
        clean.outcome()
    });
    let schedule = Schedule::of(seed);
    if talk {
        println!("{}: {:#?}", row.name, schedule.troubles);
    }
    let mut run = guarded(row, scenario_seed, schedule);
    if run.outcome() == Some(Outcome::Pass) && clean != Some(Outcome::Pass) {
        run.wrong.push(format!("passed, which it does not when nothing goes wrong ({clean:?})"));
    }
    if talk {
        let line = run.verdict.as_ref().map(|verdict| format!("{} {}", verdict.outcome.word(), verdict.line));
        println!("{}: {} {}", row.name, line.unwrap_or_default(), run.refused.clone().unwrap_or_default());
    }
    let mut all = lock(all);
    for wrong in &run.wrong {
        println!("FAILED schedule {seed}, {}: {wrong}", row.name);
        all.wrong.push(wrong.clone());
    }
    for (kind, times) in &run.done {
        let (runs, total) = all.done.entry(*kind).or_default();
        (*runs, *total) = (*runs + 1, *total + times);
    }
    let line = all.lines.entry(row.name).or_default();
    line.clean = clean;
    line.longest = line.longest.max(run.took);
    *line.outcomes.entry(how(&run)).or_default() += 1;
}

fn how(run: &Run) -> &'static str {
    match (&run.refused, run.dirty, run.outcome()) {
        (_, true, _) => "dirty",
        (Some(_), false, _) => "refused",
        (None, false, Some(Outcome::Pass)) => "pass",
        (None, false, Some(Outcome::Fail)) => "fail",
        (None, false, Some(Outcome::Inconclusive)) => "inconclusive",
        (None, false, None) => "hung",
    }
}

/// A run on a thread of its own, whose panics are caught and whose standstill is noticed.
fn guarded(row: &'static Row, seed: u64, schedule: Schedule) -> Run {
    let (sender, answer) = mpsc::channel();
    let name = format!("{} under schedule {}", row.name, schedule.seed);
    let thread = std::thread::Builder::new().name(name.clone()).stack_size(16 << 20);
    let thread = thread.spawn(move || drop(sender.send(campaign::run(row, seed, schedule))));
    match answer.recv_timeout(STUCK) {
        Ok(run) => run,
        Err(mpsc::RecvTimeoutError::Timeout) => broken(format!("{name} stands still")),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            let _ = thread.map(std::thread::JoinHandle::join);
            broken(format!("{name} panicked"))
        }
    }
}

fn broken(why: String) -> Run {
    let took = Duration::ZERO;
    Run { verdict: None, evidence: None, refused: None, dirty: false, wrong: vec![why], done: BTreeMap::new(), took }
}

fn print(all: &All, tried: usize, took: Duration) {
    const HOW: [&str; 6] = ["pass", "fail", "inconclusive", "refused", "dirty", "hung"];
    println!(
        "\n| scenario | undisturbed | pass | fail | inconclusive | nothing started | dirty, then undone | longest |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, line) in &all.lines {
        let counts = HOW[..5].iter().map(|how| line.outcomes.get(how).copied().unwrap_or(0).to_string());
        let counts: Vec<String> = counts.collect();
        let clean = line.clean.map_or("-", Outcome::word).to_lowercase();
        println!("| {name} | {clean} | {} | {} s |", counts.join(" | "), line.longest.as_secs());
    }
    println!("\n| trouble | runs that met it | times |\n|---|---|---|");
    for (kind, (runs, times)) in &all.done {
        println!("| {kind:?} | {runs} | {times} |");
    }
    println!("\n{tried} schedules in {:.0} s, {} broken promises", took.as_secs_f64(), all.wrong.len());
}
