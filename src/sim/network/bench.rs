//! A bench for tests of the network and the applications: machines, sandboxes and objects built by hand.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Answer, Destination, Request, Vantage};
use crate::kubelet::{Container, Machine, Sandbox};
use crate::{Key, Kind, Settings, State};

pub(crate) const MS: Duration = Duration::from_millis(1);

/// A cluster of three machines, `n1` to `n3`, with a Service `web` and its slice for the pods that tests start.
pub(crate) struct Bench {
    pub(crate) state: State,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Settings { nodes: Vec::new(), ..Settings::default() }, 7)
    }

    pub(crate) fn with(settings: Settings, seed: u64) -> Self {
        let mut state = State::new(settings, seed);
        super::boot(&mut state);
        crate::apps::boot(&mut state);
        for index in 1..=3 {
            let name = format!("n{index}");
            let machine = Machine {
                name: name.clone(),
                ip: format!("192.168.0.1{index}"),
                powered: true,
                kubelet: true,
                network: true,
                ..Machine::default()
            };
            state.kubelet.machines.insert(name, machine);
        }
        let mut bench = Self { state };
        for (name, labels) in [("shop", json!({ "team": "a" })), ("other", json!({ "team": "b" }))] {
            let namespace = json!({ "metadata": { "name": name, "labels": labels } });
            bench.put(Kind::Namespace, namespace);
        }
        bench
    }

    /// Stores an object and shows it to the rooms under test only: no controller or kubelet answers it.
    pub(crate) fn put(&mut self, kind: Kind, mut value: Value) -> String {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = Key::new(text("/metadata/namespace"), text("/metadata/name"));
        if text("/metadata/uid").is_empty() {
            let uid = self.state.next_uid();
            value["metadata"]["uid"] = json!(uid);
        }
        let change = self.state.store.put(kind, &key, value);
        super::on_change(&mut self.state, &change);
        crate::apps::on_change(&mut self.state, &change);
        change.new.uid().to_owned()
    }

    /// Removes an object, as [`Bench::put`] stores it.
    pub(crate) fn take(&mut self, kind: Kind, namespace: &str, name: &str) {
        let change = self.state.store.remove(kind, &Key::new(namespace, name)).expect("it is there");
        super::on_change(&mut self.state, &change);
        crate::apps::on_change(&mut self.state, &change);
    }

    /// Starts a pod on a node as a kubelet would; returns its UID.
    pub(crate) fn pod(&mut self, namespace: &str, name: &str, node: &str, ip: &str, more: &Value) -> String {
        let uid = self.prepare(namespace, name, node, ip, more);
        self.state.app_started(&uid, "main");
        uid
    }

    /// A pod and its sandbox, before its process is started; returns its UID.
    pub(crate) fn prepare(&mut self, namespace: &str, name: &str, node: &str, ip: &str, more: &Value) -> String {
        let mut pod = json!({
            "metadata": { "namespace": namespace, "name": name, "labels": { "app": "web" } },
            "spec": {
                "nodeName": node,
                "containers": [{ "name": "main", "ports": [{ "name": "http", "containerPort": 8080 }] }],
            },
            "status": { "podIP": ip },
        });
        json_patch::merge(&mut pod, more);
        let uid = self.put(Kind::Pod, pod);
        let mut sandbox = Sandbox {
            uid: uid.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            node: node.to_owned(),
            ip: ip.to_owned(),
            ..Sandbox::default()
        };
        sandbox.containers.insert("main".to_owned(), Container { running: true, ..Container::default() });
        self.state.kubelet.sandboxes.insert(uid.clone(), sandbox);
        if more.pointer("/spec/hostNetwork").is_none() {
            self.state.kubelet.by_ip.insert(ip.to_owned(), uid.clone());
        }
        uid
    }

    /// Creates the Service `web` of namespace `shop` (port 80, named `http`, to 8080) and its EndpointSlice.
    pub(crate) fn service(&mut self, cluster_ip: &str, endpoints: &[(&str, bool, bool)]) {
        let service = json!({
            "metadata": { "namespace": "shop", "name": "web" },
            "spec": { "clusterIP": cluster_ip, "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }] },
        });
        self.put(Kind::Service, service);
        let slice = json!({
            "metadata": { "namespace": "shop", "name": "web-1", "labels": { "kubernetes.io/service-name": "web" } },
            "addressType": "IPv4",
            "ports": [{ "name": "http", "port": 8080, "protocol": "TCP" }],
            "endpoints": [],
        });
        self.put(Kind::EndpointSlice, slice);
        self.endpoints(endpoints);
    }

    /// Sets the endpoints of `web`: address, ready, terminating (and then serving).
    pub(crate) fn endpoints(&mut self, endpoints: &[(&str, bool, bool)]) {
        let endpoints: Vec<_> = endpoints
            .iter()
            .map(|(ip, ready, terminating)| {
                let serving = ready | terminating;
                let conditions = json!({ "ready": ready, "serving": serving, "terminating": terminating });
                json!({ "addresses": [ip], "conditions": conditions })
            })
            .collect();
        let mut slice = self.state.store.find(Kind::EndpointSlice, "shop", "web-1").expect("slice").value().clone();
        slice["endpoints"] = json!(endpoints);
        self.put(Kind::EndpointSlice, slice);
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.state.now + time;
        self.state.advance(until);
    }

    pub(crate) fn send(&mut self, from: &Vantage, to: &Destination, request: Request) -> oneshot::Receiver<Answer> {
        let (reply, answer) = oneshot::channel();
        self.state.send(from, to, request, reply);
        answer
    }

    /// Sends a GET and waits long enough for any answer.
    pub(crate) fn get(&mut self, from: &Vantage, to: &Destination) -> Answer {
        let request = Request { method: "GET".to_owned(), path: "/".to_owned(), body: String::new() };
        let mut answer = self.send(from, to, request);
        self.pass(20 * MS);
        answer.try_recv().expect("an answer within 20 ms")
    }

    pub(crate) fn machine(&mut self, name: &str) -> &mut Machine {
        self.state.kubelet.machines.get_mut(name).expect("machine")
    }
}

pub(crate) fn service(port: &str) -> Destination {
    Destination::Service { namespace: "shop".to_owned(), name: "web".to_owned(), port: port.to_owned() }
}

pub(crate) fn at_pod(namespace: &str, name: &str, port: &str) -> Destination {
    Destination::Pod { namespace: namespace.to_owned(), name: name.to_owned(), port: port.to_owned() }
}

pub(crate) fn in_pod(namespace: &str, name: &str) -> Vantage {
    Vantage::Pod { namespace: namespace.to_owned(), name: name.to_owned() }
}
