//! What the scheduler knows of nodes and placed pods, kept up with every change so that no cycle counts anew.
//! Never decides anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

use super::plugins::inter_pod_affinity::{Stance, Term, Terms};
use super::resources::{self, Resources};
use crate::labels;
use crate::{Key, Object};

/// A port of the node that a pod takes: address, protocol, number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HostPort {
    /// Address, `0.0.0.0` for all of them.
    pub(super) ip: String,
    /// `TCP`, `UDP` or `SCTP`.
    pub(super) protocol: String,
    /// Number.
    pub(super) port: i32,
}

impl HostPort {
    /// Whether two pods with these ports cannot share a node.
    pub(super) fn conflicts(&self, other: &Self) -> bool {
        let everywhere = |port: &Self| port.ip == "0.0.0.0";
        self.port == other.port
            && self.protocol == other.protocol
            && (self.ip == other.ip || everywhere(self) || everywhere(other))
    }
}

/// A pod with everything that cycles ask again and again.
#[derive(Debug)]
pub(super) struct PodInfo {
    pub(super) key: Key,
    pub(super) object: Arc<Object>,
    pub(super) requests: Resources,
    pub(super) scored: Resources,
    pub(super) ports: Vec<HostPort>,
    pub(super) terms: Terms,
    pub(super) claims: Vec<String>,
}

impl PodInfo {
    pub(super) fn new(key: &Key, object: &Arc<Object>) -> Self {
        let pod = object.typed::<Pod>();
        let default = PodSpec::default();
        let spec = pod.spec.as_ref().unwrap_or(&default);
        Self {
            key: key.clone(),
            object: object.clone(),
            requests: resources::requests(spec),
            scored: resources::scored_requests(spec),
            ports: host_ports(spec),
            terms: Terms::read(key, object, spec),
            claims: claims(&key.name, spec),
        }
    }

    /// The spec; the registry stores no pod without one.
    pub(super) fn spec(&self) -> Option<&PodSpec> {
        self.object.typed::<Pod>().spec.as_ref()
    }

    pub(super) fn priority(&self) -> i32 {
        self.spec().and_then(|spec| spec.priority).unwrap_or_default()
    }
}

fn host_ports(spec: &PodSpec) -> Vec<HostPort> {
    let sidecars =
        spec.init_containers.iter().flatten().filter(|container| container.restart_policy.as_deref() == Some("Always"));
    let ports = spec.containers.iter().chain(sidecars).flat_map(|container| container.ports.iter().flatten());
    ports
        .filter_map(|port| {
            let number = port.host_port.filter(|number| *number > 0)?;
            let ip = port.host_ip.clone().filter(|ip| !ip.is_empty()).unwrap_or_else(|| "0.0.0.0".to_owned());
            let protocol = port.protocol.clone().unwrap_or_else(|| "TCP".to_owned());
            Some(HostPort { ip, protocol, port: number })
        })
        .collect()
}

/// Names of the claims that a pod uses; that of a generic ephemeral volume is made of the pod's and the volume's.
fn claims(pod: &str, spec: &PodSpec) -> Vec<String> {
    let volumes = spec.volumes.iter().flatten();
    volumes
        .filter_map(|volume| match (&volume.persistent_volume_claim, &volume.ephemeral) {
            (Some(claim), _) => Some(claim.claim_name.clone()),
            (None, Some(_)) => Some(format!("{pod}-{}", volume.name)),
            (None, None) => None,
        })
        .collect()
}

/// A node with what is placed on it.
#[derive(Clone, Debug)]
pub(super) struct NodeInfo {
    name: String,
    pub(super) object: Arc<Object>,
    pub(super) allocatable: Resources,
    pub(super) requested: Resources,
    pub(super) scored: Resources,
    pub(super) ports: BTreeMap<HostPort, usize>,
    pub(super) pods: BTreeMap<Key, Arc<PodInfo>>,
}

impl NodeInfo {
    pub(super) fn new(object: &Arc<Object>) -> Self {
        let status = object.typed::<Node>().status.as_ref();
        Self {
            name: object.text("/metadata/name").to_owned(),
            object: object.clone(),
            allocatable: Resources::read(status.and_then(|status| status.allocatable.as_ref())),
            requested: Resources::default(),
            scored: Resources::default(),
            ports: BTreeMap::new(),
            pods: BTreeMap::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn node(&self) -> &Node {
        self.object.typed::<Node>()
    }

    pub(super) fn add(&mut self, pod: &Arc<PodInfo>) {
        self.requested.add(&pod.requests);
        self.scored.add(&pod.scored);
        for port in &pod.ports {
            *self.ports.entry(port.clone()).or_default() += 1;
        }
        self.pods.insert(pod.key.clone(), pod.clone());
    }

    fn remove(&mut self, key: &Key) {
        let Some(pod) = self.pods.remove(key) else { return };
        self.requested.subtract(&pod.requests);
        self.scored.subtract(&pod.scored);
        for port in &pod.ports {
            if let Some(count) = self.ports.get_mut(port) {
                *count -= 1;
                if *count == 0 {
                    self.ports.remove(port);
                }
            }
        }
    }
}

/// Where a pod is placed.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) node: String,
    pub(super) pod: Arc<PodInfo>,
}

/// A term of pod affinity or anti-affinity that placed pods hold, and how many of them hold it on each node.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) term: Term,
    pub(super) by_node: BTreeMap<String, i64>,
}

/// Nodes and placed pods.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    pub(super) nodes: BTreeMap<String, NodeInfo>,
    placed: BTreeMap<Key, Arc<Placed>>,
    /// Placed pods by namespace, label name and label value.
    labelled: BTreeMap<(String, String, String), BTreeMap<Key, Arc<Placed>>>,
    /// What placed pods think of others. Replicas share their terms, so that there are few groups of many pods.
    groups: BTreeMap<(Stance, String), Group>,
    order: Vec<String>,
}

impl Cache {
    /// Takes a node's newest version, with the pods that were placed on it before it was known.
    pub(super) fn set_node(&mut self, object: &Arc<Object>) {
        let name = object.text("/metadata/name").to_owned();
        let mut info = NodeInfo::new(object);
        match self.nodes.get(&name) {
            Some(known) => {
                info.requested = known.requested.clone();
                info.scored = known.scored.clone();
                info.ports = known.ports.clone();
                info.pods = known.pods.clone();
            }
            None => {
                for placed in self.placed.values().filter(|placed| placed.node == name) {
                    info.add(&placed.pod);
                }
            }
        }
        let moved = self.nodes.get(&name).is_none_or(|known| zone(&known.object) != zone(object));
        self.nodes.insert(name, info);
        if moved {
            self.order.clear();
        }
    }

    pub(super) fn remove_node(&mut self, name: &str) {
        self.nodes.remove(name);
        self.order.clear();
    }

    /// Puts a pod on a node, in place of what was known of it.
    pub(super) fn place(&mut self, pod: &Arc<PodInfo>, node: &str) {
        self.lift(&pod.key);
        if let Some(info) = self.nodes.get_mut(node) {
            info.add(pod);
        }
        for (stance, term) in pod.terms.iter() {
            let group = self.groups.entry((stance, term.id.clone()));
            let group = group.or_insert_with(|| Group { term: term.clone(), by_node: BTreeMap::new() });
            *group.by_node.entry(node.to_owned()).or_default() += 1;
        }
        let placed = Arc::new(Placed { node: node.to_owned(), pod: pod.clone() });
        for label in labels(pod) {
            self.labelled.entry(label).or_default().insert(pod.key.clone(), placed.clone());
        }
        self.placed.insert(pod.key.clone(), placed);
    }

    /// Takes a pod off its node. True when it was on one.
    pub(super) fn lift(&mut self, key: &Key) -> bool {
        let Some(placed) = self.placed.remove(key) else { return false };
        for (stance, term) in placed.pod.terms.iter() {
            let name = (stance, term.id.clone());
            let Some(group) = self.groups.get_mut(&name) else { continue };
            if let Some(number) = group.by_node.get_mut(&placed.node) {
                *number -= 1;
            }
            group.by_node.retain(|_, number| *number > 0);
            if group.by_node.is_empty() {
                self.groups.remove(&name);
            }
        }
        for label in labels(&placed.pod) {
            let Some(keys) = self.labelled.get_mut(&label) else { continue };
            keys.remove(key);
            if keys.is_empty() {
                self.labelled.remove(&label);
            }
        }
        if let Some(info) = self.nodes.get_mut(&placed.node) {
            info.remove(key);
        }
        true
    }

    pub(super) fn placed(&self, key: &Key) -> Option<&Placed> {
        self.placed.get(key).map(|placed| &**placed)
    }

    /// All placed pods, ordered by namespace and name.
    pub(super) fn all_placed(&self) -> impl Iterator<Item = &Placed> {
        self.placed.values().map(|placed| &**placed)
    }

    /// Placed pods of one namespace.
    pub(super) fn placed_in<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Placed> {
        let from = Key::new(namespace, "");
        self.placed.range(from..).take_while(move |(key, _)| key.namespace == namespace).map(|(_, placed)| &**placed)
    }

    /// Placed pods of one namespace that a selector means.
    pub(super) fn selected<'a>(&'a self, namespace: &'a str, selector: &'a LabelSelector) -> Vec<&'a Placed> {
        let matches = |placed: &&Placed| labels::matches(selector, &placed.pod.object);
        let with_label =
            |(name, value): (&String, &String)| self.labelled.get(&(namespace.to_owned(), name.clone(), value.clone()));
        let sets = selector.match_labels.iter().flatten().map(with_label);
        match sets.min_by_key(|set| set.map_or(0, BTreeMap::len)) {
            None => self.placed_in(namespace).filter(matches).collect(),
            Some(set) => set.into_iter().flatten().map(|(_, placed)| &**placed).filter(matches).collect(),
        }
    }

    /// What placed pods think of others.
    pub(super) fn groups(&self) -> impl Iterator<Item = (Stance, &Group)> {
        self.groups.iter().map(|((stance, _), group)| (*stance, group))
    }

    /// Names of the nodes in the order of [`Cache::sort`].
    pub(super) fn order(&self) -> &[String] {
        &self.order
    }

    /// Orders the nodes by taking one of each zone in turn, as the real scheduler walks them.
    pub(super) fn sort(&mut self) {
        if self.order.is_empty() {
            let mut zones: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (name, info) in self.nodes.iter().rev() {
                zones.entry(zone(&info.object)).or_default().push(name.clone());
            }
            while !zones.is_empty() {
                let next: Vec<_> = zones.values_mut().filter_map(Vec::pop).collect();
                self.order.extend(next);
                zones.retain(|_, names| !names.is_empty());
            }
        }
    }
}

fn labels(pod: &PodInfo) -> impl Iterator<Item = (String, String, String)> {
    let labels = pod.object.at("/metadata/labels").and_then(Value::as_object).into_iter().flatten();
    labels.filter_map(|(name, value)| Some((pod.key.namespace.clone(), name.clone(), value.as_str()?.to_owned())))
}

fn zone(node: &Object) -> String {
    let label = |name| node.label(name).unwrap_or_default();
    format!("{}/{}", label("topology.kubernetes.io/region"), label("topology.kubernetes.io/zone"))
}
