//! Our agent on nodes that are to fail: started and armed before the injection, told to begin, told to end, and removed. A
//! node that nobody can reach any more is healed by the agent's own timer.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod};
use kube::ResourceExt;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use crate::evidence::Undo;
use crate::node_agent::PORT;
use crate::plan::{Action, MANAGED_BY, MANAGER, NodeTarget, RUN, STEP, Step, label};
use crate::scenario::{FailureMode, FaultKind};
use crate::world::{Call, Means, NetworkError, NodeAgent, Place, Reply, Vantage};

use super::super::context::Context;
use super::super::undo::{self, Failure};
use super::super::wait::within;
use super::super::{RunError, calls};
use super::Release;
use super::node_agent_job as job;
use super::node_agent_pods::Pods;

/// An agent must be armed within this time: its image may have to be pulled.
const ARMED_LIMIT: Duration = Duration::from_secs(180);
/// Past its own timer an agent must have ended, and its kubelet have said so, within this time.
const ENDED_LIMIT: Duration = Duration::from_secs(300);
/// The pods of a Job must have been listed within this time.
const LISTED_LIMIT: Duration = Duration::from_secs(120);
/// Pause between two questions.
const PAUSE: Duration = Duration::from_millis(500);
/// Pause between two questions to an agent that can probably not be reached.
const PAUSE_HEAL: Duration = Duration::from_secs(10);
/// One question waits this long for its answer.
const ANSWER: Duration = Duration::from_secs(12);

/// An agent that waits on its node.
#[derive(Clone, Debug)]
pub(in crate::run) struct Agent {
    node: String,
    namespace: String,
    pod: String,
    uid: String,
}

/// How agents are started in this world, when this action needs some.
pub(super) fn of(context: &Context, action: &Action) -> Option<NodeAgent> {
    let Action::NodeFailure { mode, command, .. } = action else { return None };
    if *mode == FailureMode::Taint {
        return None;
    }
    match context.world.machines.means(*mode, command.as_ref()) {
        Ok(Means::Agent(agent)) => Some(agent),
        Ok(Means::Hands) | Err(_) => None,
    }
}

/// How the agents of a step are ended.
pub(super) fn undo(
    context: &Context,
    step: &Step,
    nodes: &[NodeTarget],
    mode: FailureMode,
    agent: &NodeAgent,
) -> Vec<Undo> {
    let end = |(index, node): (usize, &NodeTarget)| Undo::EndNodeAgent {
        node: node.name.clone(),
        namespace: agent.namespace.clone(),
        job: job::name(&context.run, &step.id, index),
        mode,
        timer_seconds: job::timer(mode, step.hold).as_secs(),
    };
    nodes.iter().enumerate().map(end).collect()
}

fn labels(context: &Context, step: &str) -> Value {
    json!({
        MANAGED_BY: MANAGER,
        "app.kubernetes.io/component": "node-agent",
        RUN: label(&context.run),
        STEP: label(step),
    })
}

/// Asks the API server, without creating anything, whether it would admit such an agent.
///
/// # Errors
/// What it has against it.
pub(in crate::run) async fn admitted(context: &Context) -> Result<(), RunError> {
    for fault in &context.scenario.faults {
        let FaultKind::NodeFailure(failure) = &fault.kind else { continue };
        if failure.mode == FailureMode::Taint {
            continue;
        }
        let Ok(Means::Agent(agent)) = context.world.machines.means(failure.mode, failure.command.as_ref()) else {
            continue;
        };
        // The API server takes a Job whose pod it would refuse, and its controller would fail where nobody looks.
        let name = job::name(&context.run, "preflight", 0);
        let job = job::manifest(&agent, &name, &labels(context, "preflight"), None, failure.mode, fault.hold);
        let pod = json!({ "metadata": { "name": name }, "spec": job["spec"]["template"]["spec"] });
        let params = PostParams { dry_run: true, ..PostParams::default() };
        let refused = |error: &kube::Error| {
            RunError::NotAllowed(format!(
                "node-failure: an agent in namespace {} is refused: {}; choose another one with --node-agent-namespace",
                agent.namespace,
                calls::text(error)
            ))
        };
        let pods: Api<Pod> = Api::namespaced(context.client(), &agent.namespace);
        let pod: Pod = serde_json::from_value(pod)
            .map_err(|error| RunError::NotAllowed(format!("node-failure: the agent's pod: {error}")))?;
        let what = format!("try a pod in {}", agent.namespace);
        calls::patiently(context, &what, || pods.create(&params, &pod)).await.map_err(|error| refused(&error))?;
    }
    Ok(())
}

/// Puts an agent on every node and waits until all are armed, or the run is stopped. That is not asked while an agent is being
/// created: a request that is under way could be carried out after the agent was ended.
pub(super) async fn start(
    context: &Context,
    step: &Step,
    nodes: &[NodeTarget],
    mode: FailureMode,
    agent: &NodeAgent,
    release: &mut Release,
) -> Result<Vec<Agent>, String> {
    let labels = labels(context, &step.id);
    let starting = nodes.iter().enumerate().map(|(index, node)| {
        let name = job::name(&context.run, &step.id, index);
        let manifest = job::manifest(agent, &name, &labels, Some(node), mode, step.hold);
        create(context, node, agent, name, manifest)
    });
    let starting: Vec<_> = starting.collect();
    let (started, mut failures) = parted(futures::future::join_all(starting).await);
    let arming: Vec<_> = started.iter().map(|(node, pods)| arm(context, node, agent, pods)).collect();
    let armed = tokio::select! {
        biased;
        () = release.asked() => return Err("the run was stopped before the injection".to_owned()),
        armed = futures::future::join_all(arming) => armed,
    };
    let (agents, unarmed) = parted(armed);
    failures.extend(unarmed);
    if failures.is_empty() { Ok(agents) } else { Err(failures.join("; ")) }
}

fn parted<T>(results: Vec<Result<T, String>>) -> (Vec<T>, Vec<String>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(value) => good.push(value),
            Err(reason) => bad.push(reason),
        }
    }
    (good, bad)
}

async fn create<'a>(
    context: &Context,
    node: &'a NodeTarget,
    agent: &NodeAgent,
    name: String,
    manifest: Value,
) -> Result<(&'a NodeTarget, Pods), String> {
    let job: Job = serde_json::from_value(manifest).map_err(|error| format!("the agent's Job: {error}"))?;
    let jobs: Api<Job> = Api::namespaced(context.client(), &agent.namespace);
    let what = format!("create Job {}/{name}", agent.namespace);
    let params = PostParams::default();
    let created = calls::called(context, &what, || jobs.create(&params, &job)).await;
    // The name holds the run and the step: what is there is ours, by an attempt of which we heard nothing.
    if created.echo() != Some(409) {
        created.result.map_err(|error| format!("{what}: {}", calls::text(&error)))?;
    }
    Ok((node, Pods::of_job(context, &agent.namespace, &name)))
}

async fn arm(context: &Context, node: &NodeTarget, agent: &NodeAgent, pods: &Pods) -> Result<Agent, String> {
    let armed = within(context.clock(), ARMED_LIMIT, armed(context, pods, &node.name, &agent.namespace)).await;
    armed.unwrap_or_else(|| {
        let limit = humantime::format_duration(ARMED_LIMIT);
        Err(format!("the agent on {} was not ready within {limit}: {}", node.name, pods.look(describe)))
    })
}

async fn armed(context: &Context, pods: &Pods, node: &str, namespace: &str) -> Result<Agent, String> {
    let failed = |why: &str| Err(format!("the agent on {node} did not start: {why}"));
    let mut changes = pods.changed.listen();
    loop {
        let (running, end) = pods.look(|pod| {
            let phase = pod.and_then(|pod| pod.status.as_ref()?.phase.clone()).unwrap_or_default();
            let hopeless = phase == "Failed" || phase == "Succeeded" || pod.is_some_and(has_no_image);
            (phase == "Running", hopeless.then(|| describe(pod)))
        });
        if let Some(why) = end {
            return failed(&why);
        }
        if !running {
            changes.rung().await;
            continue;
        }
        let (pod, uid) =
            pods.look(|pod| pod.map(|pod| (pod.name_any(), pod.uid().unwrap_or_default()))).unwrap_or_default();
        let agent = Agent { node: node.to_owned(), namespace: namespace.to_owned(), pod, uid };
        if matches!(ask(context, &agent, "GET", "state").await, Ok(Reply { status: 200, body, .. }) if body == "armed")
        {
            return Ok(agent);
        }
        context.clock().sleep(PAUSE).await;
    }
}

/// Whether its image will never be there. A registry that does not answer may yet do so.
fn has_no_image(pod: &Pod) -> bool {
    let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let mut waiting = containers.filter_map(|container| container.state.as_ref()?.waiting.as_ref()?.reason.as_deref());
    waiting.any(|reason| matches!(reason, "ErrImageNeverPull" | "InvalidImageName"))
}

/// The state of an agent's pod for people.
fn describe(pod: Option<&Pod>) -> String {
    let Some(pod) = pod else { return "the Job has no pod yet".to_owned() };
    let Some(status) = &pod.status else { return "its pod has no status yet".to_owned() };
    let container = status.container_statuses.iter().flatten().next();
    let state = container.and_then(|container| container.state.as_ref());
    if let Some(ended) = state.and_then(|state| state.terminated.as_ref()) {
        let said = ended.message.clone().unwrap_or_default();
        return format!("exit code {}: {}", ended.exit_code, said.trim().replace('\n', "; "));
    }
    if let Some(waiting) = state.and_then(|state| state.waiting.as_ref()) {
        let said = waiting.message.as_ref().map(|said| format!(": {said}")).unwrap_or_default();
        return format!("its container waits ({}{said})", waiting.reason.as_deref().unwrap_or_default());
    }
    if state.is_some_and(|state| state.running.is_some()) {
        return format!("it runs, and the API server cannot reach its port {PORT} (a NetworkPolicy in its namespace?)");
    }
    [status.phase.as_deref(), status.reason.as_deref(), status.message.as_deref()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

/// Tells every agent to begin.
pub(super) async fn fire(context: &Context, agents: &[Agent]) -> Result<(), String> {
    let firing = agents.iter().map(|agent| async move {
        let answer = ask(context, agent, "POST", "fire").await;
        match answer {
            Ok(Reply { status: 200, .. }) => Ok(()),
            // An answer that was lost says nothing; the proof will.
            Err(NetworkError::Timeout(_) | NetworkError::Broken(_)) => {
                let what = format!("let node {} fail: the agent's answer was lost", agent.node);
                context.recorder.gap(what, true);
                Ok(())
            }
            Ok(reply) => Err(format!("let node {} fail: the agent is {}", agent.node, reply.body)),
            Err(error) => Err(format!("let node {} fail: ask the agent: {error}", agent.node)),
        }
    });
    let failures: Vec<String> = futures::future::join_all(firing).await.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

async fn ask(context: &Context, agent: &Agent, method: &str, what: &str) -> Result<Reply, NetworkError> {
    let (namespace, name) = (agent.namespace.clone(), agent.pod.clone());
    let to = Place::Pod { namespace, name, port: PORT.to_string() };
    let path = format!("/{}/{what}", agent.uid);
    context.world.network.http(&Vantage::Outside, &to, Call::bare(method, &path), ANSWER).await
}

/// Ends an agent: asks it to heal, or waits for its timer when it cannot be reached; its end counts when the node's own
/// kubelet has said so, which shows that the node is back. Then its Job is removed, that of this UID where one is given.
/// Idempotent.
///
/// # Errors
/// What is left.
pub(in crate::run) async fn end(
    context: &Context,
    (namespace, name): (&str, &str),
    uid: Option<&str>,
    timer: Duration,
) -> Result<(), Failure> {
    let jobs: Api<Job> = Api::namespaced(context.client(), namespace);
    let found = calls::attempt(context.clock(), jobs.get_opt(name)).await;
    let Some(found) = found.map_err(|error| Failure::from(&error))? else { return Ok(()) };
    if uid.is_some() && found.uid().as_deref() != uid {
        return Ok(());
    }
    let uid = found.uid();
    let pods = Pods::of_job(context, namespace, name);
    let listed = within(context.clock(), LISTED_LIMIT, pods.listed.ever()).await;
    listed.ok_or_else(|| Failure::Away("the agent's pod could not be listed".to_owned()))?;
    let limit = timer.saturating_add(ENDED_LIMIT);
    if within(context.clock(), limit, ended(context, &pods, namespace, timer)).await.is_none() {
        let limit = humantime::format_duration(limit);
        return Err(Failure::Refused(format!("the agent has not ended within {limit}: {}", pods.look(describe))));
    }
    undo::delete(context, &jobs, name, uid.as_deref()).await?;
    let gone = async {
        let mut changes = pods.changed.listen();
        while pods.look(|pod| pod.is_some()) {
            changes.rung().await;
        }
    };
    match within(context.clock(), ENDED_LIMIT, gone).await {
        Some(()) => Ok(()),
        None => Err(Failure::Refused("the agent's pod is still there".to_owned())),
    }
}

/// Returns when the agent has ended or never began.
async fn ended(context: &Context, pods: &Pods, namespace: &str, timer: Duration) {
    let begun = context.clock().elapsed();
    let mut changes = pods.changed.listen();
    loop {
        let seen = pods.look(|pod| pod.map(|pod| (pod.name_any(), pod.uid().unwrap_or_default(), of_pod(pod))));
        let (pod, uid) = match seen {
            // Its object was taken away: only the time tells that it has healed. One that never was does no harm.
            None if pods.was_there() => return context.clock().sleep_until(begun + timer).await,
            None | Some((_, _, Life::Waits | Life::Ended)) => return,
            Some((pod, uid, Life::Runs)) => (pod, uid),
        };
        let agent = Agent { node: String::new(), namespace: namespace.to_owned(), pod, uid };
        let _ = ask(context, &agent, "POST", "heal").await;
        // The kubelet's word ends the waiting; asking again is for an agent that became reachable meanwhile.
        let _ = within(context.clock(), PAUSE_HEAL, changes.rung()).await;
    }
}

enum Life {
    Waits,
    Runs,
    Ended,
}

/// By what the kubelet says of the container; a pod's phase may be set by others.
fn of_pod(pod: &Pod) -> Life {
    let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let mut states = containers.filter_map(|container| container.state.as_ref());
    match states.next() {
        Some(state) if matches!(state.terminated, Some(ContainerStateTerminated { .. })) => Life::Ended,
        Some(state) if state.running.is_some() => Life::Runs,
        Some(_) | None => Life::Waits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(state: &Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": {},
            "status": { "phase": "Running", "containerStatuses": [{ "name": "a", "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": state }] },
        }))
        .unwrap()
    }

    #[test]
    fn what_an_agent_says_at_its_end_is_told() {
        let ended = pod(&json!({ "terminated": { "exitCode": 1, "message": "no process named kubelet\n" } }));
        assert_eq!(describe(Some(&ended)), "exit code 1: no process named kubelet");
        assert!(matches!(of_pod(&ended), Life::Ended));
        let waiting = pod(&json!({ "waiting": { "reason": "ErrImageNeverPull", "message": "no such image" } }));
        assert_eq!(describe(Some(&waiting)), "its container waits (ErrImageNeverPull: no such image)");
        assert!(matches!(of_pod(&waiting), Life::Waits));
    }
}
