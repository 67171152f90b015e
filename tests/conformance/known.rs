//! Differences between the clusters whose reason is known and is no rule of Kubernetes, as data. Each is shown in the
//! table with its reason.

use crate::compare::Verdict;

/// Edges that need not be seen on both: case (`*` for any), who (its start), what (its start), and why.
const CHANCE: &[(&str, &str, &str, &str)] = &[
    (
        "container-kill",
        "crasher",
        "waiting CrashLoopBackOff",
        "the last one may come after the case, by the jitter of the kubelet's retry",
    ),
    (
        "*",
        "deployment",
        "Progressing NewReplicaSetCreated",
        "it stays until the controller sees the first pod's status, which may come at once: seen in some runs only",
    ),
    (
        "out-of-service",
        "events",
        "DaemonSet SuccessfulDelete",
        "the DaemonSet controller and the taint eviction race for the same pod: the faster one tells of it",
    ),
];

/// Edges that must be seen on both, in their order, but not at the same time: as above.
const SPEED: &[(&str, &str, &str, &str)] = &[
    (
        "container-kill",
        "crasher",
        "",
        "the kubelet starts it again at a retry with up to 5 s of jitter, and it ends a second later",
    ),
    ("rollout", "", "", "each step of a rollout waits for the machine that starts the pod before it"),
    (
        "rollout-during-loss",
        "patient",
        "",
        "each step of a rollout waits for the machine that starts the pod before it",
    ),
    ("statefulsets", "ordered", "", "each step waits for the machine that starts or ends the pod before it"),
];

/// Why two clusters may differ on an edge as they do.
pub(crate) fn known(case: &str, of: &str, what: &str, verdict: Verdict) -> Option<&'static str> {
    let list = match verdict {
        Verdict::Differs => CHANCE,
        Verdict::Late => SPEED,
        Verdict::Agrees | Verdict::Shown | Verdict::Known(_) => return None,
    };
    let found = list.iter().find(|(place, who, edge, _)| {
        (*place == "*" || *place == case) && of.starts_with(who) && what.starts_with(edge)
    });
    found.map(|(.., why)| *why)
}
