//! What is run: scenario files as text. Their target is in `scenarios/web.yaml`, which is applied before and not by Driftproof.

use crate::lab::Lab;

/// Settle and steady window of every case; it is taken off where the wall clock is compared.
pub(crate) const WINDOW_SECONDS: f64 = 1.0;

/// One scenario and how it is called.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) scenario: String,
    pub(crate) more: &'static [&'static str],
}

fn scenario(name: &str, workload: &str, service: &str, rest: &str) -> String {
    format!(
        "name = \"{name}\"\n[target]\nnamespace = \"accuracy\"\nworkload = \"{workload}\"\n\
         [steady]\nwindow = \"1s\"\ntimeout = \"90s\"\n\
         [[probe]]\nname = \"reads\"\nkind = \"http\"\nservice = \"{service}:80\"\npath = \"/hostname\"\nrate = 20\n{rest}"
    )
}

/// The cases of which edges and cost are measured.
pub(crate) fn measured(lab: &Lab) -> Vec<Case> {
    let (off, on) = (lab.node_act("power-off"), lab.node_act("boot"));
    let stamp = lab.path("powered-off").display().to_string();
    let node_lost = format!(
        "[[fault]]\nkind = \"node-failure\"\nnode = {{ of = \"target\" }}\nmode = \"power-off\"\nhold = \"25s\"\n\
         command = {{ inject = \"date +%s%N > {stamp} && {off} && date +%s%N >> {stamp}\", heal = \"{on}\" }}\n[expect]\nrto = \"2m\"\n"
    );
    let kill = "[[fault]]\nkind = \"pod-kill\"\n[expect]\nrto = \"1m\"\n";
    vec![
        Case {
            name: "pod-kill-deployment",
            title: "pod kill, Deployment of 3",
            scenario: scenario("pod-kill-deployment", "deployment/web", "web", kill),
            more: &[],
        },
        Case {
            name: "pod-kill-statefulset",
            title: "pod kill, StatefulSet of 3",
            scenario: scenario("pod-kill-statefulset", "statefulset/db", "db", kill),
            more: &[],
        },
        Case {
            name: "node-power-off",
            title: "node power-off, Deployment of 3",
            scenario: scenario("node-power-off", "deployment/web", "web", &node_lost),
            more: &["--allow-commands"],
        },
    ]
}

/// A case in which nothing can be injected, or nothing is allowed to be.
pub(crate) struct Control {
    pub(crate) title: &'static str,
    pub(crate) scenario: String,
    /// Whether the account gets the rights that the scenario needs.
    pub(crate) granted: bool,
    /// What `kubectl apply` adds before, and deletes afterwards.
    pub(crate) beforehand: &'static str,
    /// Only on a cluster whose policies nobody enforces.
    pub(crate) unenforced: bool,
}

const BUDGET: &str = "apiVersion: policy/v1\nkind: PodDisruptionBudget\n\
    metadata: { name: tight, namespace: accuracy }\n\
    spec: { minAvailable: 3, selector: { matchLabels: { app: web } } }\n";
/// It is bound to the node of the first pod of the Deployment when it is applied.
pub(crate) const BARE_POD: &str = "apiVersion: v1\nkind: Pod\n\
    metadata: { name: bare, namespace: accuracy, labels: { app: bare } }\n\
    spec:\n  nodeName: NODE\n  terminationGracePeriodSeconds: 0\n  containers:\n  - { name: bare, image: \"busybox:test\", imagePullPolicy: IfNotPresent, command: [/bin/busybox, sleep, \"3600\"] }\n";

/// What a run that was killed in a partition has left.
const LEFTOVER: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
    metadata:\n  name: driftproof-dead-1-network-partition\n  namespace: accuracy\n\
    \x20 labels: { app.kubernetes.io/managed-by: driftproof, driftproof.dev/run: dead, driftproof.dev/step: 1-network-partition }\n\
    spec: { podSelector: { matchLabels: { app: web } }, policyTypes: [Ingress, Egress] }\n";

/// The negative controls of the field: each must end refused or inconclusive (or failed, where something was really tried).
pub(crate) fn controls() -> Vec<Control> {
    let web = |rest: &str| scenario("control", "deployment/web", "web", rest);
    let partition = "[[fault]]\nkind = \"network-partition\"\nhold = \"15s\"\n";
    let drain = "[[fault]]\nkind = \"node-drain\"\nnode = { of = \"target\" }\ntimeout = \"10s\"\nhold = \"1s\"\n";
    let control = |title, scenario| Control { title, scenario, granted: true, beforehand: "", unenforced: false };
    vec![
        control("no match", web("[[fault]]\nkind = \"pod-kill\"\npods = { selector = \"app=nothing\" }\n")),
        Control { unenforced: true, ..control("partition that nobody enforces", web(partition)) },
        Control { granted: false, ..control("missing rights", web("[[fault]]\nkind = \"pod-kill\"\n")) },
        Control { beforehand: LEFTOVER, ..control("partition beside a leftover policy", web(partition)) },
        Control { beforehand: BUDGET, ..control("drain that a budget blocks", web(drain)) },
        Control { beforehand: BARE_POD, ..control("drain that meets a bare pod", web(drain)) },
    ]
}
