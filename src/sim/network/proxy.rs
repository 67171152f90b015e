//! kube-proxy: Services and their endpoints as every node knows them, `proxy_sync` behind the API.
//! Never sees pods: endpoint slices are its only source, as in a real cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{EndpointConditions, EndpointSlice};

use super::resolve::{Origin, Resolved};
use super::{State, Work};
use crate::{Change, ChangeType, Event, Key, Kind, Object};

/// The label by which an EndpointSlice names its Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// All Services as the proxies see them.
#[derive(Debug, Default)]
pub(super) struct Services {
    views: BTreeMap<Key, Arc<View>>,
    /// What the proxy of a machine without network last heard, by node and Service.
    stale: BTreeMap<String, BTreeMap<Key, Arc<View>>>,
    /// How many choices were made for each Service, counted from a seeded start.
    turns: BTreeMap<Key, u64>,
    cluster_ips: BTreeMap<String, Key>,
    /// Names of the endpoint slices of each Service.
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
    /// `externalTrafficPolicy: Local`: only endpoints on the node whose node port is used.
    external_local: bool,
    ports: Vec<Port>,
}

#[derive(Debug)]
struct Port {
    name: String,
    number: u16,
    /// The port of every machine that leads here.
    outside: Option<u16>,
    ready: Vec<Endpoint>,
    /// Serving and terminating: the last resort when none is ready.
    terminating: Vec<Endpoint>,
}

#[derive(Debug)]
struct Endpoint {
    ip: String,
    port: u16,
    node: Option<Arc<str>>,
}

/// What the conditions of an endpoint make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Ready,
    LastResort,
    None,
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
    let old = state.network.services.views.remove(key);
    if let Some(old) = &old {
        state.network.services.cluster_ips.remove(&old.cluster_ip);
    }
    leave_stale(state, key, &old.unwrap_or_default());
    let Some(service) = state.store.get(Kind::Service, key).cloned() else { return };
    if !state.network.services.turns.contains_key(key) {
        let start = state.draw(0, 1 << 48);
        state.network.services.turns.insert(key.clone(), start);
    }
    let view = view(state, key, service.typed::<Service>());
    if !view.cluster_ip.is_empty() && !view.headless {
        state.network.services.cluster_ips.insert(view.cluster_ip.clone(), key.clone());
    }
    state.network.services.views.insert(key.clone(), Arc::new(view));
}

/// Machines that are cut off from the API go on with what their proxies knew.
fn leave_stale(state: &mut State, key: &Key, old: &Arc<View>) {
    let cut = state.kubelet.machines.values().filter(|machine| !machine.network);
    let cut: BTreeSet<&str> = cut.map(|machine| machine.name.as_str()).collect();
    let frozen = &mut state.network.services.stale;
    frozen.retain(|node, _| cut.contains(node.as_str()));
    for node in cut {
        frozen.entry(node.to_owned()).or_default().entry(key.clone()).or_insert_with(|| old.clone());
    }
}

/// The Service as the sender's own machine knows it.
fn known_to<'a>(state: &'a State, from: &Origin, service: &Key) -> Option<&'a Arc<View>> {
    let services = &state.network.services;
    let frozen = match from {
        Origin::ControlPlane => None,
        Origin::Node(node) | Origin::Pod { node, .. } => {
            let cut = state.kubelet.machines.get(node).is_some_and(|machine| !machine.network);
            if cut { services.stale.get(node).and_then(|views| views.get(service)) } else { None }
        }
    };
    frozen.or_else(|| services.views.get(service))
}

fn view(state: &State, key: &Key, service: &Service) -> View {
    let Some(spec) = &service.spec else { return View::default() };
    let slices = state.network.services.slices.get(key).into_iter().flatten();
    let slices: Vec<_> =
        slices.filter_map(|name| state.store.find(Kind::EndpointSlice, &key.namespace, name)).collect();
    let ports = spec.ports.iter().flatten().map(|port| {
        let name = port.name.clone().unwrap_or_default();
        let number = u16::try_from(port.port).unwrap_or_default();
        let node_port = port.node_port.and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0);
        let mut read = Port { name, number, outside: node_port, ready: Vec::new(), terminating: Vec::new() };
        for slice in &slices {
            endpoints(slice.typed::<EndpointSlice>(), &mut read);
        }
        read
    });
    let cluster_ip = spec.cluster_ip.clone().unwrap_or_default();
    View {
        headless: cluster_ip == "None",
        cluster_ip,
        local: spec.internal_traffic_policy.as_deref() == Some("Local"),
        external_local: spec.external_traffic_policy.as_deref() == Some("Local"),
        ports: ports.collect(),
    }
}

/// Adds the endpoints of a slice to the Service port of the same name.
fn endpoints(slice: &EndpointSlice, into: &mut Port) {
    let mut ports = slice.ports.iter().flatten();
    let Some(port) = ports.find(|known| known.name.as_deref().unwrap_or_default() == into.name) else { return };
    let Some(number) = port.port.and_then(|number| u16::try_from(number).ok()) else { return };
    for known in slice.endpoints.iter().flatten() {
        let Some(ip) = known.addresses.first() else { continue };
        let endpoint = Endpoint { ip: ip.clone(), port: number, node: known.node_name.as_deref().map(Arc::from) };
        match usable(known.conditions.as_ref()) {
            Use::Ready => into.ready.push(endpoint),
            Use::LastResort => into.terminating.push(endpoint),
            Use::None => {}
        }
    }
}

/// An absent condition is to be read as true for ready, as ready for serving, as false for terminating.
fn usable(conditions: Option<&EndpointConditions>) -> Use {
    let ready = conditions.and_then(|conditions| conditions.ready).unwrap_or(true);
    let serving = conditions.and_then(|conditions| conditions.serving).unwrap_or(ready);
    let terminating = conditions.and_then(|conditions| conditions.terminating).unwrap_or(false);
    match (ready, serving && terminating) {
        (true, _) => Use::Ready,
        (false, true) => Use::LastResort,
        (false, false) => Use::None,
    }
}

/// One endpoint of a Service port: a ready one, else one that terminates and still serves.
pub(super) fn choose(state: &mut State, from: &Origin, service: &Key, port: &str) -> Resolved {
    let Some(view) = known_to(state, from, service).cloned() else { return Resolved::Refused };
    let turn = turn(state, service);
    let number = port.parse::<u16>().ok();
    let Some(known) = view.ports.iter().find(|known| known.name == port || Some(known.number) == number) else {
        return Resolved::Refused;
    };
    let near = match from {
        Origin::Node(node) | Origin::Pod { node, .. } if view.local => Some(node.as_str()),
        Origin::ControlPlane | Origin::Node(_) | Origin::Pod { .. } => None,
    };
    let chosen = match known.choose(near, turn, !view.headless) {
        Ok(chosen) => chosen,
        Err(nobody) => return nobody,
    };
    // A headless name gives pod addresses only: a client in the cluster uses its own port number, untranslated.
    // The API server's proxy looks the port up.
    let port = match (view.headless, from, number) {
        (true, Origin::Node(_) | Origin::Pod { .. }, Some(number)) => number,
        _ => chosen.port,
    };
    Resolved::To { ip: chosen.ip.clone(), port }
}

impl Port {
    /// A ready endpoint, else one that terminates and still serves, if that is allowed. Without any, packets are
    /// rejected; when there are some and only not on the one node that may be used, they are dropped.
    fn choose(&self, near: Option<&str>, turn: u64, last_resort: bool) -> Result<&Endpoint, Resolved> {
        let among = |near| {
            let terminating = || if last_resort { pick(&self.terminating, near, turn) } else { None };
            pick(&self.ready, near, turn).or_else(terminating)
        };
        let elsewhere = || near.is_some() && among(None).is_some();
        among(near).ok_or_else(|| if elsewhere() { Resolved::Silent } else { Resolved::Refused })
    }
}

/// The endpoint that a machine's node port leads to; `None` when no Service has this port.
pub(super) fn at_node_port(state: &mut State, node: &str, number: u16) -> Option<Resolved> {
    let views = &state.network.services.views;
    let has = |view: &View| view.ports.iter().any(|port| port.outside == Some(number));
    let service = views.iter().find(|(_, view)| has(view)).map(|(key, _)| key.clone())?;
    let on = Origin::Node(node.to_owned());
    let view = known_to(state, &on, &service).cloned()?;
    let turn = turn(state, &service);
    let port = view.ports.iter().find(|port| port.outside == Some(number))?;
    let chosen = port.choose(view.external_local.then_some(node), turn, true);
    Some(chosen.map_or_else(|nobody| nobody, |chosen| Resolved::To { ip: chosen.ip.clone(), port: chosen.port }))
}

/// The Service's count of choices, counted on.
fn turn(state: &mut State, service: &Key) -> u64 {
    state.network.services.turns.get_mut(service).map_or(0, |turn| {
        *turn = turn.wrapping_add(1);
        *turn
    })
}

/// An endpoint at random, as iptables chooses, among those on one node if that is asked for. The chance hangs on the
/// Service's own count: two clients in step cannot divide the endpoints between them, and the seed's other draws do
/// not depend on how many requests there were.
fn pick<'a>(endpoints: &'a [Endpoint], near: Option<&str>, turn: u64) -> Option<&'a Endpoint> {
    let chance = scatter(turn);
    let nth = |count: usize| usize::try_from(chance % u64::try_from(count.max(1)).unwrap_or(1)).unwrap_or_default();
    let Some(node) = near else { return endpoints.get(nth(endpoints.len())) };
    let local: Vec<_> = endpoints.iter().filter(|endpoint| endpoint.node.as_deref() == Some(node)).collect();
    local.get(nth(local.len())).copied()
}

/// `SplitMix64` (Steele, Lea and Flood, 2014): consecutive numbers to random-looking ones.
fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
