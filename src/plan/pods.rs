//! Which pods a target or a pod set means: by label selector, or by the chain of owners from a workload down.
//!
//! Pods are found by owner reference, never by name prefix: `web-7f9c-x2` may belong to a bare ReplicaSet `web-7f9c`.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use crate::scenario::{PodSet, Requirement, Selector, Target, Workload, WorkloadKind};

use super::inventory::Inventory;
use super::selector;

/// A set of pods with its namespace settled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group<'a> {
    /// Namespace.
    pub namespace: &'a str,
    workload: Option<&'a Workload>,
    selector: Option<&'a Selector>,
}

impl<'a> From<&'a Target> for Group<'a> {
    fn from(target: &'a Target) -> Self {
        Self { namespace: &target.namespace, workload: target.workload.as_ref(), selector: target.selector.as_ref() }
    }
}

impl<'a> Group<'a> {
    /// The pods of a set, or the target's when there is no set.
    #[must_use]
    pub fn of(set: Option<&'a PodSet>, target: &'a Target) -> Self {
        let Some(set) = set else { return Self::from(target) };
        Self {
            namespace: set.namespace.as_deref().unwrap_or(&target.namespace),
            workload: set.workload.as_ref(),
            selector: set.selector.as_ref(),
        }
    }

    /// How it reads after `pods of`: `deployment/web in shop`, `app=web in shop`.
    #[must_use]
    pub fn describe(&self) -> String {
        let what = match (self.workload, self.selector) {
            (Some(workload), _) => workload.to_string(),
            (None, Some(selector)) => selector.to_string(),
            (None, None) => "no pods".to_owned(),
        };
        format!("{what} in {}", self.namespace)
    }
}

/// The pods of a target or a pod set, sorted by namespace and name; also those that do not run.
#[must_use]
pub fn pods_of<'a, 'g>(group: impl Into<Group<'g>>, inventory: &'a Inventory) -> Vec<&'a Pod> {
    let group = group.into();
    let in_namespace = inventory.pods.iter().filter(|pod| pod.metadata.namespace.as_deref() == Some(group.namespace));
    match (group.workload, group.selector) {
        (Some(workload), _) => {
            let owners = owners(workload, group.namespace, inventory);
            in_namespace
                .filter(|pod| match workload.kind {
                    WorkloadKind::Pod => pod.metadata.name.as_deref() == Some(&workload.name),
                    WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => {
                        controller_uid(&pod.metadata).is_some_and(|uid| owners.contains(uid))
                    }
                })
                .collect()
        }
        (None, Some(selector)) => {
            let Ok(requirements) = selector.requirements() else { return Vec::new() };
            in_namespace.filter(|pod| selector::matches(&requirements, pod.metadata.labels.as_ref())).collect()
        }
        (None, None) => Vec::new(),
    }
}

/// UIDs of the objects that own the workload's pods directly.
fn owners<'a>(workload: &Workload, namespace: &str, inventory: &'a Inventory) -> BTreeSet<&'a str> {
    let is = |meta: &ObjectMeta| {
        meta.namespace.as_deref() == Some(namespace) && meta.name.as_deref() == Some(&workload.name)
    };
    let uid = |meta: &'a ObjectMeta| meta.uid.as_deref();
    match workload.kind {
        WorkloadKind::Deployment => {
            let Some(deployment) = inventory.deployments.iter().find(|deployment| is(&deployment.metadata)) else {
                return BTreeSet::new();
            };
            let sets = inventory.replica_sets.iter().map(|set| &set.metadata);
            sets.filter(|meta| controller_uid(meta).is_some() && controller_uid(meta) == uid(&deployment.metadata))
                .filter_map(uid)
                .collect()
        }
        WorkloadKind::StatefulSet => {
            inventory.stateful_sets.iter().map(|set| &set.metadata).filter(|meta| is(meta)).filter_map(uid).collect()
        }
        WorkloadKind::DaemonSet => {
            inventory.daemon_sets.iter().map(|set| &set.metadata).filter(|meta| is(meta)).filter_map(uid).collect()
        }
        WorkloadKind::Pod => BTreeSet::new(),
    }
}

/// UID of the owner that controls an object.
#[must_use]
pub fn controller_uid(meta: &ObjectMeta) -> Option<&str> {
    controller(meta).map(|(_, _, uid)| uid)
}

/// Kind, name and UID of the owner that controls an object.
#[must_use]
pub fn controller(meta: &ObjectMeta) -> Option<(&str, &str, &str)> {
    let owner = meta.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))?;
    Some((&owner.kind, &owner.name, &owner.uid))
}

/// The number at the end of a StatefulSet pod's name: its label, else the name.
#[must_use]
pub fn ordinal(pod: &Pod) -> Option<u32> {
    let label = pod.metadata.labels.as_ref().and_then(|labels| labels.get("apps.kubernetes.io/pod-index"));
    if let Some(index) = label {
        return index.parse().ok();
    }
    let (kind, set, _) = controller(&pod.metadata)?;
    let rest = pod.metadata.name.as_deref()?.strip_prefix(set)?.strip_prefix('-')?;
    if kind == "StatefulSet" { rest.parse().ok() } else { None }
}

/// The pod's label `role`.
#[must_use]
pub fn role(pod: &Pod) -> Option<&str> {
    pod.metadata.labels.as_ref()?.get("role").map(String::as_str)
}

/// The selector by which a policy can mean the group's pods: the workload's own, or the one that was written.
///
/// # Errors
/// Why there is none.
pub(super) fn label_selector(group: &Group<'_>, inventory: &Inventory) -> Result<LabelSelector, String> {
    if let Some(written) = group.selector {
        return written.requirements().map(|requirements| selector::to_object(&requirements));
    }
    let workload = group.workload.ok_or("neither a workload nor a selector is given")?;
    let is = |meta: &ObjectMeta| {
        meta.namespace.as_deref() == Some(group.namespace) && meta.name.as_deref() == Some(&workload.name)
    };
    let found = match workload.kind {
        WorkloadKind::Deployment => {
            let found = inventory.deployments.iter().find(|deployment| is(&deployment.metadata));
            found.and_then(|found| found.spec.as_ref()).map(|spec| spec.selector.clone())
        }
        WorkloadKind::StatefulSet => {
            let found = inventory.stateful_sets.iter().find(|set| is(&set.metadata));
            found.and_then(|found| found.spec.as_ref()).map(|spec| spec.selector.clone())
        }
        WorkloadKind::DaemonSet => {
            let found = inventory.daemon_sets.iter().find(|set| is(&set.metadata));
            found.and_then(|found| found.spec.as_ref()).map(|spec| spec.selector.clone())
        }
        WorkloadKind::Pod => {
            let labels = inventory.pods.iter().find(|pod| is(&pod.metadata));
            let labels = labels.and_then(|pod| pod.metadata.labels.clone()).unwrap_or_default();
            if labels.is_empty() {
                return Err(format!("{} has no labels by which a NetworkPolicy could select it", group.describe()));
            }
            let conditions = labels.into_iter().map(|(key, value)| Requirement::In(key, vec![value]));
            Some(selector::to_object(&conditions.collect::<Vec<_>>()))
        }
    };
    found.ok_or_else(|| format!("{} does not exist", group.describe()))
}
