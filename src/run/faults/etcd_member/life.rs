//! The stations of the fault: what is intended, done, proven and taken back.
//!
//! A member that moves is healed by moving it back. A disk that is lost stays lost: the fault is that the member is gone,
//! and it is healed by the operator's repair. Healed means in both cases that the pod's member votes, has applied what the
//! leader has, and stands in every member's list without the one that went; a pod that merely runs, or a learner,
//! would not yet carry the loss of another member.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::evidence::{ClaimId, Proof, Replacement};
use crate::plan::{Ordinals, PodTarget};

use super::super::super::context::Context;
use super::super::super::undo::Failure;
use super::super::Release;
use super::witness::{self, Claim};
use super::{Goal, Intent, REPLACED_BY, View, act, fit, look};

/// A pod and its claims must be gone after this time.
const GONE_LIMIT: Duration = Duration::from_secs(90);
/// Between two looks at what is to go.
const PAUSE: Duration = Duration::from_secs(1);
/// The members have this long to be back. An undo is tried again after that.
const BACK_LIMIT: Duration = Duration::from_secs(300);
/// The lists of the slower members follow within this time.
const LISTS_LIMIT: Duration = Duration::from_secs(30);

/// What the plan says of the members.
pub(in crate::run::faults) struct Planned<'a> {
    pub(in crate::run::faults) stateful_set: &'a str,
    pub(in crate::run::faults) ordinals: Ordinals,
    pub(in crate::run::faults) leaving: &'a PodTarget,
    pub(in crate::run::faults) guest: Option<&'a str>,
    pub(in crate::run::faults) claim_templates: &'a [String],
    pub(in crate::run::faults) port: &'a str,
}

/// Looks at the cluster before anything is written down, and whether it may be touched.
pub(in crate::run::faults) async fn intent(context: &Context, planned: &Planned<'_>) -> Intent {
    let claims_of = |pod: &str| planned.claim_templates.iter().map(|template| format!("{template}-{pod}")).collect();
    let mut replacement = Replacement {
        namespace: planned.leaving.namespace.clone(),
        stateful_set: planned.stateful_set.to_owned(),
        ordinals: planned.ordinals,
        port: planned.port.to_owned(),
        pod: planned.leaving.name.clone(),
        pod_uid: planned.leaving.uid.clone(),
        claims: Vec::new(),
        member: 0,
        guest: planned.guest.map(str::to_owned),
        guest_claims: planned.guest.map(claims_of).unwrap_or_default(),
    };
    let own_claims = claims_of(&planned.leaving.name);
    let refusal = inspect(context, &mut replacement, own_claims).await.err();
    Intent { replacement, refusal }
}

async fn inspect(context: &Context, of: &mut Replacement, own_claims: Vec<String>) -> Result<(), String> {
    let set = look::set(context, of).await?;
    if let Some(other) = set.metadata.annotations.as_ref().and_then(|all| all.get(REPLACED_BY)) {
        let run = other.split('/').next().unwrap_or_default();
        return Err(format!(
            "{other} has not brought its member back; run: driftproof undo --context CONTEXT --run {run}"
        ));
    }
    for name in own_claims {
        let found = look::claim(context, of, &name).await?;
        let uid = found.and_then(|claim| claim.metadata.uid).ok_or_else(|| format!("claim {name} is not there"))?;
        of.claims.push(ClaimId { name, uid });
    }
    for name in &of.guest_claims {
        if look::claim(context, of, name).await?.is_some() {
            return Err(format!(
                "claim {name} is left from an earlier pod, whose disk no new member may use: delete it first"
            ));
        }
    }
    let goal = Goal::there(of).unwrap_or_else(|| Goal::back(of));
    let view = look::view(context, of, &goal).await?;
    let lists = witness::own_lists(context, of, &view).await;
    of.member = fit::fit(of, &view, &lists)?;
    Ok(())
}

/// Does it.
///
/// # Errors
/// What was still missing when the time was up.
pub(in crate::run::faults) async fn inject(
    context: &Context,
    step: &str,
    of: &Replacement,
    limit: Duration,
    release: &mut Release,
) -> Result<(), String> {
    let mark = format!("{}/{step}", context.run);
    act::patch(context, of, json!({ "metadata": { "annotations": { REPLACED_BY: mark } } })).await?;
    let Some(goal) = Goal::there(of) else { return lose(context, of).await };
    tokio::select! {
        biased;
        () = release.asked() => Err("the run was stopped before the new member had taken its place".to_owned()),
        reached = act::reach(context, of, &goal, limit) => reached,
    }
}

/// The claims first: they go with the pod, before a successor could take them over.
async fn lose(context: &Context, of: &Replacement) -> Result<(), String> {
    for claim in &of.claims {
        act::delete_claim(context, of, claim).await?;
    }
    act::delete_pod(context, of, &of.pod, &of.pod_uid).await
}

/// Proven by the members' lists, or where the disk is lost by everything of the member that is gone.
pub(in crate::run::faults) async fn prove(context: &Context, of: &Replacement) -> Proof {
    let Some(goal) = Goal::there(of) else { return lost(context, of).await };
    let claim = Claim { joined: &goal.joining, without: Some(&of.pod), gone: Some(of.member) };
    settled(context, of, &goal, &claim).await
}

/// Proven when the pod's member is whole again, and no other has its place.
pub(in crate::run::faults) async fn prove_healed(context: &Context, of: &Replacement) -> Proof {
    let goal = Goal::back(of);
    let gone = match look::view(context, of, &goal).await {
        Ok(view) if of.guest.is_none() && goal.disk_is_lost(&view) => Some(of.member),
        Ok(_) | Err(_) => None,
    };
    let claim = Claim { joined: &of.pod, without: of.guest.as_deref(), gone };
    settled(context, of, &goal, &claim).await
}

/// Looks until it is proven or the time is up.
async fn settled(context: &Context, of: &Replacement, goal: &Goal, claim: &Claim<'_>) -> Proof {
    let end = context.clock().elapsed().saturating_add(LISTS_LIMIT);
    loop {
        let proof = witness::prove(context, of, goal, claim).await;
        if proof.proven || context.clock().elapsed() + PAUSE > end {
            return proof;
        }
        context.clock().sleep(PAUSE).await;
    }
}

async fn lost(context: &Context, of: &Replacement) -> Proof {
    let goal = Goal::back(of);
    let end = context.clock().elapsed().saturating_add(GONE_LIMIT);
    loop {
        let view = look::view(context, of, &goal).await;
        let seen = view.and_then(|view| is_lost(of, &view));
        if seen.is_ok() || context.clock().elapsed() + PAUSE > end {
            let proven = seen.is_ok();
            return Proof { proven, statement: seen.unwrap_or_else(|why| why), canaries: Vec::new() };
        }
        context.clock().sleep(PAUSE).await;
    }
}

fn is_lost(of: &Replacement, view: &View) -> Result<String, String> {
    if view.pods.get(&of.pod).is_some_and(|pod| pod.uid == of.pod_uid) {
        return Err(format!("pod {} has not ended", of.pod));
    }
    for claim in &of.claims {
        if view.claims.get(&claim.name).is_some_and(|found| found.uid == claim.uid) {
            return Err(format!("claim {} is not gone", claim.name));
        }
    }
    if view.statuses.contains_key(&of.member) {
        return Err(format!("the member {:x} still answers", of.member));
    }
    let left =
        view.list.as_ref().ok_or("no majority of the members answers: whether the member is gone cannot be told")?;
    let claims: BTreeSet<String> = of.claims.iter().map(|claim| format!("{} ({})", claim.name, claim.uid)).collect();
    let disk = if claims.is_empty() {
        "its emptyDir".to_owned()
    } else {
        format!("claim {}", claims.into_iter().collect::<Vec<_>>().join(", "))
    };
    Ok(format!(
        "pod {} ({}) and {disk} are gone, and of the {} members {:x} answers no more",
        of.pod,
        of.pod_uid,
        left.members.len(),
        of.member
    ))
}

/// Brings the member back and takes our mark from the StatefulSet; idempotent. Where there is no StatefulSet any more,
/// there is nothing to bring back.
///
/// # Errors
/// What is missing.
pub(in crate::run) async fn restore(context: &Context, of: &Replacement) -> Result<(), Failure> {
    if look::marked(context, of).await.map_err(Failure::Refused)?.is_none() {
        return Ok(());
    }
    act::reach(context, of, &Goal::back(of), BACK_LIMIT).await.map_err(Failure::Refused)?;
    let patch = json!({ "metadata": { "annotations": { REPLACED_BY: null } } });
    act::patch(context, of, patch).await.map_err(Failure::Refused)
}
