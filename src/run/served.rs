//! Asks the API server about kinds that no list and no manifest knows: whether it serves them, and whether their objects have
//! a namespace. Decides nothing: what may leave the target's namespace, the scenario's own rule says.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource;
use serde_json::Value;

use crate::scenario::{Scopes, objects};

use super::context::Context;
use super::fixtures::refused;
use super::{RunError, calls};

/// Checks that each custom kind among the manifests is what the scenario takes it for.
///
/// # Errors
/// The first that is not, or that is not served, or why the cluster could not be asked.
pub(super) async fn check(context: &Context, manifests: &[Value]) -> Result<(), RunError> {
    let scopes = Scopes::new(&context.scenario, manifests);
    let mut served: BTreeMap<&str, Option<Vec<APIResource>>> = BTreeMap::new();
    for object in manifests.iter().flat_map(objects).filter(|object| scopes.is_custom(object)) {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
        if !served.contains_key(api_version) {
            served.insert(api_version, resources(context, api_version).await?);
        }
        // Who may not ask is left to the address: in a namespace nothing of the whole cluster is kept.
        let Some(resources) = &served[api_version] else { continue };
        let wrong = |message: String| Err(RunError::Fixture(message));
        let resource = resources.iter().find(|resource| resource.kind == kind && !resource.name.contains('/'));
        match (resource.map(|resource| resource.namespaced), scopes.namespace(object)) {
            (Some(true), Some(_)) | (Some(false), None) => {}
            (Some(false), Some(_)) => return wrong(refused(&scopes.kind_refusal(kind, format!("{kind} {name}")))),
            (Some(true), None) => {
                return wrong(format!(
                    "a {kind} of {api_version} has a namespace on this cluster; take it out of fixture.cluster_scoped; nothing was started"
                ));
            }
            (None, _) => {
                return wrong(format!(
                    "{kind} {name}: this cluster serves no {kind} of {api_version}; install its CustomResourceDefinition first; nothing was started"
                ));
            }
        }
    }
    Ok(())
}

/// What is served under a version of a group; nothing when that may not be asked.
async fn resources(context: &Context, api_version: &str) -> Result<Option<Vec<APIResource>>, RunError> {
    let client = context.client();
    let what = format!("ask which kinds {api_version} has");
    let listed = calls::patiently(context, &what, || async {
        if api_version.contains('/') {
            client.list_api_group_resources(api_version).await
        } else {
            client.list_core_api_resources(api_version).await
        }
    });
    match listed.await {
        Ok(list) => Ok(Some(list.resources)),
        Err(error) if calls::is_absent(&error) => Ok(Some(Vec::new())),
        Err(error) if calls::status(&error).is_some_and(|status| matches!(status.code, 401 | 403)) => Ok(None),
        Err(error) => Err(RunError::Fixture(format!("{what}: {}", calls::text(&error)))),
    }
}
