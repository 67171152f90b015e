//! What a person sees while it runs, on standard error: on a terminal a live view that moves by the clock, below one line for
//! each scenario that has ended; elsewhere those lines alone. `-q` takes all of it away, `-v` adds every event.

mod frame;
mod scene;
mod words;

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use console::Term;
use driftproof::evidence::End;
use driftproof::measure::text::duration;
use driftproof::report::{Row, Status};
use driftproof::run::{News, Progress, Update};
use driftproof::verdict::Outcome;
use driftproof::world::Clock;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::print;
use super::style::{Level, Style, safe, seconds, status};
use frame::{Counts, frame};
pub(super) use scene::{Scene, Tap};

/// The live view is drawn this often.
const TICK: Duration = Duration::from_millis(100);
/// Of a line that says why, in the line of a scenario that has ended; all of it comes at the end.
const REASON: usize = 100;

/// All scenarios of a run.
pub(super) struct Board {
    style: Style,
    total: usize,
    /// Of the longest name.
    width: usize,
    shared: Arc<Mutex<Shared>>,
    clock: Clock,
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

/// What runs and what has ended.
#[derive(Default)]
struct Shared {
    counts: Counts,
    /// In the order in which they began.
    running: Vec<Arc<Mutex<Scene>>>,
}

impl Board {
    /// A board for scenarios of these names.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str> + Clone, style: Style) -> Self {
        let total = names.clone().count();
        let shared = Shared { counts: Counts::of(total), running: Vec::new() };
        let shared = Arc::new(Mutex::new(shared));
        let clock = Clock::starting_at(jiff::Timestamp::now());
        let shown = style.level != Level::Quiet && style.terminal;
        let ticker = shown.then(|| {
            let (stop, stopped) = mpsc::channel();
            let shared = shared.clone();
            let colour = style.err;
            (stop, std::thread::spawn(move || tick(&shared, clock, colour, &stopped)))
        });
        Self { style, total, width: names.map(str::len).max().unwrap_or(0), shared, clock, ticker }
    }

    /// A scenario begins.
    pub(super) fn start(&self, name: &str) -> Line {
        let scene = Arc::new(Mutex::new(Scene::new(name, self.clock.elapsed())));
        lock(&self.shared).running.push(scene.clone());
        let (sender, receiver) = unbounded_channel();
        let events = (self.style.level == Level::Events).then(|| format!("{name:<width$}", width = self.width));
        let listener = std::thread::spawn(move || listen(events.as_deref(), receiver));
        let tap = self.ticker.is_some().then(|| Tap::new(scene.clone(), self.clock));
        Line { shared: self.shared.clone(), scene, tap, sender, listener }
    }

    /// A scenario has ended.
    pub(super) fn ended(&self, row: &Row) {
        let mut shared = lock(&self.shared);
        shared.counts.add(row.status());
        let number = shared.counts.done();
        drop(shared);
        if self.style.level == Level::Quiet {
            return;
        }
        let digits = self.total.to_string().len();
        print::tell(&format!(
            "{} [{:>7}] ({number:>digits$}/{}) {:<width$}  {}",
            status(row.status(), self.style.err),
            row.took.map(seconds).unwrap_or_default(),
            self.total,
            row.name,
            safe(&short(row)),
            width = self.width,
        ));
    }

    /// Everything has ended: takes the live view away.
    pub(super) fn finish(self) {
        if let Some((stop, ticker)) = self.ticker {
            drop(stop);
            let _ = ticker.join();
        }
    }
}

/// What is said of a scenario when it ends: a pass in numbers, of anything else only what it is about, since the end of the
/// run says why.
fn short(row: &Row) -> String {
    let Some(entry) = row.entry() else {
        return console::truncate_str(row.line(), REASON, "…").into_owned();
    };
    if row.status() == Status::Pass {
        return entry.verdict.line.clone();
    }
    let names = |outcome| {
        let judged = entry.verdict.objectives.iter().filter(move |one| one.outcome == outcome);
        judged.map(|one| one.objective.as_str()).collect::<Vec<_>>().join(", ")
    };
    let failed = names(Outcome::Fail);
    if failed.is_empty() { names(Outcome::Inconclusive) } else { failed }
}

/// Draws until everything has ended.
fn tick(shared: &Mutex<Shared>, clock: Clock, colour: bool, stopped: &mpsc::Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
        let (rows, columns) = Term::stderr().size_checked().unwrap_or((24, 80));
        let now = clock.elapsed();
        let (counts, running) = {
            let shared = lock(shared);
            (shared.counts, shared.running.clone())
        };
        let scenes: Vec<_> = running.iter().map(|scene| lock(scene).shown(now)).collect();
        print::view(frame(&scenes, counts, now, (columns.into(), rows.into()), colour));
    }
    print::view(Vec::new());
}

/// One scenario that runs.
pub(super) struct Line {
    shared: Arc<Mutex<Shared>>,
    scene: Arc<Mutex<Scene>>,
    tap: Option<Tap>,
    sender: Progress,
    listener: JoinHandle<Option<End>>,
}

impl Line {
    /// Where the run tells of its progress.
    pub(super) fn sender(&self) -> Progress {
        self.sender.clone()
    }

    /// Who looks at the evidence while it is written; nobody without a live view.
    pub(super) fn tap(&self) -> Option<Tap> {
        self.tap.clone()
    }

    /// It runs no more: waits until everything that was told is shown, so that lines keep their order. Returns how the run
    /// said that it ended.
    pub(super) fn close(self) -> Option<End> {
        drop(self.sender);
        let end = self.listener.join().ok().flatten();
        lock(&self.shared).running.retain(|scene| !Arc::ptr_eq(scene, &self.scene));
        end
    }
}

/// Hears what a run tells, until nobody tells any more. `events` is what each line begins with, for those who want them all.
fn listen(events: Option<&str>, mut receiver: UnboundedReceiver<Update>) -> Option<End> {
    let mut ended = None;
    while let Some(update) = receiver.blocking_recv() {
        if let Some((name, text)) = events.and_then(|name| Some((name, words::words(&update.what)?))) {
            print::tell(&format!("{name} {:>7}  {text}", duration(update.at)));
        }
        if let News::Finished(end) = update.what {
            ended = Some(end);
        }
    }
    ended
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
