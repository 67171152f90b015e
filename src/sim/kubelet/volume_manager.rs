//! A pod waits until its volumes are attached, then they are mounted.
//! Whether they are is `storage`'s to say.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;

use super::pod_worker::Stage;
use super::{PodStep, sandbox};
use crate::storage::{Mountable, VolumeId};
use crate::{Key, Kind, State};

/// Back-off of the volume manager's operations: 500 ms doubling to 2 min 2 s.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(122);
/// kubelet `podAttachAndMountTimeout`: after this long an Event tells of the wait, and again each time.
const TOLD_EVERY: Duration = Duration::from_secs(123);
/// Setting up a volume that is no network volume.
const LOCAL_MOUNT: Duration = Duration::from_millis(20);

/// How a pod waits for its volumes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    retry: Duration,
    tell_at: Duration,
}

impl Waiting {
    /// Waits since now.
    pub(super) fn new(now: Duration) -> Self {
        Self { retry: FIRST_RETRY, tell_at: now + TOLD_EVERY }
    }
}

impl State {
    /// Something about a pod's volumes changed: its kubelet asks again (called by `storage`).
    pub fn volumes_changed(&mut self, pod: &Key) {
        if let Some(object) = self.store.get(Kind::Pod, pod) {
            let uid = object.uid().to_owned();
            self.pod_after_once(Duration::ZERO, &uid, PodStep::Sync);
        }
    }
}

/// Asks for the volumes and mounts them when they are there; else asks again later.
pub(super) fn sync(state: &mut State, uid: &str) {
    let Some(pod) = state.kubelet.workers.get(uid).map(|worker| worker.pod.clone()) else { return };
    let answer = state.mountable(pod.typed::<Pod>());
    let now = state.now;
    let Some(worker) = state.kubelet.workers.get_mut(uid) else { return };
    let epoch = worker.epoch;
    match answer {
        Mountable::Ready(mounts) => {
            worker.stage = Stage::Mounting;
            let network = mounts.values().any(|volume| matches!(volume, VolumeId::Persistent(_)));
            worker.mounts = mounts;
            let delay = if network { state.settings.timings.volume_mount } else { LOCAL_MOUNT };
            state.pod_after(delay, uid, PodStep::Mounted { epoch });
        }
        Mountable::Waiting(why) => {
            let retry = worker.volumes.retry;
            worker.volumes.retry = (retry * 2).min(LAST_RETRY);
            let tell = now >= worker.volumes.tell_at;
            // A volume that cannot be set up is told each time; one that is only waited for, when it took too long.
            let refused = why.starts_with("MountVolume.");
            if tell {
                worker.volumes.tell_at = now + TOLD_EVERY;
                let message = format!("Unable to attach or mount volumes: {why}: timed out waiting for the condition");
                state.pod_event(uid, "Warning", "FailedMount", &message);
            }
            if refused {
                state.pod_event(uid, "Warning", "FailedMount", &why);
            }
            state.pod_after_once(retry, uid, PodStep::AwaitVolumes { epoch });
        }
    }
}

/// The slow retry.
pub(super) fn retry(state: &mut State, uid: &str, epoch: u64) {
    if state.kubelet.workers.get(uid).is_some_and(|worker| worker.epoch == epoch) {
        super::pod_worker::sync(state, uid);
    }
}

/// The volumes are mounted: the sandbox is next.
pub(super) fn mounted(state: &mut State, uid: &str, epoch: u64) {
    let Some(worker) = state.kubelet.workers.get(uid) else { return };
    if worker.epoch == epoch && worker.stage == Stage::Mounting {
        sandbox::create(state, uid);
    }
}
