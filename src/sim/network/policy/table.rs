//! NetworkPolicy as a table: policies in YAML's shape, and for each of them which packets pass.
//!
//! The world: pods `web`, `db` and `job` in `shop` (team a), pod `web` in `other` (team b), and addresses outside.

use serde_json::{Value, json};

use super::{End, Labels, NamedPort, Policies, Policy, Protocol, allowed};

struct Pod {
    uid: &'static str,
    namespace: &'static str,
    labels: Labels,
    ports: Vec<NamedPort>,
    ip: &'static str,
}

/// Pods and namespaces of the table.
struct World {
    pods: Vec<Pod>,
    shop: Labels,
    other: Labels,
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn world() -> World {
    let named = |name: &str, number, protocol| NamedPort { name: name.to_owned(), number, protocol };
    let pod =
        |uid, namespace, ip, pairs: &[(&str, &str)], ports| Pod { uid, namespace, labels: labels(pairs), ports, ip };
    World {
        pods: vec![
            pod(
                "shop/web",
                "shop",
                "10.0.1.1",
                &[("app", "web"), ("tier", "front")],
                vec![named("http", 8080, Protocol::Tcp)],
            ),
            pod(
                "shop/db",
                "shop",
                "10.0.1.2",
                &[("app", "db"), ("tier", "back")],
                vec![named("sql", 5432, Protocol::Tcp), named("dns", 53, Protocol::Udp)],
            ),
            pod("shop/job", "shop", "10.0.2.1", &[("app", "job")], vec![]),
            pod("other/web", "other", "10.0.2.2", &[("app", "web")], vec![named("http", 9090, Protocol::Tcp)]),
        ],
        shop: labels(&[("kubernetes.io/metadata.name", "shop"), ("team", "a")]),
        other: labels(&[("kubernetes.io/metadata.name", "other"), ("team", "b")]),
    }
}

impl World {
    /// A pod by `namespace/name`, else an address.
    fn end<'a>(&'a self, name: &str) -> End<'a> {
        match self.pods.iter().find(|pod| pod.uid == name) {
            Some(pod) => End::Pod {
                uid: pod.uid,
                namespace: pod.namespace,
                namespace_labels: if pod.namespace == "shop" { &self.shop } else { &self.other },
                labels: &pod.labels,
                ports: &pod.ports,
                ip: pod.ip.parse().ok(),
            },
            None => End::Address(name.parse().ok()),
        }
    }
}

fn policy(spec: &Value) -> Policy {
    let whole = json!({ "metadata": { "name": "p" }, "spec": spec });
    Policy::read(&serde_json::from_value(whole).expect("a NetworkPolicy"))
}

/// Policies of namespace `shop` with these specs.
fn policies(specs: &[Value]) -> Policies {
    let mut policies = Policies::default();
    for (index, spec) in specs.iter().enumerate() {
        policies.insert("shop", &format!("p{index}"), policy(spec));
    }
    policies
}

/// `from > to : port[/protocol]` and whether it passes, one for each line: `yes` or `no` first.
fn check(title: &str, specs: &[Value], expectations: &str) {
    let world = world();
    let policies = policies(specs);
    for line in expectations.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let parts: Vec<&str> = line.split_whitespace().collect();
        let [expected, from, ">", to, port] = parts[..] else { panic!("{title}: cannot read {line:?}") };
        let (number, protocol) = port.split_once('/').unwrap_or((port, "TCP"));
        let protocol = Protocol::parse(Some(protocol)).expect("a protocol");
        let passes = allowed(&policies, &world.end(from), &world.end(to), number.parse().expect("a port"), protocol);
        assert_eq!(passes, expected == "yes", "{title}: {line}");
    }
}

#[test]
fn isolation_by_direction() {
    check("no policy", &[], "yes shop/web > shop/db 5432\nyes 8.8.8.8 > shop/web 80\nyes shop/web > 8.8.8.8 443");
    check(
        "deny all ingress",
        &[json!({ "podSelector": {}, "policyTypes": ["Ingress"] })],
        "no shop/web > shop/db 5432
         no other/web > shop/db 5432
         no 192.168.0.1 > shop/db 5432
         yes shop/db > other/web 9090
         yes shop/db > 8.8.8.8 443
         yes shop/db > shop/db 5432",
    );
    check(
        "deny all egress",
        &[json!({ "podSelector": {}, "policyTypes": ["Egress"] })],
        "no shop/web > shop/db 5432
         no shop/web > 8.8.8.8 443
         yes other/web > shop/db 5432
         yes 192.168.0.1 > shop/db 5432
         yes shop/web > shop/web 8080",
    );
    check(
        "deny all in both directions",
        &[json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] })],
        "no shop/web > shop/db 5432\nno other/web > shop/db 5432\nno shop/db > other/web 9090\nyes other/web > 8.8.8.8 53",
    );
    check(
        "without policyTypes: ingress only",
        &[json!({ "podSelector": {} })],
        "no other/web > shop/db 5432\nyes shop/db > other/web 9090",
    );
    check(
        "without policyTypes, with egress rules: both",
        &[json!({ "podSelector": {}, "egress": [{ "to": [{ "namespaceSelector": {} }] }] })],
        "no other/web > shop/db 5432\nyes shop/db > other/web 9090\nno shop/db > 8.8.8.8 443",
    );
    check(
        "policyTypes Egress only leaves ingress open although ingress rules stand there",
        &[json!({ "podSelector": {}, "policyTypes": ["Egress"], "ingress": [] })],
        "yes other/web > shop/db 5432\nno shop/db > other/web 9090",
    );
    check(
        "an empty rule allows everything in its direction",
        &[json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}] })],
        "yes other/web > shop/db 5432\nyes 8.8.8.8 > shop/db 1\nyes shop/db > 8.8.8.8 443/UDP",
    );
    check(
        "only selected pods are isolated",
        &[json!({ "podSelector": { "matchLabels": { "app": "db" } }, "policyTypes": ["Ingress"] })],
        "no shop/web > shop/db 5432\nyes shop/db > shop/web 8080\nyes shop/db > shop/job 1",
    );
    check(
        "policies of a namespace do not concern another",
        &[json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] })],
        "yes 8.8.8.8 > other/web 9090\nyes other/web > 8.8.8.8 443",
    );
}

#[test]
fn selectors() {
    let isolate = |selector: Value| json!({ "podSelector": selector, "policyTypes": ["Ingress"] });
    let expression = |key: &str, operator: &str, values: Value| {
        isolate(json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] }))
    };
    let cases = [
        ("In", expression("app", "In", json!(["db", "job"])), "yes", "no", "no"),
        ("NotIn", expression("app", "NotIn", json!(["db"])), "no", "yes", "no"),
        ("NotIn of an absent label", expression("tier", "NotIn", json!(["front"])), "yes", "no", "no"),
        ("Exists", expression("tier", "Exists", json!(null)), "no", "no", "yes"),
        ("DoesNotExist", expression("tier", "DoesNotExist", json!(null)), "yes", "yes", "no"),
        ("an unknown operator", expression("tier", "Like", json!(["f"])), "yes", "yes", "yes"),
        ("two labels", isolate(json!({ "matchLabels": { "app": "web", "tier": "front" } })), "no", "yes", "yes"),
        (
            "two labels, one wrong",
            isolate(json!({ "matchLabels": { "app": "web", "tier": "x" } })),
            "yes",
            "yes",
            "yes",
        ),
        (
            "labels and expressions are an and",
            isolate(json!({
                "matchLabels": { "tier": "back" },
                "matchExpressions": [{ "key": "app", "operator": "In", "values": ["web"] }],
            })),
            "yes",
            "yes",
            "yes",
        ),
    ];
    for (title, spec, web, db, job) in cases {
        let from = "other/web";
        let lines = format!("{web} {from} > shop/web 8080\n{db} {from} > shop/db 5432\n{job} {from} > shop/job 1");
        check(title, &[spec], &lines);
    }
}

#[test]
fn peers() {
    let from = |peers: Value| {
        json!({
            "podSelector": { "matchLabels": { "app": "db" } },
            "policyTypes": ["Ingress"],
            "ingress": [{ "from": peers }],
        })
    };
    let web = json!({ "matchLabels": { "app": "web" } });
    let team_b = json!({ "matchLabels": { "team": "b" } });
    let by_name = json!({ "matchLabels": { "kubernetes.io/metadata.name": "other" } });
    let block = |cidr: &str, except: Value| json!([{ "ipBlock": { "cidr": cidr, "except": except } }]);
    // Whether shop/web, shop/job, other/web, the control plane and the world outside reach shop/db.
    let cases = [
        ("empty from", from(json!([])), "yes yes yes yes yes"),
        ("pods of the own namespace", from(json!([{ "podSelector": web }])), "yes no no no no"),
        ("every pod of the own namespace", from(json!([{ "podSelector": {} }])), "yes yes no no no"),
        ("a namespace", from(json!([{ "namespaceSelector": team_b }])), "no no yes no no"),
        ("a namespace by its name", from(json!([{ "namespaceSelector": by_name }])), "no no yes no no"),
        ("every namespace", from(json!([{ "namespaceSelector": {} }])), "yes yes yes no no"),
        ("both: an and", from(json!([{ "namespaceSelector": {}, "podSelector": web }])), "yes no yes no no"),
        (
            "two peers: an or",
            from(json!([{ "namespaceSelector": team_b }, { "podSelector": { "matchLabels": { "app": "job" } } }])),
            "no yes yes no no",
        ),
        (
            "nobody: no pod is so labelled",
            from(json!([{ "podSelector": { "matchLabels": { "app": "x" } } }])),
            "no no no no no",
        ),
        ("all addresses", from(block("0.0.0.0/0", json!([]))), "yes yes yes yes yes"),
        ("the control plane's block", from(block("192.168.0.0/24", json!([]))), "no no no yes no"),
        ("one address", from(block("10.0.1.1/32", json!([]))), "yes no no no no"),
        ("a block of pods", from(block("10.0.0.0/16", json!([]))), "yes yes yes no no"),
        ("with an exception", from(block("10.0.0.0/16", json!(["10.0.2.0/24"]))), "yes no no no no"),
        ("with two exceptions", from(block("0.0.0.0/0", json!(["10.0.0.0/8", "8.8.8.8/32"]))), "no no no yes no"),
        ("an odd prefix", from(block("10.0.2.0/31", json!([]))), "no yes no no no"),
        ("two bits of room", from(block("10.0.2.0/30", json!([]))), "no yes yes no no"),
        ("IPv6 holds no IPv4", from(block("::/0", json!([]))), "no no no no no"),
        ("a malformed block", from(block("10.0.0.0/33", json!([]))), "no no no no no"),
        (
            "an exception binds its own peer only",
            from(json!([
                { "ipBlock": { "cidr": "10.0.0.0/16", "except": ["10.0.2.0/24"] } },
                { "podSelector": { "matchLabels": { "app": "job" } } },
            ])),
            "yes yes no no no",
        ),
    ];
    for (title, spec, row) in cases {
        let senders = ["shop/web", "shop/job", "other/web", "192.168.0.1", "8.8.8.8"];
        let lines: Vec<String> =
            row.split(' ').zip(senders).map(|(expected, from)| format!("{expected} {from} > shop/db 5432")).collect();
        check(title, &[spec], &lines.join("\n"));
    }
}

#[test]
fn ports() {
    let open = |ports: Value| json!({ "podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{ "ports": ports }] });
    let cases = [
        ("no ports: all", open(json!([])), "yes other/web > shop/db 1\nyes other/web > shop/db 53/UDP"),
        ("a number is TCP", open(json!([{ "port": 53 }])), "yes other/web > shop/db 53\nno other/web > shop/db 53/UDP"),
        (
            "UDP",
            open(json!([{ "port": 53, "protocol": "UDP" }])),
            "no other/web > shop/db 53\nyes other/web > shop/db 53/UDP",
        ),
        (
            "a protocol alone",
            open(json!([{ "protocol": "SCTP" }])),
            "no other/web > shop/db 53\nyes other/web > shop/db 7/SCTP",
        ),
        (
            "endPort",
            open(json!([{ "port": 8000, "endPort": 8080 }])),
            "no other/web > shop/web 7999
             yes other/web > shop/web 8000
             yes other/web > shop/web 8080
             no other/web > shop/web 8081
             no other/web > shop/web 8080/UDP",
        ),
        (
            "a named port is the receiver's",
            open(json!([{ "port": "http" }])),
            "yes other/web > shop/web 8080\nno other/web > shop/web 9090\nno other/web > shop/db 8080",
        ),
        (
            "a named port has its own protocol",
            open(json!([{ "port": "dns" }])),
            "no other/web > shop/db 53\nno other/web > shop/db 53/UDP",
        ),
        (
            "a named UDP port",
            open(json!([{ "port": "dns", "protocol": "UDP" }])),
            "no other/web > shop/db 53\nyes other/web > shop/db 53/UDP",
        ),
        (
            "several ports: an or",
            open(json!([{ "port": 1 }, { "port": "sql" }])),
            "yes other/web > shop/db 1\nyes other/web > shop/db 5432\nno other/web > shop/db 2",
        ),
        (
            "peer and port: an and",
            json!({
                "podSelector": {},
                "ingress": [{ "from": [{ "podSelector": { "matchLabels": { "app": "web" } } }], "ports": [{ "port": 5432 }] }],
            }),
            "yes shop/web > shop/db 5432\nno shop/web > shop/db 53\nno shop/job > shop/db 5432\nno other/web > shop/db 5432",
        ),
    ];
    for (title, spec, lines) in cases {
        check(title, &[spec], lines);
    }
}

#[test]
fn egress_and_both_ends() {
    let to_db = json!({
        "podSelector": { "matchLabels": { "app": "web" } },
        "policyTypes": ["Egress"],
        "egress": [{ "to": [{ "podSelector": { "matchLabels": { "app": "db" } } }], "ports": [{ "port": "sql" }] }],
    });
    check(
        "egress to a pod's named port",
        std::slice::from_ref(&to_db),
        "yes shop/web > shop/db 5432
         no shop/web > shop/db 53
         no shop/web > shop/job 5432
         no shop/web > 8.8.8.8 5432
         yes shop/job > shop/web 8080",
    );
    let closed_db = json!({ "podSelector": { "matchLabels": { "app": "db" } }, "policyTypes": ["Ingress"] });
    check("egress is not enough", &[to_db.clone(), closed_db], "no shop/web > shop/db 5432");
    let open_db = json!({
        "podSelector": { "matchLabels": { "app": "db" } },
        "ingress": [{ "from": [{ "podSelector": {} }] }],
    });
    check(
        "both ends open",
        &[to_db, open_db],
        "yes shop/web > shop/db 5432\nyes shop/job > shop/db 1\nno shop/web > shop/db 1\nno other/web > shop/db 5432",
    );
    let dns_only = json!({
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [{ "ports": [{ "port": 53, "protocol": "UDP" }, { "port": 53 }] }],
    });
    check(
        "all but name resolution",
        &[dns_only],
        "yes shop/web > 8.8.8.8 53/UDP\nyes shop/web > other/web 53\nno shop/web > other/web 9090",
    );
    let world_but_cluster = json!({
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [{ "to": [{ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"] } }] }],
    });
    check(
        "the world but not the cluster",
        &[world_but_cluster],
        "yes shop/web > 8.8.8.8 443\nno shop/web > shop/db 5432\nno shop/web > other/web 9090",
    );
}

#[test]
fn rules_add_up() {
    let from = |app: &str, port: u16| {
        json!({
            "podSelector": { "matchLabels": { "app": "db" } },
            "ingress": [{ "from": [{ "podSelector": { "matchLabels": { "app": app } } }], "ports": [{ "port": port }] }],
        })
    };
    let deny = json!({ "podSelector": {}, "policyTypes": ["Ingress"] });
    check(
        "a union over policies, not over their halves",
        &[deny, from("web", 1), from("job", 2)],
        "yes shop/web > shop/db 1
         no shop/web > shop/db 2
         no shop/job > shop/db 1
         yes shop/job > shop/db 2
         no other/web > shop/db 1",
    );
}
