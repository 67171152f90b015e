//! Does one deed after the other until a goal is reached. Each deed is sent once: whether it was carried out is seen, not
//! believed.

use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions};
use serde_json::{Value, json};

use crate::evidence::{ClaimId, Replacement};
use crate::plan::Ordinals;
use crate::store::etcd::{Admin, MemberList};

use super::super::super::calls;
use super::super::super::context::Context;
use super::decide::next;
use super::{Deed, Goal, Leaving, Next, View, look};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// A pod whose disk is lost gets this long, and its kubelet still confirms its end: with 0 nobody would.
const GRACE_SECONDS: u32 = 1;

/// Works towards a goal until it is reached.
///
/// # Errors
/// What was still missing when the time was up, or what the API server refused last.
pub(super) async fn reach(context: &Context, of: &Replacement, goal: &Goal, limit: Duration) -> Result<(), String> {
    let clock = context.clock();
    let end = clock.elapsed().saturating_add(limit);
    loop {
        let reason = match look::view(context, of, goal).await {
            Err(reason) => reason,
            Ok(view) => match next(goal, &view) {
                Next::Done => return Ok(()),
                Next::Wait(reason) => reason,
                Next::Do(deed) => match once(context, of, &view, &deed).await {
                    Ok(()) => format!("{} was asked for, and does not show", describe(&deed)),
                    Err(reason) => format!("{}: {reason}", describe(&deed)),
                },
            },
        };
        if clock.elapsed() + PAUSE > end {
            return Err(format!("{reason}, after {}", humantime::format_duration(limit)));
        }
        clock.sleep(PAUSE).await;
    }
}

fn describe(deed: &Deed) -> String {
    match deed {
        Deed::SetOrdinals(Ordinals { start, replicas }) => format!("{replicas} replicas from ordinal {start}"),
        Deed::DeleteClaim(claim) => format!("delete claim {}", claim.name),
        Deed::DeletePod { name, .. } => format!("delete pod {name}"),
        Deed::AddLearner { peer_url } => format!("add the member {peer_url}"),
        Deed::Promote { member } => format!("promote the member {member:x}"),
        Deed::MoveLeader { from, to } => format!("hand the leadership of {from:x} over to {to:x}"),
        Deed::Remove { member } => format!("remove the member {member:x}"),
    }
}

async fn once(context: &Context, of: &Replacement, view: &View, deed: &Deed) -> Result<(), String> {
    match deed {
        Deed::SetOrdinals(ordinals) => {
            // Without the field the ordinals start at 0, as in most manifests.
            let start = if ordinals.start == 0 { Value::Null } else { json!({ "start": ordinals.start }) };
            patch(context, of, json!({ "spec": { "ordinals": start, "replicas": ordinals.replicas } })).await
        }
        Deed::DeleteClaim(claim) => delete_claim(context, of, claim).await,
        Deed::DeletePod { name, uid } => delete_pod(context, of, name, uid).await,
        Deed::AddLearner { peer_url } => tell(context, of, view, &[], &Admin::AddLearner(peer_url.clone())).await,
        Deed::Promote { member } => tell(context, of, view, &[*member], &Admin::Promote(*member)).await,
        Deed::Remove { member } => tell(context, of, view, &[*member], &Admin::Remove(*member)).await,
        Deed::MoveLeader { from, to } => {
            let pod = pod_of(view.list.as_ref(), *from).ok_or("the leader's pod is not known")?;
            look::ask(context, of, &pod, &Admin::MoveLeader(*to)).await.map(drop)
        }
    }
}

/// Tells one voting member that answers, but none of these: the leader if possible.
async fn tell(context: &Context, of: &Replacement, view: &View, not: &[u64], call: &Admin) -> Result<(), String> {
    let list = view.list.as_ref();
    let votes = |id: &u64| {
        list.is_some_and(|list| list.members.iter().any(|member| member.id == *id && !member.learner))
            && !not.contains(id)
    };
    let mut members: Vec<u64> = view.statuses.keys().copied().filter(votes).collect();
    members.sort_by_key(|id| Some(*id) != view.leader());
    let pod = members.first().and_then(|id| pod_of(list, *id)).ok_or("no voting member answers")?;
    look::ask(context, of, &pod, call).await.map(drop)
}

fn pod_of(list: Option<&MemberList>, id: u64) -> Option<String> {
    let member = list?.members.iter().find(|member| member.id == id)?;
    member.pod().map(str::to_owned)
}

/// Changes the StatefulSet.
pub(super) async fn patch(context: &Context, of: &Replacement, patch: Value) -> Result<(), String> {
    let api: Api<StatefulSet> = Api::namespaced(context.client(), &of.namespace);
    let what = format!("change statefulset {}/{}", of.namespace, of.stateful_set);
    let (params, patch) = (PatchParams::default(), Patch::Merge(&patch));
    let patched = calls::patiently(context, &what, || api.patch(&of.stateful_set, &params, &patch)).await;
    patched.map(drop).map_err(|error| format!("{what}: {}", calls::text(&error)))
}

/// Deletes a claim by its UID; it goes when no pod uses it.
pub(super) async fn delete_claim(context: &Context, of: &Replacement, claim: &ClaimId) -> Result<(), String> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(context.client(), &of.namespace);
    let params = DeleteParams::background().preconditions(exactly(&claim.uid));
    let what = format!("delete claim {}/{}", of.namespace, claim.name);
    gone(&what, calls::patiently(context, &what, || api.delete(&claim.name, &params)).await.map(drop))
}

/// Deletes a pod by its UID, with hardly any grace: its disk is lost.
pub(super) async fn delete_pod(context: &Context, of: &Replacement, name: &str, uid: &str) -> Result<(), String> {
    let api: Api<Pod> = Api::namespaced(context.client(), &of.namespace);
    let params = DeleteParams {
        grace_period_seconds: Some(GRACE_SECONDS),
        ..DeleteParams::background().preconditions(exactly(uid))
    };
    let what = format!("delete pod {}/{name}", of.namespace);
    gone(&what, calls::patiently(context, &what, || api.delete(name, &params)).await.map(drop))
}

fn exactly(uid: &str) -> Preconditions {
    Preconditions { uid: Some(uid.to_owned()), resource_version: None }
}

/// Absent, or another of the same name: as good as deleted.
fn gone(what: &str, deleted: Result<(), kube::Error>) -> Result<(), String> {
    match deleted {
        Ok(()) => Ok(()),
        Err(error) if matches!(calls::status(&error).map(|status| status.code), Some(404 | 409)) => Ok(()),
        Err(error) => Err(format!("{what}: {}", calls::text(&error))),
    }
}

impl Goal {
    /// There: the guest takes the place. None where the disk is lost.
    pub(super) fn there(of: &Replacement) -> Option<Self> {
        Some(Self {
            joining: of.guest.clone()?,
            stale: None,
            leaving: Leaving::Pod {
                name: of.pod.clone(),
                claims: of.claims.iter().map(|claim| claim.name.clone()).collect(),
            },
            during: of.ordinals.grown(),
            after: of.ordinals.moved(),
        })
    }

    /// Back: the pod that was there before has a member that votes, and no other.
    pub(super) fn back(of: &Replacement) -> Self {
        let (leaving, during) = match &of.guest {
            Some(guest) => (Leaving::Pod { name: guest.clone(), claims: of.guest_claims.clone() }, of.ordinals.grown()),
            None => (Leaving::Dead(of.member), of.ordinals),
        };
        let stale = super::Stale { pod: of.pod_uid.clone(), claims: of.claims.clone() };
        Self { joining: of.pod.clone(), stale: Some(stale), leaving, during, after: of.ordinals }
    }
}
