//! Machines and their kubelet processes: what the power switch, the network cable and a killed kubelet do.
//! Never decides what the cluster thinks of it: the node lifecycle sees only leases and statuses.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::image_puller::Pull;
use super::{Machine, MachineStep, Work, heartbeat, image_puller, pod_worker, registration, sandbox};
use crate::{Event, NodeSpec, State};

/// From the kubelet's return until it has posted the node's status (measured on a real cluster: 0.3 s).
const REPORT_AFTER: Duration = Duration::from_millis(250);
/// From the kubelet's return until its informers have listed the node's pods.
const CATCH_UP_AFTER: Duration = Duration::from_secs(1);
/// From the start of a kubelet process until it has reconstructed its volumes, which is when deletions that it finds
/// can be confirmed (measured: evicted pods really gone 3.5 s after the start of a kubelet, 3 s after a boot).
pub(super) const RECONSTRUCTION: Duration = Duration::from_secs(3);
/// A kubelet that was cut off finds the API server again at its next try, and tries more and more seldom: after about
/// half of the time that it was away, at most this long (measured: 5.7 s after 10 s, 8.5 s after 21 s, 9.8 s after 35 s).
const RECONNECT_MAX: Duration = Duration::from_secs(9);

/// What a node's kubelet process knows beside its pods.
#[derive(Debug, Default)]
pub(super) struct Kubelet {
    /// Position of the node, from which addresses and phases follow.
    pub(super) index: usize,
    /// The machine boots; its kubelet starts by itself.
    pub(super) booting: bool,
    /// Raised whenever the machine, its kubelet or its network goes away: earlier plans are void.
    pub(super) epoch: u64,
    /// When the machine was cut off.
    pub(super) cut_at: Duration,
    /// Volumes of earlier pods are known again from here on.
    pub(super) reconstructed_at: Duration,
    /// UIDs of the pods that this kubelet works on.
    pub(super) pods: BTreeSet<String>,
    /// Image pulls, the first one running.
    pub(super) pulls: VecDeque<Pull>,
    /// Number of the newest pull that was begun.
    pub(super) pull: u64,
    /// Host part of the pod address given out last.
    pub(super) last_host: u32,
}

/// Puts a machine in its rack, switched on and plugged in.
pub(super) fn install(state: &mut State, index: usize, spec: &NodeSpec) {
    let machine = Machine {
        name: spec.name.clone(),
        ip: registration::internal_ip(index),
        powered: true,
        kubelet: true,
        network: true,
        images: BTreeSet::new(),
    };
    state.kubelet.machines.insert(spec.name.clone(), machine);
    state.kubelet.kubelets.insert(spec.name.clone(), Kubelet { index, last_host: 1, ..Kubelet::default() });
}

impl State {
    /// Whether a node's kubelet runs and reaches the API server: nothing of this room writes to the API otherwise.
    #[must_use]
    pub fn can_report(&self, node: &str) -> bool {
        self.kubelet.machines.get(node).is_some_and(|machine| machine.powered && machine.kubelet && machine.network)
    }

    /// Whether a node's kubelet process runs, reachable or not.
    pub(super) fn kubelet_runs(&self, node: &str) -> bool {
        self.kubelet.machines.get(node).is_some_and(|machine| machine.powered && machine.kubelet)
    }

    /// Cuts a machine's power: everything on it stops at once, nothing is reported. Disks and images stay.
    pub fn power_off(&mut self, node: &str) {
        let Some(machine) = self.kubelet.machines.get_mut(node).filter(|machine| machine.powered) else { return };
        machine.powered = false;
        machine.kubelet = false;
        leave(self, node);
        sandbox::lose_all(self, node);
        pod_worker::forget_process(self, node);
    }

    /// Switches a machine on again; its kubelet runs after `timings.boot`.
    pub fn power_on(&mut self, node: &str) {
        let Some(machine) = self.kubelet.machines.get_mut(node).filter(|machine| !machine.powered) else { return };
        machine.powered = true;
        if let Some(kubelet) = self.kubelet.kubelets.get_mut(node) {
            kubelet.booting = true;
        }
        let boot = self.settings.timings.boot;
        schedule(self, node, boot, MachineStep::Booted);
    }

    /// Kills the kubelet; containers go on running.
    pub fn kill_kubelet(&mut self, node: &str) {
        let Some(machine) = self.kubelet.machines.get_mut(node).filter(|machine| machine.kubelet) else { return };
        machine.kubelet = false;
        leave(self, node);
        pod_worker::forget_process(self, node);
    }

    /// Starts the kubelet again. A machine that still boots starts its own.
    pub fn start_kubelet(&mut self, node: &str) {
        let startable = |machine: &&mut Machine| machine.powered && !machine.kubelet;
        let Some(kubelet) = self.kubelet.kubelets.get_mut(node).filter(|kubelet| !kubelet.booting) else { return };
        let Some(machine) = self.kubelet.machines.get_mut(node).filter(startable) else { return };
        machine.kubelet = true;
        kubelet.epoch += 1;
        kubelet.reconstructed_at = self.now + RECONSTRUCTION;
        come_back(self, node, Duration::ZERO);
    }

    /// Unplugs a machine from the network: its pods run on, unreachable from elsewhere.
    pub fn cut_network(&mut self, node: &str) {
        let Some(machine) = self.kubelet.machines.get_mut(node).filter(|machine| machine.network) else { return };
        machine.network = false;
        if let Some(kubelet) = self.kubelet.kubelets.get_mut(node) {
            kubelet.cut_at = self.now;
        }
    }

    /// Plugs it in again.
    pub fn join_network(&mut self, node: &str) {
        let Some(machine) = self.kubelet.machines.get_mut(node).filter(|machine| !machine.network) else { return };
        machine.network = true;
        if machine.powered && machine.kubelet {
            let away = self.kubelet.kubelets.get(node).map(|kubelet| self.now.saturating_sub(kubelet.cut_at));
            come_back(self, node, (away.unwrap_or_default() / 2).min(RECONNECT_MAX));
        }
    }
}

fn leave(state: &mut State, node: &str) {
    if let Some(kubelet) = state.kubelet.kubelets.get_mut(node) {
        kubelet.epoch += 1;
        kubelet.booting = false;
    }
    image_puller::abort(state, node);
}

/// The kubelet reaches the API server again after a delay.
fn come_back(state: &mut State, node: &str, delay: Duration) {
    schedule(state, node, delay + REPORT_AFTER, MachineStep::Report);
    schedule(state, node, delay + CATCH_UP_AFTER, MachineStep::CatchUp);
}

fn schedule(state: &mut State, node: &str, delay: Duration, step: MachineStep) {
    let epoch = state.kubelet.kubelets.get(node).map_or(0, |kubelet| kubelet.epoch);
    state.after(delay, Event::Kubelet(Work::Machine { node: node.to_owned(), epoch, step }));
}

pub(super) fn step(state: &mut State, node: &str, epoch: u64, step: MachineStep) {
    if state.kubelet.kubelets.get(node).is_none_or(|kubelet| kubelet.epoch != epoch) {
        return;
    }
    match step {
        MachineStep::Booted => {
            if let Some(kubelet) = state.kubelet.kubelets.get_mut(node) {
                kubelet.booting = false;
            }
            state.start_kubelet(node);
        }
        MachineStep::Report => {
            registration::register(state, node);
            heartbeat::report(state, node);
        }
        MachineStep::CatchUp => {
            image_puller::resume(state, node);
            pod_worker::catch_up(state, node);
        }
    }
}
