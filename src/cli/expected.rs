//! How long a live run will take, as far as it can be told: the same scenario, run on the embedded cluster, in its time.

use std::time::Duration;

use driftproof::evidence::{Log, Memory};
use driftproof::run;
use driftproof::world::embedded;
use tokio::runtime::Builder;

use super::args::Cluster;
use super::execute::Task;

/// How long the run took there; nothing when the embedded cluster cannot run it (no fixture, a way to fail that it lacks).
pub(super) fn duration(task: &Task, cluster: &Cluster) -> Option<Duration> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().ok()?;
    let mut job = task.job(cluster);
    job.apply_fixtures = true;
    job.allow_commands = false;
    "expected".clone_into(&mut job.run);
    runtime.block_on(async {
        let world = embedded::start(&job.scenario, job.seed).ok()?;
        let (progress, _) = tokio::sync::mpsc::unbounded_channel();
        let (_sender, stop) = tokio::sync::watch::channel(false);
        let log = Log::new(Box::new(Memory::default()));
        let begun = world.clock.elapsed();
        Box::pin(run::run(&world, job, &log, progress, stop)).await.ok()?;
        Some(world.clock.elapsed().saturating_sub(begun))
    })
}
