//! What is chosen, and what is refused, on one small cluster: tables of faults and outcomes.

use serde_json::json;

use super::testing::{cluster, pod, scenario};
use super::*;
use crate::scenario::Scenario;

/// The targets of the first step, or the problem.
fn outcome(scenario: &Scenario, inventory: &Inventory, seed: u64) -> String {
    match choose(scenario, inventory, seed, "run", 0, 0, &[]) {
        Ok(step) => names(&step.action),
        Err(problem) => format!("{:?}", problem.kind),
    }
}

fn names(action: &Action) -> String {
    let names: Vec<&str> = match action {
        Action::PodKill { pods, .. } | Action::NetworkPartition { pods, .. } => {
            pods.iter().map(|pod| pod.name.as_str()).collect()
        }
        Action::EtcdMemberReplace { leaving, .. } => vec![leaving.name.as_str()],
        Action::NodeDrain { nodes, .. } | Action::NodeFailure { nodes, .. } => {
            nodes.iter().map(|node| node.name.as_str()).collect()
        }
    };
    names.join(" ")
}

fn check(table: &[(&str, &str)]) {
    let inventory = cluster();
    for (fault, expected) in table {
        let scenario = scenario(&format!(
            "guard = {{ max_pods = \"100%\", allow = [\"statefulset-majority\"] }}\n[[fault]]\n{fault}"
        ));
        assert_eq!(outcome(&scenario, &inventory, 7), *expected, "{fault}");
    }
}

#[test]
fn pods_are_chosen_by_seed_age_ordinal_role_and_node() {
    check(&[
        ("kind = \"pod-kill\"", "web-a"),
        ("kind = \"pod-kill\"\npick = \"oldest\"", "web-b"),
        ("kind = \"pod-kill\"\npick = \"newest\"\ncount = 2", "web-a web-c"),
        ("kind = \"pod-kill\"\ncount = \"50%\"", "web-a web-b"),
        ("kind = \"pod-kill\"\nnode = \"worker-1\"", "web-a"),
        ("kind = \"pod-kill\"\nnode = \"worker-9\"", "NoTarget"),
        ("kind = \"pod-kill\"\ncount = 4", "NoTarget"),
        ("kind = \"pod-kill\"\npods = { workload = \"statefulset/db\" }\nordinal = 2", "db-2"),
        ("kind = \"pod-kill\"\npods = { workload = \"statefulset/db\" }\nrole = \"leader\"", "db-0"),
        ("kind = \"pod-kill\"\npods = { selector = \"app=db,role!=leader\" }\ncount = \"all\"", "db-1 db-2"),
        ("kind = \"pod-kill\"\npods = { workload = \"deployment/none\" }", "NoTarget"),
        ("kind = \"pod-kill\"\npods = { namespace = \"kube-system\", selector = \"app=net\" }", "Refused"),
        ("kind = \"pod-kill\"\npods = { workload = \"pod/tool\" }", "Refused"),
        ("kind = \"pod-kill\"\ncount = \"all\"", "Refused"),
    ]);
}

#[test]
fn nodes_are_chosen_by_name_zone_labels_and_what_runs_there() {
    let body = |choice: &str| {
        format!(
            "guard.allow = [\"last-ready-replica\", \"statefulset-majority\"]\n[[fault]]\nkind = \"node-drain\"\nnode = {choice}"
        )
    };
    let inventory = cluster();
    for (choice, expected) in [
        ("{ name = \"worker-3\" }", "worker-3"),
        ("{ name = \"worker-9\" }", "NoTarget"),
        ("{ name = \"control-1\" }", "Refused"),
        ("{ zone = \"b\" }", "worker-2"),
        ("{ zone = \"a\" }", "Refused"),
        ("{ selector = \"topology.kubernetes.io/zone in (b,c)\", count = 2 }", "worker-2 worker-3"),
        ("{ of = \"target\", count = 4 }", "NoTarget"),
        ("{ of = \"target\", role = \"leader\" }", "NoTarget"),
        ("{ selector = \"topology.kubernetes.io/zone=c\", whole_zone = true }", "worker-3"),
        ("{ count = 3 }", "Refused"),
    ] {
        let scenario = scenario(&body(choice));
        assert_eq!(outcome(&scenario, &inventory, 7), expected, "{choice}");
    }
}

#[test]
fn the_same_seed_gives_the_same_plan_and_another_gives_another() {
    let scenario = scenario("[[fault]]\nkind = \"pod-kill\"\nevery = \"10s\"\ntimes = 6");
    let inventory = cluster();
    let chosen = |seed| -> Vec<String> {
        make(&scenario, &inventory, seed, "run").steps.iter().map(|step| names(&step.action)).collect()
    };
    assert_eq!(chosen(7), chosen(7));
    assert_eq!(chosen(7).join(" "), "web-a web-c web-c web-b web-c web-b");
    assert!((0..20).any(|seed| chosen(seed) != chosen(7)));
}

#[test]
fn a_step_is_chosen_at_its_moment_as_it_was_planned() {
    let scenario = scenario(
        "[[fault]]\nkind = \"pod-kill\"\nevery = \"10s\"\ntimes = 3\n[[fault]]\nkind = \"node-failure\"\nhold = \"5s\"\nnode = { of = \"target\" }\n[guard]\nallow = [\"last-ready-replica\"]\n",
    );
    let inventory = cluster();
    let plan = make(&scenario, &inventory, 3, "run");
    assert_eq!(plan.problems, []);
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["1-pod-kill-1", "2-node-failure", "1-pod-kill-2", "1-pod-kill-3"]);
    for step in &plan.steps {
        let again = choose(&scenario, &inventory, 3, "run", step.fault, step.repeat, &[]).unwrap();
        assert_eq!(again, *step);
    }
}

#[test]
fn messages_name_the_numbers_and_the_key() {
    let inventory = cluster();
    for (body, expected) in [
        (
            "[[fault]]\nkind = \"pod-kill\"\ncount = \"all\"",
            "guard rail max_pods: 3 of 3 pods of deployment/web in shop would be gone at a time, at most 2 may be (80%); raise guard.max_pods to allow it; guard rail last-ready-replica: all 3 ready replica(s) of deployment/web in shop would be taken at once; set guard.allow = [\"last-ready-replica\"] to allow it",
        ),
        (
            "[[fault]]\nkind = \"pod-kill\"\npods = { workload = \"pod/tool\" }",
            "guard rail last-ready-replica: all 1 ready replica(s) of pod/tool in shop would be taken at once; set guard.allow = [\"last-ready-replica\"] to allow it",
        ),
        (
            "guard.allow = [\"last-ready-replica\"]\n[[fault]]\nkind = \"node-drain\"\nnode = { count = 3 }",
            "guard rail max_nodes: 3 of 4 nodes would be taken at a time (worker-1, worker-2, worker-3), at most 2 may be (66%); raise guard.max_nodes to allow it; guard rail max_pods: 3 of 3 pods of deployment/web in shop would be gone at a time, at most 2 may be (80%); raise guard.max_pods to allow it; guard rail max_namespace_pods: 7 of 7 pods of namespace shop would be gone at a time, at most 5 may be (80%); raise guard.max_namespace_pods to allow it; guard rail statefulset-majority: 0 of 3 replicas of statefulset/db in shop would be left, 2 are a majority; set guard.allow = [\"statefulset-majority\"] to allow it; the drain of worker-1, worker-2, worker-3 could never end: pod shop/tool belongs to no controller, nothing would replace it; set force = true to evict it",
        ),
        (
            "guard.max_pods = \"100%\"\n[[fault]]\nkind = \"pod-kill\"\npods = { workload = \"statefulset/db\" }\ncount = 2",
            "guard rail statefulset-majority: 1 of 3 replicas of statefulset/db in shop would be left, 2 are a majority; set guard.allow = [\"statefulset-majority\"] to allow it",
        ),
        (
            "guard.max_namespace_pods = \"10%\"\n[[fault]]\nkind = \"pod-kill\"\ncount = 2",
            "guard rail max_namespace_pods: 2 of 7 pods of namespace shop would be gone at a time, at most 1 may be (10%); raise guard.max_namespace_pods to allow it",
        ),
        (
            "guard.namespace_labels = { environment = \"staging\" }\n[[fault]]\nkind = \"pod-kill\"",
            "guard rail namespace_labels: namespace shop must have the label environment = \"staging\", and it has no such label; label it, or take the label out of guard.namespace_labels",
        ),
        (
            "[[fault]]\nkind = \"pod-kill\"\ncount = 4",
            "4 pods are to be killed, but only 3 of deployment/web in shop can be chosen",
        ),
        (
            "[[fault]]\nkind = \"pod-kill\"\nnode = \"worker-9\"",
            "none of the 3 pods of deployment/web in shop is Running and not terminating and is on node worker-9",
        ),
    ] {
        let problem = choose(&scenario(body), &inventory, 7, "run", 0, 0, &[]).unwrap_err();
        assert_eq!(problem.message, expected, "{body}");
    }
}

#[test]
fn a_window_and_our_own_agent_hold_faults_back() {
    let mut inventory = cluster();
    let window =
        "guard.window = \"mon-fri 09:00-17:00 UTC\"\n[[fault]]\nkind = \"node-drain\"\nnode = { name = \"worker-2\" }";
    assert_eq!(outcome(&scenario(window), &inventory, 7), "worker-2", "the embedded cluster's time is its own");
    // 2026-11-28 12:00 UTC, a Saturday.
    inventory.now = Some(1_795_867_200);
    assert_eq!(outcome(&scenario(window), &inventory, 7), "Refused");
    inventory.now = Some(1_795_867_200 + 2 * 86_400);
    assert_eq!(outcome(&scenario(window), &inventory, 7), "worker-2");
    let labels = json!({ "app.kubernetes.io/name": "driftproof-agent" });
    inventory.pods.push(pod("shop", "driftproof-agent-run-1", "worker-2", ("", ""), &labels, 1));
    assert_eq!(outcome(&scenario(window), &inventory, 7), "Refused");
}

#[test]
fn a_policy_that_another_run_has_left_is_named() {
    let left = |run: &str| {
        let mut inventory = cluster();
        let meta = json!({
            "name": "driftproof-dead-1", "namespace": "shop",
            "labels": { "app.kubernetes.io/managed-by": "driftproof", "driftproof.dev/run": run },
        });
        inventory.policies.push(serde_json::from_value(json!({ "metadata": meta })).unwrap());
        let cut = scenario("[[fault]]\nkind = \"network-partition\"\nhold = \"1s\"");
        choose(&cut, &inventory, 7, "run", 0, 0, &[]).err().map(|problem| problem.message).unwrap_or_default()
    };
    assert_eq!(
        left("dead"),
        "NetworkPolicy shop/driftproof-dead-1 was left by run dead, or that run is still at work: driftproof undo --context CONTEXT --run dead"
    );
    assert!(!left("run").contains("was left by"), "its own policies are no leftovers");
}

#[test]
fn faults_that_overlap_are_counted_together() {
    let body = |at: &str, hold: &str| {
        format!(
            "guard.allow = [\"statefulset-majority\"]\n[[fault]]\nkind = \"node-failure\"\nhold = \"{hold}\"\nnode = {{ name = \"worker-2\" }}\n[[fault]]\nkind = \"node-failure\"\nat = \"{at}\"\nhold = \"10s\"\nnode = {{ name = \"worker-3\" }}\n[[fault]]\nkind = \"pod-kill\"\nat = \"{at}\"\nnode = \"worker-1\""
        )
    };
    let inventory = cluster();
    let apart = make(&scenario(&body("20s", "10s")), &inventory, 7, "run");
    assert_eq!(apart.steps.len(), 3, "{:?}", apart.problems);
    let together = make(&scenario(&body("5s", "10s")), &inventory, 7, "run");
    let problems: Vec<(&str, ProblemKind)> =
        together.problems.iter().map(|problem| (problem.step.as_str(), problem.kind)).collect();
    assert_eq!(problems, [("3-pod-kill", ProblemKind::Refused)]);
    assert_eq!(together.steps.len(), 2, "a refused step is not in the plan");
}

#[test]
fn pods_that_are_not_ready_count_as_gone() {
    let mut inventory = cluster();
    let web = |inventory: &mut Inventory, name: &str, ready: &str| {
        let pod = inventory.pods.iter_mut().find(|pod| pod.metadata.name.as_deref() == Some(name)).unwrap();
        pod.status.as_mut().unwrap().conditions.as_mut().unwrap()[0].status = ready.to_owned();
    };
    let scenario = scenario("[[fault]]\nkind = \"pod-kill\"\nnode = \"worker-1\"");
    web(&mut inventory, "web-b", "False");
    assert_eq!(outcome(&scenario, &inventory, 7), "web-a");
    web(&mut inventory, "web-c", "False");
    assert_eq!(outcome(&scenario, &inventory, 7), "Refused");
}

#[test]
fn a_budget_lets_a_drain_take_the_last_replica_since_the_cluster_guards_it() {
    let mut inventory = cluster();
    let scenario = scenario("[[fault]]\nkind = \"node-drain\"\nforce = true\nnode = { name = \"worker-1\" }");
    assert_eq!(outcome(&scenario, &inventory, 7), "Refused", "pod/tool is the only one of its kind");
    inventory.budgets.push(testing::object(json!({
        "metadata": { "namespace": "shop", "name": "tool" },
        "spec": { "minAvailable": 1, "selector": { "matchLabels": { "app": "tool" } } },
    })));
    assert_eq!(outcome(&scenario, &inventory, 7), "worker-1");
}

#[test]
fn pods_belong_to_a_workload_by_their_owner_not_by_their_name() {
    let mut inventory = cluster();
    inventory.pods.push(pod("shop", "web-1-x", "worker-1", ("ReplicaSet", "web-2"), &json!({ "app": "web" }), 1));
    let scenario = scenario("[[fault]]\nkind = \"pod-kill\"");
    let pods = pods_of(&scenario.target, &inventory);
    let names: Vec<_> = pods.iter().filter_map(|pod| pod.metadata.name.as_deref()).collect();
    assert_eq!(names, ["web-a", "web-b", "web-c"]);
}

#[test]
fn the_text_names_targets_radius_and_rights() {
    let scenario = scenario(
        "guard.allow = [\"last-ready-replica\"]\n[[fault]]\nkind = \"node-drain\"\nat = \"5s\"\nnode = { name = \"worker-2\" }\n[[fault]]\nkind = \"pod-kill\"\ncount = 9",
    );
    let plan = make(&scenario, &cluster(), 7, "run");
    let text = format!("{}{}", text(&plan), permissions_text(&plan.permissions));
    for line in [
        "test  (seed 7)",
        "  no target: step 2-pod-kill: 9 pods are to be killed, but only 3 of deployment/web in shop can be chosen",
        "            cordon and drain worker-2 in b within 5m",
        "  blast radius: at most 1 node in one step",
        "  guard rails lifted: last-ready-replica",
        "  pods/eviction                                create                     the whole cluster",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn the_text_says_what_starts_inside_and_where_it_goes() {
    let store = "[[data]]\nkind = \"register\"\nfrom = \"cluster\"\nstore = { kind = \"redis\", service = \"db:6379\" }\n[[fault]]\nkind = \"pod-kill\"".to_owned();
    let named = store.replace("service = \"db:6379\"", "endpoints = [\"far=cache.edge.svc:6379\"]");
    for (body, expected) in [
        (store, "data register: its clients speak to the pods of deployment/web in shop, at the port behind db:6379"),
        (named, "data register: its clients speak to cache.edge.svc:6379"),
    ] {
        let text = text(&make(&scenario(&body), &cluster(), 7, "run"));
        assert!(text.lines().any(|line| line == format!("  from inside the cluster: {expected}")), "{text}");
    }
}

#[test]
fn rights_are_those_that_the_faults_need_and_no_more() {
    let has = |body: &str, wanted: &str| {
        let shown: Vec<String> = permissions(&scenario(body))
            .iter()
            .map(|one| format!("{} {}/{}", one.verb, one.namespace.as_deref().unwrap_or("*"), one.resource))
            .collect();
        shown.iter().any(|one| one == wanted)
    };
    let kill = "[[fault]]\nkind = \"pod-kill\"";
    let cut = "[[fault]]\nkind = \"network-partition\"\nhold = \"1s\"";
    let between = "[[fault]]\nkind = \"network-partition\"\nhold = \"1s\"\nfrom = { selector = \"app=client\" }";
    let inside = "[[probe]]\nname = \"a\"\nkind = \"http\"\nservice = \"web:80\"\nfrom = \"cluster\"\n[[fault]]\nkind = \"node-drain\"";
    let clients = "[[data]]\nkind = \"register\"\nfrom = \"cluster\"\nstore = { kind = \"http\", service = \"db:80\", read.request = \"GET /{key}\", write.request = \"PUT /{key}\", cas.request = \"POST /{key}\" }\n[[fault]]\nkind = \"pod-kill\"";
    let drain = "[[fault]]\nkind = \"node-drain\"";
    let probe = "[[probe]]\nname = \"a\"\nkind = \"http\"\nservice = \"web.edge:80\"\n[[fault]]\nkind = \"pod-kill\"";
    for (body, wanted, expected) in [
        (kill, "delete shop/pods", true),
        (kill, "list shop/pods", true),
        (kill, "list */pods", false),
        (kill, "create */pods/eviction", false),
        (kill, "patch */nodes", false),
        (kill, "create shop/networkpolicies", false),
        (kill, "get shop/secrets", false),
        (cut, "create shop/networkpolicies", true),
        (cut, "delete shop/networkpolicies", true),
        (cut, "delete shop/pods", true),
        (cut, "create shop/pods/attach", true),
        (between, "delete shop/pods", false),
        (between, "create shop/pods/exec", true),
        (inside, "create shop/pods", true),
        (inside, "get shop/pods/attach", true),
        (inside, "get shop/services/proxy", false),
        (clients, "create shop/pods", true),
        (clients, "create shop/pods/attach", true),
        (clients, "create shop/pods/portforward", true),
        (clients, "update shop/pods/proxy", false),
        (drain, "create */pods/eviction", true),
        (drain, "patch */nodes", true),
        (drain, "list */pods", true),
        (drain, "delete */nodes", false),
        (probe, "get edge/services/proxy", true),
        (probe, "list edge/endpointslices", true),
        (probe, "get shop/services/proxy", false),
    ] {
        assert_eq!(has(body, wanted), expected, "{wanted} for {body}");
    }
}

#[test]
fn a_node_without_a_pod_of_the_target_proves_nothing_about_it() {
    let mut inventory = cluster();
    inventory.pods.retain(|pod| pod.metadata.name.as_deref() != Some("web-b"));
    let on_target = "guard.allow = [\"last-ready-replica\", \"statefulset-majority\"]\nguard.max_pods = \"100%\"\n";
    for kind in ["node-drain", "node-failure"] {
        let body = |node: &str| {
            format!("{on_target}[[fault]]\nkind = \"{kind}\"\nhold = \"1m\"\nnode = {{ name = \"{node}\" }}")
        };
        let problem = choose(&scenario(&body("worker-2")), &inventory, 7, "run", 0, 0, &[]).unwrap_err();
        assert_eq!(
            problem.message,
            "no pod of deployment/web in shop is on worker-2: whatever happens there proves nothing about it; choose the node by `of = \"target\"`"
        );
        assert!(choose(&scenario(&body("worker-3")), &inventory, 7, "run", 0, 0, &[]).is_ok(), "{kind}");
    }
    // A DaemonSet's pods stay with their node: a drain moves none, the loss of the node takes one.
    let daemons = |kind: &str| {
        let mut scenario = scenario(&format!(
            "{on_target}guard.max_namespace_pods = \"100%\"\n[[fault]]\nkind = \"{kind}\"\nhold = \"1m\"\nnode = {{ name = \"worker-1\" }}"
        ));
        scenario.target.namespace = "kube-system".to_owned();
        scenario.target.workload = None;
        scenario.target.selector = Some(crate::scenario::Selector("app=net".to_owned()));
        choose(&scenario, &inventory, 7, "run", 0, 0, &[]).err().map(|problem| problem.message)
    };
    assert!(
        daemons("node-drain").unwrap().starts_with("a drain leaves the pods of app=net in kube-system on worker-1")
    );
    assert_eq!(daemons("node-failure"), None);
}

#[test]
fn a_step_is_held_against_the_rails_beside_those_that_are_in_force() {
    let scenario = scenario(
        "[[fault]]\nkind = \"node-failure\"\nhold = \"10m\"\nnode = { name = \"worker-3\" }\n[[fault]]\nat = \"20s\"\nkind = \"pod-kill\"\ncount = 2\npick = \"oldest\"\n[guard]\nallow = [\"last-ready-replica\", \"statefulset-majority\"]",
    );
    // Its pods are Ready for nearly a minute after the node has failed.
    let inventory = cluster();
    let node = choose(&scenario, &inventory, 7, "run", 0, 0, &[]).unwrap();
    assert!(choose(&scenario, &inventory, 7, "run", 1, 0, &[]).is_ok());
    let problem = choose(&scenario, &inventory, 7, "run", 1, 0, &[node]).unwrap_err();
    assert!(problem.message.starts_with("guard rail max_pods: 3 of 3 pods of deployment/web in shop"), "{problem:?}");
}

#[test]
fn what_is_drawn_at_its_moment_is_not_named_before() {
    let shown = |body: &str| text(&make(&scenario(body), &cluster(), 7, "run"));
    let one = shown("[[fault]]\nkind = \"pod-kill\"");
    assert!(
        one.contains("delete 1 of 3 pods of deployment/web in shop, drawn at that moment, with their own"),
        "{one}"
    );
    let all = "[guard]\nmax_pods = \"100%\"\nallow = [\"last-ready-replica\"]\n[[fault]]\nkind = \"pod-kill\"\ncount = \"all\"";
    assert!(shown(all).contains("delete shop/web-a on worker-1, shop/web-b on worker-2"), "{}", shown(all));
    let lifted = "guard.allow = [\"last-ready-replica\"]\n";
    let node = shown(&format!("{lifted}[[fault]]\nkind = \"node-drain\"\nnode = {{ of = \"target\" }}\nforce = true"));
    assert!(node.contains("drain 1 of 3 nodes that carry a running pod of deployment/web in shop"), "{node}");
}
