//! Everything that the embedded cluster is, in one place, and the three verbs that rooms use:
//! put something into the store, let something happen later, draw from the seed.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Notify;

use super::engine::Queue;
use super::registry::Recorder;
use super::store::Store;
use super::{Change, Event, Settings, apps, controllers, kubelet, network, nodes, scheduler, storage};

/// The whole cluster. All access is through `&mut State`, one event or API request at a time.
#[derive(Debug)]
pub struct State {
    /// What the cluster was started with.
    pub settings: Settings,
    /// API objects.
    pub store: Store,
    /// Events to come.
    pub queue: Queue,
    /// Time since the cluster started, of the event or request being handled.
    pub now: Duration,
    /// Rings after each change; watches wait on it. Not tokio's `watch`, which wakes its receivers in a random order.
    pub changed: Arc<Notify>,
    /// Which events were already recorded, so that repeats count up.
    pub recorder: Recorder,
    /// The controllers' own memory.
    pub controllers: controllers::Local,
    /// The node lifecycle's own memory.
    pub nodes: nodes::Local,
    /// The scheduler's own memory.
    pub scheduler: scheduler::Local,
    /// Volumes and what they hold.
    pub storage: storage::Local,
    /// Machines, images, sandboxes and containers: the physical truth.
    pub kubelet: kubelet::Local,
    /// Addresses and connections.
    pub network: network::Local,
    /// Simulated applications.
    pub apps: apps::Local,
    rng: ChaCha8Rng,
    uids: u64,
}

/// The cluster's wall clock starts here, so that two runs give the same timestamps: 2026-01-01T00:00:00Z.
pub const EPOCH_SECONDS: i64 = 1_767_225_600;

impl State {
    /// An empty cluster: nothing is in the store until [`State::boot`].
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            store: Store::default(),
            queue: Queue::default(),
            now: Duration::ZERO,
            changed: Arc::default(),
            recorder: Recorder::default(),
            controllers: controllers::Local::default(),
            nodes: nodes::Local::default(),
            scheduler: scheduler::Local::default(),
            storage: storage::Local::default(),
            kubelet: kubelet::Local::default(),
            network: network::Local::default(),
            apps: apps::Local::default(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            uids: 0,
        }
    }

    /// Creates the namespaces, nodes and classes that a fresh cluster has, and starts every room's timers.
    pub fn boot(&mut self) {
        controllers::boot(self);
        storage::boot(self);
        kubelet::boot(self);
        nodes::boot(self);
        scheduler::boot(self);
        network::boot(self);
        apps::boot(self);
    }

    /// Handles everything that is due by `now`, each event at its own time.
    pub fn advance(&mut self, now: Duration) {
        while let Some((at, event)) = self.queue.pop(now) {
            self.now = self.now.max(at);
            self.handle(event);
        }
        self.now = self.now.max(now);
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Controller(work) => controllers::handle(self, work),
            Event::Nodes(work) => nodes::handle(self, work),
            Event::Scheduler(work) => scheduler::handle(self, work),
            Event::Storage(work) => storage::handle(self, work),
            Event::Kubelet(work) => kubelet::handle(self, work),
            Event::Network(work) => network::handle(self, work),
            Event::App(work) => apps::handle(self, work),
        }
    }

    /// Shows a change of the store to watches and to every room. Called by `registry` only.
    pub(super) fn announce(&mut self, change: &Arc<Change>) {
        self.changed.notify_waiters();
        controllers::on_change(self, change);
        nodes::on_change(self, change);
        scheduler::on_change(self, change);
        storage::on_change(self, change);
        kubelet::on_change(self, change);
        network::on_change(self, change);
        apps::on_change(self, change);
    }

    /// Lets an event happen after a delay.
    pub fn after(&mut self, delay: Duration, event: Event) {
        self.queue.at(self.now + delay, event);
    }

    /// Lets an event happen after a delay, unless an equal one added this way still waits.
    pub fn after_once(&mut self, delay: Duration, event: Event) {
        self.queue.once_at(self.now + delay, event);
    }

    /// A number in `low..high`, from the seed.
    pub fn draw(&mut self, low: u64, high: u64) -> u64 {
        if high <= low { low } else { self.rng.random_range(low..high) }
    }

    /// `base` plus up to `spread` more, from the seed, in whole milliseconds.
    pub fn jitter(&mut self, base: Duration, spread: Duration) -> Duration {
        let spread = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
        base + Duration::from_millis(self.draw(0, spread.saturating_add(1)))
    }

    /// A short random suffix as Kubernetes appends to generated names.
    pub fn suffix(&mut self, length: usize) -> String {
        const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..length).map(|_| char::from(ALPHABET[self.rng.random_range(0..ALPHABET.len())])).collect()
    }

    /// A UID never used before in this cluster.
    pub fn next_uid(&mut self) -> String {
        self.uids += 1;
        let low = self.rng.random_range(0..1_u64 << 48);
        format!("{:08x}-0000-4000-8000-{low:012x}", self.uids)
    }

    /// The cluster's wall clock.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        let millis = i64::try_from(self.now.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(EPOCH_SECONDS * 1000 + millis).unwrap_or(Timestamp::MAX)
    }

    /// The cluster's wall clock as metav1.Time: whole seconds, as the real API server stores it.
    #[must_use]
    pub fn time(&self) -> Time {
        Time(Timestamp::from_second(self.timestamp().as_second()).unwrap_or(Timestamp::MAX))
    }
}
