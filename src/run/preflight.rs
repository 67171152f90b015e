//! Asks the cluster whether the run may do all that it will need, before anything is touched.

use std::collections::BTreeSet;

use futures::StreamExt;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::Client;
use kube::api::{Api, PostParams};

use crate::plan::Permission;
use crate::scenario::FaultKind;

use super::context::Context;
use super::{RunError, calls};

/// Questions under way at a time.
const AT_ONCE: usize = 8;

/// Checks every permission.
///
/// # Errors
/// All missing ones together, or why the cluster could not be asked.
pub(super) async fn check(client: &Client, permissions: &[Permission]) -> Result<(), RunError> {
    let distinct: BTreeSet<&Permission> = permissions.iter().collect();
    let answers: Vec<Result<Option<Permission>, RunError>> =
        futures::stream::iter(distinct).map(|permission| refused(client, permission)).buffered(AT_ONCE).collect().await;
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let missing: Vec<Permission> = answers.into_iter().flatten().collect();
    if missing.is_empty() { Ok(()) } else { Err(RunError::Forbidden(missing)) }
}

/// Checks that the nodes which faults need can be made to fail here.
///
/// # Errors
/// The first fault for which they cannot.
pub(super) fn machines(context: &Context) -> Result<(), RunError> {
    for fault in &context.scenario.faults {
        if let FaultKind::NodeFailure(failure) = &fault.kind {
            let means = context.world.machines.means(failure.mode, failure.command.as_ref());
            means.map_err(|reason| RunError::NotAllowed(format!("node-failure: {reason}")))?;
        }
    }
    Ok(())
}

/// Checks that probes can start where the scenario wants them to.
///
/// # Errors
/// The first probe that cannot.
pub(super) fn vantages(context: &Context) -> Result<(), RunError> {
    let foreign = context.scenario.probes.iter().find(|probe| probe.from_pods().is_some());
    match foreign.filter(|_| context.world.agents.needed()) {
        None => Ok(()),
        Some(probe) => Err(RunError::NotAllowed(format!(
            "probe {}: on a live cluster nothing probes from pods of somebody else; from = \"cluster\" probes from a pod that is started for the run",
            probe.name
        ))),
    }
}

/// The permission when it is missing.
async fn refused(client: &Client, permission: &Permission) -> Result<Option<Permission>, RunError> {
    let (resource, subresource) = match permission.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (permission.resource.as_str(), None),
    };
    let question = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: Some(permission.group.clone()),
                resource: Some(resource.to_owned()),
                subresource,
                verb: Some(permission.verb.clone()),
                namespace: permission.namespace.clone(),
                ..ResourceAttributes::default()
            }),
            non_resource_attributes: None,
        },
        ..SelfSubjectAccessReview::default()
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answer = api.create(&PostParams::default(), &question).await;
    let answer =
        answer.map_err(|error| RunError::Cluster(format!("ask for the run's rights: {}", calls::text(&error))))?;
    let allowed = answer.status.is_some_and(|status| status.allowed);
    Ok(if allowed { None } else { Some(permission.clone()) })
}
