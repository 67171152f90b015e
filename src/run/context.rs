//! What every part of a run shares: the world, the scenario, the log and the live picture.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::evidence::{Event, FaultRecord, Life, Log, Memory, Sink, Stage, Undo};
use crate::scenario::{self, Scenario};
use crate::world::{Clock, World};

use super::agents::Present;
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

    /// A file beside the evidence.
    pub(super) fn beside(&self, name: &str) -> Result<Box<dyn Sink>, String> {
        self.log.beside(name)
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
    /// The agent inside the cluster.
    pub(super) present: Arc<Present>,
    pub(super) run: Arc<str>,
    pub(super) seed: u64,
    pub(super) allow_commands: bool,
    /// Whether partitions get a dead-man's switch.
    pub(super) failsafe: bool,
    /// Resources (`nodes`) that this run may not read and can do without.
    pub(super) unreadable: Arc<BTreeSet<String>>,
    /// Whether a lock of another run is taken over before its time.
    pub(super) break_lock: bool,
}

/// What stands in for a scenario where nothing is injected.
const NO_SCENARIO: &str = "name = \"undo\"\n[target]\nnamespace = \"default\"\nworkload = \"deployment/none\"\n[[fault]]\nkind = \"pod-kill\"\n";

impl Context {
    /// A context without a scenario: all that looking for leftovers and taking them back needs.
    pub(super) fn bare(world: &World, run: &str) -> Self {
        let scenario = scenario::parse("undo", NO_SCENARIO).expect("the constant above is a scenario");
        let (progress, _) = tokio::sync::mpsc::unbounded_channel();
        Self {
            world: world.clone(),
            board: Arc::new(Board::new(&scenario)),
            present: Arc::default(),
            scenario: Arc::new(scenario),
            recorder: Recorder::new(Log::new(Box::new(Memory::default())), world.clock, progress),
            run: run.into(),
            seed: 0,
            allow_commands: false,
            failsafe: false,
            unreadable: Arc::default(),
            break_lock: false,
        }
    }

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
