//! What every part of a run shares: the world, the scenario, the log and the live picture.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::evidence::{Beside, Event, FaultRecord, Life, Log, Memory, Stage, Undo};
use crate::scenario::{self, Scenario};
use crate::world::{Clock, World};

use super::agents::Present;
use super::contents::Contents;
use super::ledger::Ledger;
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

    pub(super) fn gap(&self, what: String, recovered: bool) {
        self.note(Event::Gap { what, recovered });
    }

    /// Returns when everything that was noted would survive a power cut.
    ///
    /// # Errors
    /// When this or any earlier write failed.
    pub(super) async fn sync(&self) -> Result<(), String> {
        self.log.sync().await
    }

    /// A file beside the evidence.
    pub(super) async fn beside(&self, name: &str) -> Result<Beside, String> {
        self.log.beside(name).await
    }

    /// SHA-256 of all lines so far.
    pub(super) async fn digest(&self) -> String {
        self.log.digest().await
    }
}

/// Shared by all parts of one run; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) world: World,
    pub(super) scenario: Arc<Scenario>,
    pub(super) recorder: Recorder,
    pub(super) board: Arc<Board>,
    /// What has to be taken back.
    pub(super) ledger: Ledger,
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
    /// What was read of configuration.
    pub(super) contents: Arc<Contents>,
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
            ledger: Ledger::default(),
            present: Arc::default(),
            scenario: Arc::new(scenario),
            recorder: Recorder::new(Log::new(Box::new(Memory::default())), world.clock, progress),
            run: run.into(),
            seed: 0,
            allow_commands: false,
            failsafe: false,
            unreadable: Arc::default(),
            break_lock: false,
            contents: Arc::default(),
        }
    }

    /// Writes down, durably, what is about to be created, and enters it into the ledger.
    ///
    /// # Errors
    /// When it could not be written: then it must not be created.
    pub(super) async fn creating(&self, undo: Undo) -> Result<(), String> {
        self.recorder.note(Event::Creating { undo: undo.clone() });
        self.recorder.sync().await?;
        self.ledger.creating(undo);
        Ok(())
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
