//! Pods that wait for their turn: active by priority and age, backing off, or put aside until something helps.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Work;
use super::cache::PodInfo;
use super::plugins::{Hint, Plugin};
use crate::{Event, Key, State};

/// `podInitialBackoffSeconds`.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// `podMaxBackoffSeconds`.
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// `podMaxInUnschedulablePodsDuration`.
const FLUSH_AFTER: Duration = Duration::from_secs(300);

/// Where a waiting pod stands.
#[derive(Debug)]
enum Place {
    /// In line, with this number.
    Active(u64),
    /// In line again from this time on.
    BackOff(Duration),
    /// Put aside at this time, refused by these plugins.
    Aside(Duration, BTreeSet<Plugin>),
    /// Being looked at.
    InCycle,
}

#[derive(Debug)]
struct Waiting {
    pod: Arc<PodInfo>,
    attempts: u32,
    last_attempt: Duration,
    place: Place,
}

impl Waiting {
    /// When the pod may be tried again: 1 s after the first attempt, doubling to 10 s.
    fn backs_off_until(&self) -> Duration {
        let factor = 1_u32.checked_shl(self.attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        if self.attempts == 0 {
            return self.last_attempt;
        }
        self.last_attempt + BACKOFF_FIRST.saturating_mul(factor).min(BACKOFF_MAX)
    }
}

/// All pods without a node.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<Key, Waiting>,
    active: BTreeSet<(Reverse<i32>, u64, Key)>,
    aside: BTreeSet<Key>,
    sequence: u64,
}

impl Queue {
    /// The pod whose turn it is, taken out of the line.
    pub(super) fn pop(&mut self, now: Duration) -> Option<Arc<PodInfo>> {
        let (_, _, key) = self.active.pop_first()?;
        let waiting = self.waiting.get_mut(&key)?;
        waiting.place = Place::InCycle;
        waiting.attempts = waiting.attempts.saturating_add(1);
        waiting.last_attempt = now;
        Some(waiting.pod.clone())
    }

    pub(super) fn has_active(&self) -> bool {
        !self.active.is_empty()
    }

    pub(super) fn knows(&self, key: &Key) -> bool {
        self.waiting.contains_key(key)
    }

    /// Forgets a pod that is bound or gone.
    pub(super) fn forget(&mut self, key: &Key) {
        if let Some(waiting) = self.waiting.remove(key) {
            self.leave(&waiting);
        }
    }

    fn leave(&mut self, waiting: &Waiting) {
        match waiting.place {
            Place::Active(number) => {
                self.active.remove(&(Reverse(waiting.pod.priority()), number, waiting.pod.key.clone()));
            }
            Place::Aside(..) => {
                self.aside.remove(&waiting.pod.key);
            }
            Place::BackOff(_) | Place::InCycle => {}
        }
    }

    fn activate(&mut self, key: &Key) {
        self.sequence += 1;
        let number = self.sequence;
        let Some(mut waiting) = self.waiting.remove(key) else { return };
        self.leave(&waiting);
        waiting.place = Place::Active(number);
        self.active.insert((Reverse(waiting.pod.priority()), number, key.clone()));
        self.waiting.insert(key.clone(), waiting);
    }
}

/// Lets a new pod wait for its turn.
pub(super) fn add(state: &mut State, pod: Arc<PodInfo>) {
    let key = pod.key.clone();
    let queue = &mut state.scheduler.queue;
    queue.forget(&key);
    let waiting = Waiting { pod, attempts: 0, last_attempt: state.now, place: Place::InCycle };
    queue.waiting.insert(key.clone(), waiting);
    queue.activate(&key);
    kick(state);
}

/// Takes a newer version of a waiting pod, which may fit where the older one did not.
pub(super) fn update(state: &mut State, pod: Arc<PodInfo>) {
    let key = pod.key.clone();
    let now = state.now;
    let queue = &mut state.scheduler.queue;
    let Some(mut waiting) = queue.waiting.remove(&key) else { return };
    let in_line = matches!(waiting.place, Place::Active(_));
    queue.leave(&waiting);
    waiting.pod = pod;
    waiting.place = match waiting.place {
        Place::Active(_) => Place::InCycle,
        Place::Aside(..) => {
            queue.aside.insert(key.clone());
            Place::Aside(now, BTreeSet::new())
        }
        other @ (Place::BackOff(_) | Place::InCycle) => other,
    };
    queue.waiting.insert(key.clone(), waiting);
    if in_line {
        queue.activate(&key);
    } else if state.scheduler.queue.aside.contains(&key) {
        awake(state, &key);
    }
}

/// Puts a pod aside that fits nowhere, refused by these plugins.
pub(super) fn put_aside(state: &mut State, key: &Key, plugins: BTreeSet<Plugin>) {
    let now = state.now;
    let queue = &mut state.scheduler.queue;
    let Some(waiting) = queue.waiting.get_mut(key) else { return };
    waiting.place = Place::Aside(now, plugins);
    queue.aside.insert(key.clone());
    state.after(FLUSH_AFTER, Event::Scheduler(Work::Flush(key.clone(), now)));
}

/// Something happened: pods whose refusing plugins may judge otherwise now get in line or back off.
pub(super) fn hint(state: &mut State, hint: Hint) {
    if state.scheduler.queue.aside.is_empty() {
        return;
    }
    let queue = &state.scheduler.queue;
    let helped = queue.aside.iter().filter(|key| match queue.waiting.get(*key).map(|waiting| &waiting.place) {
        Some(Place::Aside(_, plugins)) => plugins.is_empty() || plugins.iter().any(|plugin| plugin.helped_by(hint)),
        Some(Place::Active(_) | Place::BackOff(_) | Place::InCycle) | None => false,
    });
    let helped: Vec<_> = helped.cloned().collect();
    for key in helped {
        awake(state, &key);
    }
}

/// Moves a pod from aside into line, or into its back-off when that has not ended.
fn awake(state: &mut State, key: &Key) {
    let now = state.now;
    let queue = &mut state.scheduler.queue;
    let Some(waiting) = queue.waiting.get_mut(key) else { return };
    let until = waiting.backs_off_until();
    if until <= now {
        queue.activate(key);
        return kick(state);
    }
    waiting.place = Place::BackOff(until);
    queue.aside.remove(key);
    state.after(until.saturating_sub(now), Event::Scheduler(Work::Retry(key.clone(), until)));
}

/// A back-off ends.
pub(super) fn retry(state: &mut State, key: &Key, at: Duration) {
    let place = state.scheduler.queue.waiting.get(key).map(|waiting| &waiting.place);
    if matches!(place, Some(Place::BackOff(until)) if *until == at) {
        state.scheduler.queue.activate(key);
        kick(state);
    }
}

/// A pod has waited long enough for something helpful.
pub(super) fn flush(state: &mut State, key: &Key, since: Duration) {
    let place = state.scheduler.queue.waiting.get(key).map(|waiting| &waiting.place);
    if matches!(place, Some(Place::Aside(aside, _)) if *aside == since) {
        awake(state, key);
    }
}

/// Gives the pod at the head of the line its turn, one after the other.
pub(super) fn kick(state: &mut State) {
    if state.scheduler.queue.has_active() {
        state.after_once(state.settings.timings.schedule_duration, Event::Scheduler(Work::Next));
    }
}
