//! The work queues: deduplicated keys, delays, and the exponential back-off after failures.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::{
    Controller, Work, cronjob, daemonset, deployment, disruption, endpointslice, garbage_collector,
    horizontalpodautoscaler, job, namespace, replicaset, serviceaccount, statefulset,
};
use crate::state::EPOCH_SECONDS;
use crate::{Event, Key, Kind, State};

/// First delay of a work queue's back-off (`DefaultControllerRateLimiter`).
const BACKOFF_FIRST: Duration = Duration::from_millis(5);
/// Longest delay of a work queue's back-off.
const BACKOFF_MAX: Duration = Duration::from_secs(1000);

/// By how much more than `timings.controller_latency` the garbage collector may be late.
const COLLECTION_SPREAD: Duration = Duration::from_millis(40);

impl Controller {
    /// What is added to `timings.controller_latency`: on a real cluster an endpoint leaves 0.05 to 0.11 s after its pod was deleted.
    const fn base(self) -> Duration {
        match self {
            Self::EndpointSlice => Duration::from_millis(35),
            Self::Deployment
            | Self::ReplicaSet
            | Self::StatefulSet
            | Self::DaemonSet
            | Self::Job
            | Self::CronJob
            | Self::HorizontalPodAutoscaler
            | Self::Disruption
            | Self::Namespace
            | Self::ServiceAccount => Duration::ZERO,
        }
    }

    /// By how much more than `timings.controller_latency` this controller may be late.
    const fn spread(self) -> Duration {
        match self {
            Self::EndpointSlice => Duration::from_millis(40),
            Self::Deployment
            | Self::ReplicaSet
            | Self::StatefulSet
            | Self::DaemonSet
            | Self::Job
            | Self::CronJob
            | Self::HorizontalPodAutoscaler
            | Self::Disruption
            | Self::Namespace
            | Self::ServiceAccount => Duration::from_millis(10),
        }
    }
}

/// Lets a controller look at an object soon.
pub(super) fn enqueue(state: &mut State, controller: Controller, key: Key) {
    let base = state.settings.timings.controller_latency + controller.base();
    let delay = state.jitter(base, controller.spread());
    state.after_once(delay, Event::Controller(Work::Sync(controller, key)));
}

/// Lets a controller look at an object after a delay.
pub(super) fn enqueue_after(state: &mut State, controller: Controller, key: Key, delay: Duration) {
    let work = Work::Wake(controller, key, state.now + delay);
    state.after_once(delay, Event::Controller(work));
}

/// Lets a controller look at an object at a time of the cluster's clock. Asking twice for the same time gives one look.
pub(super) fn enqueue_at(state: &mut State, controller: Controller, key: Key, at: Timestamp) {
    let since_start = at.as_millisecond() - EPOCH_SECONDS * 1000;
    let due = Duration::from_millis(u64::try_from(since_start).unwrap_or(0));
    // Events are finer than timestamps: a time that has come is looked at with the next tick.
    let due = due.max(state.now + Duration::from_millis(1));
    let work = Work::Wake(controller, key, due);
    state.after_once(due.saturating_sub(state.now), Event::Controller(work));
}

/// Lets the garbage collector look at an object soon.
pub(super) fn enqueue_collection(state: &mut State, kind: Kind, key: Key) {
    let delay = state.jitter(state.settings.timings.controller_latency, COLLECTION_SPREAD);
    state.after_once(delay, Event::Controller(Work::Collect(kind, key)));
}

/// Handles one piece of work.
pub fn handle(state: &mut State, work: Work) {
    match work {
        Work::Sync(controller, key) | Work::Wake(controller, key, _) => reconcile(state, controller, key),
        Work::Collect(kind, key) => garbage_collector::collect(state, kind, &key),
    }
}

/// An object's reconciliation failed and is to be tried again after the queue's back-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TryAgain;

fn reconcile(state: &mut State, controller: Controller, key: Key) {
    let outcome = match controller {
        Controller::Deployment => deployment::sync(state, &key),
        Controller::ReplicaSet => replicaset::sync(state, &key),
        Controller::StatefulSet => statefulset::sync(state, &key),
        Controller::DaemonSet => daemonset::sync(state, &key),
        Controller::Job => job::sync(state, &key),
        Controller::CronJob => cronjob::sync(state, &key),
        Controller::HorizontalPodAutoscaler => horizontalpodautoscaler::sync(state, &key),
        Controller::EndpointSlice => endpointslice::sync(state, &key),
        Controller::Disruption => {
            disruption::sync(state, &key);
            Ok(())
        }
        Controller::Namespace => {
            namespace::sync(state, &key);
            Ok(())
        }
        Controller::ServiceAccount => serviceaccount::sync(state, &key),
    };
    if outcome == Err(TryAgain) {
        let failures = state.controllers.failures.entry((controller, key.clone())).or_default();
        *failures += 1;
        let delay = backoff(BACKOFF_FIRST, BACKOFF_MAX, *failures);
        enqueue_after(state, controller, key, delay);
    } else {
        state.controllers.failures.remove(&(controller, key));
    }
}

/// `first` doubled for each failure after the first one, at most `max`.
pub(super) fn backoff(first: Duration, max: Duration, failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_backs_off_like_the_real_one() {
        let millis = |failures| backoff(BACKOFF_FIRST, BACKOFF_MAX, failures).as_millis();
        assert_eq!([millis(1), millis(2), millis(5), millis(18), millis(40)], [5, 10, 80, 655_360, 1_000_000]);
    }
}
