//! Requests through Services, pods and addresses, with machines and sandboxes built by hand.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Answer, ConnectionId, Destination, Request, Vantage};
use crate::sim::kubelet::{Container, Machine, Sandbox};
use crate::sim::{Key, Kind, Settings, State};

const MS: Duration = Duration::from_millis(1);

/// A cluster of three machines, `n1` to `n3`, with a Service `web` and its slice for the pods that tests start.
pub(in crate::sim) struct Bench {
    pub(in crate::sim) state: State,
}

impl Bench {
    pub(in crate::sim) fn new() -> Self {
        Self::with(Settings { nodes: Vec::new(), ..Settings::default() })
    }

    pub(in crate::sim) fn with(settings: Settings) -> Self {
        let mut state = State::new(settings, 7);
        super::boot(&mut state);
        crate::sim::apps::boot(&mut state);
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
    pub(in crate::sim) fn put(&mut self, kind: Kind, mut value: Value) -> String {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = Key::new(text("/metadata/namespace"), text("/metadata/name"));
        if text("/metadata/uid").is_empty() {
            let uid = self.state.next_uid();
            value["metadata"]["uid"] = json!(uid);
        }
        let change = self.state.store.put(kind, &key, value);
        super::on_change(&mut self.state, &change);
        crate::sim::apps::on_change(&mut self.state, &change);
        change.new.uid().to_owned()
    }

    /// Removes an object, as [`Bench::put`] stores it.
    pub(in crate::sim) fn take(&mut self, kind: Kind, namespace: &str, name: &str) {
        let change = self.state.store.remove(kind, &Key::new(namespace, name)).expect("it is there");
        super::on_change(&mut self.state, &change);
        crate::sim::apps::on_change(&mut self.state, &change);
    }

    /// Starts a pod on a node as a kubelet would; returns its UID.
    pub(in crate::sim) fn pod(&mut self, namespace: &str, name: &str, node: &str, ip: &str, more: Value) -> String {
        let mut pod = json!({
            "metadata": { "namespace": namespace, "name": name, "labels": { "app": "web" } },
            "spec": {
                "nodeName": node,
                "containers": [{ "name": "main", "ports": [{ "name": "http", "containerPort": 8080 }] }],
            },
            "status": { "podIP": ip },
        });
        json_patch::merge(&mut pod, &more);
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
        self.state.kubelet.by_ip.insert(ip.to_owned(), uid.clone());
        self.state.app_started(&uid, "main");
        uid
    }

    /// Creates the Service `web` of namespace `shop` (port 80, named `http`, to 8080) and its EndpointSlice.
    pub(in crate::sim) fn service(&mut self, cluster_ip: &str, endpoints: &[(&str, bool, bool)]) {
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
    pub(in crate::sim) fn endpoints(&mut self, endpoints: &[(&str, bool, bool)]) {
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

    pub(in crate::sim) fn pass(&mut self, time: Duration) {
        let until = self.state.now + time;
        self.state.advance(until);
    }

    pub(in crate::sim) fn send(
        &mut self,
        from: &Vantage,
        to: &Destination,
        request: Request,
    ) -> oneshot::Receiver<Answer> {
        let (reply, answer) = oneshot::channel();
        self.state.send(from, to, request, reply);
        answer
    }

    /// Sends a GET and waits long enough for any answer.
    pub(in crate::sim) fn get(&mut self, from: &Vantage, to: &Destination) -> Answer {
        let request = Request { method: "GET".to_owned(), path: "/".to_owned(), body: String::new() };
        let mut answer = self.send(from, to, request);
        self.pass(20 * MS);
        answer.try_recv().expect("an answer within 20 ms")
    }

    fn connect(&mut self, from: &Vantage, to: &Destination) -> Result<ConnectionId, Answer> {
        let (reply, mut opened) = oneshot::channel();
        self.state.connect(from, to, reply);
        self.pass(20 * MS);
        opened.try_recv().expect("an outcome within 20 ms")
    }

    fn get_on(&mut self, connection: ConnectionId) -> Answer {
        let (reply, mut answer) = oneshot::channel();
        let request = Request { method: "GET".to_owned(), path: "/".to_owned(), body: String::new() };
        self.state.send_on(connection, request, reply);
        self.pass(20 * MS);
        answer.try_recv().expect("an answer within 20 ms")
    }

    pub(in crate::sim) fn machine(&mut self, name: &str) -> &mut Machine {
        self.state.kubelet.machines.get_mut(name).expect("machine")
    }
}

pub(in crate::sim) fn service(port: &str) -> Destination {
    Destination::Service { namespace: "shop".to_owned(), name: "web".to_owned(), port: port.to_owned() }
}

pub(in crate::sim) fn at_pod(namespace: &str, name: &str, port: &str) -> Destination {
    Destination::Pod { namespace: namespace.to_owned(), name: name.to_owned(), port: port.to_owned() }
}

pub(in crate::sim) fn in_pod(namespace: &str, name: &str) -> Vantage {
    Vantage::Pod { namespace: namespace.to_owned(), name: name.to_owned() }
}

/// A pod's answer as its name, anything else as its variant.
fn short(answer: &Answer) -> &str {
    match answer {
        Answer::Response { pod, .. } => pod,
        Answer::Refused => "refused",
        Answer::Reset => "reset",
        Answer::Silent => "silent",
    }
}

fn two_pods() -> Bench {
    let mut bench = Bench::new();
    bench.pod("shop", "a", "n1", "10.0.1.1", json!({}));
    bench.pod("shop", "b", "n2", "10.0.2.1", json!({}));
    bench.service("10.96.0.10", &[("10.0.1.1", true, false), ("10.0.2.1", true, false)]);
    bench.pass(Duration::from_secs(2));
    bench
}

#[test]
fn every_way_of_naming_a_destination_reaches_the_application() {
    let mut bench = two_pods();
    for to in [service("80"), service("http"), Destination::Address { ip: "10.96.0.10".to_owned(), port: 80 }] {
        let mut met: Vec<_> = (0..2).map(|_| short(&bench.get(&Vantage::Outside, &to)).to_owned()).collect();
        met.sort();
        assert_eq!(met, ["a", "b"], "{to:?}");
    }
    let address = Destination::Address { ip: "10.0.2.1".to_owned(), port: 8080 };
    for to in [at_pod("shop", "b", "8080"), at_pod("shop", "b", "http"), address] {
        assert_eq!(short(&bench.get(&in_pod("shop", "a"), &to)), "b", "{to:?}");
    }
}

#[test]
fn what_leads_nowhere_is_refused_or_silent() {
    let mut bench = two_pods();
    let address = |ip: &str, port| Destination::Address { ip: ip.to_owned(), port };
    let cases = [
        (service("81"), "refused"),
        (service("metrics"), "refused"),
        (at_pod("shop", "a", "81"), "refused"),
        (at_pod("shop", "gone", "8080"), "silent"),
        (address("10.0.9.9", 8080), "silent"),
        (address("10.96.0.10", 443), "refused"),
    ];
    for (to, expected) in cases {
        assert_eq!(short(&bench.get(&Vantage::Outside, &to)), expected, "{to:?}");
    }
}

#[test]
fn the_answer_takes_two_ways_and_the_applications_time() {
    let mut bench = two_pods();
    let mut answer = bench.send(&Vantage::Outside, &service("80"), Request::default());
    bench.pass(Duration::from_micros(3999));
    assert!(answer.try_recv().is_err());
    bench.pass(Duration::from_micros(1));
    assert!(answer.try_recv().is_ok());
}

#[test]
fn proxies_follow_endpoints_late_and_fall_back_to_terminating_ones() {
    let mut bench = two_pods();
    bench.endpoints(&[("10.0.1.1", true, false)]);
    bench.pass(50 * MS);
    let met: Vec<_> = (0..2).map(|_| short(&bench.get(&Vantage::Outside, &service("80"))).to_owned()).collect();
    assert!(met.contains(&"b".to_owned()), "before proxy_sync the old endpoint is still chosen: {met:?}");
    bench.pass(100 * MS);
    for _ in 0..4 {
        assert_eq!(short(&bench.get(&Vantage::Outside, &service("80"))), "a");
    }
    bench.endpoints(&[("10.0.1.1", false, false), ("10.0.2.1", false, true)]);
    bench.pass(100 * MS);
    assert_eq!(short(&bench.get(&Vantage::Outside, &service("80"))), "b", "serving and terminating");
    bench.endpoints(&[("10.0.1.1", false, false)]);
    bench.pass(100 * MS);
    assert_eq!(short(&bench.get(&Vantage::Outside, &service("80"))), "refused");
}

#[test]
fn machines_swallow_when_dead_or_cut_but_not_within_themselves() {
    let mut bench = two_pods();
    bench.pod("shop", "c", "n2", "10.0.2.2", json!({}));
    bench.pass(Duration::from_secs(1));
    bench.machine("n2").network = false;
    assert_eq!(short(&bench.get(&in_pod("shop", "a"), &at_pod("shop", "b", "http"))), "silent");
    assert_eq!(short(&bench.get(&in_pod("shop", "b"), &at_pod("shop", "a", "http"))), "silent");
    assert_eq!(short(&bench.get(&in_pod("shop", "b"), &at_pod("shop", "c", "http"))), "c");
    bench.machine("n2").network = true;
    assert_eq!(short(&bench.get(&in_pod("shop", "a"), &at_pod("shop", "b", "http"))), "b");
    bench.machine("n2").powered = false;
    assert_eq!(short(&bench.get(&in_pod("shop", "a"), &at_pod("shop", "b", "http"))), "silent");
}

#[test]
fn a_request_under_way_is_reset_by_the_processs_end_and_lost_with_the_machine() {
    let mut bench = two_pods();
    let mut answer = bench.send(&Vantage::Outside, &at_pod("shop", "a", "http"), Request::default());
    bench.pass(2 * MS);
    let uid = bench.state.kubelet.by_ip["10.0.1.1"].clone();
    bench.state.app_killed(&uid, "main");
    bench.pass(2 * MS);
    assert_eq!(answer.try_recv(), Ok(Answer::Reset));
    assert_eq!(short(&bench.get(&Vantage::Outside, &at_pod("shop", "a", "http"))), "refused");

    let mut answer = bench.send(&Vantage::Outside, &at_pod("shop", "b", "http"), Request::default());
    bench.pass(2 * MS);
    bench.machine("n2").powered = false;
    bench.pass(4 * MS);
    assert_eq!(answer.try_recv(), Ok(Answer::Silent));
}

#[test]
fn open_connections_break_and_heal_as_tcp_does() {
    let mut bench = two_pods();
    let connection = bench.connect(&in_pod("shop", "a"), &at_pod("shop", "b", "http")).expect("opens");
    assert_eq!(short(&bench.get_on(connection)), "b");
    bench.machine("n2").network = false;
    assert_eq!(short(&bench.get_on(connection)), "silent");
    bench.machine("n2").network = true;
    assert_eq!(short(&bench.get_on(connection)), "b", "both ends still know it");
    let uid = bench.state.kubelet.by_ip["10.0.2.1"].clone();
    bench.state.app_killed(&uid, "main");
    bench.state.app_started(&uid, "main");
    bench.pass(Duration::from_secs(1));
    assert_eq!(short(&bench.get_on(connection)), "reset");
    assert_eq!(bench.connect(&Vantage::Outside, &at_pod("shop", "b", "81")), Err(Answer::Refused));
    bench.state.close(connection);
    assert_eq!(short(&bench.get_on(connection)), "reset");
}

fn deny_all(bench: &mut Bench) {
    let policy = json!({
        "metadata": { "namespace": "shop", "name": "deny" },
        "spec": { "podSelector": {}, "policyTypes": ["Ingress"] },
    });
    bench.put(Kind::NetworkPolicy, policy);
}

#[test]
fn a_policy_bites_late_also_on_open_connections_and_not_the_kubelet() {
    let mut bench = two_pods();
    let connection = bench.connect(&in_pod("shop", "a"), &at_pod("shop", "b", "http")).expect("opens");
    deny_all(&mut bench);
    bench.pass(250 * MS);
    assert_eq!(short(&bench.get(&Vantage::Outside, &at_pod("shop", "b", "http"))), "b", "before policy_sync");
    bench.pass(50 * MS);
    assert_eq!(short(&bench.get(&Vantage::Outside, &at_pod("shop", "b", "http"))), "silent");
    assert_eq!(short(&bench.get_on(connection)), "silent");
    assert_eq!(short(&bench.get(&Vantage::Node("n2".to_owned()), &at_pod("shop", "b", "http"))), "b");
    assert_eq!(short(&bench.get(&Vantage::Node("n1".to_owned()), &at_pod("shop", "b", "http"))), "silent");
    bench.take(Kind::NetworkPolicy, "shop", "deny");
    bench.pass(300 * MS);
    assert_eq!(short(&bench.get_on(connection)), "b");
}

#[test]
fn a_network_may_spare_established_connections_or_ignore_policies() {
    for (enforced, cut, fresh, established) in
        [(true, false, "silent", "b"), (false, true, "b", "b"), (true, true, "silent", "silent")]
    {
        let settings = Settings {
            policies_enforced: enforced,
            policies_cut_established: cut,
            nodes: Vec::new(),
            ..Settings::default()
        };
        let mut bench = Bench::with(settings);
        bench.pod("shop", "a", "n1", "10.0.1.1", json!({}));
        bench.pod("shop", "b", "n2", "10.0.2.1", json!({}));
        bench.pass(Duration::from_secs(1));
        let connection = bench.connect(&in_pod("shop", "a"), &at_pod("shop", "b", "http")).expect("opens");
        deny_all(&mut bench);
        bench.pass(Duration::from_secs(1));
        let to = at_pod("shop", "b", "http");
        assert_eq!(short(&bench.get(&in_pod("shop", "a"), &to)), fresh, "enforced {enforced} cut {cut}");
        assert_eq!(short(&bench.get_on(connection)), established, "enforced {enforced} cut {cut}");
    }
}

#[test]
fn a_headless_service_gives_pod_addresses() {
    let mut bench = Bench::new();
    bench.pod("shop", "a", "n1", "10.0.1.1", json!({}));
    bench.service("None", &[("10.0.1.1", true, false)]);
    bench.pass(Duration::from_secs(1));
    let inside = Vantage::Node("n2".to_owned());
    assert_eq!(short(&bench.get(&inside, &service("http"))), "a");
    assert_eq!(short(&bench.get(&inside, &service("80"))), "refused", "nothing translates the port");
    assert_eq!(short(&bench.get(&Vantage::Outside, &service("80"))), "a");
}
