//! A pod's status as its kubelet sees it: phase, containers, addresses. Pure.
//! What others wrote into the status (their conditions, `qosClass`) stays.

use std::time::Duration;

use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, HostIP,
    Pod, PodIP, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use super::container::{Exit, Role, Slot, SlotState};
use super::pod_conditions;
use super::pod_worker::{PodWorker, Stage};
use crate::state::EPOCH_SECONDS;

/// metav1.Time of an instant of the cluster: whole seconds.
pub(super) fn time(at: Duration) -> Time {
    let seconds = EPOCH_SECONDS.saturating_add(i64::try_from(at.as_secs()).unwrap_or(i64::MAX));
    Time(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX))
}

/// The status that the API should show.
pub(super) fn render(worker: &PodWorker, pod: &Pod, host_ip: &str, now: Duration) -> PodStatus {
    let mut status = pod.status.clone().unwrap_or_default();
    let spec = worker.spec();
    let policy = spec.restart_policy.as_deref().unwrap_or("Always");
    let ended = matches!(worker.stage, Stage::Ended | Stage::Finished);
    let before = status.phase.as_deref().filter(|phase| ["Succeeded", "Failed"].contains(phase));
    let phase = before.unwrap_or_else(|| phase(&worker.slots, policy, ended)).to_owned();
    let old = status.conditions.take().unwrap_or_default();
    status.conditions = Some(pod_conditions::render(worker, &phase, old, now));
    status.phase = Some(phase);
    let rendered = |init: bool| {
        let slots = worker.slots.iter().filter(|slot| (slot.role != Role::Main) == init);
        slots.map(|slot| container(slot, waiting_reason(worker))).collect::<Vec<_>>()
    };
    status.container_statuses = Some(rendered(false));
    status.init_container_statuses = Some(rendered(true)).filter(|all| !all.is_empty());
    status.start_time = status.start_time.or_else(|| Some(time(worker.added)));
    status.host_ip = Some(host_ip.to_owned());
    status.host_ips = Some(vec![HostIP { ip: host_ip.to_owned() }]);
    if !worker.ip.is_empty() {
        status.pod_ip = Some(worker.ip.clone());
        status.pod_ips = Some(vec![PodIP { ip: worker.ip.clone() }]);
    }
    status
}

fn waiting_reason(worker: &PodWorker) -> &'static str {
    let init = worker.slots.iter().any(|slot| slot.role != Role::Main);
    if init && !worker.initialised { "PodInitializing" } else { "ContainerCreating" }
}

/// kubelet `getPhase`.
fn phase(slots: &[Slot], policy: &str, ended: bool) -> &'static str {
    let code = |slot: &Slot| match (&slot.state, &slot.last) {
        (SlotState::Exited(exit), _) | (SlotState::Waiting { .. }, Some(exit)) => Some(exit.code),
        (SlotState::Created | SlotState::Running { .. }, _) | (SlotState::Waiting { .. }, None) => None,
    };
    let failed_init = slots.iter().any(|slot| slot.role == Role::Init && code(slot).is_some_and(|code| code != 0));
    let pending_init = slots.iter().any(|slot| match slot.role {
        Role::Init => code(slot) != Some(0),
        Role::Sidecar => slot.launches == 0,
        Role::Main => false,
    });
    let main = || slots.iter().filter(|slot| slot.role == Role::Main);
    let codes: Vec<i32> = main().filter_map(code).collect();
    let all_stopped = codes.len() == main().count();
    let succeeded = codes.iter().all(|code| *code == 0);
    if ended {
        return if all_stopped && succeeded && !failed_init { "Succeeded" } else { "Failed" };
    }
    if pending_init {
        return if failed_init && policy == "Never" { "Failed" } else { "Pending" };
    }
    let running = main().filter(|slot| slot.is_running()).count();
    if running + codes.len() < main().count() {
        return "Pending";
    }
    match (running, policy) {
        (0, "OnFailure" | "Never") if succeeded => "Succeeded",
        (0, "Never") => "Failed",
        _ => "Running",
    }
}

fn container(slot: &Slot, waiting: &str) -> ContainerStatus {
    let running = slot.is_running();
    let state = match &slot.state {
        SlotState::Created => held(waiting, None),
        SlotState::Waiting { reason, message } => held(reason, Some(message)),
        SlotState::Running { since } => ContainerState {
            running: Some(ContainerStateRunning { started_at: Some(time(*since)) }),
            ..ContainerState::default()
        },
        SlotState::Exited(exit) => terminated(exit),
    };
    let done = matches!(&slot.state, SlotState::Exited(exit) if exit.code == 0);
    ContainerStatus {
        name: slot.name.clone(),
        image: slot.image.clone(),
        image_id: slot.image_id.clone(),
        container_id: Some(slot.id.clone()).filter(|id| !id.is_empty() && slot.hook.is_none()),
        ready: if slot.role == Role::Init { done } else { running && slot.ready },
        started: Some(running && slot.started),
        restart_count: i32::try_from(slot.launches.saturating_sub(1)).unwrap_or(i32::MAX),
        last_state: Some(slot.last.as_ref().map(terminated).unwrap_or_default()),
        state: Some(state),
        ..ContainerStatus::default()
    }
}

fn held(reason: &str, message: Option<&String>) -> ContainerState {
    let waiting = ContainerStateWaiting { reason: Some(reason.to_owned()), message: message.cloned() };
    ContainerState { waiting: Some(waiting), ..ContainerState::default() }
}

fn terminated(exit: &Exit) -> ContainerState {
    let terminated = ContainerStateTerminated {
        container_id: Some(exit.id.clone()),
        exit_code: exit.code,
        reason: Some(exit.reason.to_owned()),
        started_at: Some(time(exit.started)),
        finished_at: Some(time(exit.finished)),
        ..ContainerStateTerminated::default()
    };
    ContainerState { terminated: Some(terminated), ..ContainerState::default() }
}
