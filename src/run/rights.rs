//! Asks the cluster whether the run may do all that it will need, before anything is touched. Asks little: the rules of
//! each namespace at once (`SelfSubjectRulesReview`), and one by one (`SelfSubjectAccessReview`) only what they do not
//! plainly grant, since a list of rules may be incomplete and never proves a refusal.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, ResourceRule, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SelfSubjectRulesReview,
    SelfSubjectRulesReviewSpec,
};
use kube::api::{Api, PostParams};

use crate::plan::Permission;

use super::context::Context;
use super::{RunError, calls};

/// Questions under way at a time.
const AT_ONCE: usize = 8;

/// A review is always of one namespace. What is granted in one that is not there is granted by cluster roles alone, and
/// therefore everywhere.
const NOWHERE: &str = "driftproof-everywhere";

/// Checks every permission.
///
/// # Errors
/// All missing ones together, or why the cluster could not be asked.
pub(super) async fn check(context: &Context, permissions: &[Permission]) -> Result<(), RunError> {
    let missing = missing(context, permissions).await?;
    if missing.is_empty() { Ok(()) } else { Err(RunError::Forbidden(missing)) }
}

/// Those of the permissions that the run does not have; sorted.
///
/// # Errors
/// Why the cluster could not be asked.
pub(super) async fn missing(context: &Context, permissions: &[Permission]) -> Result<Vec<Permission>, RunError> {
    let mut places: BTreeMap<&str, BTreeSet<&Permission>> = BTreeMap::new();
    for permission in permissions {
        places.entry(permission.namespace.as_deref().unwrap_or(NOWHERE)).or_default().insert(permission);
    }
    let rules: Vec<Vec<ResourceRule>> =
        futures::stream::iter(places.keys()).map(|place| rules(context, place)).buffered(AT_ONCE).collect().await;
    let open = places.into_values().zip(&rules).flat_map(|(wanted, rules)| {
        wanted.into_iter().filter(|permission| !rules.iter().any(|rule| grants(rule, permission)))
    });
    let answers: Vec<Result<Option<Permission>, RunError>> = futures::stream::iter(open.collect::<BTreeSet<_>>())
        .map(|permission| refused(context, permission))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(answers.into_iter().flatten().collect())
}

/// What the user may do in a namespace, as far as the authorisers can list it. Nothing when they cannot be asked: then each
/// permission is asked for by itself.
async fn rules(context: &Context, namespace: &str) -> Vec<ResourceRule> {
    let question = SelfSubjectRulesReview {
        spec: SelfSubjectRulesReviewSpec { namespace: Some(namespace.to_owned()) },
        ..SelfSubjectRulesReview::default()
    };
    let api: Api<SelfSubjectRulesReview> = Api::all(context.client());
    let params = PostParams::default();
    let answer =
        calls::patiently(context, "ask for the rights in a namespace", || api.create(&params, &question)).await.ok();
    answer.and_then(|answer| answer.status).map(|status| status.resource_rules).unwrap_or_default()
}

/// Whether a rule plainly grants a permission on every object (`ResourceMatches` of `pkg/apis/rbac/v1`).
fn grants(rule: &ResourceRule, permission: &Permission) -> bool {
    let lists =
        |list: Option<&Vec<String>>, wanted: &str| list.into_iter().flatten().any(|one| one == "*" || one == wanted);
    let any_parent = permission.resource.split_once('/').map(|(_, subresource)| format!("*/{subresource}"));
    let resources = rule.resources.as_ref();
    rule.resource_names.as_ref().is_none_or(Vec::is_empty)
        && rule.verbs.iter().any(|verb| verb == "*" || *verb == permission.verb)
        && lists(rule.api_groups.as_ref(), &permission.group)
        && (lists(resources, &permission.resource) || any_parent.is_some_and(|any| lists(resources, &any)))
}

/// The permission when it is missing.
async fn refused(context: &Context, permission: &Permission) -> Result<Option<Permission>, RunError> {
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
    let api: Api<SelfSubjectAccessReview> = Api::all(context.client());
    let params = PostParams::default();
    let answer = calls::patiently(context, "ask for a right", || api.create(&params, &question)).await;
    let answer =
        answer.map_err(|error| RunError::Cluster(format!("ask for the run's rights: {}", calls::text(&error))))?;
    let allowed = answer.status.is_some_and(|status| status.allowed);
    Ok(if allowed { None } else { Some(permission.clone()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_grants_what_rbac_says_that_it_grants() {
        let permission = |group: &str, resource: &str, verb: &str| Permission {
            group: group.into(),
            resource: resource.into(),
            verb: verb.into(),
            namespace: None,
        };
        let rule = |groups: &[&str], resources: &[&str], verbs: &[&str], names: &[&str]| {
            let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
            ResourceRule {
                api_groups: Some(list(groups)),
                resources: Some(list(resources)),
                verbs: list(verbs),
                resource_names: Some(list(names)),
            }
        };
        for (rule, wanted, expected) in [
            (rule(&["*"], &["*"], &["*"], &[]), permission("", "pods/eviction", "create"), true),
            (rule(&[""], &["pods"], &["get", "list"], &[]), permission("", "pods", "list"), true),
            (rule(&[""], &["pods"], &["get"], &[]), permission("", "pods", "list"), false),
            (rule(&["apps"], &["pods"], &["get"], &[]), permission("", "pods", "get"), false),
            (rule(&[""], &["pods"], &["*"], &[]), permission("", "pods/eviction", "create"), false),
            (rule(&[""], &["*/eviction"], &["create"], &[]), permission("", "pods/eviction", "create"), true),
            (rule(&[""], &["pods"], &["get"], &["web-0"]), permission("", "pods", "get"), false),
        ] {
            assert_eq!(grants(&rule, &wanted), expected, "{rule:?} {wanted:?}");
        }
    }
}
