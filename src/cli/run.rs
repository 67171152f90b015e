//! `driftproof run`: all scenarios, some at a time, then the reports, and only then what is printed and the exit code.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;

use driftproof::evidence::shell_word;
use driftproof::report::{Failure, Fate, Results, Row, Status};
use driftproof::run::Stop;
use driftproof::world::Clock;
use jiff::Timestamp;

use super::args::Run;
use super::execute::{self, Task, execute};
use super::exit::Exit;
use super::folder::{Folder, Index, Kept, Written};
use super::load::{Loaded, On, load};
use super::outcome::Parts;
use super::pool::{Next, Pool};
use super::progress::Board;
use super::style::Style;
use super::tasks::tasks;
use super::{describe, fail, github, interrupt, judge, plan, print, table};

/// `driftproof run`.
pub(super) fn run(run: &Run, style: Style) -> Exit {
    let mut loaded = match load(&run.files, On::of(run.cluster.context.as_ref()), style.diagnostics()) {
        Ok(loaded) => loaded,
        Err(rejected) => return describe::reject(&rejected),
    };
    for one in &mut loaded {
        one.adapt(&run.cluster);
    }
    if let Err(refused) = execute::feasible(&loaded, &run.cluster) {
        return refused.iter().fold(Exit::Usage, |exit, message| fail(message, exit));
    }
    if !confirmed(run, &loaded) {
        print::tell("nothing was started");
        return Exit::Usage;
    }
    let clock = Clock::of_this_machine();
    let id = run_id(run.seed, clock.started());
    let tasks = tasks(run, &loaded, &id);
    // Before the folder is touched: from here on a signal ends in a report.
    let stop = interrupt::listen(undo_hint(run, &tasks));
    let folder = match folder(run, &tasks, &id, clock) {
        Ok(folder) => folder,
        Err(message) => return fail(&message, Exit::Usage),
    };
    let results = all(run, &tasks, &folder, &stop, clock, style);
    conclude(&results, &folder, *stop.borrow(), style)
}

/// A person at a terminal sees the plan of a live run and is asked; a script has said what it wants by calling.
fn confirmed(run: &Run, loaded: &[Loaded]) -> bool {
    let Some(context) = &run.cluster.context else { return true };
    if run.yes || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return true;
    }
    let shown = plan::show(&run.clone().into(), loaded);
    shown == Exit::Passed && describe::agreed(&format!("run this on {context}?"))
}

/// A name for the folder: the time, so that runs sort, and the seed.
fn run_id(seed: u64, started: Timestamp) -> String {
    format!("{}-seed-{seed}", started.strftime("%Y-%m-%dT%H-%M-%S"))
}

/// A time as reports have it, in whole seconds (RFC 3339).
fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The run's folder, with all that is selected on record: also a run that is killed says what it did not reach.
fn folder(run: &Run, tasks: &[Task], id: &str, clock: Clock) -> Result<Folder, String> {
    let names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
    let folder = Folder::create(run.report_dir.as_deref(), id, &names)?;
    let kept = |task: &Task| Kept::selected(&task.name, task.file(), task.seed, &task.again);
    folder.index(&Index::begun(second(clock.started()), tasks.iter().map(kept).collect()))?;
    Ok(folder)
}

/// The command that takes back what a run leaves that is stopped at once. The embedded cluster ends with the process.
fn undo_hint(run: &Run, tasks: &[Task]) -> String {
    let runs: BTreeSet<&str> = tasks.iter().map(|task| task.run.as_str()).collect();
    let hint = undo_of(run, &runs);
    if hint.is_empty() { "; it was simulated, and is gone".to_owned() } else { hint }
}

/// The commands that take back what these runs have left; empty for the embedded cluster, where nothing can be left.
fn undo_of(run: &Run, runs: &BTreeSet<&str>) -> String {
    let Some(context) = &run.cluster.context else { return String::new() };
    let kubeconfig = run.cluster.kubeconfig.as_ref().map(|path| path.display().to_string());
    let kubeconfig = kubeconfig.map(|path| format!(" --kubeconfig {}", shell_word(&path))).unwrap_or_default();
    let command = format!("driftproof undo --context {}{kubeconfig}", shell_word(context));
    let each: Vec<String> = runs.iter().map(|id| format!("{command} --run {id}")).collect();
    format!("; show it with --dry-run, take it back with:\n  {}", each.join("\n  "))
}

/// Runs everything. A row for each task, in their order.
fn all(run: &Run, tasks: &[Task], folder: &Folder, stop: &Stop, clock: Clock, style: Style) -> Results {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let workers = match run.cluster.context {
        Some(_) => 1,
        None => run.jobs.map_or(processors, usize::from),
    };
    let board = Board::new(tasks.iter().map(|task| task.name.as_str()), style);
    let mut ended = Pool { workers }.all(
        tasks,
        || *stop.borrow(),
        |task| {
            let row = one(run, task, folder, stop, &board);
            board.ended(&row);
            let enough = run.fail_fast && row.status() != Status::Pass;
            (row, if enough { Next::Enough } else { Next::GoOn })
        },
    );
    board.finish();
    let interrupted = *stop.borrow();
    let row = |(index, task): (usize, &Task)| match ended.remove(&index) {
        Some(Ok(row)) => row,
        Some(Err(reason)) => task.row(Fate::Error(Failure { reason, begun: true, dirty: Vec::new() })),
        None if interrupted => task.row(Fate::NotRun { reason: "the run was interrupted before".to_owned() }),
        None => task.row(Fate::NotRun { reason: "an earlier one did not pass, and --fail-fast was given".to_owned() }),
    };
    let rows = tasks.iter().enumerate().map(row).collect();
    Results { started: second(clock.started()), took: Some(clock.elapsed()), rows }
}

fn one(run: &Run, task: &Task, folder: &Folder, stop: &Stop, board: &Board) -> Row {
    let clock = Clock::of_this_machine();
    let line = board.start(&task.name);
    let (progress, tap) = (line.sender(), line.tap());
    let fate = Parts {
        execute: |begun: &AtomicBool| execute(task, &run.cluster, folder, progress, stop.clone(), tap, begun),
        judge: |file: &Path| judge::entry(file, run.budget.memory, &Written::default()),
        ended: || line.close(),
        undo: undo_of(run, &BTreeSet::from([task.run.as_str()])),
    }
    .fate();
    let mut row = task.row(fate);
    if let Fate::Judged(entry) = &mut row.fate {
        entry.name.clone_from(&task.name);
    }
    row.started = second(clock.started());
    row.took = Some(clock.elapsed());
    row
}

/// Writes the reports, then prints the results and finds the exit code.
fn conclude(results: &Results, folder: &Folder, interrupted: bool, style: Style) -> Exit {
    let mut failed = folder.write(results).err().unwrap_or_default();
    failed.extend(folder.index(&Index::ended(results)).err());
    if let Err(message) = github::summary(results) {
        print::tell(&format!("warning: not written: {message}"));
    }
    let written = folder.path().join("report.html").is_file();
    print::out(&github::annotations(results));
    print::out(&table::conclusion(results, style));
    if written {
        print::out(&format!("report: {}\n", folder.path().join("report.html").display()));
    }
    for message in &failed {
        print::tell(&format!("warning: not written: {message}"));
    }
    match Exit::of(results) {
        // Whoever reads the reports would not know that it passed.
        Exit::Passed if !failed.is_empty() || interrupted => Exit::Inconclusive,
        Exit::Failed if interrupted => Exit::Inconclusive,
        exit => exit,
    }
}
