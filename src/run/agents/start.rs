//! Creates the agent's pod, waits until it runs, and meets the agent. Says why when one of these does not work.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, PostParams};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::evidence::Undo;
use crate::plan::agent_name;
use crate::world::Heard;

use super::super::context::Context;
use super::super::{calls, lock};
use super::manifest::{self, Wanted};

/// It must run after this time: long enough for a pull of its image.
const START: Duration = Duration::from_secs(120);
/// An image that could not be pulled is tried again by the kubelet; so long a failure is taken for a mistake.
const PULL: Duration = Duration::from_secs(15);

/// An agent that was met.
#[derive(Debug)]
pub(super) struct Met {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) number: u32,
    pub(super) heard: UnboundedReceiver<Heard>,
}

/// An agent's pod that was created.
#[derive(Clone, Debug)]
pub(in crate::run) struct Created {
    namespace: String,
    name: String,
    number: u32,
}

impl Created {
    fn describe(&self) -> String {
        format!("agent pod {}/{}", self.namespace, self.name)
    }
}

/// Creates the pod of the run's first agent, or of its next one. Not to be abandoned halfway: a request that
/// is under way could be carried out after the pod was removed.
///
/// # Errors
/// What did not work, on what.
pub(super) async fn create(context: &Context, number: u32) -> Result<Created, String> {
    let namespace = context.scenario.target.namespace.clone();
    let pod = Created { name: agent_name(&context.run, number), namespace, number };
    let what = pod.describe();
    let nodes = context.board.look(|picture| {
        let nodes = picture.target_pods().map(|state| state.seen.node.clone());
        nodes.filter(|node| !node.is_empty()).collect::<BTreeSet<String>>()
    });
    let wanted = Wanted {
        namespace: &pod.namespace,
        name: &pod.name,
        run: &context.run,
        image: context.world.agents.image(),
        away_from: nodes.into_iter().collect(),
        deadline: lock::longest(context),
    };
    let manifest: Pod = serde_json::from_value(manifest::pod(&wanted)).map_err(|error| format!("{what}: {error}"))?;
    let undo = Undo::DeleteObject {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
    };
    context.creating(undo).await?;
    let api: Api<Pod> = Api::namespaced(context.client(), &pod.namespace);
    let params = PostParams::default();
    let sent = calls::patiently(context, &format!("create {what}"), || api.create(&params, &manifest)).await;
    sent.map_err(|error| format!("create {what}: {}", calls::text(&error)))?;
    Ok(pod)
}

/// Waits until the pod runs, and meets the agent.
///
/// # Errors
/// What did not work, on what, and what to do.
pub(super) async fn meet(context: &Context, pod: Created) -> Result<Met, String> {
    let api: Api<Pod> = Api::namespaced(context.client(), &pod.namespace);
    runs(context, &api, &pod.name).await.map_err(|reason| format!("{} did not start: {reason}", pod.describe()))?;
    let (tell, heard) = unbounded_channel();
    let agents = &context.world.agents;
    agents.join(&pod.namespace, &pod.name, tell).await.map_err(|reason| {
        format!("{reason}; its image {} must be that of this driftproof (--agent-image)", agents.image())
    })?;
    Ok(Met { namespace: pod.namespace, name: pod.name, number: pod.number, heard })
}

/// Waits until the pod's container runs.
async fn runs(context: &Context, api: &Api<Pod>, name: &str) -> Result<(), String> {
    let clock = context.clock();
    let begun = clock.elapsed();
    let mut pause = Duration::from_millis(100);
    loop {
        let found = calls::attempt(clock, api.get_opt(name)).await.map_err(|error| calls::text(&error))?;
        let pod = found.ok_or_else(|| "somebody deleted it".to_owned())?;
        let waited = clock.elapsed().saturating_sub(begun);
        match state(&pod) {
            State::Runs => return Ok(()),
            State::Never(reason) => return Err(reason),
            State::Hardly(reason) if waited >= PULL => return Err(reason),
            State::NotYet(reason) if waited >= START => {
                return Err(format!("not within {}: {reason}", humantime::format_duration(START)));
            }
            State::Hardly(_) | State::NotYet(_) => {}
        }
        clock.sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Runs,
    NotYet(String),
    /// It may still come, and seldom does.
    Hardly(String),
    Never(String),
}

fn state(pod: &Pod) -> State {
    let status = pod.status.clone().unwrap_or_default();
    let container = status.container_statuses.iter().flatten().next();
    let state = container.and_then(|container| container.state.clone()).unwrap_or_default();
    if state.running.is_some() {
        return State::Runs;
    }
    if let Some(ended) = state.terminated {
        let why = ended.message.or(ended.reason).unwrap_or_default();
        return State::Never(format!("it ended with exit code {} ({why})", ended.exit_code));
    }
    if matches!(status.phase.as_deref(), Some("Failed" | "Succeeded")) {
        return State::Never(format!("{} {}", status.reason.unwrap_or_default(), status.message.unwrap_or_default()));
    }
    if let Some(waiting) = state.waiting {
        let reason = waiting.reason.unwrap_or_default();
        let text = waiting.message.map_or_else(|| reason.clone(), |message| format!("{reason}: {message}"));
        let image = "name an image that the nodes have or can pull with --agent-image";
        return match reason.as_str() {
            "InvalidImageName" | "ErrImageNeverPull" => State::Never(format!("{text}; {image}")),
            "ErrImagePull" | "ImagePullBackOff" => State::Hardly(format!("{text}; {image}")),
            "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => State::Hardly(text),
            _ => State::NotYet(text),
        };
    }
    let conditions = status.conditions.unwrap_or_default();
    let scheduled = conditions.into_iter().find(|condition| condition.type_ == "PodScheduled");
    match scheduled.filter(|condition| condition.status == "False").and_then(|condition| condition.message) {
        Some(message) => State::NotYet(format!("not scheduled: {message}")),
        None => State::NotYet("its container was not created".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(status: &Value) -> State {
        state(&serde_json::from_value(json!({ "metadata": {}, "status": status })).unwrap())
    }

    #[test]
    fn a_pod_that_will_not_start_says_why() {
        let waiting = |reason: &str| {
            json!({ "containerStatuses": [{
                "name": "agent", "image": "", "imageID": "", "ready": false, "restartCount": 0,
                "state": { "waiting": { "reason": reason, "message": "no such image" } },
            }] })
        };
        let never = of(&waiting("ErrImageNeverPull"));
        assert!(matches!(&never, State::Never(why) if why.contains("--agent-image")), "{never:?}");
        let hardly = of(&waiting("ErrImagePull"));
        assert!(matches!(&hardly, State::Hardly(why) if why.starts_with("ErrImagePull: no such image")), "{hardly:?}");
        assert!(matches!(of(&waiting("ContainerCreating")), State::NotYet(_)));
        let unscheduled = json!({ "phase": "Pending", "conditions": [
            { "type": "PodScheduled", "status": "False", "message": "0/3 nodes are available" },
        ] });
        assert_eq!(of(&unscheduled), State::NotYet("not scheduled: 0/3 nodes are available".to_owned()));
        assert!(matches!(of(&json!({ "phase": "Failed", "reason": "Evicted" })), State::Never(_)));
    }
}
