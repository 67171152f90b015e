//! Requests through Services, pods and addresses, with machines and sandboxes built by hand.

use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;

use super::bench::{Bench, MS, at_pod, in_pod, service};
use super::{Answer, ConnectionId, Destination, Request, Vantage};
use crate::{Kind, Settings};

impl Bench {
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
    bench.pod("shop", "a", "n1", "10.0.1.1", &json!({}));
    bench.pod("shop", "b", "n2", "10.0.2.1", &json!({}));
    bench.service("10.96.0.10", &[("10.0.1.1", true, false), ("10.0.2.1", true, false)]);
    bench.pass(Duration::from_secs(2));
    bench
}

#[test]
fn every_way_of_naming_a_destination_reaches_the_application() {
    let mut bench = two_pods();
    for to in [service("80"), service("http"), Destination::Address { ip: "10.96.0.10".to_owned(), port: 80 }] {
        let met: Vec<_> = (0..40).map(|_| short(&bench.get(&Vantage::Outside, &to)).to_owned()).collect();
        let share = met.iter().filter(|name| *name == "a").count();
        assert!((10..=30).contains(&share) && met.iter().all(|name| name == "a" || name == "b"), "{to:?}: {met:?}");
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
    bench.pass(90 * MS);
    let asked: Vec<_> = (0..40).map(|_| bench.send(&Vantage::Outside, &service("80"), Request::default())).collect();
    bench.pass(10 * MS);
    let mut met = asked.into_iter().map(|mut answer| answer.try_recv().expect("an answer within 10 ms"));
    assert!(met.any(|answer| short(&answer) == "b"), "before proxy_sync the old endpoint is still chosen");
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
    bench.pod("shop", "c", "n2", "10.0.2.2", &json!({}));
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
        let mut bench = Bench::with(settings, 7);
        bench.pod("shop", "a", "n1", "10.0.1.1", &json!({}));
        bench.pod("shop", "b", "n2", "10.0.2.1", &json!({}));
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
    bench.pod("shop", "a", "n1", "10.0.1.1", &json!({}));
    bench.service("None", &[("10.0.1.1", true, false)]);
    bench.pass(Duration::from_secs(1));
    let inside = Vantage::Node("n2".to_owned());
    assert_eq!(short(&bench.get(&inside, &service("http"))), "a");
    assert_eq!(short(&bench.get(&inside, &service("80"))), "refused", "nothing translates the port");
    assert_eq!(short(&bench.get(&Vantage::Outside, &service("80"))), "a");
}

#[test]
fn pods_on_the_nodes_own_network_share_its_address_and_know_no_policies() {
    let mut bench = two_pods();
    for (name, port) in [("agent", 9100), ("proxy", 9200)] {
        let ports = json!([{ "name": "main", "ports": [{ "containerPort": port }] }]);
        let more = json!({ "spec": { "hostNetwork": true, "containers": ports } });
        bench.pod("shop", name, "n3", "192.168.0.13", &more);
    }
    deny_all(&mut bench);
    bench.pass(Duration::from_secs(1));
    for (port, expected) in [(9100, "agent"), (9200, "proxy"), (9300, "refused")] {
        let to = Destination::Address { ip: "192.168.0.13".to_owned(), port };
        assert_eq!(short(&bench.get(&in_pod("shop", "a"), &to)), expected);
    }
}

#[test]
fn a_machines_address_leads_to_host_ports_and_node_ports() {
    let mut bench = two_pods();
    let ports = json!([{ "name": "main", "ports": [{ "containerPort": 8080, "hostPort": 9000 }] }]);
    bench.pod("shop", "agent", "n3", "10.0.3.1", &json!({ "spec": { "containers": ports } }));
    bench.pass(Duration::from_secs(1));
    for policy in ["Cluster", "Local"] {
        let port = json!({ "name": "http", "port": 80, "targetPort": 8080, "nodePort": 30080 });
        let spec = json!({ "clusterIP": "10.96.0.10", "externalTrafficPolicy": policy, "ports": [port] });
        bench.put(Kind::Service, json!({ "metadata": { "namespace": "shop", "name": "web" }, "spec": spec }));
        let endpoint = json!({ "addresses": ["10.0.1.1"], "nodeName": "n1", "conditions": { "ready": true } });
        let mut slice = bench.state.store.find(Kind::EndpointSlice, "shop", "web-1").expect("slice").value().clone();
        slice["endpoints"] = json!([endpoint]);
        bench.put(Kind::EndpointSlice, slice);
        bench.pass(Duration::from_secs(1));
        let elsewhere = if policy == "Local" { "silent" } else { "a" };
        for (ip, port, expected) in [
            ("192.168.0.13", 9000, "agent"),
            ("192.168.0.12", 9000, "refused"),
            ("192.168.0.11", 30080, "a"),
            ("192.168.0.12", 30080, elsewhere),
        ] {
            let to = Destination::Address { ip: ip.to_owned(), port };
            assert_eq!(short(&bench.get(&in_pod("shop", "b"), &to)), expected, "{policy} {ip}:{port}");
        }
    }
}

#[test]
fn a_service_with_endpoints_on_other_nodes_only_drops_what_is_local() {
    let mut bench = two_pods();
    let spec = json!({
        "clusterIP": "10.96.0.10", "internalTrafficPolicy": "Local",
        "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }],
    });
    bench.put(Kind::Service, json!({ "metadata": { "namespace": "shop", "name": "web" }, "spec": spec }));
    let mut slice = bench.state.store.find(Kind::EndpointSlice, "shop", "web-1").expect("slice").value().clone();
    slice["endpoints"] = json!([{ "addresses": ["10.0.1.1"], "nodeName": "n1", "conditions": { "ready": true } }]);
    bench.put(Kind::EndpointSlice, slice);
    bench.pass(Duration::from_secs(1));
    assert_eq!(short(&bench.get(&in_pod("shop", "a"), &service("80"))), "a");
    assert_eq!(short(&bench.get(&in_pod("shop", "b"), &service("80"))), "silent");
    bench.endpoints(&[("10.0.1.1", false, false)]);
    bench.pass(Duration::from_secs(1));
    assert_eq!(short(&bench.get(&in_pod("shop", "b"), &service("80"))), "refused", "without any endpoint");
}

#[test]
fn a_container_without_ports_listens_where_services_say() {
    let mut bench = Bench::new();
    let bare = json!({ "spec": { "containers": [{ "name": "main", "ports": null }] } });
    bench.pod("shop", "bare", "n1", "10.0.1.1", &bare);
    bench.pod("shop", "stated", "n1", "10.0.1.2", &json!({}));
    bench.pass(Duration::from_secs(1));
    assert_eq!(short(&bench.get(&Vantage::Outside, &at_pod("shop", "bare", "9000"))), "refused");
    let spec = json!({ "selector": { "app": "web" }, "ports": [{ "port": 80, "targetPort": 9000 }] });
    bench.put(Kind::Service, json!({ "metadata": { "namespace": "shop", "name": "web" }, "spec": spec }));
    assert_eq!(short(&bench.get(&Vantage::Outside, &at_pod("shop", "bare", "9000"))), "bare");
    assert_eq!(short(&bench.get(&Vantage::Outside, &at_pod("shop", "stated", "9000"))), "refused", "it declares 8080");
}

#[test]
fn the_proxy_of_a_cut_off_machine_keeps_what_it_knew() {
    let mut bench = two_pods();
    bench.machine("n1").network = false;
    bench.endpoints(&[("10.0.2.1", true, false)]);
    bench.pass(Duration::from_secs(1));
    let mut met = |from: Vantage| -> Vec<String> {
        let met = (0..20).map(|_| short(&bench.get(&from, &service("80"))).to_owned());
        met.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    };
    assert_eq!(met(Vantage::Outside), ["b"]);
    assert_eq!(met(in_pod("shop", "a")), ["a", "silent"]);
    bench.machine("n1").network = true;
    assert_eq!(short(&bench.get(&in_pod("shop", "a"), &service("80"))), "b");
}
