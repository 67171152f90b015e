//! The life of a fault: prepare, write the intent down, inject, prove, hold, heal, prove the healing. The order is the
//! same for every kind; each kind has its own file.

use std::time::Duration;

use tokio::sync::watch;

use crate::evidence::{Life, Proof, Undo};
use crate::plan::{Action, DrainRules, HeldBy, Step};
use crate::scenario::FailureMode;

use super::context::Context;
use super::wait::{stopped, within};
use super::{failsafe, ledger, observe, record, tasks};

pub(super) mod canaries;
mod cni;
pub(super) mod etcd_member;
pub(super) mod network_partition;
pub(super) mod node_agent;
mod node_agent_job;
mod node_agent_pods;
mod node_drain;
pub(super) mod node_failure;
pub(super) mod node_taint;
mod partition_words;
mod pod_kill;

/// The annotation of a node that we cordoned: run and step.
pub(super) const CORDONED_BY: &str = "driftproof.dev/cordoned-by";

/// The annotation of a node that we made fail by a command: run and step.
pub(super) const FAILED_BY: &str = "driftproof.dev/failed-by";

/// Why nothing is done to members that nobody has looked at.
const UNSEEN: &str = "the members were not looked at before";

/// What was found before the injection and is needed to prove it.
enum Before {
    Nothing,
    Partition(canaries::Opened),
    /// Agents that wait on their nodes.
    Agents(Vec<node_agent::Agent>),
    /// Pods that a taint is to drive out.
    Tenants(Vec<node_taint::Tenant>),
    /// A member of an etcd cluster, and whether that may be touched.
    Member(Box<etcd_member::Intent>),
}

/// Asks a fault to heal at once; also ends waiting within an injection.
#[derive(Clone, Debug)]
pub(super) struct Release(pub(super) watch::Receiver<bool>);

impl Release {
    /// Returns when the fault is to heal at once.
    pub(super) async fn asked(&mut self) {
        stopped(&mut self.0).await;
    }

    /// Waits; whether it is to heal at once instead.
    async fn pause(&mut self, context: &Context, pause: Duration) -> bool {
        within(context.clock(), pause, self.asked()).await.is_some()
    }
}

/// Why an injection did not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    /// What, on what object, and what to do.
    pub(super) reason: String,
    /// The disruption budget that did not allow it.
    pub(super) budget: Option<HeldBy>,
}

impl From<String> for Failed {
    fn from(reason: String) -> Self {
        Self { reason, budget: None }
    }
}

impl Failed {
    pub(super) fn life(self) -> Life {
        Life::InjectFailed { reason: self.reason, budget: self.budget }
    }
}

/// How a fault ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// What could not be undone.
    pub(super) dirty: Vec<String>,
    /// When it disturbed the target for the last time: at its injection when nothing is healed, at its healing otherwise.
    /// Whatever has to be waited for to prove it, the target has been left alone since.
    pub(super) quiet: Duration,
}

/// Lives through one fault. Where that breaks off, what was done is taken back.
pub(super) async fn live(context: &Context, step: &Step, release: Release) -> Ended {
    let lived = tasks::guarded(&context.recorder, &format!("fault {}", step.id), whole(context, step, release)).await;
    if let Some(ended) = lived {
        return ended;
    }
    let dirty = ledger::take_back_fault(context, &step.id).await;
    Ended { dirty, quiet: context.clock().elapsed() }
}

async fn whole(context: &Context, step: &Step, mut release: Release) -> Ended {
    let quiet_now = |dirty: Vec<String>| Ended { dirty, quiet: context.clock().elapsed() };
    let note = |life| context.recorder.life(&step.id, life);
    let before = match &step.action {
        Action::NetworkPartition { canaries, pods, direction, .. } => {
            Before::Partition(canaries::open(context, canaries, pods, *direction).await)
        }
        Action::NodeFailure { nodes, mode: FailureMode::Taint, .. } => {
            Before::Tenants(node_taint::tenants(context, nodes, &step.id))
        }
        Action::EtcdMemberReplace { stateful_set, ordinals, leaving, guest, claim_templates, port, .. } => {
            let planned = etcd_member::Planned {
                stateful_set,
                ordinals: *ordinals,
                leaving,
                guest: guest.as_deref(),
                claim_templates,
                port,
            };
            Before::Member(Box::new(etcd_member::intent(context, &planned).await))
        }
        Action::PodKill { .. } | Action::NodeDrain { .. } | Action::NodeFailure { .. } => Before::Nothing,
    };
    let undo = undo_of(context, step, &before);
    note(Life::Intent { action: step.action.clone(), undo: undo.clone() });
    if let Err(reason) = written(context, step, &undo).await {
        note(Failed::from(format!("{reason}; nothing is touched without a record of it")).life());
        return quiet_now(Vec::new());
    }
    if *release.0.borrow() {
        for undo in &undo {
            context.ledger.taken_back(undo);
        }
        note(Failed::from("the run was stopped before the injection".to_owned()).life());
        return quiet_now(Vec::new());
    }
    let before = match ready(context, step, before, &mut release).await {
        Ok(before) => before,
        Err(reason) => {
            note(Failed::from(reason).life());
            let left = if undo.is_empty() { Vec::new() } else { heal(context, step, &Before::Nothing, &undo).await };
            return quiet_now(left);
        }
    };
    note(Life::Injecting);
    let injected = inject(context, step, &before, &mut release).await;
    let untouched_since = quiet_now(Vec::new());
    match injected {
        Ok(()) => {
            note(Life::Injected);
            prove_and_hold(context, step, &before, release, !undo.is_empty()).await;
        }
        Err(failed) => note(failed.life()),
    }
    if undo.is_empty() { untouched_since } else { quiet_now(heal(context, step, &before, &undo).await) }
}

/// Writes the intent where a crash of this machine leaves it: to disk, and onto the cluster; then the undo is open.
async fn written(context: &Context, step: &Step, undo: &[Undo]) -> Result<(), String> {
    context.recorder.sync().await?;
    if !undo.is_empty() {
        record::add(context, &step.id, undo).await?;
    }
    context.ledger.injecting(&step.id, undo);
    Ok(())
}

/// Starts what must be running before the injection, so that recovery is counted from the deed and not from an image pull.
async fn ready(context: &Context, step: &Step, before: Before, release: &mut Release) -> Result<Before, String> {
    match (&step.action, node_agent::of(context, &step.action)) {
        (Action::NodeFailure { nodes, mode, .. }, Some(agent)) => {
            Ok(Before::Agents(node_agent::start(context, step, nodes, *mode, &agent, release).await?))
        }
        (_, _) => match before {
            Before::Member(intent) if intent.refusal.is_some() => Err(intent.refusal.unwrap_or_default()),
            other => Ok(other),
        },
    }
}

/// How the action is undone. Only what would not be so without us.
fn undo_of(context: &Context, step: &Step, before: &Before) -> Vec<Undo> {
    match &step.action {
        Action::PodKill { .. } => Vec::new(),
        Action::NetworkPartition { policies, .. } => {
            // Undone in reverse order: the policies, then what would have removed them.
            let switches = network_partition::namespaces(policies);
            let switches = switches.iter().filter_map(|namespace| failsafe::undo(context, &step.id, namespace));
            switches.chain(policies.iter().map(network_partition::undo)).collect()
        }
        Action::NodeDrain { nodes, .. } => {
            let cordoned =
                |name: &str| context.board.look(|picture| picture.nodes.get(name).is_some_and(|node| node.cordoned));
            let ours = nodes.iter().filter(|node| !cordoned(&node.name));
            ours.map(|node| Undo::Uncordon { node: node.name.clone() }).collect()
        }
        Action::EtcdMemberReplace { .. } => match before {
            Before::Member(intent) if intent.refusal.is_none() => vec![Undo::RestoreMember(intent.replacement.clone())],
            Before::Member(_) | Before::Nothing | Before::Partition(_) | Before::Agents(_) | Before::Tenants(_) => {
                Vec::new()
            }
        },
        Action::NodeFailure { nodes, mode: FailureMode::Taint, .. } => node_taint::undo(context, nodes, &step.id),
        Action::NodeFailure { nodes, mode, command } => {
            if let Some(agent) = node_agent::of(context, &step.action) {
                return node_agent::undo(context, step, nodes, *mode, &agent);
            }
            let restore = |node: &crate::plan::NodeTarget| Undo::RestoreNode {
                node: node.name.clone(),
                ip: node.ip.clone(),
                mode: *mode,
                command: command.as_ref().map(|pair| pair.heal.clone()),
            };
            nodes.iter().map(restore).collect()
        }
    }
}

async fn inject(context: &Context, step: &Step, before: &Before, release: &mut Release) -> Result<(), Failed> {
    let injected = match &step.action {
        Action::NodeFailure { nodes, mode: FailureMode::Taint, .. } => {
            node_taint::inject(context, nodes, &step.id).await
        }
        Action::PodKill { pods, grace_seconds } => pod_kill::inject(context, pods, *grace_seconds).await,
        Action::NetworkPartition { policies, .. } => network_partition::inject(context, step, policies).await,
        Action::NodeDrain { nodes, timeout, delete_emptydir_data, force } => {
            let rules = DrainRules { delete_emptydir_data: *delete_emptydir_data, force: *force };
            return node_drain::inject(context, &step.id, nodes, *timeout, rules, release).await;
        }
        Action::NodeFailure { nodes, mode, command } => match before {
            Before::Agents(agents) => node_agent::fire(context, agents).await,
            Before::Nothing | Before::Partition(_) | Before::Tenants(_) | Before::Member(_) => {
                node_failure::inject(context, &step.id, nodes, *mode, command.as_ref(), release).await
            }
        },
        Action::EtcdMemberReplace { timeout, .. } => match before {
            Before::Member(intent) => {
                etcd_member::inject(context, &step.id, &intent.replacement, *timeout, release).await
            }
            Before::Nothing | Before::Partition(_) | Before::Agents(_) | Before::Tenants(_) => Err(UNSEEN.to_owned()),
        },
    };
    Ok(injected?)
}

async fn prove(context: &Context, action: &Action, before: &Before) -> Proof {
    match (action, before) {
        (Action::PodKill { pods, grace_seconds }, _) => pod_kill::prove(context, pods, *grace_seconds).await,
        (Action::NetworkPartition { .. }, Before::Partition(opened)) => network_partition::prove(context, opened).await,
        (Action::NetworkPartition { .. }, _) => unproven("no canary was opened before the cut".to_owned()),
        (Action::NodeDrain { nodes, delete_emptydir_data, force, .. }, _) => {
            let rules = DrainRules { delete_emptydir_data: *delete_emptydir_data, force: *force };
            node_drain::prove(context, nodes, rules).await
        }
        (Action::NodeFailure { .. }, Before::Tenants(tenants)) => node_taint::prove(context, tenants).await,
        (Action::NodeFailure { nodes, .. }, _) => node_failure::prove(context, nodes).await,
        (Action::EtcdMemberReplace { .. }, Before::Member(intent)) => {
            etcd_member::prove(context, &intent.replacement).await
        }
        (Action::EtcdMemberReplace { .. }, _) => unproven(UNSEEN.to_owned()),
    }
}

async fn prove_healed(context: &Context, action: &Action, before: &Before) -> Proof {
    match (action, before) {
        (Action::PodKill { .. }, _) => unproven("a deleted pod cannot be brought back".to_owned()),
        (Action::NetworkPartition { .. }, Before::Partition(opened)) => {
            network_partition::prove_healed(context, opened).await
        }
        (Action::NetworkPartition { .. }, _) => unproven("no canary was opened before the cut".to_owned()),
        (Action::NodeDrain { nodes, .. }, _) => node_drain::prove_healed(context, nodes).await,
        (Action::NodeFailure { nodes, mode: FailureMode::Taint, .. }, _) => {
            node_taint::prove_healed(context, nodes).await
        }
        (Action::NodeFailure { nodes, .. }, _) => node_failure::prove_healed(context, nodes).await,
        (Action::EtcdMemberReplace { .. }, Before::Member(intent)) => {
            etcd_member::prove_healed(context, &intent.replacement).await
        }
        (Action::EtcdMemberReplace { .. }, _) => unproven(UNSEEN.to_owned()),
    }
}

fn unproven(statement: String) -> Proof {
    Proof { proven: false, statement, canaries: Vec::new() }
}

/// Proves while it holds. A fault that is healed before it was proven stays unproven.
async fn prove_and_hold(context: &Context, step: &Step, before: &Before, mut release: Release, holds: bool) {
    let hold = if holds { step.hold } else { Duration::MAX };
    // Without a time of its own, as a drain may be, a fault holds until it is proven.
    let until_proven = if hold.is_zero() { Duration::MAX } else { hold };
    let begun = context.clock().elapsed();
    let proof = tokio::select! {
        biased;
        () = release.asked() => unproven("the run was stopped before it could be proven".to_owned()),
        proof = prove(context, &step.action, before) => proof,
        () = held(context, begun, until_proven) => unproven(format!(
            "nothing showed that it bit before it was healed after {}: hold it longer",
            humantime::format_duration(step.hold)
        )),
    };
    let proven = proof.proven;
    context.recorder.life(&step.id, Life::Proof(proof));
    if holds {
        let last_look = async {
            let told = if proven { ending(context, before, begun, hold).await } else { None };
            if let Some(proof) = told {
                context.recorder.life(&step.id, Life::Proof(proof));
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            () = release.asked() => {}
            () = held(context, begun, hold) => {}
            () = last_look => {}
        }
    }
}

/// What is seen of a fault that was proven, shortly before it is healed. `None` where nothing more can be told.
async fn ending(context: &Context, before: &Before, begun: Duration, hold: Duration) -> Option<Proof> {
    let Before::Partition(opened) = before else { return None };
    let last = begun.saturating_add(hold).saturating_sub(network_partition::ENDING);
    context.clock().sleep_until(last).await;
    network_partition::ending(context, opened).await
}

/// Returns when the hold is over; never for a fault that has nothing to heal.
async fn held(context: &Context, begun: Duration, hold: Duration) {
    match begun.checked_add(hold) {
        Some(end) if hold < Duration::MAX => context.clock().sleep_until(end).await,
        _ => std::future::pending().await,
    }
}

/// Undoes in reverse order; every undo is tried, whatever became of the others.
async fn heal(context: &Context, step: &Step, before: &Before, undo: &[Undo]) -> Vec<String> {
    let note = |life| context.recorder.life(&step.id, life);
    note(Life::Healing);
    let results = futures::future::join_all(undo.iter().rev().map(|undo| ledger::apply(context, undo))).await;
    let mut dirty: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    if !dirty.is_empty() {
        note(Life::HealFailed { reason: dirty.join("; ") });
        return dirty;
    }
    note(Life::Healed);
    let mut proof = prove_healed(context, &step.action, before).await;
    // A dead watch must not make a cluster look dirty that is clean.
    if !proof.proven && observe::confirm(context).await {
        proof = prove_healed(context, &step.action, before).await;
    }
    let must_be_back =
        matches!(step.action, Action::NodeDrain { .. } | Action::NodeFailure { .. } | Action::EtcdMemberReplace { .. });
    if !proof.proven && must_be_back {
        dirty.push(proof.statement.clone());
    }
    note(Life::HealProof(proof));
    dirty
}
