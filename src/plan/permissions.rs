//! What a run must be allowed to do: for each kind of fault, for watching, for probing, for fixtures. Exactly these
//! verbs are checked before a run starts and printed as RBAC.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::scenario::{
    Aspect, DataCheck, FailureMode, Fault, FaultKind, PodSet, Probe, Scenario, Scopes, ServicePort, Store, Workload,
    WorkloadKind, objects,
};

use super::model::Permission;
use super::reach;
use crate::workload::StoreKind;

/// Everything that the scenario needs, fixtures apart; sorted, each once. What it can do without is [`super::optional`].
#[must_use]
pub fn of(scenario: &Scenario) -> Vec<Permission> {
    let mut all = observing(scenario);
    all.extend(probing(scenario));
    for fault in &scenario.faults {
        all.extend(injecting(&fault.kind, &scenario.target.namespace));
    }
    all.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Reading the inventory, watching what drifts, holding the lock of the target.
fn observing(scenario: &Scenario) -> Vec<Permission> {
    let target = Some(scenario.target.namespace.as_str());
    // Pods of every namespace are counted when a node is taken from under them.
    let pods = if reach::takes_nodes(scenario) { None } else { target };
    let mut all = Vec::new();
    let read = ["get", "list", "watch"];
    all.extend(needs("", "pods", &read, pods));
    if reach::watches_all_nodes(scenario) {
        all.extend(needs("", "nodes", &read, None));
    }
    all.extend(needs("", "events", &["list", "watch"], target));
    all.extend(needs("", "persistentvolumeclaims", &["list", "watch"], target));
    all.extend(needs("discovery.k8s.io", "endpointslices", &["list", "watch"], target));
    if reach::takes_nodes(scenario) {
        all.extend(needs("storage.k8s.io", "volumeattachments", &["list", "watch"], None));
    }
    // Which pods belong together, for the rule of the last ready replica.
    all.extend(needs("apps", "replicasets", &["list", "watch"], pods));
    if let Some(resource) = scenario.target.workload.as_ref().and_then(resource) {
        all.extend(needs("apps", resource, &read, target));
    }
    all.extend(needs("policy", "poddisruptionbudgets", &["list", "watch"], pods));
    if !scenario.guard.namespace_labels.is_empty() {
        all.extend(needs("", "namespaces", &["get"], target));
    }
    // What a policy of somebody else lets through decides whether a partition can be proven.
    if reach::partitions(scenario) || scenario.expect.same_after.contains(&Aspect::Leftovers) {
        all.extend(needs("networking.k8s.io", "networkpolicies", &["list"], target));
    }
    all.extend(needs("coordination.k8s.io", "leases", &["get", "list", "create", "update", "delete"], target));
    // The run's record, from which everything can be taken back without its evidence.
    all.extend(needs("", "configmaps", &["get", "create", "delete"], target));
    if scenario.faults.iter().any(|fault| !matches!(fault.kind, FaultKind::PodKill(_))) {
        all.extend(needs("", "configmaps", &["patch"], target));
    }
    if scenario.expect.same_after.contains(&Aspect::Config) {
        all.extend(needs("", "configmaps", &["get"], target));
        all.extend(needs("", "secrets", &["get"], target));
    }
    for set in reach::pod_sets(scenario) {
        let namespace = set.namespace.as_deref().or(target);
        all.extend(needs("", "pods", &read, namespace));
        all.extend(needs("apps", "replicasets", &["list", "watch"], namespace));
        if let Some(resource) = set.workload.as_ref().and_then(resource) {
            all.extend(needs("apps", resource, &["list"], namespace));
        }
    }
    for port in services(scenario) {
        let namespace = port.namespace.as_deref().or(target);
        all.extend(needs("", "services", &["get"], namespace));
        all.extend(needs("discovery.k8s.io", "endpointslices", &["list", "watch"], namespace));
    }
    all
}

/// Sending through the API server's proxies. A proxied GET needs `get`, PUT `update`, POST `create`.
fn probing(scenario: &Scenario) -> Vec<Permission> {
    let target = scenario.target.namespace.as_str();
    let mut all = Vec::new();
    if scenario.probes.iter().any(Probe::from_cluster) || scenario.data.iter().any(DataCheck::from_cluster) {
        all.extend(agent(target));
    }
    // What starts inside the cluster needs no proxy.
    let outside = scenario.probes.iter().filter(|probe| !probe.from_cluster());
    for port in outside.filter_map(|probe| probe.service.as_ref()) {
        all.extend(needs("", "services/proxy", &["get"], Some(port.namespace.as_deref().unwrap_or(target))));
    }
    for check in &scenario.data {
        match check {
            DataCheck::Set(set) => {
                let namespace = Some(set.service.namespace.as_deref().unwrap_or(target));
                for request in [&set.write, &set.read] {
                    all.extend(needs("", "services/proxy", &[proxy_verb(request)], namespace));
                }
                all.extend(needs("", "pods/proxy", &[proxy_verb(&set.replica_read)], Some(target)));
            }
            DataCheck::Volume(_) => all.extend(needs("", "pods/exec", &["create", "get"], Some(target))),
            // The agent's relay is reached by a forwarded port, and the store from there.
            DataCheck::Store(check) if check.from_cluster() => {
                all.extend(needs("", "pods/portforward", &["create", "get"], Some(target)));
                all.extend(needs("", "services", &["get"], Some(target)));
            }
            DataCheck::Store(check) => all.extend(store(&check.store, target)),
        }
    }
    all
}

/// Speaking to a store in the target's pods: HTTP through the proxy, all other protocols through a forwarded port.
fn store(store: &Store, target: &str) -> Vec<Permission> {
    if store.service.is_none() {
        return Vec::new();
    }
    match store.kind {
        StoreKind::Kv | StoreKind::Http => {
            needs("", "pods/proxy", &["get", "create", "update", "patch", "delete"], Some(target))
        }
        StoreKind::Etcd | StoreKind::Redis | StoreKind::Postgres => {
            needs("", "pods/portforward", &["create", "get"], Some(target))
        }
        StoreKind::Command => Vec::new(),
    }
}

/// Driftproof's own pod: created, looked after, spoken to, removed. A websocket begins as a GET, so that older API
/// servers ask for `get` on what kubectl needs `create` for; newer ones ask for both.
fn agent(namespace: &str) -> Vec<Permission> {
    let mut all = needs("", "pods", &["create", "get", "delete"], Some(namespace));
    all.extend(needs("", "pods/attach", &["create", "get"], Some(namespace)));
    all
}

fn proxy_verb(request: &str) -> &'static str {
    match request.split_whitespace().next() {
        Some("PUT") => "update",
        Some("POST") => "create",
        Some("PATCH") => "patch",
        Some("DELETE") => "delete",
        _ => "get",
    }
}

/// Injecting a fault, proving it and undoing it.
fn injecting(kind: &FaultKind, target: &str) -> Vec<Permission> {
    let namespace =
        |set: &Option<PodSet>| set.as_ref().and_then(|set| set.namespace.clone()).unwrap_or_else(|| target.to_owned());
    match kind {
        FaultKind::PodKill(kill) => needs("", "pods", &["get", "delete"], Some(&namespace(&kill.pods))),
        FaultKind::NetworkPartition(partition) => {
            let cut = namespace(&partition.pods);
            let verbs = ["get", "list", "create", "delete"];
            let mut all = needs("networking.k8s.io", "networkpolicies", &verbs, Some(&cut));
            // Canaries are sent from an agent, from pods at both ends, and from outside.
            if partition.from.is_none() {
                all.extend(agent(target));
            }
            all.extend(needs("", "pods/proxy", &["get"], Some(&cut)));
            for end in [cut, namespace(&partition.from)] {
                all.extend(needs("", "pods", &["get"], Some(&end)));
                all.extend(needs("", "pods/exec", &["create", "get"], Some(&end)));
            }
            all
        }
        FaultKind::NodeDrain(_) => {
            let mut all = needs("", "nodes", &["get", "patch"], None);
            all.extend(needs("", "pods/eviction", &["create"], None));
            all
        }
        FaultKind::NodeFailure(failure) if failure.mode == FailureMode::Taint => {
            needs("", "nodes", &["get", "patch"], None)
        }
        FaultKind::EtcdMemberReplace(_) => members(target),
        // By a pod on the node: see `of_node_agents`.
        FaultKind::NodeFailure(failure) if failure.needs_agent() => Vec::new(),
        // By commands, which are told from those of others by an annotation of the Node.
        FaultKind::NodeFailure(_) => needs("", "nodes", &["patch"], None),
    }
}

/// Replacing members: their StatefulSet grows and shrinks, pods and claims go, and the members are spoken to by POST.
fn members(namespace: &str) -> Vec<Permission> {
    let namespace = Some(namespace);
    let mut all = needs("apps", "statefulsets", &["get", "patch"], namespace);
    all.extend(needs("", "persistentvolumeclaims", &["get", "delete"], namespace));
    all.extend(needs("", "pods", &["get", "delete"], namespace));
    all.extend(needs("", "pods/proxy", &["create"], namespace));
    all
}

/// The dead-man's switch of a partition. Wanted, not needed: without these rights there is none.
#[must_use]
pub fn failsafe(scenario: &Scenario) -> Vec<Permission> {
    let mut namespaces = BTreeSet::new();
    for fault in &scenario.faults {
        if let FaultKind::NetworkPartition(partition) = &fault.kind {
            let own = partition.pods.as_ref().and_then(|set| set.namespace.as_deref());
            namespaces.insert(own.unwrap_or(&scenario.target.namespace));
        }
    }
    namespaces
        .into_iter()
        .flat_map(|namespace| needs("batch", "jobs", &["get", "create", "delete"], Some(namespace)))
        .collect()
}

/// Finding and taking back what any run has left in some namespace, or anywhere.
#[must_use]
pub fn undoing(namespace: Option<&str>) -> Vec<Permission> {
    let mut all = BTreeSet::new();
    for (group, resource) in [
        ("", "configmaps"),
        ("", "pods"),
        ("batch", "jobs"),
        ("coordination.k8s.io", "leases"),
        ("networking.k8s.io", "networkpolicies"),
    ] {
        all.extend(needs(group, resource, &["get", "list", "delete"], namespace));
    }
    all.extend(needs("", "nodes", &["get", "list", "patch"], None));
    // Whether a node that a command has made fail is alive.
    all.extend(needs("coordination.k8s.io", "leases", &["get"], Some("kube-node-lease")));
    if namespace.is_none() {
        all.extend(needs("", "namespaces", &["get", "list", "delete"], None));
    }
    all.into_iter().collect()
}

/// Starting agents on nodes of a live cluster, asking them and removing them. `namespace` is the one of their pods.
#[must_use]
pub fn of_node_agents(scenario: &Scenario, namespace: &str) -> Vec<Permission> {
    let needed = |fault: &Fault| matches!(&fault.kind, FaultKind::NodeFailure(failure) if failure.needs_agent());
    if !scenario.faults.iter().any(needed) {
        return Vec::new();
    }
    let mut all = needs("batch", "jobs", &["get", "create", "delete"], Some(namespace));
    // `create` asks, by a dry run, whether such a pod would be admitted.
    all.extend(needs("", "pods", &["create", "list", "watch"], Some(namespace)));
    all.extend(needs("", "pods/proxy", &["get", "create"], Some(namespace)));
    all
}

/// The resource of a workload; bare pods are read anyway.
fn resource(workload: &Workload) -> Option<&'static str> {
    match workload.kind {
        WorkloadKind::Deployment => Some("deployments"),
        WorkloadKind::StatefulSet => Some("statefulsets"),
        WorkloadKind::DaemonSet => Some("daemonsets"),
        WorkloadKind::Pod => None,
    }
}

/// Services that are probed or written to.
fn services(scenario: &Scenario) -> Vec<&ServicePort> {
    let probed = scenario.probes.iter().filter_map(|probe| probe.service.as_ref());
    let written = scenario.data.iter().filter_map(|check| match check {
        DataCheck::Set(set) => Some(&set.service),
        DataCheck::Store(check) => check.store.service.as_ref(),
        DataCheck::Volume(_) => None,
    });
    probed.chain(written).collect()
}

/// Applying fixtures and removing them. Namespaces that are `there` need not be created, and are not removed.
#[must_use]
pub fn of_fixtures(scenario: &Scenario, manifests: &[Value], there: &BTreeSet<String>) -> Vec<Permission> {
    let scopes = Scopes::new(scenario, manifests);
    let target = scenario.target.namespace.as_str();
    let mut all = BTreeSet::new();
    for manifest in manifests.iter().flat_map(objects) {
        let text = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str);
        let (Some(version), Some(kind)) = (text("/apiVersion"), text("/kind")) else { continue };
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let within = scopes.namespace(manifest);
        let known = kind == "Namespace" && text("/metadata/name").is_some_and(|name| there.contains(name));
        let verbs: &[&str] = if known { &["get", "patch"] } else { &["get", "create", "patch", "delete"] };
        all.extend(needs(group, &plural(kind), verbs, within));
        // The claims of a StatefulSet outlive it, and are removed with it where the namespace stays.
        if manifest.pointer("/spec/volumeClaimTemplates").is_some() {
            all.extend(needs("", "persistentvolumeclaims", &["get", "delete"], within));
        }
    }
    // The target's namespace is created when no manifest does it and it is not there.
    if !there.contains(target) && !namespaces_of(manifests).contains(target) {
        all.extend(needs("", "namespaces", &["get", "create", "patch", "delete"], None));
    }
    all.into_iter().collect()
}

/// The namespaces among the manifests.
#[must_use]
pub fn namespaces_of(manifests: &[Value]) -> BTreeSet<String> {
    let namespaces = manifests.iter().flat_map(objects).filter(|manifest| manifest["kind"] == "Namespace");
    namespaces.filter_map(|manifest| manifest.pointer("/metadata/name")?.as_str().map(str::to_owned)).collect()
}

/// The resource of a kind, by the rule that all built-in kinds follow.
fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    if kind == "endpoints" {
        kind
    } else if let Some(stem) = kind.strip_suffix('y') {
        format!("{stem}ies")
    } else if kind.ends_with('s') {
        format!("{kind}es")
    } else {
        format!("{kind}s")
    }
}

pub(super) fn needs(group: &str, resource: &str, verbs: &[&str], namespace: Option<&str>) -> Vec<Permission> {
    let permission = |verb: &&str| Permission {
        group: group.to_owned(),
        resource: resource.to_owned(),
        verb: (*verb).to_owned(),
        namespace: namespace.map(str::to_owned),
    };
    verbs.iter().map(permission).collect()
}
