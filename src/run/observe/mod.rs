//! Watches everything that a verdict may need, as long as the run lasts. Each change becomes a record at the instant at
//! which it is received, and updates the live [`Picture`] that the runner waits on: nothing is polled.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use crate::evidence::{Event, Seen};
use crate::scenario::{DataCheck, Scenario};
use crate::world::Clock;

use super::context::{Context, Recorder};
use super::wait::{Bell, Ear};

mod answers;
mod confirm;
mod follow;
mod group;
mod near;
mod newest;
mod picture;
mod project;
mod watches;

pub(super) use answers::Answers;
pub(super) use confirm::confirm;
pub(super) use follow::{Filter, Notice, follow};
pub(super) use group::Group;
pub(super) use picture::{Picture, PodState, ServiceKey, Strength};

/// The live picture, and the news that it changed.
#[derive(Debug)]
pub(super) struct Board {
    picture: Mutex<Picture>,
    changed: Arc<Bell>,
}

impl Board {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let (target, others) = Group::all(scenario);
        let picture = Picture::new(
            target,
            others,
            Group::of_faults(scenario),
            services(scenario),
            crate::plan::watches_all_nodes(scenario),
        );
        Self { picture: Mutex::new(picture), changed: Arc::default() }
    }

    /// Looks at the picture.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Picture) -> T) -> T {
        look(&self.picture.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the picture and tells everyone who waits.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Picture) -> T) -> T {
        let result = change(&mut self.picture.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.ring();
        result
    }

    /// Changes the picture; tells everyone who waits when the change says that it matters.
    pub(super) fn change_if(&self, change: impl FnOnce(&mut Picture) -> bool) {
        if change(&mut self.picture.lock().unwrap_or_else(PoisonError::into_inner)) {
            self.changed.ring();
        }
    }

    /// Hears of changes from now on.
    pub(super) fn changes(&self) -> Ear {
        self.changed.listen()
    }

    /// Waits until the picture gives an answer.
    pub(super) async fn until<T>(&self, mut look: impl FnMut(&Picture) -> Option<T>) -> T {
        let mut changes = self.changes();
        loop {
            if let Some(answer) = self.look(&mut look) {
                return answer;
            }
            changes.rung().await;
        }
    }
}

/// Where followers write to.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    recorder: Recorder,
    board: Arc<Board>,
    clock: Clock,
}

impl Feed {
    pub(super) fn of(context: &Context) -> Self {
        Self { recorder: context.recorder.clone(), board: context.board.clone(), clock: context.clock() }
    }

    /// Changes the picture and records what came of it, before anyone who waits can act on it.
    fn take(&self, change: impl FnOnce(&mut Picture) -> Vec<Seen>) {
        let recorder = &self.recorder;
        self.board.change(|picture| {
            for seen in change(picture) {
                recorder.note(Event::Seen(Box::new(seen)));
            }
        });
    }

    fn gap(&self, what: String, recovered: bool) {
        self.recorder.gap(what, recovered);
    }

    fn blind(&self, what: &str, reason: &str) {
        self.board.change(|picture| picture.blind.insert(what.to_owned(), reason.to_owned()));
    }

    fn sighted(&self, what: &str) {
        self.board.change(|picture| picture.blind.remove(what));
    }
}

/// Watches that run until this is dropped.
#[derive(Debug)]
pub(super) struct Watches {
    #[expect(dead_code, reason = "held for its drop, which ends the watches")]
    tasks: JoinSet<()>,
}

/// Begins to watch; returns when everything was listed once.
pub(super) async fn start(context: &Context) -> Watches {
    watches::start(context).await
}

/// The Services whose endpoints matter: those that probes and data checks use.
fn services(scenario: &Scenario) -> BTreeSet<ServiceKey> {
    let probes = scenario.probes.iter().filter_map(|probe| probe.service.as_ref());
    let data = scenario.data.iter().filter_map(|check| match check {
        DataCheck::Set(set) => Some(&set.service),
        DataCheck::Store(check) => check.store.service.as_ref(),
        DataCheck::Volume(_) => None,
    });
    let key = |port: &crate::scenario::ServicePort| {
        let namespace = port.namespace.clone().unwrap_or_else(|| scenario.target.namespace.clone());
        (namespace, port.service.clone())
    };
    probes.chain(data).map(key).collect()
}
