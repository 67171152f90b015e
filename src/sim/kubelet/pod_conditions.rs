//! The conditions of a pod that its kubelet owns: scheduled, sandbox, initialised, containers ready, ready. Pure.
//! Conditions of others stay as they are.

use std::time::Duration;

use k8s_openapi::api::core::v1::PodCondition;

use super::container::{Role, Slot, SlotState};
use super::pod_status::time;
use super::pod_worker::{PodWorker, Stage};

/// Whether a condition holds, and if not, why.
struct Verdict {
    type_: &'static str,
    holds: bool,
    reason: Option<&'static str>,
    message: Option<String>,
}

/// The pod's conditions; one whose status is as before keeps its transition time.
pub(super) fn render(worker: &PodWorker, phase: &str, old: Vec<PodCondition>, now: Duration) -> Vec<PodCondition> {
    let containers = containers_ready(worker, phase);
    let ready = ready(worker, &containers, &old);
    let sandbox = Verdict::when("PodReadyToStartContainers", worker.stage == Stage::Running);
    let verdicts = [sandbox, initialized(worker), ready, containers, Verdict::when("PodScheduled", true)];
    let mut all: Vec<_> = verdicts.iter().map(|verdict| verdict.condition(&old, now)).collect();
    all.extend(old.into_iter().filter(|other| verdicts.iter().all(|verdict| verdict.type_ != other.type_)));
    all
}

impl Verdict {
    fn when(type_: &'static str, holds: bool) -> Self {
        Self { type_, holds, reason: None, message: None }
    }

    fn condition(&self, old: &[PodCondition], now: Duration) -> PodCondition {
        let status = if self.holds { "True" } else { "False" };
        let before = old.iter().find(|before| before.type_ == self.type_ && before.status == status);
        PodCondition {
            type_: self.type_.to_owned(),
            status: status.to_owned(),
            reason: self.reason.map(str::to_owned),
            message: self.message.clone(),
            last_transition_time: before
                .and_then(|before| before.last_transition_time.clone())
                .or_else(|| Some(time(now))),
            ..PodCondition::default()
        }
    }
}

fn initialized(worker: &PodWorker) -> Verdict {
    let done = |slot: &Slot| match slot.role {
        Role::Init => matches!(&slot.state, SlotState::Exited(exit) if exit.code == 0),
        Role::Sidecar => slot.launches > 0 && (slot.started || worker.initialised),
        Role::Main => true,
    };
    let open: Vec<_> = worker.slots.iter().filter(|slot| !done(slot)).map(|slot| slot.name.as_str()).collect();
    let message = (!open.is_empty()).then(|| format!("containers with incomplete status: [{}]", open.join(" ")));
    let reason = message.as_ref().map(|_| "ContainersNotInitialized");
    Verdict { type_: "Initialized", holds: open.is_empty(), reason, message }
}

fn containers_ready(worker: &PodWorker, phase: &str) -> Verdict {
    let type_ = "ContainersReady";
    let is_ready = |slot: &Slot| slot.role == Role::Init || (slot.is_running() && slot.ready);
    let unready: Vec<_> = worker.slots.iter().filter(|slot| !is_ready(slot)).map(|slot| slot.name.as_str()).collect();
    let reason = match phase {
        "Succeeded" => return Verdict { type_, holds: false, reason: Some("PodCompleted"), message: None },
        "Failed" => Some("PodFailed"),
        _ if unready.is_empty() => None,
        _ => Some("ContainersNotReady"),
    };
    let message = (!unready.is_empty()).then(|| format!("containers with unready status: [{}]", unready.join(" ")));
    Verdict { type_, holds: reason.is_none(), reason, message }
}

fn ready(worker: &PodWorker, containers: &Verdict, old: &[PodCondition]) -> Verdict {
    let verdict = Verdict { type_: "Ready", message: containers.message.clone(), ..*containers };
    if !verdict.holds {
        return verdict;
    }
    let gates = worker.spec().readiness_gates.iter().flatten();
    let closed: Vec<_> = gates
        .filter_map(|gate| {
            let name = &gate.condition_type;
            match old.iter().find(|condition| condition.type_ == *name) {
                None => Some(format!("corresponding condition of pod readiness gate \"{name}\" does not exist.")),
                Some(condition) if condition.status != "True" => Some(format!(
                    "the status of pod readiness gate \"{name}\" is not \"True\", but {}",
                    condition.status
                )),
                Some(_) => None,
            }
        })
        .collect();
    if closed.is_empty() {
        return verdict;
    }
    let message = Some(closed.join(", "));
    Verdict { type_: "Ready", holds: false, reason: Some("ReadinessGatesNotReady"), message }
}
