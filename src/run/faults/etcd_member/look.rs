//! Looks at an etcd cluster and at the StatefulSet that runs it. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::Api;
use serde_json::Value;

use crate::evidence::Replacement;
use crate::plan::{self, Ordinals};
use crate::store::etcd::{Admin, Member, MemberList, MemberStatus};
use crate::world::{Call, Place, Vantage};

use super::super::super::calls;
use super::super::super::context::Context;
use super::{ClaimView, Goal, Leaving, PodView, REPLACED_BY, View};

/// A member that takes longer to answer does not answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The joining member is asked so often, with such pauses, for what the others had applied before.
const CATCH_UP: u32 = 5;
const MOMENT: Duration = Duration::from_millis(300);

/// Sends one call to the member of a pod.
///
/// # Errors
/// What was said instead of an answer. The call may have been carried out.
pub(super) async fn ask(context: &Context, of: &Replacement, pod: &str, call: &Admin) -> Result<Value, String> {
    let to = Place::Pod { namespace: of.namespace.clone(), name: pod.to_owned(), port: of.port.clone() };
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let body = call.body().to_string();
    let request = Call { method: "POST", path: call.path(), headers: &headers, body: &body };
    let reply = context.world.network.http(&Vantage::Outside, &to, request, ANSWER).await;
    let reply = reply.map_err(|error| format!("{pod}: {error}"))?;
    let json: Option<Value> = serde_json::from_str(&reply.body).ok();
    match (reply.status, json) {
        (200, Some(json)) => Ok(json),
        (200, None) => Err(format!("{pod}: {} has another answer than that of an etcd", call.path())),
        (status, json) => {
            let said = json.as_ref().and_then(|json| json["message"].as_str().or(json["error"].as_str()));
            Err(format!(
                "{pod}: {}",
                said.map_or_else(|| format!("status {status} for {}", call.path()), str::to_owned)
            ))
        }
    }
}

/// The member list as one member has it, or as the majority has it.
pub(super) async fn list(context: &Context, of: &Replacement, pod: &str, call: &Admin) -> Result<MemberList, String> {
    let answer = ask(context, of, pod, call).await?;
    MemberList::read(&answer).ok_or_else(|| format!("{pod}: its member list cannot be read"))
}

async fn status(context: &Context, of: &Replacement, pod: &str) -> Result<MemberStatus, String> {
    let answer = ask(context, of, pod, &Admin::Status).await?;
    MemberStatus::read(&answer).ok_or_else(|| format!("{pod}: its status cannot be read"))
}

/// The StatefulSet.
///
/// # Errors
/// What the API server said.
pub(super) async fn set(context: &Context, of: &Replacement) -> Result<StatefulSet, String> {
    let api: Api<StatefulSet> = Api::namespaced(context.client(), &of.namespace);
    let what = format!("get statefulset {}/{}", of.namespace, of.stateful_set);
    let found = calls::patiently(context, &what, || api.get(&of.stateful_set)).await;
    found.map_err(|error| format!("{what}: {}", calls::text(&error)))
}

/// Whose mark the StatefulSet carries, RUN/STEP; an empty text for none, and nothing where there is no StatefulSet.
///
/// # Errors
/// What the API server said.
pub(in crate::run) async fn marked(context: &Context, of: &Replacement) -> Result<Option<String>, String> {
    let api: Api<StatefulSet> = Api::namespaced(context.client(), &of.namespace);
    let what = format!("get statefulset {}/{}", of.namespace, of.stateful_set);
    let found = calls::patiently(context, &what, || api.get_opt(&of.stateful_set)).await;
    let found = found.map_err(|error| format!("{what}: {}", calls::text(&error)))?;
    Ok(found.map(|set| set.metadata.annotations.unwrap_or_default().remove(REPLACED_BY).unwrap_or_default()))
}

fn ordinals(set: &StatefulSet) -> Ordinals {
    let spec = set.spec.as_ref();
    let start = spec.and_then(|spec| spec.ordinals.as_ref()?.start);
    Ordinals { start: start.unwrap_or_default(), replicas: spec.and_then(|spec| spec.replicas).unwrap_or(1) }
}

/// A pod, if it is there.
pub(super) async fn pod(context: &Context, of: &Replacement, name: &str) -> Result<Option<Pod>, String> {
    let api: Api<Pod> = Api::namespaced(context.client(), &of.namespace);
    let what = format!("get pod {}/{name}", of.namespace);
    let found = calls::patiently(context, &what, || api.get_opt(name)).await;
    found.map_err(|error| format!("{what}: {}", calls::text(&error)))
}

/// A claim, if it is there.
pub(super) async fn claim(
    context: &Context,
    of: &Replacement,
    name: &str,
) -> Result<Option<PersistentVolumeClaim>, String> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(context.client(), &of.namespace);
    let what = format!("get persistentvolumeclaim {}/{name}", of.namespace);
    let found = calls::patiently(context, &what, || api.get_opt(name)).await;
    found.map_err(|error| format!("{what}: {}", calls::text(&error)))
}

/// Everything that a decision needs.
///
/// # Errors
/// What the API server said. A member that does not answer is no error.
pub(super) async fn view(context: &Context, of: &Replacement, goal: &Goal) -> Result<View, String> {
    let ordinals = ordinals(&set(context, of).await?);
    let (mut pods, mut claims) = (BTreeMap::new(), BTreeMap::new());
    let names: BTreeSet<&str> = goal.pods().collect();
    for name in &names {
        let Some(found) = pod(context, of, name).await? else { continue };
        let (running, terminating) = (plan::is_running(&found), plan::is_terminating(&found));
        let uid = found.metadata.uid.unwrap_or_default();
        pods.insert((*name).to_owned(), PodView { uid, running, terminating });
    }
    for name in goal.claims() {
        let Some(found) = claim(context, of, name).await? else { continue };
        let terminating = found.metadata.deletion_timestamp.is_some();
        claims.insert(name.to_owned(), ClaimView { uid: found.metadata.uid.unwrap_or_default(), terminating });
    }
    // Of those that may know: the ordinals as they are, and whom the goal is about.
    let mut asked: BTreeSet<String> =
        (ordinals.start..ordinals.end()).map(|n| format!("{}-{n}", of.stateful_set)).collect();
    asked.extend(names.iter().map(|name| (*name).to_owned()));
    let list = agreed(context, of, &asked).await;
    let statuses = statuses(context, of, goal, list.as_ref()).await;
    Ok(View { ordinals, pods, claims, list, statuses })
}

/// The list that a majority agrees on, from whoever answers first in order.
async fn agreed(context: &Context, of: &Replacement, pods: &BTreeSet<String>) -> Option<MemberList> {
    for pod in pods {
        if let Ok(list) = list(context, of, pod, &Admin::List).await {
            return Some(list);
        }
    }
    None
}

/// What the members say of themselves. The joining one is asked last, and again for a while: it shall reach what the
/// others had applied before, and while clients write it is always a moment behind what they have applied by now.
async fn statuses(
    context: &Context,
    of: &Replacement,
    goal: &Goal,
    list: Option<&MemberList>,
) -> BTreeMap<u64, MemberStatus> {
    let members = list.map(|list| list.members.as_slice()).unwrap_or_default();
    let is_last = |member: &&Member| member.pod() == Some(&goal.joining);
    let others: Vec<&str> = members.iter().filter(|one| !is_last(one)).filter_map(Member::pod).collect();
    let asked: Vec<_> = others.into_iter().map(|pod| status(context, of, pod)).collect();
    let mut found: BTreeMap<u64, MemberStatus> =
        join_all(asked).await.into_iter().flatten().map(|status| (status.id, status)).collect();
    let applied = found.values().map(|status| status.applied).max().unwrap_or_default();
    if members.iter().any(|member| is_last(&member)) {
        for _ in 0..CATCH_UP {
            let Ok(own) = status(context, of, &goal.joining).await else { break };
            let caught_up = own.applied >= applied;
            found.insert(own.id, own);
            if caught_up {
                break;
            }
            context.clock().sleep(MOMENT).await;
        }
    }
    found
}

impl Goal {
    fn pods(&self) -> impl Iterator<Item = &str> {
        let leaving = match &self.leaving {
            Leaving::Pod { name, .. } => Some(name.as_str()),
            Leaving::Dead(_) => None,
        };
        std::iter::once(self.joining.as_str()).chain(leaving)
    }

    fn claims(&self) -> impl Iterator<Item = &str> {
        let leaving = match &self.leaving {
            Leaving::Pod { claims, .. } => claims.as_slice(),
            Leaving::Dead(_) => &[],
        };
        let stale = self.stale.iter().flat_map(|stale| &stale.claims).map(|claim| claim.name.as_str());
        stale.chain(leaving.iter().map(String::as_str))
    }
}
