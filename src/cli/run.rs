//! `driftproof run`: all scenarios, some at a time, then the verdicts, the reports and the exit code.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use driftproof::report::Entry;
use driftproof::run::Stop;
use driftproof::verdict::Outcome;
use jiff::Timestamp;

use super::args::Run;
use super::execute::{Failure, Task, execute};
use super::exit::Exit;
use super::folder::{Folder, github_summary};
use super::load::{Loaded, On, load};
use super::progress::Board;
use super::style::Style;
use super::{describe, fail, interrupt, judge, plan, table};

/// `driftproof run`.
pub(super) fn run(run: &Run, style: Style) -> Exit {
    let mut loaded = match load(&run.files, On::of(run.cluster.context.as_ref()), style.diagnostics()) {
        Ok(loaded) => loaded,
        Err(rejected) => return describe::reject(&rejected),
    };
    for one in &mut loaded {
        run.cluster.nodes.apply(&mut one.scenario);
    }
    if !confirmed(run, &loaded) {
        eprintln!("nothing was started");
        return Exit::Usage;
    }
    let id = run_id(run.seed);
    let folder = match Folder::create(run.report_dir.as_deref(), &id) {
        Ok(folder) => folder,
        Err(message) => return fail(&message, Exit::Usage),
    };
    let tasks = tasks(run, &loaded, &id);
    let stop = interrupt::listen(undo_hint(run, &tasks));
    let ended = all(run, &tasks, &folder, &stop, style);
    conclude(&ended, &folder, *stop.borrow(), style)
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
fn run_id(seed: u64) -> String {
    format!("{}-seed-{seed}", Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S"))
}

/// The command that takes back what a run leaves that is stopped at once. The embedded cluster ends with the process.
fn undo_hint(run: &Run, tasks: &[Task]) -> String {
    let Some(context) = &run.cluster.context else { return "; it was simulated, and is gone".to_owned() };
    let kubeconfig = run.cluster.kubeconfig.as_ref().map(|path| path.display().to_string());
    let kubeconfig = kubeconfig.map(|path| format!(" --kubeconfig {}", quoted(&path))).unwrap_or_default();
    let command = format!("driftproof undo --context {}{kubeconfig}", quoted(context));
    let runs: BTreeSet<&str> = tasks.iter().map(|task| task.run.as_str()).collect();
    let each: Vec<String> = runs.into_iter().map(|id| format!("{command} --run {id}")).collect();
    format!("; show it with --dry-run, take it back with:\n  {}", each.join("\n  "))
}

/// A word as a shell takes it.
fn quoted(text: &str) -> String {
    let plain = text.chars().all(|character| character.is_ascii_alphanumeric() || "/._-:@".contains(character));
    if plain && !text.is_empty() { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Each scenario with each seed, in the order of the files.
fn tasks(run: &Run, loaded: &[Loaded], id: &str) -> Vec<Task> {
    let mut tasks = Vec::new();
    for one in loaded {
        for index in 0..run.runs {
            let seed = run.seed.wrapping_add(u64::from(index));
            let name = &one.scenario.name;
            tasks.push(Task {
                name: if run.runs == 1 { name.clone() } else { format!("{name}-seed-{seed}") },
                loaded: one.clone(),
                seed,
                run: run_name(run, seed, id),
                again: again(run, one, seed),
            });
        }
    }
    tasks
}

/// The embedded cluster is new for each run, so that its name need not tell runs apart; a live one's must.
fn run_name(run: &Run, seed: u64, id: &str) -> String {
    if run.cluster.context.is_none() {
        return format!("s{seed}");
    }
    let time: String = id.chars().filter(char::is_ascii_digit).take(14).collect();
    format!("r{time}")
}

/// The command that repeats a run.
fn again(run: &Run, loaded: &Loaded, seed: u64) -> String {
    let mut command = format!("driftproof run {} --seed {seed}", quoted(&loaded.path.display().to_string()));
    let cluster = &run.cluster;
    let kubeconfig = cluster.kubeconfig.as_ref().map(|path| path.display().to_string());
    // Evidence is passed around: a URL with a password in it must not become part of it.
    let prometheus = cluster.prometheus.clone().filter(|url| !url.contains(['@', '?']));
    let values = [("--context", cluster.context.clone()), ("--kubeconfig", kubeconfig), ("--prometheus", prometheus)];
    for (flag, value) in values.iter().filter_map(|(flag, value)| Some((flag, value.as_ref()?))) {
        command.extend([" ", flag, " ", &quoted(value)]);
    }
    for (given, flag) in [
        (cluster.apply_fixtures, " --apply-fixtures"),
        (cluster.allow_commands, " --allow-commands"),
        (cluster.no_failsafe, " --no-failsafe"),
        (cluster.allow_ephemeral_containers, " --allow-ephemeral-containers"),
    ] {
        if given {
            command.push_str(flag);
        }
    }
    if run.cluster.context.is_some() || run.cluster.nodes.node_failure_mode.is_some() {
        for word in run.cluster.nodes.again(&loaded.scenario) {
            command.extend([" ", &quoted(&word)]);
        }
    }
    command
}

/// What became of the tasks: an entry, a failure, or nothing when it was not reached.
type Ended = BTreeMap<usize, Result<Entry, Failure>>;

fn all(run: &Run, tasks: &[Task], folder: &Folder, stop: &Stop, style: Style) -> Ended {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let workers = match run.cluster.context {
        Some(_) => 1,
        None => run.jobs.map_or(processors, usize::from).min(tasks.len()),
    };
    let board = Board::new(tasks.len(), style);
    let (next, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let ended = Mutex::new(Ended::new());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while !enough.load(Ordering::SeqCst) && !*stop.borrow() {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    let Some(task) = tasks.get(index) else { return };
                    let result = one(run, task, folder, stop.clone(), &board);
                    let passed = result.as_ref().is_ok_and(|entry| entry.verdict.outcome == Outcome::Pass);
                    if (run.fail_fast && !passed) || result.is_err() {
                        enough.store(true, Ordering::SeqCst);
                    }
                    ended.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(index, result);
                }
            });
        }
    });
    board.finish();
    ended.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn one(run: &Run, task: &Task, folder: &Folder, stop: Stop, board: &Board) -> Result<Entry, Failure> {
    let line = board.start(&task.name);
    let result = execute(task, &run.cluster, folder, line.sender(), stop)
        .and_then(|file: PathBuf| judge::entry(&task.name, &file).map_err(Failure::Local));
    match &result {
        Ok(entry) => line.end(&entry.verdict),
        Err(_) => line.fail(),
    }
    result
}

/// Writes the reports, prints the results, and finds the exit code.
fn conclude(ended: &Ended, folder: &Folder, interrupted: bool, style: Style) -> Exit {
    let entries: Vec<Entry> = ended.values().filter_map(|result| result.as_ref().ok().cloned()).collect();
    let mut exit = Exit::of(entries.iter().map(|entry| &entry.verdict));
    if !entries.is_empty() {
        if let Err(message) = folder.write(&entries).and_then(|()| github_summary(&entries)) {
            exit = fail(&message, if exit == Exit::Dirty { Exit::Dirty } else { Exit::Usage });
        }
        print!("{}", table::results(&entries, style.out));
        print!("{}", table::reasons(&entries, style.out));
        println!("report: {}", folder.path().join("report.html").display());
    }
    for failure in ended.values().filter_map(|result| result.as_ref().err()) {
        let (Failure::NotStarted(message) | Failure::Local(message)) = failure;
        exit = fail(message, if exit == Exit::Dirty { Exit::Dirty } else { Exit::Usage });
    }
    if interrupted && matches!(exit, Exit::Passed | Exit::Failed) { Exit::Inconclusive } else { exit }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn parsed(arguments: &[&str]) -> Run {
        let cli = Cli::try_parse_from([&["driftproof", "run"], arguments].concat()).expect("parses");
        let Command::Run(run) = cli.command else { panic!("not a run") };
        run
    }

    #[test]
    fn the_command_that_repeats_a_run_is_complete() {
        let at = |path: &str| {
            let text = "name = \"x\"\n[target]\nnamespace = \"shop\"\nworkload = \"deployment/web\"\n[[fault]]\nkind = \"pod-kill\"\n";
            let scenario = driftproof::scenario::parse("x.toml", text).expect("valid");
            Loaded { path: PathBuf::from(path), scenario, manifests: Vec::new() }
        };
        let run = parsed(&["x.toml", "--context", "my cluster", "--kubeconfig", "k", "--apply-fixtures"]);
        assert_eq!(
            again(&run, &at("a b/x.toml"), 9),
            "driftproof run 'a b/x.toml' --seed 9 --context 'my cluster' --kubeconfig k --apply-fixtures"
        );
        assert_eq!(again(&parsed(&["x.toml"]), &at("x.toml"), 1), "driftproof run x.toml --seed 1");
        let run = parsed(&["x.toml", "--context", "c", "--allow-commands", "--node-failure-command", "off it", "on"]);
        assert_eq!(
            again(&run, &at("x.toml"), 1),
            "driftproof run x.toml --seed 1 --context c --allow-commands --node-failure-command 'off it' on"
        );
    }

    #[test]
    fn a_live_cluster_must_be_named_before_anything_can_be_allowed_on_it() {
        for flag in ["--apply-fixtures", "--allow-commands", "--allow-ephemeral-containers"] {
            assert!(Cli::try_parse_from(["driftproof", "run", "x.toml", flag]).is_err(), "{flag}");
        }
    }
}
