//! Pod sandboxes and their addresses: made, lost with the power, removed at the end.

use std::time::Duration;

use super::container::{Exit, Role, SlotState};
use super::pod_worker::{PodWorker, Stage};
use super::{PodStep, Sandbox, container, pleg, registration};
use crate::State;

/// Share of `timings.container_start` that creating the sandbox takes; the container takes the rest.
pub(super) const SHARE: f64 = 0.4;
/// Host parts of a node's pod network: .2 to .254.
const HOSTS: std::ops::RangeInclusive<u32> = 2..=254;

/// Begins to create the sandbox of a pod whose volumes are mounted.
pub(super) fn create(state: &mut State, uid: &str) {
    let Some((node, host_network)) = state
        .kubelet
        .workers
        .get(uid)
        .map(|worker| (worker.node.clone(), worker.spec().host_network.unwrap_or_default()))
    else {
        return;
    };
    let ip = if host_network { host_ip(state, &node) } else { allocate(state, &node, uid) };
    let delay = state.settings.timings.container_start.mul_f64(SHARE);
    let Some(worker) = state.kubelet.workers.get_mut(uid) else { return };
    let epoch = worker.epoch;
    let Some(ip) = ip else {
        worker.stage = Stage::Volumes;
        let message = "Failed to create pod sandbox: failed to allocate for range 0: no IP addresses available";
        state.pod_event(uid, "Warning", "FailedCreatePodSandBox", message);
        return state.pod_after_once(Duration::from_secs(10), uid, PodStep::Retry);
    };
    let again = worker.slots.iter().any(|slot| slot.launches > 0);
    worker.stage = Stage::Sandbox;
    worker.ip.clone_from(&ip);
    let sandbox = Sandbox {
        uid: uid.to_owned(),
        namespace: worker.key.namespace.clone(),
        name: worker.key.name.clone(),
        node,
        ip,
        containers: std::collections::BTreeMap::new(),
        mounts: worker.mounts.clone(),
    };
    state.kubelet.sandboxes.insert(uid.to_owned(), sandbox);
    state.pod_after(delay, uid, PodStep::SandboxUp { epoch });
    if again {
        let message = "Pod sandbox changed, it will be killed and re-created.";
        state.pod_event(uid, "Normal", "SandboxChanged", message);
    }
}

fn host_ip(state: &State, node: &str) -> Option<String> {
    state.kubelet.machines.get(node).map(|machine| machine.ip.clone())
}

/// Takes the next address of the node's network: each comes again only after all others.
fn allocate(state: &mut State, node: &str, uid: &str) -> Option<String> {
    let local = &mut state.kubelet;
    let kubelet = local.kubelets.get_mut(node)?;
    let network = registration::pod_network(kubelet.index);
    for _ in HOSTS {
        kubelet.last_host = if kubelet.last_host >= *HOSTS.end() { *HOSTS.start() } else { kubelet.last_host + 1 };
        let ip = format!("{network}.{}", kubelet.last_host);
        if let std::collections::btree_map::Entry::Vacant(free) = local.by_ip.entry(ip.clone()) {
            free.insert(uid.to_owned());
            return Some(ip);
        }
    }
    None
}

/// The sandbox runs: containers are next.
pub(super) fn up(state: &mut State, uid: &str, epoch: u64) {
    let Some(worker) = state.kubelet.workers.get_mut(uid) else { return };
    if worker.epoch != epoch || worker.stage != Stage::Sandbox {
        return;
    }
    worker.stage = Stage::Running;
    pleg::relist_soon(state, uid);
    container::sync(state, uid);
}

/// Takes a pod's sandbox away and gives its address back.
pub(super) fn remove(state: &mut State, uid: &str) {
    if let Some(sandbox) = state.kubelet.sandboxes.remove(uid)
        && state.kubelet.by_ip.get(&sandbox.ip).is_some_and(|owner| owner == uid)
    {
        state.kubelet.by_ip.remove(&sandbox.ip);
    }
}

/// The power is gone: every process and every sandbox of the node with it.
pub(super) fn lose_all(state: &mut State, node: &str) {
    let local = &state.kubelet;
    let lost: Vec<String> =
        local.sandboxes.iter().filter(|(_, sandbox)| sandbox.node == node).map(|(uid, _)| uid.clone()).collect();
    for uid in lost {
        for name in container::running(state, &uid) {
            container::stop(state, &uid, &name);
            state.app_killed(&uid, &name);
        }
        remove(state, &uid);
        let now = state.now;
        if let Some(worker) = state.kubelet.workers.get_mut(&uid) {
            lose(worker, now);
        }
    }
}

fn lose(worker: &mut PodWorker, now: Duration) {
    if worker.stage == Stage::Running {
        worker.stage = Stage::Volumes;
    }
    worker.initialised = false;
    for slot in &mut worker.slots {
        if let Some(since) = slot.hook.take() {
            slot.state = SlotState::Running { since };
        }
        if let SlotState::Running { since } = slot.state {
            // What containerd says of a task that it cannot find after a reboot.
            let exit = Exit { code: 255, reason: "Unknown", started: since, finished: now, id: slot.id.clone() };
            slot.end(exit);
            slot.absorb();
        }
        if slot.role != Role::Main && worker.stage == Stage::Volumes {
            slot.again();
        }
    }
}
