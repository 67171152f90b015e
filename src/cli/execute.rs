//! Runs one scenario on one cluster, and leaves its evidence in its folder.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use driftproof::evidence::{Log, Sink};
use driftproof::report::{Fate, Row};
use driftproof::run::{self, Job, Progress, RunError, Stop};
use driftproof::world::{World, embedded, live};
use tokio::runtime::{Builder, Runtime};

use super::args::Cluster;
use super::folder::{EVIDENCE, Folder};
use super::load::Loaded;
use super::progress::Tap;
use super::{packed, print};

/// One run of one scenario.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// Folder of its evidence below the run's folder, also its name in tables.
    pub(super) name: String,
    /// The scenario.
    pub(super) loaded: Loaded,
    /// The seed.
    pub(super) seed: u64,
    /// Name of the run in the cluster.
    pub(super) run: String,
    /// The command that repeats it.
    pub(super) again: String,
}

/// Why there is no evidence to judge.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing was started: missing rights, an unusable fixture, a cluster that does not answer.
    NotStarted(String),
    /// The machine that Driftproof runs on got in the way.
    Local(String),
}

impl Task {
    /// Its file as it was named.
    pub(super) fn file(&self) -> String {
        self.loaded.path.display().to_string()
    }

    /// The row of what became of it.
    pub(super) fn row(&self, fate: Fate) -> Row {
        Row {
            name: self.name.clone(),
            file: self.file(),
            seed: self.seed,
            again: self.again.clone(),
            started: String::new(),
            took: None,
            fate,
        }
    }

    pub(super) fn job(&self, cluster: &Cluster) -> Job {
        Job {
            scenario: self.loaded.scenario.clone(),
            manifests: self.loaded.manifests.clone(),
            apply_fixtures: cluster.context.is_none() || cluster.apply_fixtures,
            seed: self.seed,
            run: self.run.clone(),
            again: self.again.clone(),
            allow_commands: cluster.allow_commands,
            failsafe: !cluster.no_failsafe,
            break_lock: cluster.break_lock,
            skipped: self.loaded.skipped.clone(),
        }
    }
}

/// A runtime for the chosen cluster: the embedded one lives on a paused clock, single-threaded and without sockets.
pub(super) fn runtime(cluster: &Cluster) -> Result<Runtime, Failure> {
    let mut builder = Builder::new_current_thread();
    let builder =
        if cluster.context.is_some() { builder.enable_all() } else { builder.enable_time().start_paused(true) };
    builder.build().map_err(|error| Failure::Local(format!("async runtime: {error}")))
}

/// The world that the arguments name.
pub(super) async fn world(task: &Task, cluster: &Cluster) -> Result<World, Failure> {
    let Some(context) = &cluster.context else {
        return embedded::start(&task.loaded.scenario, task.seed).map_err(Failure::NotStarted);
    };
    let options = live::Options {
        context: context.clone(),
        kubeconfig: cluster.kubeconfig.clone(),
        prometheus: cluster.prometheus.clone(),
        allow_commands: cluster.allow_commands,
        node_agent: cluster.nodes.agent(),
        agents: live::AgentOptions {
            image: cluster.nodes.agent_image.clone(),
            allow_ephemeral: cluster.allow_ephemeral_containers,
        },
    };
    connect(&options).await
}

/// A live cluster.
pub(super) async fn connect(options: &live::Options) -> Result<World, Failure> {
    live::connect(options).await.map_err(|error| Failure::NotStarted(error.to_string()))
}

/// What the embedded cluster is known to be unable to do, before anything is started. A live one is asked by each run.
///
/// # Errors
/// Each scenario that cannot run, and why.
pub(super) fn feasible(loaded: &[Loaded], cluster: &Cluster) -> Result<(), Vec<String>> {
    if cluster.context.is_some() {
        return Ok(());
    }
    let refused = |one: &Loaded| {
        let name = one.scenario.name.clone();
        let task = Task { name, loaded: one.clone(), seed: 1, run: "s1".to_owned(), again: String::new() };
        let feasible = runtime(cluster).and_then(|runtime| {
            runtime.block_on(async {
                let world = world(&task, cluster).await?;
                run::feasible(&world, &task.job(cluster)).map_err(|error| refused(&task, cluster, &error))
            })
        });
        let (Failure::NotStarted(why) | Failure::Local(why)) = feasible.err()?;
        Some(format!("{}: {}: {why}", task.file(), task.name))
    };
    let refused: Vec<String> = loaded.iter().filter_map(refused).collect();
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

/// Runs a scenario to its end. Returns the evidence file. `begun` is set when the cluster may have been touched.
pub(super) fn execute(
    task: &Task,
    cluster: &Cluster,
    folder: &Folder,
    progress: Progress,
    stop: Stop,
    tap: Option<Tap>,
    begun: &AtomicBool,
) -> Result<PathBuf, Failure> {
    let durable = cluster.context.is_some();
    let file = folder.evidence(&task.name, durable).map_err(Failure::Local)?;
    let disk = Disk {
        folder: folder.path().join(&task.name),
        file: io::BufWriter::with_capacity(1 << 16, file),
        durable,
        tap,
    };
    let log = log(disk).map_err(|error| Failure::Local(format!("evidence: {error}")))?;
    let result = runtime(cluster)?.block_on(async {
        let world = world(task, cluster).await?;
        begun.store(true, Ordering::SeqCst);
        run::run(&world, task.job(cluster), &log, progress, stop).await.map_err(|error| refused(task, cluster, &error))
    });
    if let Err(why) = packed::pack(&folder.path().join(&task.name), packed::LARGE) {
        print::tell(&format!("warning: {why}"));
    }
    result.map(|_end| folder.path().join(&task.name).join(EVIDENCE))
}

/// The log of a run. On a live cluster nobody who observes waits for the disk; on the embedded one no time may pass while
/// somebody does.
fn log(disk: Disk) -> io::Result<Log> {
    if disk.durable { Log::on_its_own_thread(Box::new(disk)) } else { Ok(Log::new(Box::new(disk))) }
}

/// Why a run did not begin, with the command that helps when there is one.
pub(super) fn refused(task: &Task, cluster: &Cluster, error: &RunError) -> Failure {
    match error {
        RunError::Forbidden(_) => {
            let fixtures = if cluster.apply_fixtures { " --apply-fixtures" } else { "" };
            let nodes = cluster.nodes.again(&task.loaded.scenario);
            let nodes =
                nodes.iter().filter(|word| !word.contains(' ')).fold(String::new(), |all, word| all + " " + word);
            let file = task.loaded.path.display();
            Failure::NotStarted(format!(
                "{error}\nthe role that has them: driftproof rbac {file}{fixtures}{nodes} | kubectl apply -f -"
            ))
        }
        RunError::NotAllowed(_)
        | RunError::Cluster(_)
        | RunError::Busy(_)
        | RunError::Fixture(_)
        | RunError::Agent(_) => Failure::NotStarted(error.to_string()),
        RunError::Evidence(why) => Failure::Local(why.clone()),
    }
}

/// An evidence file. What happened on a simulated cluster need not survive a power cut; what was done to a live one must.
struct Disk {
    folder: PathBuf,
    file: io::BufWriter<File>,
    durable: bool,
    /// Who watches.
    tap: Option<Tap>,
}

impl Sink for Disk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(tap) = &self.tap {
            tap.line(bytes);
        }
        self.file.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut self.file)
    }

    fn sync(&mut self) -> io::Result<()> {
        Write::flush(&mut self.file)?;
        if self.durable { self.file.get_ref().sync_data() } else { Ok(()) }
    }

    fn beside(&mut self, name: &str) -> io::Result<Box<dyn Sink>> {
        let file = File::create_new(self.folder.join(name))?;
        if self.durable {
            // A file whose name is lost is lost.
            File::open(&self.folder)?.sync_all()?;
        }
        let file = io::BufWriter::with_capacity(1 << 16, file);
        Ok(Box::new(Self { folder: self.folder.clone(), file, durable: self.durable, tap: None }))
    }
}
