//! The policies that a partition creates, and the partitions that cannot be made or proven.

use serde_json::{Value, json};

use super::testing::{cluster, object, policy, scenario};
use super::*;

fn partition(keys: &str, inventory: &Inventory) -> Result<(Value, Vec<String>), Problem> {
    let scenario = scenario(&format!("[[fault]]\nkind = \"network-partition\"\nhold = \"10s\"\n{keys}"));
    let step = choose(&scenario, inventory, 7, "Run_1", 0, 0, &[])?;
    let Action::NetworkPartition { policies, canaries, .. } = step.action else { panic!("a partition") };
    let [policy] = policies.as_slice() else { panic!("one policy") };
    let show = |canary: &Canary| {
        let from = canary.from.as_ref().map_or("outside", |pod| &pod.name);
        format!("{from} → {}:{}", canary.to.name, canary.port)
    };
    Ok((policy.clone(), canaries.iter().map(show).collect()))
}

#[test]
fn everything_is_cut_but_dns_and_the_excepted_ports() {
    let (policy, canaries) = partition("except_ports = [\"9090\"]", &cluster()).unwrap();
    assert_eq!(
        policy,
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {
                "name": "driftproof-run-1-1-network-partition",
                "namespace": "shop",
                "labels": {
                    "app.kubernetes.io/managed-by": "driftproof",
                    "driftproof.dev/run": "Run_1",
                    "driftproof.dev/step": "1-network-partition",
                },
                "annotations": {
                    "driftproof.dev/undo": "{\"name\":\"driftproof-run-1-1-network-partition\",\"namespace\":\"shop\",\"undo\":\"delete-network-policy\"}",
                },
            },
            "spec": {
                "podSelector": { "matchLabels": { "app": "web" } },
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [{ "ports": [{ "port": 9090, "protocol": "TCP" }] }],
                "egress": [{ "ports": [
                    { "port": 9090, "protocol": "TCP" },
                    { "port": 53, "protocol": "UDP" },
                    { "port": 53, "protocol": "TCP" },
                ] }],
            },
        })
    );
    assert_eq!(canaries, ["outside → web-a:8080", "db-0 → web-a:8080", "db-1 → web-b:8080", "web-a → db-0:8080"]);
}

#[test]
fn directions_and_dns_are_as_asked_for() {
    for (keys, types, ingress, egress) in [
        ("direction = \"ingress\"", json!(["Ingress"]), json!([]), Value::Null),
        ("direction = \"egress\"\ninclude_dns = true", json!(["Egress"]), Value::Null, json!([])),
        ("include_dns = true", json!(["Ingress", "Egress"]), json!([]), json!([])),
    ] {
        let (policy, _) = partition(keys, &cluster()).unwrap();
        let spec = &policy["spec"];
        assert_eq!((&spec["policyTypes"], &spec["ingress"], &spec["egress"]), (&types, &ingress, &egress), "{keys}");
    }
}

#[test]
fn a_group_is_cut_off_from_another_by_allowing_everyone_else() {
    let mut inventory = cluster();
    inventory.nodes[0].spec = Some(object(json!({ "podCIDRs": ["10.244.0.0/24"] })));
    let keys = "direction = \"egress\"\ninclude_dns = true\nfrom = { selector = \"app=db,role!=leader\" }";
    let (policy, canaries) = partition(keys, &inventory).unwrap();
    let here = json!({ "matchLabels": { "kubernetes.io/metadata.name": "shop" } });
    assert_eq!(
        policy["spec"]["egress"],
        json!([{ "to": [
            { "namespaceSelector": { "matchExpressions": [
                { "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["shop"] },
            ] } },
            { "namespaceSelector": here, "podSelector": { "matchExpressions": [
                { "key": "app", "operator": "NotIn", "values": ["db"] },
            ] } },
            { "namespaceSelector": here, "podSelector": { "matchLabels": { "role": "leader" } } },
            { "ipBlock": { "cidr": "0.0.0.0/0", "except": ["10.244.0.0/24"] } },
        ] }])
    );
    assert_eq!(canaries, ["web-a → db-1:8080", "web-b → db-2:8080"]);
}

#[test]
fn addresses_of_the_other_group_are_left_out_when_no_node_states_its_network() {
    let (policy, _) = partition("direction = \"ingress\"\nfrom = { workload = \"pod/tool\" }", &cluster()).unwrap();
    let block = policy.pointer("/spec/ingress/0/from/2/ipBlock/except").unwrap();
    assert_eq!(*block, json!(["10.244.0.196/32"]));
}

#[test]
fn a_policy_that_would_let_the_traffic_through_is_named() {
    let web = json!({ "matchLabels": { "app": "web" } });
    for (name, spec, keys, expected) in [
        ("allow-all", json!({ "podSelector": {}, "ingress": [{}] }), "", true),
        ("allow-all", json!({ "podSelector": {}, "ingress": [{}] }), "direction = \"egress\"", false),
        ("others", json!({ "podSelector": { "matchLabels": { "app": "db" } }, "ingress": [{}] }), "", false),
        ("deny", json!({ "podSelector": web, "policyTypes": ["Ingress"] }), "", false),
        ("metrics", json!({ "podSelector": web, "ingress": [{ "ports": [{ "port": 9090 }] }] }), "", true),
        (
            "metrics",
            json!({ "podSelector": web, "ingress": [{ "ports": [{ "port": 9090 }] }] }),
            "except_ports = [\"9090\"]",
            false,
        ),
        ("dns", json!({ "podSelector": web, "egress": [{ "ports": [{ "port": 53, "protocol": "UDP" }] }] }), "", false),
        (
            "from-tool",
            json!({ "podSelector": web, "ingress": [{ "from": [{ "podSelector": { "matchLabels": { "app": "tool" } } }] }] }),
            "from = { workload = \"statefulset/db\" }",
            false,
        ),
        (
            "from-db",
            json!({ "podSelector": web, "ingress": [{ "from": [{ "podSelector": { "matchLabels": { "app": "db" } } }] }] }),
            "from = { workload = \"statefulset/db\" }",
            true,
        ),
        (
            "elsewhere",
            json!({ "podSelector": web, "ingress": [{ "from": [{ "namespaceSelector": { "matchLabels": { "a": "b" } } }] }] }),
            "from = { workload = \"statefulset/db\" }",
            false,
        ),
        (
            "block",
            json!({ "podSelector": web, "ingress": [{ "from": [{ "ipBlock": { "cidr": "10.0.0.0/8" } }] }] }),
            "from = { workload = \"statefulset/db\" }",
            true,
        ),
    ] {
        let mut inventory = cluster();
        inventory.policies.push(policy(name, &spec));
        match partition(keys, &inventory) {
            Ok(_) => assert!(!expected, "{name} with {keys:?} was not noticed"),
            Err(problem) => {
                assert!(expected, "{name} with {keys:?}: {}", problem.message);
                assert_eq!(problem.kind, ProblemKind::Unprovable);
                assert!(problem.message.contains(&format!("NetworkPolicy shop/{name} ")), "{}", problem.message);
            }
        }
    }
}

/// A change to the cluster.
type Change<'a> = &'a dyn Fn(&mut Inventory);

#[test]
fn what_cannot_be_cut_or_proven_is_said() {
    let host_network = |inventory: &mut Inventory| {
        for pod in &mut inventory.pods {
            pod.spec.as_mut().unwrap().host_network = Some(true);
        }
    };
    let no_ports = |inventory: &mut Inventory| {
        for pod in &mut inventory.pods {
            pod.spec.as_mut().unwrap().containers[0].ports = None;
        }
    };
    let stranger = |inventory: &mut Inventory| {
        let labels = json!({ "app": "web" });
        inventory.pods.push(testing::pod("shop", "web-x", "worker-1", ("ReplicaSet", "other"), &labels, 1));
    };
    let nobody = |inventory: &mut Inventory| inventory.pods.clear();
    let table: [(Change<'_>, &str, ProblemKind, &str); 5] = [
        (&host_network, "", ProblemKind::Unprovable, "uses its node's network"),
        (&no_ports, "", ProblemKind::Unprovable, "no connection is known"),
        (&stranger, "", ProblemKind::Refused, "also select pod shop/web-x"),
        (&nobody, "", ProblemKind::NoTarget, "there are no pods of deployment/web in shop"),
        (&|_| {}, "from = { selector = \"app=none\" }", ProblemKind::NoTarget, "there are no pods of app=none in shop"),
    ];
    for (change, keys, kind, words) in table {
        let mut inventory = cluster();
        change(&mut inventory);
        let problem = partition(keys, &inventory).unwrap_err();
        assert_eq!(problem.kind, kind, "{}", problem.message);
        assert!(problem.message.contains(words), "{}", problem.message);
    }
}

#[test]
fn a_target_without_neighbours_is_proven_by_its_own_pods_and_from_outside() {
    let mut inventory = cluster();
    inventory.pods.retain(|pod| pod.metadata.name.as_deref().is_some_and(|name| name.starts_with("web-")));
    for (keys, expected) in [
        ("direction = \"ingress\"", "outside → web-a:8080, web-b → web-a:8080, web-c → web-b:8080"),
        ("direction = \"egress\"", "web-a → web-b:8080, web-b → web-c:8080"),
    ] {
        let (_, canaries) = partition(keys, &inventory).unwrap();
        assert_eq!(canaries.join(", "), expected, "{keys}");
    }
}

#[test]
fn names_fit_into_a_dns_label() {
    let scenario = scenario("[[fault]]\nkind = \"network-partition\"\nhold = \"10s\"");
    let step = choose(&scenario, &cluster(), 7, &"long-".repeat(20), 0, 0, &[]).unwrap();
    let Action::NetworkPartition { policies, .. } = step.action else { panic!("a partition") };
    for pointer in ["/metadata/name", "/metadata/labels/driftproof.dev~1run"] {
        let text = policies[0].pointer(pointer).and_then(Value::as_str).unwrap();
        assert!(text.len() <= 63 && crate::scenario::is_dns_label(text), "{text}");
    }
}
