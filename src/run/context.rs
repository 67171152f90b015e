//! What every part of a run shares: the world, the scenario, the log and the live picture.

use std::sync::Arc;

use crate::evidence::{Event, FaultRecord, Life, Log, Stage, Undo};
use crate::scenario::Scenario;
use crate::world::{Clock, World};

use super::observe::Board;
use super::{News, Progress, Update};

/// Writes to the log at the present time and tells whoever watches.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    log: Log,
    clock: Clock,
    progress: Progress,
}

impl Recorder {
    pub(super) fn new(log: Log, clock: Clock, progress: Progress) -> Self {
        Self { log, clock, progress }
    }

    pub(super) fn note(&self, event: Event) {
        self.log.append(self.clock.micros(), event);
    }

    pub(super) fn tell(&self, what: News) {
        let _ = self.progress.send(Update { at: self.clock.micros(), what });
    }

    pub(super) fn stage(&self, stage: Stage) {
        self.note(Event::Stage { stage });
        self.log.flush();
        self.tell(News::Stage(stage));
    }

    pub(super) fn life(&self, step: &str, life: Life) {
        let record = FaultRecord { step: step.to_owned(), life };
        self.tell(News::Fault(Box::new(record.clone())));
        self.note(Event::Fault(Box::new(record)));
    }

    /// Writes down, durably, what is about to be created.
    pub(super) fn creating(&self, undo: Undo) -> Result<(), String> {
        self.note(Event::Creating { undo });
        self.log.sync()
    }

    pub(super) fn gap(&self, what: String, recovered: bool) {
        self.note(Event::Gap { what, recovered });
    }

    pub(super) fn sync(&self) -> Result<(), String> {
        self.log.sync()
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.log.failure()
    }
}

/// Shared by all parts of one run; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) world: World,
    pub(super) scenario: Arc<Scenario>,
    pub(super) recorder: Recorder,
    pub(super) board: Arc<Board>,
    pub(super) run: Arc<str>,
    pub(super) seed: u64,
    pub(super) allow_commands: bool,
}

impl Context {
    pub(super) fn clock(&self) -> Clock {
        self.world.clock
    }

    pub(super) fn client(&self) -> kube::Client {
        self.world.client.clone()
    }

    /// Name of the target for people: `deployment/web in shop`.
    pub(super) fn target(&self) -> String {
        crate::plan::Group::from(&self.scenario.target).describe()
    }
}
