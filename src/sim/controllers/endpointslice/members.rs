//! The pods behind a Service as endpoints. What was made of a pod is kept until the pod, the Service or the labels of a
//! node change: of thousands of pods few change between two looks. Never writes a slice.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::ServiceSpec;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort};

use super::endpoint;
use crate::controllers::index;
use crate::{Change, ChangeType, Key, Kind, Object, State};

/// What was made of the pods of each Service.
#[derive(Debug, Default)]
pub(in crate::controllers) struct Members {
    services: BTreeMap<Key, OfService>,
}

#[derive(Debug)]
struct OfService {
    service: Arc<Object>,
    /// Ordered by the names of their pods.
    members: Vec<Member>,
}

/// One pod as an endpoint.
#[derive(Clone, Debug)]
pub(super) struct Member {
    name: Arc<str>,
    pod: Arc<Object>,
    /// The ports under which it answers.
    pub(super) ports: Arc<Vec<EndpointPort>>,
    /// The endpoint.
    pub(super) endpoint: Arc<Endpoint>,
}

impl Member {
    fn make(state: &State, key: &Key, spec: &ServiceSpec, name: &str, pod: &Arc<Object>) -> Self {
        let node = state.store.find(Kind::Node, "", pod.text("/spec/nodeName"));
        let endpoint = Arc::new(endpoint::of(key, spec, pod, node.map(|node| &**node)));
        Self { name: name.into(), pod: pod.clone(), ports: Arc::new(endpoint::ports(spec, pod)), endpoint }
    }
}

/// The members of a Service that has a selector, ordered by the names of their pods.
pub(super) fn of(state: &mut State, key: &Key, service: &Arc<Object>, spec: &ServiceSpec) -> Vec<Member> {
    let Some(labels) = &spec.selector else { return Vec::new() };
    let known = state.controllers.members.services.remove(key).filter(|known| Arc::ptr_eq(&known.service, service));
    let mut known = known.map(|known| known.members).unwrap_or_default().into_iter().peekable();
    let mut members = Vec::new();
    for (name, pod) in index::pods_labelled(state, &key.namespace, labels) {
        while known.next_if(|known| &*known.name < name).is_some() {}
        match known.next_if(|known| &*known.name == name) {
            Some(member) if Arc::ptr_eq(&member.pod, pod) => members.push(member),
            Some(_) | None if endpoint::belongs(pod) => members.push(Member::make(state, key, spec, name, pod)),
            Some(_) | None => {}
        }
    }
    let kept = OfService { service: service.clone(), members: members.clone() };
    state.controllers.members.services.insert(key.clone(), kept);
    members
}

/// Forgets a Service that has no slices to look after.
pub(super) fn forget(state: &mut State, key: &Key) {
    state.controllers.members.services.remove(key);
}

/// Forgets everything when a node comes, goes or is labelled anew: endpoints name the zones of their nodes.
pub(in crate::controllers) fn node_changed(state: &mut State, change: &Change) {
    let zone = |node: &Object| node.label(endpoint::ZONE).map(ToOwned::to_owned);
    let same = change.old.as_ref().is_some_and(|old| zone(old) == zone(&change.new));
    if !same || change.change == ChangeType::Deleted {
        state.controllers.members.services.clear();
    }
}
