//! Labels and named ports of pods and labels of namespaces, as the nodes know them. A pod that still runs keeps what
//! was last known of it when its object is gone, as on a machine that is cut off.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use super::policy::{Labels, NamedPort, Protocol};
use super::{State, Work};
use crate::{Change, ChangeType, Event, Kind, Object};

/// What policies and named ports need to know of a pod.
#[derive(Debug)]
pub(super) struct PodFacts {
    pub(super) namespace: String,
    pub(super) labels: Labels,
    pub(super) ports: Vec<NamedPort>,
    /// A pod on its node's own network has the node's address and no policies.
    pub(super) host_network: bool,
}

/// The cache: pods by UID, namespaces by name.
#[derive(Debug, Default)]
pub(super) struct Pods {
    facts: BTreeMap<String, Arc<PodFacts>>,
    namespaces: BTreeMap<String, Arc<Labels>>,
}

impl Pods {
    pub(super) fn get(&self, uid: &str) -> Option<&Arc<PodFacts>> {
        self.facts.get(uid)
    }

    pub(super) fn namespace_labels(&self, name: &str) -> Option<&Arc<Labels>> {
        self.namespaces.get(name)
    }
}

/// How long after its object a pod's facts are looked at again.
const FORGET_AFTER: Duration = Duration::from_secs(120);

pub(super) fn on_change(state: &mut State, change: &Change) {
    match change.kind {
        Kind::Pod => pod_changed(state, change),
        Kind::Namespace => {
            if change.change == ChangeType::Deleted {
                state.network.pods.namespaces.remove(&change.key.name);
                return;
            }
            let mut labels = read_labels(&change.new);
            // The API server labels each namespace with its own name; policies select by it.
            labels.insert("kubernetes.io/metadata.name".to_owned(), change.key.name.clone());
            state.network.pods.namespaces.insert(change.key.name.clone(), Arc::new(labels));
        }
        _ => {}
    }
}

impl State {
    /// Whether a Service that selects a running pod has this number as a target port (called by `apps`).
    #[must_use]
    pub fn targeted(&self, uid: &str, port: u16) -> bool {
        let Some(facts) = self.network.pods.get(uid) else { return false };
        let selects = |spec: &ServiceSpec| {
            let wanted = spec.selector.as_ref().filter(|wanted| !wanted.is_empty());
            wanted.is_some_and(|wanted| wanted.iter().all(|(name, value)| facts.labels.get(name) == Some(value)))
        };
        let targets = |known: &ServicePort| match &known.target_port {
            None | Some(IntOrString::Int(0)) => known.port == i32::from(port),
            Some(IntOrString::Int(number)) => *number == i32::from(port),
            Some(IntOrString::String(_)) => false,
        };
        let services = self.store.in_namespace(Kind::Service, &facts.namespace);
        let mut specs = services.filter_map(|(_, service)| service.typed::<Service>().spec.as_ref());
        specs.any(|spec| selects(spec) && spec.ports.iter().flatten().any(targets))
    }
}

fn pod_changed(state: &mut State, change: &Change) {
    let uid = change.new.uid();
    if change.change == ChangeType::Deleted {
        state.after(FORGET_AFTER, Event::Network(Work::Forget(uid.to_owned())));
        return;
    }
    let same = change.old.as_ref().is_some_and(|old| {
        let of = |object: &Object, pointer: &str| object.value().pointer(pointer).cloned();
        of(old, "/metadata/labels") == of(&change.new, "/metadata/labels")
    });
    if same && state.network.pods.facts.contains_key(uid) {
        return;
    }
    let facts = PodFacts {
        namespace: change.key.namespace.clone(),
        labels: read_labels(&change.new),
        ports: named_ports(&change.new),
        host_network: change.new.value().pointer("/spec/hostNetwork").and_then(Value::as_bool) == Some(true),
    };
    state.network.pods.facts.insert(uid.to_owned(), Arc::new(facts));
}

pub(super) fn forget(state: &mut State, uid: String) {
    if state.kubelet.sandboxes.contains_key(&uid) {
        state.after(FORGET_AFTER, Event::Network(Work::Forget(uid)));
    } else {
        state.network.pods.facts.remove(&uid);
    }
}

fn read_labels(object: &Object) -> Labels {
    let labels = object.value().pointer("/metadata/labels").and_then(Value::as_object);
    labels
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

fn named_ports(object: &Object) -> Vec<NamedPort> {
    let lists = ["/spec/containers", "/spec/initContainers"];
    let containers = lists.iter().filter_map(|list| object.value().pointer(list)?.as_array()).flatten();
    let ports = containers.filter_map(|container| container.get("ports")?.as_array()).flatten();
    ports
        .filter_map(|port| {
            Some(NamedPort {
                name: port.get("name")?.as_str()?.to_owned(),
                number: u16::try_from(port.get("containerPort")?.as_u64()?).ok()?,
                protocol: Protocol::parse(port.get("protocol").and_then(Value::as_str))?,
            })
        })
        .collect()
}
