//! Workloads on the user's store while the faults hold. Each operation is written down as it happens; none is judged here.

mod book;
mod bridge;
mod drive;
mod make;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use crate::evidence::WorldName;
use crate::scenario::{DataCheck, StoreCheck};
use crate::workload::StoreKind;

use super::super::RunError;
use super::super::context::Context;
use super::super::tasks::guarded;
use super::super::wait::Bell;

/// Workloads that run until they are stopped.
#[derive(Debug)]
pub(in crate::run) struct Stores {
    tasks: JoinSet<Vec<String>>,
    stop: Arc<Bell>,
    read_all: Arc<AtomicBool>,
    left: Vec<String>,
}

impl Stores {
    /// Starts the workload of every check of a store.
    pub(in crate::run) fn start(context: &Context) -> Self {
        let (stop, read_all): (Arc<Bell>, Arc<AtomicBool>) = Default::default();
        let mut tasks = JoinSet::new();
        for (index, check) in checks(context) {
            let drive = drive::drive(context.clone(), index, check.clone(), stop.clone(), read_all.clone());
            let (recorder, name) = (context.recorder.clone(), check.name().to_owned());
            tasks.spawn(async move {
                let left = guarded(&recorder, &format!("the clients of data {name}"), drive).await;
                left.unwrap_or_else(|| vec![format!("data {name}: its clients broke off, look for its keys")])
            });
        }
        Self { tasks, stop, read_all, left: Vec::new() }
    }

    /// Asks for nothing more, reads everything from every replica if the run came so far, and removes what was written.
    /// Returns what could not be removed.
    pub(in crate::run) async fn finish(&mut self, read_all: bool) -> Vec<String> {
        self.read_all.store(read_all, Ordering::SeqCst);
        self.stop.ring();
        while let Some(ended) = self.tasks.join_next().await {
            self.left.extend(
                ended.unwrap_or_else(|error| vec![format!("a workload broke off, look for its keys: {error}")]),
            );
        }
        self.left.sort();
        std::mem::take(&mut self.left)
    }
}

fn checks(context: &Context) -> impl Iterator<Item = (usize, &StoreCheck)> {
    context.scenario.data.iter().enumerate().filter_map(|(index, check)| match check {
        DataCheck::Store(check) => Some((index, &**check)),
        DataCheck::Set(_) | DataCheck::Volume(_) => None,
    })
}

/// Checks that every store can be spoken to in this world.
///
/// # Errors
/// The first one that cannot, and why.
pub(in crate::run) fn reachable(context: &Context) -> Result<(), RunError> {
    for (_, check) in checks(context) {
        let (name, kind) = (check.name(), check.store.kind);
        let refuse =
            |why: &str| Err(RunError::NotAllowed(format!("data {name}: a store of kind {} {why}", kind.name())));
        match (&context.world.name, kind) {
            (_, StoreKind::Command) if !context.allow_commands => {
                return refuse("is a program of the scenario file, and those are run only with --allow-commands");
            }
            (WorldName::Embedded, StoreKind::Etcd | StoreKind::Redis | StoreKind::Postgres | StoreKind::Command) => {
                return refuse(
                    "cannot be run on the embedded cluster, whose pods speak HTTP only; name a live cluster with --context, or use kind = \"kv\" or \"http\"",
                );
            }
            (WorldName::Embedded, StoreKind::Http) if check.store.service.is_none() => {
                return refuse(
                    "with `endpoints` cannot be reached from the embedded cluster, which has no way out; use `service`",
                );
            }
            (WorldName::Live { .. }, StoreKind::Kv) => {
                return refuse("is the embedded cluster's own; use kind = \"http\" with the requests of your service");
            }
            (WorldName::Embedded, StoreKind::Kv | StoreKind::Http) | (WorldName::Live { .. }, _) => {}
        }
    }
    Ok(())
}
