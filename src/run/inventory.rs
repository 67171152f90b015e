//! Reads what a plan needs to know of the cluster, only where the plan's own permissions allow it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Namespace, Node};
use k8s_openapi::serde::de::DeserializeOwned;
use kube::api::{Api, ListParams};
use kube::{Client, Resource};

use crate::evidence::WorldName;
use crate::plan::{self, Inventory, Permission};
use crate::scenario::Scenario;
use crate::world::{Clock, World};

use super::{RunError, calls};

/// Objects for each page of a list.
const PAGE: u32 = 500;

/// The cluster as it is now.
///
/// # Errors
/// When something cannot be listed.
pub async fn inventory(world: &World, scenario: &Scenario) -> Result<Inventory, RunError> {
    let inventory = gather(&world.client, world.clock, scenario).await.map_err(RunError::Cluster)?;
    let clock = world.clock;
    let now = clock.started().checked_add(clock.elapsed()).unwrap_or(clock.started()).as_second();
    Ok(Inventory { now: (world.name != WorldName::Embedded).then_some(now), ..inventory })
}

async fn gather(client: &Client, clock: Clock, scenario: &Scenario) -> Result<Inventory, String> {
    let permissions = plan::permissions(scenario);
    let reader = Reader { client, clock, permissions: &permissions };
    Ok(Inventory {
        pods: reader.read("", "pods").await?,
        nodes: reader.nodes(scenario).await?,
        deployments: reader.read("apps", "deployments").await?,
        replica_sets: reader.read("apps", "replicasets").await?,
        stateful_sets: reader.read("apps", "statefulsets").await?,
        daemon_sets: reader.read("apps", "daemonsets").await?,
        budgets: reader.read("policy", "poddisruptionbudgets").await?,
        policies: reader.read("networking.k8s.io", "networkpolicies").await?,
        namespace_labels: reader.namespace_labels(scenario).await?,
        now: None,
    }
    .sorted())
}

struct Reader<'a> {
    client: &'a Client,
    clock: Clock,
    permissions: &'a [Permission],
}

impl Reader<'_> {
    /// Lists a kind wherever the run may list it: cluster-wide, or in some namespaces.
    async fn read<K>(&self, group: &str, resource: &str) -> Result<Vec<K>, String>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        let lists = |permission: &&Permission| {
            permission.group == group && permission.resource == resource && permission.verb == "list"
        };
        let places: BTreeSet<&Option<String>> =
            self.permissions.iter().filter(lists).map(|permission| &permission.namespace).collect();
        if places.contains(&None) {
            return Ok(pages(self.clock, &Api::all(self.client.clone()), resource).await?);
        }
        let mut all = Vec::new();
        for namespace in places.into_iter().flatten() {
            all.extend(pages(self.clock, &Api::namespaced(self.client.clone(), namespace), resource).await?);
        }
        Ok(all)
    }

    /// All nodes where the plan needs them; for a partition, where they may be listed.
    async fn nodes(&self, scenario: &Scenario) -> Result<Vec<Node>, String> {
        let optional = plan::optional(scenario).iter().any(|one| is_list_of_nodes(&one.permission));
        if !optional && !self.permissions.iter().any(is_list_of_nodes) {
            return Ok(Vec::new());
        }
        match pages(self.clock, &Api::all(self.client.clone()), "nodes").await {
            Err(Unread { forbidden: true, .. }) if optional => Ok(Vec::new()),
            nodes => nodes.map_err(|unread| unread.reason),
        }
    }

    /// Labels by namespace, of those whose labels matter and may be read.
    async fn namespace_labels(
        &self,
        scenario: &Scenario,
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>, String> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let mut labels = BTreeMap::new();
        for name in plan::labelled_namespaces(scenario) {
            match calls::repeat(self.clock, drop, || api.get_opt(&name)).await.result {
                Ok(Some(namespace)) => {
                    labels.insert(name, namespace.metadata.labels.unwrap_or_default());
                }
                Ok(None) => {}
                Err(error) if is_forbidden(&error) => {}
                Err(error) => return Err(format!("get namespace {name}: {}", calls::text(&error))),
            }
        }
        Ok(labels)
    }
}

/// Why something could not be listed.
struct Unread {
    reason: String,
    forbidden: bool,
}

impl From<Unread> for String {
    fn from(unread: Unread) -> Self {
        unread.reason
    }
}

fn is_list_of_nodes(permission: &Permission) -> bool {
    permission.resource == "nodes" && permission.verb == "list"
}

fn is_forbidden(error: &kube::Error) -> bool {
    calls::status(error).is_some_and(|status| status.code == 403)
}

async fn pages<K: Clone + DeserializeOwned + Debug>(clock: Clock, api: &Api<K>, what: &str) -> Result<Vec<K>, Unread> {
    let mut all = Vec::new();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = calls::repeat(clock, drop, || api.list(&params)).await.result;
        let page = page.map_err(|error| Unread {
            reason: format!("list {what}: {}", calls::text(&error)),
            forbidden: is_forbidden(&error),
        })?;
        all.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = ListParams::default().limit(PAGE).continue_token(&token),
            None => return Ok(all),
        }
    }
}
