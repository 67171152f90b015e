//! The pod lifecycle event generator: a kubelet notices what its container runtime did by listing it once a second.

use std::time::Duration;

use super::{PodStep, prober};
use crate::State;

/// Period of the relist.
const PERIOD_MS: u64 = 1000;

/// Lets the kubelet notice at its next relist that something about a pod's containers changed.
pub(super) fn relist_soon(state: &mut State, uid: &str) {
    let Some(worker) = state.kubelet.workers.get(uid) else { return };
    let index = state.kubelet.kubelets.get(&worker.node).map_or(0, |kubelet| kubelet.index);
    let delay = until_next(state.now, index);
    state.pod_after_once(delay, uid, PodStep::Relist);
}

/// Time until the next relist of the node at this position: nodes relist at different phases.
fn until_next(now: Duration, index: usize) -> Duration {
    let phase = (index as u64).wrapping_mul(617) % PERIOD_MS;
    let into = u64::try_from(now.as_millis()).unwrap_or_default() + PERIOD_MS - phase;
    Duration::from_millis(PERIOD_MS - into % PERIOD_MS)
}

/// The kubelet sees the pod's containers as they are: exits are handled, starts are told, readiness is probed.
pub(super) fn relist(state: &mut State, uid: &str) {
    super::pod_worker::sync(state, uid);
    prober::trigger_readiness(state, uid);
    state.pod_after_once(Duration::ZERO, uid, PodStep::Report);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_relist_is_within_a_second_and_never_now() {
        for (now, index, wanted) in
            [(0, 0, 1000), (1, 0, 999), (1000, 0, 1000), (0, 1, 617), (617, 1, 1000), (700, 1, 917)]
        {
            assert_eq!(until_next(Duration::from_millis(now), index), Duration::from_millis(wanted), "{now} {index}");
        }
    }
}
