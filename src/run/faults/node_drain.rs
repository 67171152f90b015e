//! `node-drain`: cordons nodes and evicts their pods through the Eviction API, as `kubectl drain` does: budgets are
//! honoured and asked again every 5 s, and a pod counts as evicted only when its object is gone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, EvictParams, ListParams, Patch, PatchParams, Preconditions};
use serde_json::json;
use tokio::task::JoinSet;

use crate::evidence::{Proof, some};
use crate::plan::{DrainRules, Fate, HeldBy, NodeTarget, PodTarget, fate, pod_target};

use super::super::calls;
use super::super::context::Context;
use super::super::observe::{Feed, Filter, Notice, follow};
use super::super::wait::Bell;
use super::{CORDONED_BY, Failed, Release};

/// kubectl's pause after an eviction that a budget refused.
const BUDGET_PAUSE: Duration = Duration::from_secs(5);
/// The end of an uncordon must be seen within this time: the taint goes a moment after the field.
const UNCORDON_LIMIT: Duration = Duration::from_secs(30);
/// Failures that are told before the rest is counted.
const TOLD: usize = 3;

/// Cordons, then evicts everything that may be evicted.
pub(super) async fn inject(
    context: &Context,
    step: &str,
    nodes: &[NodeTarget],
    timeout: Duration,
    rules: DrainRules,
    release: &Release,
) -> Result<(), Failed> {
    let deadline = context.clock().elapsed().saturating_add(timeout);
    for node in nodes {
        cordon(context, step, node).await?;
    }
    let tenants = Tenants::watch(context, nodes).await;
    let pods = evictable(tenants.pods(), rules)?;
    let evictions =
        pods.iter().map(|pod| Eviction { context, pod, tenants: &tenants, deadline, timeout }.run(release.clone()));
    let results = futures::future::join_all(evictions).await;
    let mut failures: Vec<Failed> = results.into_iter().filter_map(Result::err).collect();
    // The target's own budget first: that is what says something about it.
    failures.sort_by_key(|failed| failed.budget.as_ref().map_or(2, |held| u8::from(!held.own)));
    let Some(budget) = failures.first().map(|failed| failed.budget.clone()) else { return Ok(()) };
    let told = failures.iter().take(TOLD).map(|failed| failed.reason.clone()).collect::<Vec<_>>().join("; ");
    let more = failures.len().saturating_sub(TOLD);
    let reason = if more > 0 { format!("{told}; and {more} more pods") } else { told };
    Err(Failed { reason, budget })
}

async fn cordon(context: &Context, step: &str, node: &NodeTarget) -> Result<(), String> {
    let api: Api<Node> = Api::all(context.client());
    let what = format!("cordon node {}", node.name);
    let already = context.board.look(|picture| picture.nodes.get(&node.name).is_some_and(|node| node.cordoned));
    if already {
        return Ok(());
    }
    let patch = json!({
        "metadata": { "annotations": { CORDONED_BY: format!("{}/{step}", context.run) } },
        "spec": { "unschedulable": true },
    });
    let (params, patch) = (PatchParams::default(), Patch::Merge(&patch));
    let patched = calls::patiently(context, &what, || api.patch(&node.name, &params, &patch)).await;
    patched.map(drop).map_err(|error| format!("{what}: {}", calls::text(&error)))
}

/// The pods to evict, or all reasons why the drain must not begin.
fn evictable(pods: Vec<Pod>, rules: DrainRules) -> Result<Vec<PodTarget>, String> {
    let (mut evict, mut refused) = (Vec::new(), Vec::new());
    for pod in pods {
        match fate(&pod, rules) {
            Fate::Evict => evict.push(pod_target(&pod)),
            Fate::Stay => {}
            Fate::Refuse(reason) => refused.push(reason),
        }
    }
    evict.sort();
    if refused.is_empty() { Ok(evict) } else { Err(refused.join("; ")) }
}

/// One pod's eviction.
struct Eviction<'a> {
    context: &'a Context,
    pod: &'a PodTarget,
    tenants: &'a Tenants,
    deadline: Duration,
    timeout: Duration,
}

impl Eviction<'_> {
    async fn run(self, mut release: Release) -> Result<(), Failed> {
        let (clock, pod) = (self.context.clock(), self.pod);
        let api: Api<Pod> = Api::namespaced(self.context.client(), &pod.namespace);
        let preconditions = Preconditions { uid: Some(pod.uid.clone()), resource_version: None };
        let options = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let params = EvictParams { delete_options: Some(options), ..EvictParams::default() };
        loop {
            let what = format!("evict pod {pod}");
            let evicted = tokio::select! {
                biased;
                () = release.asked() => return Err(self.failed("the run was stopped")),
                evicted = calls::patiently(self.context, &what, || api.evict(&pod.name, &params)) => evicted,
            };
            let Err(error) = evicted else {
                return self.end(&mut release).await;
            };
            let (pause, why, budget) = match self.after(&error) {
                Next::Done => return Ok(()),
                Next::Fail(why) => return Err(self.failed(&why)),
                Next::Again(pause, why) => (pause, why, None),
                Next::Held(held, why) => (BUDGET_PAUSE, why, Some(held)),
            };
            if clock.elapsed() + pause > self.deadline {
                return Err(Failed { budget, ..self.failed(&why) });
            }
            if release.pause(self.context, pause).await {
                return Err(self.failed("the run was stopped"));
            }
        }
    }

    fn after(&self, error: &kube::Error) -> Next {
        let Some(status) = calls::status(error) else { return Next::Fail(calls::text(error)) };
        if let Some(message) = calls::budget(status) {
            let own = self
                .context
                .board
                .look(|picture| picture.pods.get(&self.pod.uid).is_some_and(|state| state.seen.target));
            let budget = budget(message).map(|name| format!("{}/{name}", self.pod.namespace)).unwrap_or_default();
            return Next::Held(HeldBy { budget, own }, blocked(&self.pod.namespace, message));
        }
        match (status.code, calls::throttled(error)) {
            // Gone by itself, or its name is another pod's by now.
            (404 | 409, _) => Next::Done,
            (_, Some(pause)) => Next::Again(pause, format!("the API server is busy ({})", calls::text(error))),
            (_, None) => Next::Fail(calls::text(error)),
        }
    }

    fn failed(&self, why: &str) -> Failed {
        format!("evict pod {} in {}: {why}", self.pod.name, self.pod.namespace).into()
    }

    /// Waits until the evicted pod's object is gone.
    async fn end(&self, release: &mut Release) -> Result<(), Failed> {
        let clock = self.context.clock();
        tokio::select! {
            biased;
            () = self.tenants.gone(&self.pod.uid) => Ok(()),
            () = release.asked() => Err(self.failed("the run was stopped before it had ended")),
            () = clock.sleep_until(self.deadline) => {
                let limit = humantime::format_duration(self.timeout);
                Err(self.failed(&format!("it was evicted and has not ended within {limit}")))
            }
        }
    }
}

/// What follows on a refused eviction.
enum Next {
    Done,
    Again(Duration, String),
    /// A budget does not allow it at this moment.
    Held(HeldBy, String),
    Fail(String),
}

/// `blocked by PodDisruptionBudget shop/web (0 disruptions allowed)`, from the API server's
/// `The disruption budget web needs 3 healthy pods and has 3 currently`.
fn blocked(namespace: &str, message: &str) -> String {
    match budget(message) {
        Some(name) => format!("blocked by PodDisruptionBudget {namespace}/{name} (0 disruptions allowed): {message}"),
        None => format!("blocked by a PodDisruptionBudget in {namespace}: {message}"),
    }
}

/// The API server names the budget nowhere but in its message.
fn budget(message: &str) -> Option<&str> {
    message.strip_prefix("The disruption budget ").and_then(|rest| rest.split_whitespace().next())
}

/// The pods on some nodes, watched.
struct Tenants {
    pods: Arc<Mutex<BTreeMap<String, Pod>>>,
    changed: Arc<Bell>,
    #[expect(dead_code, reason = "held for its drop, which ends the watches")]
    tasks: JoinSet<()>,
}

impl Tenants {
    async fn watch(context: &Context, nodes: &[NodeTarget]) -> Self {
        let pods: Arc<Mutex<BTreeMap<String, Pod>>> = Arc::default();
        let changed: Arc<Bell> = Arc::default();
        let mut tasks = JoinSet::new();
        let mut listed = Vec::new();
        for node in nodes {
            let (first, done) = tokio::sync::oneshot::channel();
            listed.push(done);
            let mut first = Some(first);
            let (pods, changed) = (pods.clone(), changed.clone());
            let api: Api<Pod> = Api::all(context.client());
            let filter = Filter::fields(format!("spec.nodeName={}", node.name));
            let what = format!("pods on {}", node.name);
            tasks.spawn(follow(Feed::of(context), what, api, filter, move |notice| {
                let mut pods = pods.lock().unwrap_or_else(PoisonError::into_inner);
                match notice {
                    Notice::Object(crate::evidence::Change::Deleted, pod) => {
                        pods.remove(&pod.uid().unwrap_or_default());
                    }
                    Notice::Object(_, pod) => {
                        pods.insert(pod.uid().unwrap_or_default(), pod);
                    }
                    Notice::Lost(uid) => {
                        pods.remove(&uid);
                    }
                    Notice::Listed => {
                        let _ = first.take().map(|first| first.send(()));
                    }
                }
                drop(pods);
                changed.ring();
            }));
        }
        for done in listed {
            let _ = done.await;
        }
        Self { pods, changed, tasks }
    }

    fn pods(&self) -> Vec<Pod> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    async fn gone(&self, uid: &str) {
        let mut changes = self.changed.listen();
        while self.pods.lock().unwrap_or_else(PoisonError::into_inner).contains_key(uid) {
            changes.rung().await;
        }
    }
}

/// Proven when no node that was drained takes new pods or holds one that could be evicted.
pub(super) async fn prove(context: &Context, nodes: &[NodeTarget], rules: DrainRules) -> Proof {
    let mut wrong = Vec::new();
    for node in nodes {
        let api: Api<Node> = Api::all(context.client());
        match calls::patiently(context, "get node", || api.get(&node.name)).await {
            Ok(found) if crate::plan::is_cordoned(&found) => {}
            Ok(_) => wrong.push(format!("{} takes new pods", node.name)),
            Err(error) => wrong.push(format!("get node {}: {}", node.name, calls::text(&error))),
        }
        let api: Api<Pod> = Api::all(context.client());
        let params = ListParams::default().fields(&format!("spec.nodeName={}", node.name));
        match calls::patiently(context, "list pods", || api.list(&params)).await {
            Ok(pods) => {
                let left = pods.items.iter().filter(|pod| fate(pod, rules) != Fate::Stay);
                wrong.extend(left.map(|pod| format!("pod {} is still on {}", pod_target(pod), node.name)));
            }
            Err(error) => wrong.push(format!("list the pods of {}: {}", node.name, calls::text(&error))),
        }
    }
    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    let statement = if wrong.is_empty() {
        format!("no evictable pod is left on {}, which takes no new ones", some(&names, 6))
    } else {
        some(&wrong, 6)
    };
    Proof { proven: wrong.is_empty(), statement, canaries: Vec::new() }
}

/// Proven when the nodes that we cordoned take pods again.
pub(super) async fn prove_healed(context: &Context, nodes: &[NodeTarget]) -> Proof {
    let shut = |picture: &super::super::observe::Picture| -> Vec<String> {
        let shut = |name: &str| {
            picture.nodes.get(name).is_some_and(|node| {
                node.cordoned || node.taints.iter().any(|taint| taint.starts_with("node.kubernetes.io/unschedulable"))
            })
        };
        nodes.iter().filter(|node| shut(&node.name)).map(|node| node.name.clone()).collect()
    };
    let open = context.board.until(|picture| shut(picture).is_empty().then_some(()));
    let proven = super::within(context.clock(), UNCORDON_LIMIT, open).await.is_some();
    let statement = if proven {
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        format!("takes new pods again: {}", some(&names, 6))
    } else {
        format!("still takes no new pods: {}", some(&context.board.look(shut), 6))
    };
    Proof { proven, statement, canaries: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::blocked;

    #[test]
    fn a_blocked_eviction_names_its_budget() {
        assert_eq!(
            blocked("shop", "The disruption budget web needs 3 healthy pods and has 3 currently"),
            "blocked by PodDisruptionBudget shop/web (0 disruptions allowed): The disruption budget web needs 3 healthy pods and has 3 currently"
        );
        assert_eq!(blocked("shop", "no"), "blocked by a PodDisruptionBudget in shop: no");
    }
}
