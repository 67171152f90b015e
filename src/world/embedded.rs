//! The embedded cluster as a world: the only place where our words meet the simulation's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use super::embedded_agents::{self, Reach};
use super::{
    Breaks, Bytes, Call, Clock, Connection, Machines, Means, Network, NetworkError, Place, Reply, Vantage, Volumes,
    World, digest_of, proxy, sha256,
};
use crate::evidence::WorldName;
use crate::scenario::{CommandPair, Enforcement, FailureMode, Scenario, objects};
use crate::sim::network::{Answer, ConnectionId, Destination, Request, Vantage as SimVantage};
use crate::sim::{Cluster, Kind, NodeSpec, Settings};

/// Boots an embedded cluster for a scenario on the current tokio runtime, whose clock must be paused.
///
/// # Errors
/// A quantity that cannot be read.
pub fn start(scenario: &Scenario, seed: u64) -> Result<World, String> {
    Ok(of(Cluster::start(settings(&scenario.cluster)?, seed)))
}

/// An embedded cluster that was booted before, as a world.
#[must_use]
pub fn of(cluster: Cluster) -> World {
    let client = cluster.client();
    let wall = cluster.with(|state| state.timestamp());
    let clock = Clock::starting_at(wall);
    let network: Arc<dyn Network> = Arc::new(Wires { cluster: cluster.clone(), client: client.clone() });
    let watched = cluster.clone();
    let look = Arc::new(move |namespace: &str, pod: &str| reach(&watched, namespace, pod));
    let agents = embedded_agents::Embedded { clock, network: network.clone(), look, joined: Mutex::default() };
    let (watched, broken) = (cluster.clone(), "the embedded cluster broke off (a panic); please report this");
    let breaks = Breaks::new(move || {
        let watched = watched.clone();
        async move { watched.broken().await }.map(|()| broken.to_owned()).boxed()
    });
    World {
        name: WorldName::Embedded,
        client,
        clock,
        network,
        agents: Arc::new(agents),
        machines: Arc::new(Hands { cluster: cluster.clone() }),
        volumes: Arc::new(Disks { cluster }),
        metrics: None,
        breaks,
    }
}

/// The objects among these that the embedded cluster keeps and does not act on, each once: `Ingress web`. So are the rules in CEL
/// of a definition.
#[must_use]
pub(super) fn not_modelled(manifests: &[Value]) -> Vec<String> {
    let text =
        |object: &Value, pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let all = manifests.iter().flat_map(objects);
    let inert = all.filter(|object| {
        let kind = Kind::by_name(&text(object, "/apiVersion"), &text(object, "/kind"));
        kind.is_none_or(|kind| !kind.is_modelled())
    });
    let mut names: BTreeSet<String> =
        inert.map(|object| format!("{} {}", text(object, "/kind"), text(object, "/metadata/name"))).collect();
    let definitions = manifests
        .iter()
        .flat_map(objects)
        .filter(|object| object["kind"] == "CustomResourceDefinition" && has_rules(object));
    names.extend(
        definitions.map(|object| format!("the x-kubernetes-validations of {}", text(object, "/metadata/name"))),
    );
    names.into_iter().collect()
}

/// Whether a definition has rules in CEL, which nothing here evaluates.
fn has_rules(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            fields.iter().any(|(name, field)| name == "x-kubernetes-validations" || has_rules(field))
        }
        Value::Array(items) => items.iter().any(has_rules),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Whether a stream to what runs in a pod would work.
fn reach(cluster: &Cluster, namespace: &str, pod: &str) -> Reach {
    cluster.with(|state| {
        let Some(pod) = state.store.find(Kind::Pod, namespace, pod) else { return Reach::Gone };
        let uid = pod.uid();
        if matches!(pod.text("/status/phase"), "Succeeded" | "Failed") {
            return Reach::Gone;
        }
        let Some(sandbox) = state.kubelet.sandboxes.get(uid) else { return Reach::Off };
        let machine = state.kubelet.machines.get(&sandbox.node);
        let runs = sandbox.containers.values().any(|container| container.running);
        match machine {
            Some(machine) if machine.powered && runs => {
                // The stream goes through the API server and the node's kubelet.
                if machine.kubelet && state.reaches_control_plane(uid) { Reach::Here } else { Reach::Away }
            }
            Some(_) | None => Reach::Off,
        }
    })
}

/// The simulation's settings for a scenario's `[cluster]`.
///
/// # Errors
/// A quantity that cannot be read.
pub fn settings(cluster: &crate::scenario::Cluster) -> Result<Settings, String> {
    let mut settings = Settings { nodes: nodes(cluster), ..Settings::default() };
    settings.policies_enforced = cluster.network_policies != Enforcement::Ignored;
    settings.images_preloaded = cluster.images_preloaded;
    settings.policies_cut_established = cluster.network_policies != Enforcement::NewConnections;
    let (wanted, timings) = (&cluster.timings, &mut settings.timings);
    let set = |value: Option<Duration>, to: &mut Duration| {
        if let Some(value) = value {
            *to = value;
        }
    };
    set(wanted.node_monitor_grace_period, &mut timings.node_monitor_grace_period);
    set(wanted.node_monitor_period, &mut timings.node_monitor_period);
    set(wanted.lease_renew_interval, &mut timings.lease_renew_interval);
    set(wanted.volume_attach, &mut timings.volume_attach);
    set(wanted.volume_detach, &mut timings.volume_detach);
    set(wanted.volume_mount, &mut timings.volume_mount);
    set(wanted.force_detach_after, &mut timings.force_detach_after);
    set(wanted.container_start, &mut timings.container_start);
    set(wanted.app_start, &mut timings.app_start);
    set(wanted.app_stop, &mut timings.app_stop);
    set(wanted.boot, &mut timings.boot);
    if let Some(toleration) = wanted.default_toleration {
        timings.default_toleration_seconds = toleration.as_secs();
    }
    if let Some(size) = &wanted.image_size {
        timings.image_size = crate::scenario::quantity(size)?;
    }
    if let Some(bandwidth) = &wanted.pull_bandwidth {
        timings.pull_bandwidth = crate::scenario::quantity(bandwidth)?;
    }
    Ok(settings)
}

fn nodes(cluster: &crate::scenario::Cluster) -> Vec<NodeSpec> {
    let zones = if cluster.zones.is_empty() { vec!["zone-1".to_owned()] } else { cluster.zones.clone() };
    let node = |index: usize| {
        let mut spec = NodeSpec::new(format!("worker-{}", index + 1), zones[index % zones.len()].clone());
        spec.capacity.extend(cluster.capacity.clone());
        if let Some(special) = cluster.node.get(&spec.name) {
            if let Some(zone) = &special.zone {
                spec.zone.clone_from(zone);
            }
            spec.labels.clone_from(&special.labels);
            spec.taints.clone_from(&special.taints);
            spec.capacity.extend(special.capacity.clone());
        }
        spec
    };
    (0..cluster.nodes as usize).map(node).collect()
}

struct Wires {
    cluster: Cluster,
    client: kube::Client,
}

fn vantage(from: &Vantage) -> SimVantage {
    match from {
        Vantage::Outside => SimVantage::Outside,
        Vantage::Pod { namespace, name } => SimVantage::Pod { namespace: namespace.clone(), name: name.clone() },
    }
}

fn destination(to: &Place) -> Result<Destination, NetworkError> {
    match to.clone() {
        Place::Service { namespace, name, port } => Ok(Destination::Service { namespace, name, port }),
        Place::Pod { namespace, name, port } => Ok(Destination::Pod { namespace, name, port }),
        Place::Url(url) => {
            Err(NetworkError::Unsupported(format!("{url}: the embedded cluster has no way out; use `service`")))
        }
    }
}

fn reply(answer: Answer, timeout: Duration) -> Result<Reply, NetworkError> {
    match answer {
        Answer::Response { status, body, pod } => Ok(Reply { status, body, pod: Some(pod) }),
        Answer::Refused => Err(NetworkError::Refused("connection refused".to_owned())),
        Answer::Reset => Err(NetworkError::Broken("connection reset".to_owned())),
        Answer::Silent => Err(NetworkError::Timeout(timeout)),
    }
}

impl Network for Wires {
    fn http<'a>(
        &'a self,
        from: &'a Vantage,
        to: &'a Place,
        call: Call<'a>,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Reply, NetworkError>> {
        async move {
            let to_sim = destination(to)?;
            if *from == Vantage::Outside {
                return proxy::request(&self.client, to, call, timeout).await;
            }
            let Call { method, path, headers: _, body } = call;
            let request = Request { method: method.to_owned(), path: path.to_owned(), body: body.to_owned() };
            let answer = self.cluster.request(vantage(from), to_sim, request);
            match tokio::time::timeout(timeout, answer).await {
                Ok(answer) => reply(answer, timeout),
                Err(_) => Err(NetworkError::Timeout(timeout)),
            }
        }
        .boxed()
    }

    fn stream<'a>(&'a self, _: &'a Place) -> BoxFuture<'a, Result<Bytes, NetworkError>> {
        let why = "the embedded cluster speaks HTTP only".to_owned();
        std::future::ready(Err(NetworkError::Unsupported(why))).boxed()
    }

    fn connect<'a>(
        &'a self,
        from: &'a Vantage,
        to: &'a Place,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, NetworkError>> {
        async move {
            let opening = self.cluster.connect(vantage(from), destination(to)?);
            match tokio::time::timeout(timeout, opening).await {
                Ok(Ok(id)) => Ok(Box::new(Wire { cluster: self.cluster.clone(), id }) as Box<dyn Connection>),
                Ok(Err(answer)) => reply(answer, timeout).and(Err(NetworkError::Broken("no connection".to_owned()))),
                Err(_) => Err(NetworkError::Timeout(timeout)),
            }
        }
        .boxed()
    }
}

struct Wire {
    cluster: Cluster,
    id: ConnectionId,
}

impl Connection for Wire {
    fn round_trip(&self, timeout: Duration) -> BoxFuture<'_, Result<(), NetworkError>> {
        async move {
            let request = Request { method: "GET".to_owned(), path: "/".to_owned(), body: String::new() };
            match tokio::time::timeout(timeout, self.cluster.send_on(self.id, request)).await {
                Ok(answer) => reply(answer, timeout).map(drop),
                Err(_) => Err(NetworkError::Timeout(timeout)),
            }
        }
        .boxed()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.cluster.close(self.id);
    }
}

struct Hands {
    cluster: Cluster,
}

impl Machines for Hands {
    fn means(&self, _mode: FailureMode, _command: Option<&CommandPair>) -> Result<Means, String> {
        Ok(Means::Hands)
    }

    fn fail<'a>(
        &'a self,
        node: &'a str,
        _ip: &'a str,
        mode: FailureMode,
        _command: Option<&'a CommandPair>,
    ) -> BoxFuture<'a, Result<(), String>> {
        match mode {
            FailureMode::PowerOff => self.cluster.power_off(node),
            FailureMode::KubeletStop => self.cluster.kill_kubelet(node),
            FailureMode::NetworkCut => self.cluster.cut_network(node),
            // Set and removed through the API, in this world as in a live one.
            FailureMode::Taint => {}
        }
        std::future::ready(Ok(())).boxed()
    }

    fn restore<'a>(
        &'a self,
        node: &'a str,
        _ip: &'a str,
        mode: FailureMode,
        _command: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), String>> {
        match mode {
            FailureMode::PowerOff => self.cluster.power_on(node),
            FailureMode::KubeletStop => self.cluster.start_kubelet(node),
            FailureMode::NetworkCut => self.cluster.join_network(node),
            FailureMode::Taint => {}
        }
        std::future::ready(Ok(())).boxed()
    }
}

struct Disks {
    cluster: Cluster,
}

impl Volumes for Disks {
    fn digest<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        path: &'a str,
    ) -> BoxFuture<'a, Result<(String, u64), String>> {
        let content = self.cluster.volume(namespace, pod, path);
        let files = content.ok_or_else(|| format!("pod {namespace}/{pod}: no volume is mounted at {path}"));
        let digest = files.map(|files| {
            let hashed: BTreeMap<_, _> =
                files.iter().map(|(name, text)| (name.clone(), sha256(text.as_bytes()))).collect();
            digest_of(hashed)
        });
        std::future::ready(digest).boxed()
    }

    fn write<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        path: &'a str,
        file: &'a str,
        content: &'a str,
    ) -> BoxFuture<'a, Result<(), String>> {
        let done = self.cluster.write_volume(namespace, pod, path, file, content);
        let result = if done { Ok(()) } else { Err(format!("pod {namespace}/{pod}: no volume is mounted at {path}")) };
        std::future::ready(result).boxed()
    }
}
