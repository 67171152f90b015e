//! kube-proxy: Services and their endpoints as every node knows them, `proxy_sync` behind the API.
//! Never sees pods: EndpointSlices are its only source, as in a real cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::resolve::{Origin, Resolved};
use super::{State, Work};
use crate::sim::{Change, ChangeType, Event, Key, Kind, Object};

/// The label by which an EndpointSlice names its Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// All Services as the proxies see them.
#[derive(Debug, Default)]
pub(super) struct Services {
    views: BTreeMap<Key, View>,
    cluster_ips: BTreeMap<String, Key>,
    /// Keys of the EndpointSlices of each Service.
    slices: BTreeMap<Key, BTreeSet<String>>,
}

impl Services {
    pub(super) fn by_cluster_ip(&self, ip: &str) -> Option<&Key> {
        self.cluster_ips.get(ip)
    }
}

/// One Service as the proxies see it.
#[derive(Debug, Default)]
struct View {
    cluster_ip: String,
    headless: bool,
    /// `internalTrafficPolicy: Local`: only endpoints on the sender's own node.
    local: bool,
    ports: Vec<Port>,
    /// Where the next choice starts: round robin from a seeded start.
    next: u64,
}

#[derive(Debug)]
struct Port {
    name: String,
    number: u16,
    endpoints: Vec<Endpoint>,
}

#[derive(Debug)]
struct Endpoint {
    ip: String,
    port: u16,
    node: Option<Arc<str>>,
    ready: bool,
    serving_terminating: bool,
}

pub(super) fn on_change(state: &mut State, change: &Change) {
    let service = match change.kind {
        Kind::Service => change.key.clone(),
        Kind::EndpointSlice => {
            let Some(service) = service_of(&change.new) else { return };
            let slices = &mut state.network.services.slices;
            if change.change == ChangeType::Deleted {
                if let Some(names) = slices.get_mut(&service) {
                    names.remove(&change.key.name);
                }
            } else {
                slices.entry(service.clone()).or_default().insert(change.key.name.clone());
            }
            service
        }
        _ => return,
    };
    // A batch, as kube-proxy syncs: changes that follow while a sync is due are taken along by it.
    let delay = state.settings.timings.proxy_sync;
    state.after_once(delay, Event::Network(Work::SyncService(service)));
}

fn service_of(slice: &Object) -> Option<Key> {
    Some(Key::new(slice.text("/metadata/namespace"), slice.label(SERVICE_NAME)?))
}

pub(super) fn sync(state: &mut State, key: &Key) {
    let next = match state.network.services.views.remove(key) {
        Some(old) => {
            state.network.services.cluster_ips.remove(&old.cluster_ip);
            old.next
        }
        None => state.draw(0, 1 << 16),
    };
    let Some(service) = state.store.get(Kind::Service, key).cloned() else { return };
    let view = View { next, ..view(state, key, service.typed::<Service>()) };
    if !view.cluster_ip.is_empty() && !view.headless {
        state.network.services.cluster_ips.insert(view.cluster_ip.clone(), key.clone());
    }
    state.network.services.views.insert(key.clone(), view);
}

fn view(state: &State, key: &Key, service: &Service) -> View {
    let Some(spec) = &service.spec else { return View::default() };
    let slices = state.network.services.slices.get(key).into_iter().flatten();
    let slices: Vec<_> =
        slices.filter_map(|name| state.store.find(Kind::EndpointSlice, &key.namespace, name)).collect();
    let ports = spec.ports.iter().flatten().map(|port| {
        let name = port.name.clone().unwrap_or_default();
        let found = slices.iter().flat_map(|slice| endpoints(slice.typed::<EndpointSlice>(), &name));
        Port { endpoints: found.collect(), number: u16::try_from(port.port).unwrap_or_default(), name }
    });
    let cluster_ip = spec.cluster_ip.clone().unwrap_or_default();
    View {
        headless: cluster_ip == "None",
        cluster_ip,
        local: spec.internal_traffic_policy.as_deref() == Some("Local"),
        ports: ports.collect(),
        next: 0,
    }
}

/// The endpoints of a slice for the Service port of this name.
fn endpoints(slice: &EndpointSlice, port: &str) -> Vec<Endpoint> {
    let mut ports = slice.ports.iter().flatten();
    let Some(port) = ports.find(|known| known.name.as_deref().unwrap_or_default() == port) else { return Vec::new() };
    let Some(number) = port.port.and_then(|number| u16::try_from(number).ok()) else { return Vec::new() };
    let read = |endpoint: &k8s_openapi::api::discovery::v1::Endpoint| {
        let conditions = endpoint.conditions.clone().unwrap_or_default();
        // An absent condition is to be read as true for ready, as ready for serving, as false for terminating.
        let ready = conditions.ready.unwrap_or(true);
        Some(Endpoint {
            ip: endpoint.addresses.first()?.clone(),
            port: number,
            node: endpoint.node_name.as_deref().map(Arc::from),
            ready,
            serving_terminating: conditions.serving.unwrap_or(ready) && conditions.terminating.unwrap_or(false),
        })
    };
    slice.endpoints.iter().filter_map(read).collect()
}

/// One endpoint of a Service port: a ready one, else one that terminates and still serves.
pub(super) fn choose(state: &mut State, from: &Origin, service: &Key, port: &str) -> Resolved {
    let Some(view) = state.network.services.views.get_mut(service) else { return Resolved::Refused };
    let number = port.parse::<u16>().ok();
    let Some(known) = view.ports.iter().find(|known| known.name == port || Some(known.number) == number) else {
        return Resolved::Refused;
    };
    let near = |endpoint: &&Endpoint| match from {
        Origin::ControlPlane => true,
        Origin::Node(node) | Origin::Pod { node, .. } => !view.local || endpoint.node.as_deref() == Some(node),
    };
    let mut among: Vec<&Endpoint> = known.endpoints.iter().filter(|endpoint| endpoint.ready).filter(near).collect();
    if among.is_empty() && !view.headless {
        among = known.endpoints.iter().filter(|endpoint| endpoint.serving_terminating).filter(near).collect();
    }
    if among.is_empty() {
        return Resolved::Refused;
    }
    let chosen = among[usize::try_from(view.next).unwrap_or_default() % among.len()];
    // A headless name gives pod addresses only: a client in the cluster uses its own port number, untranslated.
    // The API server's proxy looks the port up.
    let port = match (view.headless, from, number) {
        (true, Origin::Node(_) | Origin::Pod { .. }, Some(number)) => number,
        _ => chosen.port,
    };
    let resolved = Resolved::To { ip: chosen.ip.clone(), port };
    view.next = view.next.wrapping_add(1);
    resolved
}
