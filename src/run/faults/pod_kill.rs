//! `pod-kill`: deletes pods. The UID is a precondition: a pod that took the name meanwhile is not touched.

use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, Preconditions};

use crate::evidence::{Proof, some};
use crate::plan::PodTarget;

use super::super::calls;
use super::super::context::Context;
use super::super::wait::within;

/// Deletions under way at a time.
const AT_ONCE: usize = 32;
/// Pods that are to die together are deleted by calls that take no longer than this: one that an API server held up or
/// shed came when the first pod may have been replaced, which is another and a milder fault.
const TOGETHER: Duration = Duration::from_secs(1);
/// A pod must be gone so long after its grace period, for a kubelet that is busy.
const MARGIN: Duration = Duration::from_secs(30);
/// Kubernetes' default grace period.
const DEFAULT_GRACE: u64 = 30;

/// Deletes every pod; goes on after a failure, so that as much as possible of the fault takes place.
///
/// # Errors
/// What was not deleted, or not together with the others.
pub(super) async fn inject(context: &Context, pods: &[PodTarget], grace_seconds: Option<u32>) -> Result<(), String> {
    // Collected first: a lazy iterator of borrowing futures is not `Send`.
    let deletions: Vec<_> = pods.iter().map(|pod| delete(context, pod, grace_seconds)).collect();
    let results: Vec<Result<Duration, String>> = futures::stream::iter(deletions).buffered(AT_ONCE).collect().await;
    let slowest =
        results.iter().zip(pods).filter_map(|(took, pod)| Some((*took.as_ref().ok()?, pod))).max_by_key(|one| one.0);
    let apart = slowest.filter(|(took, _)| pods.len() > 1 && *took > TOGETHER).map(|(took, pod)| {
        format!(
            "the pods were not killed together: the API server took {} to delete pod {pod}",
            humantime::format_duration(Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)))
        )
    });
    let failures: Vec<String> = results.into_iter().filter_map(Result::err).chain(apart).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

/// Deletes a pod. How long that took.
async fn delete(context: &Context, pod: &PodTarget, grace_seconds: Option<u32>) -> Result<Duration, String> {
    let begun = context.clock().elapsed();
    let api: Api<Pod> = Api::namespaced(context.client(), &pod.namespace);
    let params = DeleteParams {
        grace_period_seconds: grace_seconds,
        ..DeleteParams::background().preconditions(Preconditions { uid: Some(pod.uid.clone()), resource_version: None })
    };
    let what = format!("delete pod {pod}");
    let called = calls::called(context, &what, || api.delete(&pod.name, &params)).await;
    // Gone, or its name is another pod's: an earlier attempt of ours has done it, without our hearing of it.
    let took = context.clock().elapsed().saturating_sub(begun);
    if matches!(called.echo(), Some(404 | 409)) {
        return Ok(took);
    }
    match called.result {
        Ok(_) => Ok(took),
        Err(error) => match calls::status(&error).map(|status| status.code) {
            Some(404) => Err(format!("{what}: it was gone before we came")),
            Some(409) => Err(format!("{what}: another pod has taken its name since it was chosen")),
            _ => Err(format!("{what}: {}", calls::text(&error))),
        },
    }
}

/// What the watch says of a pod that was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Untouched,
    Terminating,
    Gone,
}

fn state(context: &Context, pod: &PodTarget) -> State {
    context.board.look(|picture| match picture.pods.get(&pod.uid) {
        None => State::Gone,
        Some(state) if state.terminating() => State::Terminating,
        Some(_) => State::Untouched,
    })
}

/// Proven when the watch has shown the end of every UID, each within its grace period and a margin.
pub(super) async fn prove(context: &Context, pods: &[PodTarget], grace_seconds: Option<u32>) -> Proof {
    let limit = grace(context, pods, grace_seconds) + MARGIN;
    let all_gone =
        context.board.until(|picture| pods.iter().all(|pod| !picture.pods.contains_key(&pod.uid)).then_some(()));
    let proven = within(context.clock(), limit, all_gone).await.is_some();
    let statement = if proven {
        let names: Vec<String> = pods.iter().map(|pod| format!("{pod} ({})", pod.uid)).collect();
        format!("the watch showed the end of {}", some(&names, 3))
    } else {
        let left: Vec<String> = pods
            .iter()
            .filter_map(|pod| match state(context, pod) {
                State::Gone => None,
                State::Terminating if !kept_by(context, pod).is_empty() => Some(format!(
                    "{pod} has ended, and its object is not gone after {}: {}; take the finalizer away",
                    humantime::format_duration(limit),
                    kept_by(context, pod)
                )),
                State::Terminating => Some(format!(
                    "{pod} is marked for deletion, and its kubelet on {} has not confirmed its end after {}",
                    pod.node,
                    humantime::format_duration(limit)
                )),
                State::Untouched => Some(format!("{pod} is not marked for deletion")),
            })
            .collect();
        left.join("; ")
    };
    Proof { proven, statement, canaries: Vec::new() }
}

/// What keeps the object of a pod whose containers have ended; empty when nothing is known to.
fn kept_by(context: &Context, pod: &PodTarget) -> String {
    context
        .board
        .look(|picture| picture.pods.get(&pod.uid).map(|state| state.seen.waits_for.clone()).unwrap_or_default())
}

/// The longest grace period of these pods.
fn grace(context: &Context, pods: &[PodTarget], given: Option<u32>) -> Duration {
    if let Some(seconds) = given {
        return Duration::from_secs(seconds.into());
    }
    let own = |pod: &PodTarget| {
        context.board.look(|picture| {
            let pod = &picture.pods.get(&pod.uid)?.pod;
            u64::try_from(pod.spec.as_ref()?.termination_grace_period_seconds?).ok()
        })
    };
    Duration::from_secs(pods.iter().map(|pod| own(pod).unwrap_or(DEFAULT_GRACE)).max().unwrap_or(DEFAULT_GRACE))
}
