//! One scenario for each kind of fault and way of doing it. Fixtures are applied by the run, so that they are part of what
//! it may leave.

use serde_json::Value;

/// Name and the fault's part.
pub(crate) const ALL: [(&str, &str); 11] = [
    ("pod-kill", "kind = \"pod-kill\""),
    ("network-partition, deny-all", "kind = \"network-partition\"\nhold = \"4s\""),
    (
        "network-partition, groups",
        "kind = \"network-partition\"\nhold = \"4s\"\nfrom = { workload = \"deployment/client\" }",
    ),
    ("node-drain", "kind = \"node-drain\"\nhold = \"4s\"\nnode = { of = \"target\" }"),
    ("node-failure, power-off", "kind = \"node-failure\"\nhold = \"50s\"\nnode = { of = \"target\" }"),
    (
        "node-failure, kubelet-stop",
        "kind = \"node-failure\"\nmode = \"kubelet-stop\"\nhold = \"50s\"\nnode = { of = \"target\" }",
    ),
    (
        "node-failure, network-cut",
        "kind = \"node-failure\"\nmode = \"network-cut\"\nhold = \"50s\"\nnode = { of = \"target\" }",
    ),
    ("node-failure, taint", "kind = \"node-failure\"\nmode = \"taint\"\nhold = \"10s\"\nnode = { of = \"target\" }"),
    ("etcd-member-replace, moved", "kind = \"etcd-member-replace\"\nport = \"7000\"\nhold = \"4s\""),
    (
        "pod-kill, of our own agent, which is replaced",
        "kind = \"pod-kill\"\npods = { selector = \"app.kubernetes.io/name=driftproof-agent\" }\n\
         [[probe]]\nname = \"inside\"\nkind = \"http\"\nservice = \"web:80\"\nrate = 2\nfrom = \"cluster\"",
    ),
    (
        "etcd-member-replace, disk lost",
        "kind = \"etcd-member-replace\"\ndisk = \"lost\"\nport = \"7000\"\nhold = \"4s\"",
    ),
];

/// Whether a store with members is the target, which is there before the run: its members are to be as before, too.
pub(crate) fn has_members(fault: &str) -> bool {
    fault.contains("etcd-member-replace")
}

/// The store with members.
pub(crate) fn members() -> Vec<Value> {
    let text = include_str!("../../scenarios/fixtures/db-members.yaml");
    driftproof::scenario::manifests("db-members.yaml", text).expect("valid manifests")
}

/// The whole file.
pub(crate) fn file(fault: &str) -> String {
    if has_members(fault) {
        return format!(
            "name = \"crash\"\n[target]\nnamespace = \"shop\"\nworkload = \"statefulset/db\"\n[cluster]\nnodes = 4\n[[fault]]\n{fault}\n"
        );
    }
    // Our agent is the only one of its kind.
    let allow = if fault.contains("driftproof-agent") { "allow = [\"last-ready-replica\"]\n" } else { "" };
    format!(
        "name = \"crash\"\n[target]\nnamespace = \"shop\"\nworkload = \"deployment/web\"\n[cluster]\nnodes = 3\n\
         [cluster.timings]\nnode_monitor_grace_period = \"20s\"\ndefault_toleration = \"10s\"\n\
         [guard]\nmax_nodes = \"50%\"\n{allow}\
         [[probe]]\nname = \"reads\"\nkind = \"http\"\nservice = \"web:80\"\nrate = 2\n[[fault]]\n{fault}\n"
    )
}

/// A service, and a client of it.
pub(crate) const FIXTURE: &str = r"
apiVersion: v1
kind: List
items:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: { name: web }
    spec:
      replicas: 2
      selector: { matchLabels: { app: web } }
      template:
        metadata:
          labels: { app: web }
          annotations: { embedded.driftproof.dev/app: http }
        spec:
          containers:
            - { name: web, image: 'registry.example/shop/web:1', ports: [{ name: http, containerPort: 8080 }] }
  - apiVersion: apps/v1
    kind: Deployment
    metadata: { name: client }
    spec:
      replicas: 1
      selector: { matchLabels: { app: client } }
      template:
        metadata:
          labels: { app: client }
          annotations: { embedded.driftproof.dev/app: http }
        spec:
          containers:
            - { name: client, image: 'registry.example/shop/client:1', ports: [{ name: http, containerPort: 8080 }] }
  - apiVersion: v1
    kind: Service
    metadata: { name: web }
    spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
";
