//! Kubernetes objects to the small, stable form in which evidence keeps them.

use k8s_openapi::api::core::v1::{ContainerStatus, Event, Node, Pod};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::storage::v1::VolumeAttachment;
use std::collections::BTreeMap;

use crate::evidence::{AttachmentSeen, Change, ContainerSeen, EndpointSeen, EventSeen, NodeSeen, PodSeen};
use crate::plan::{controller, is_cordoned, is_ready, node_of, role, zone_of};

/// Longer messages are cut.
const MESSAGE: usize = 300;

pub(super) fn pod(pod: &Pod, change: Change, target: bool) -> PodSeen {
    let meta = &pod.metadata;
    let status = pod.status.as_ref();
    PodSeen {
        change,
        namespace: meta.namespace.clone().unwrap_or_default(),
        name: meta.name.clone().unwrap_or_default(),
        uid: meta.uid.clone().unwrap_or_default(),
        target,
        owner: controller(meta).map(|(kind, name, _)| format!("{kind}/{name}")).unwrap_or_default(),
        node: node_of(pod).to_owned(),
        ip: status.and_then(|status| status.pod_ip.clone()).unwrap_or_default(),
        phase: status.and_then(|status| status.phase.clone()).unwrap_or_default(),
        created: meta.creation_timestamp.as_ref().map(|time| time.0.to_string()).unwrap_or_default(),
        deletion: meta.deletion_timestamp.as_ref().map(|time| time.0.to_string()).unwrap_or_default(),
        ready: pod_condition(pod, "Ready").is_some_and(|(status, _)| status == "True"),
        reason: reason(pod),
        claims: claims(pod),
        role: role(pod).unwrap_or_default().to_owned(),
        waits_for: waits_for(pod),
        stays: stays(pod),
        containers: containers(pod),
    }
}

/// The scheduler of pods that name none.
const DEFAULT_SCHEDULER: &str = "default-scheduler";

/// What holds the pod and is told by no event.
fn waits_for(pod: &Pod) -> String {
    let Some(spec) = &pod.spec else { return String::new() };
    let finalizers = pod.metadata.finalizers.as_deref().unwrap_or_default();
    if pod.metadata.deletion_timestamp.is_some() {
        // Its containers have ended: the kubelet confirms that by a grace period of nothing.
        let ended = pod.metadata.deletion_grace_period_seconds == Some(0);
        let kept = ended && !finalizers.is_empty();
        return if kept { format!("its finalizer {} keeps it", finalizers.join(", ")) } else { String::new() };
    }
    if node_of(pod).is_empty() {
        let gates: Vec<&str> = spec.scheduling_gates.iter().flatten().map(|gate| gate.name.as_str()).collect();
        if !gates.is_empty() {
            return format!("its scheduling gate {} is not lifted", gates.join(", "));
        }
        let scheduler = spec.scheduler_name.as_deref().unwrap_or(DEFAULT_SCHEDULER);
        let ignored = scheduler != DEFAULT_SCHEDULER && pod_condition(pod, "PodScheduled").is_none();
        return if ignored { format!("no scheduler {scheduler} has taken it up") } else { String::new() };
    }
    let held = pod_condition(pod, "ContainersReady").is_some_and(|(status, _)| status == "True")
        && pod_condition(pod, "Ready").is_none_or(|(status, _)| status != "True");
    let open = spec.readiness_gates.iter().flatten().map(|gate| gate.condition_type.as_str());
    let open: Vec<&str> =
        open.filter(|gate| pod_condition(pod, gate).is_none_or(|(status, _)| status != "True")).collect();
    if held && !open.is_empty() { format!("its readiness gate {} is not True", open.join(", ")) } else { String::new() }
}

/// Whether the loss of its node never evicts the pod. A DaemonSet's pods all tolerate it, which says nothing of theirs.
fn stays(pod: &Pod) -> bool {
    let daemon = matches!(controller(&pod.metadata), Some(("DaemonSet" | "Node", ..)));
    let tolerates = |taint: &str| {
        let matching = pod.spec.iter().flat_map(|spec| spec.tolerations.iter().flatten()).filter(|toleration| {
            let key = toleration.key.as_deref().unwrap_or_default();
            let effect = toleration.effect.as_deref().unwrap_or_default();
            let exists = toleration.operator.as_deref() == Some("Exists");
            (key == taint || (key.is_empty() && exists)) && (effect.is_empty() || effect == "NoExecute")
        });
        let mut seconds = matching.map(|toleration| toleration.toleration_seconds).peekable();
        seconds.peek().is_some() && seconds.all(|seconds| seconds.is_none())
    };
    !daemon && tolerates("node.kubernetes.io/unreachable")
}

/// Whether the pod serves: Ready and not asked to end (a StatefulSet's terminating pod keeps `Ready=True`).
pub(super) fn serves(pod: &Pod) -> bool {
    is_ready(pod)
}

fn pod_condition<'a>(pod: &'a Pod, kind: &str) -> Option<(&'a str, &'a str)> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|condition| condition.type_ == kind)?;
    Some((&condition.status, condition.reason.as_deref().unwrap_or_default()))
}

fn reason(pod: &Pod) -> String {
    let disruption = pod_condition(pod, "DisruptionTarget").filter(|(status, _)| *status == "True");
    disruption.or(pod_condition(pod, "Ready")).map(|(_, reason)| reason.to_owned()).unwrap_or_default()
}

fn claims(pod: &Pod) -> Vec<String> {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.clone())).collect()
}

fn containers(pod: &Pod) -> Vec<ContainerSeen> {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
    let spec = pod.spec.iter().flat_map(|spec| &spec.containers);
    spec.map(|container| {
        let status = statuses.iter().find(|status| status.name == container.name);
        status.map_or_else(|| ContainerSeen { name: container.name.clone(), ..ContainerSeen::default() }, container_of)
    })
    .collect()
}

fn container_of(status: &ContainerStatus) -> ContainerSeen {
    let mut seen = ContainerSeen {
        name: status.name.clone(),
        ready: status.ready,
        restarts: u32::try_from(status.restart_count).unwrap_or_default(),
        image_id: status.image_id.clone(),
        ..ContainerSeen::default()
    };
    let Some(state) = &status.state else { return seen };
    if let Some(running) = &state.running {
        "running".clone_into(&mut seen.state);
        seen.started = running.started_at.as_ref().map(|time| time.0.to_string()).unwrap_or_default();
    } else if let Some(terminated) = &state.terminated {
        "terminated".clone_into(&mut seen.state);
        seen.reason = terminated.reason.clone().unwrap_or_default();
        seen.exit_code = Some(terminated.exit_code);
    } else if let Some(waiting) = &state.waiting {
        "waiting".clone_into(&mut seen.state);
        seen.reason = waiting.reason.clone().unwrap_or_default();
    }
    seen
}

pub(super) fn node(node: &Node, change: Change) -> NodeSeen {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready");
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    let mut taints: Vec<String> = taints
        .map(|taint| match taint.value.as_deref() {
            Some(value) if !value.is_empty() => format!("{}={value}:{}", taint.key, taint.effect),
            _ => format!("{}:{}", taint.key, taint.effect),
        })
        .collect();
    taints.sort();
    NodeSeen {
        change,
        name: node.metadata.name.clone().unwrap_or_default(),
        zone: zone_of(node).to_owned(),
        ready: ready.map(|condition| condition.status.clone()).unwrap_or_default(),
        reason: ready.and_then(|condition| condition.reason.clone()).unwrap_or_default(),
        cordoned: is_cordoned(node),
        taints,
    }
}

/// The endpoints of one slice by pod name; an endpoint that is no pod goes by its address.
pub(super) fn endpoints(slice: &EndpointSlice) -> BTreeMap<String, EndpointSeen> {
    let of = |endpoint: &k8s_openapi::api::discovery::v1::Endpoint| {
        let pod = endpoint.target_ref.as_ref().and_then(|target| target.name.clone());
        let name = pod.or_else(|| endpoint.addresses.first().cloned()).unwrap_or_default();
        let conditions = endpoint.conditions.as_ref();
        // Absent conditions mean: ready, serving, not terminating (discovery.k8s.io/v1).
        let ready = conditions.and_then(|conditions| conditions.ready).unwrap_or(true);
        let serving = conditions.and_then(|conditions| conditions.serving).unwrap_or(ready);
        let terminating = conditions.and_then(|conditions| conditions.terminating).unwrap_or(false);
        (name, EndpointSeen { ready, serving, terminating })
    };
    slice.endpoints.iter().flatten().map(of).collect()
}

pub(super) fn attachment(attachment: &VolumeAttachment, claim: String, change: Change) -> AttachmentSeen {
    AttachmentSeen {
        change,
        volume: attachment.spec.source.persistent_volume_name.clone().unwrap_or_default(),
        claim,
        node: attachment.spec.node_name.clone(),
        attached: attachment.status.as_ref().is_some_and(|status| status.attached),
    }
}

pub(super) fn event(event: &Event) -> EventSeen {
    let about = &event.involved_object;
    let count = event.series.as_ref().and_then(|series| series.count).or(event.count).unwrap_or(1);
    EventSeen {
        about: format!("{}/{}", about.kind.as_deref().unwrap_or_default(), about.name.as_deref().unwrap_or_default()),
        uid: about.uid.clone().unwrap_or_default(),
        level: event.type_.clone().unwrap_or_default(),
        reason: event.reason.clone().unwrap_or_default(),
        message: event.message.as_deref().unwrap_or_default().chars().take(MESSAGE).collect(),
        count: u32::try_from(count).unwrap_or(1),
    }
}

/// Whether a warning only says that something else did not come about, beside one that says why: the kubelet waits for a
/// volume that the attach controller has refused.
pub(super) fn is_echo(seen: &EventSeen, before: Option<&String>) -> bool {
    seen.reason == "FailedMount" && before.is_some_and(|before| before.starts_with("FailedAttachVolume"))
}
