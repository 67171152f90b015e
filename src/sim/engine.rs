//! The clockwork: a queue of timed events and the task that pops them as virtual time passes.
//! Never knows what an event means; `State::handle` hands it to its room.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::{State, apps, controllers, kubelet, network, nodes, scheduler, storage};

/// Something that will happen at a time; each room owns its own kinds of work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// Workload, endpoint, budget and ownership controllers.
    Controller(controllers::Work),
    /// Node leases, lifecycle, taints, eviction and pod garbage collection.
    Nodes(nodes::Work),
    /// The scheduler.
    Scheduler(scheduler::Work),
    /// Volumes: binding, attaching, detaching.
    Storage(storage::Work),
    /// What happens on a machine: heartbeats, pulls, containers, probes, ends.
    Kubelet(kubelet::Work),
    /// Packets that arrive later.
    Network(network::Work),
    /// Simulated applications.
    App(apps::Work),
}

/// Events ordered by time, then by the order in which they were added.
#[derive(Debug, Default)]
pub struct Queue {
    due: BTreeMap<(Duration, u64), Event>,
    pending: BTreeSet<Event>,
    sequence: u64,
}

impl Queue {
    /// Adds an event at a time since the start of the cluster.
    pub fn at(&mut self, at: Duration, event: Event) {
        self.sequence += 1;
        self.due.insert((at, self.sequence), event);
    }

    /// Adds an event unless an equal one added by `once_at` still waits (a work queue's deduplication).
    pub fn once_at(&mut self, at: Duration, event: Event) {
        if self.pending.insert(event.clone()) {
            self.at(at, event);
        }
    }

    /// When the next event is due.
    #[must_use]
    pub fn next_at(&self) -> Option<Duration> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next event that is due by `now`.
    pub fn pop(&mut self, now: Duration) -> Option<(Duration, Event)> {
        let entry = self.due.first_entry()?;
        if entry.key().0 > now {
            return None;
        }
        let ((at, _), event) = entry.remove_entry();
        self.pending.remove(&event);
        Some((at, event))
    }
}

/// The state behind its lock, and the bell that tells the driver of new events.
#[derive(Clone, Debug)]
pub struct Shared {
    state: Arc<Mutex<State>>,
    bell: Arc<Notify>,
    broke: Arc<Notify>,
    epoch: Instant,
}

/// Rings when it is dropped by a panic. Made before the state is locked, so that the lock is poisoned by then.
struct Alarm<'a>(&'a Notify);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.notify_waiters();
        }
    }
}

impl Shared {
    /// Takes the state; `epoch` is the instant that counts as the cluster's start.
    #[must_use]
    pub fn new(state: State, epoch: Instant) -> Self {
        Self {
            state: Arc::new(Mutex::new(state)),
            bell: Arc::new(Notify::new()),
            broke: Arc::new(Notify::new()),
            epoch,
        }
    }

    /// Runs a closure on the state at the present instant, then rings the driver.
    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let _alarm = Alarm(&self.broke);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance(self.epoch.elapsed());
        let result = act(&mut state);
        drop(state);
        self.bell.notify_one();
        result
    }

    /// Looks at the state as it is, without letting time pass or ringing the driver.
    pub fn look<T>(&self, act: impl FnOnce(&State) -> T) -> T {
        act(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns when a panic has left the state half-changed: nothing that the cluster does from then on can be trusted.
    pub async fn broken(&self) {
        loop {
            let broke = self.broke.notified();
            if self.state.is_poisoned() {
                return;
            }
            broke.await;
        }
    }

    /// Handles events for ever. Spawned once for each cluster; dropped with the runtime.
    pub async fn drive(self) {
        loop {
            let next = {
                let _alarm = Alarm(&self.broke);
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.advance(self.epoch.elapsed());
                state.queue.next_at()
            };
            let next = next.map_or_else(|| self.epoch + Duration::from_secs(1 << 32), |at| self.epoch + at);
            tokio::select! {
                biased;
                () = self.bell.notified() => {}
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }
}
