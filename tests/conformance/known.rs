//! Differences between the clusters whose reason is known and is no rule of Kubernetes, as data. Each is shown in the
//! table with its reason.

/// Case (`*` for any), who (its start), what (its start), and why.
const KNOWN: &[(&str, &str, &str, &str)] = &[
    (
        "container-kill",
        "crasher",
        "ended with code 3",
        "the kubelet starts it again at a retry with up to 5 s of jitter, and it ends a second later",
    ),
    ("container-kill", "crasher", "Ready=False", "as its end, which the jitter of the kubelet's retry moves"),
    ("container-kill", "crasher", "waiting CrashLoopBackOff", "the last one may come after the case, by that jitter"),
    (
        "out-of-service",
        "events",
        "DaemonSet SuccessfulDelete",
        "the DaemonSet controller and the taint eviction race for the same pod: the faster one tells of it",
    ),
];

/// Why two clusters may differ on an edge.
pub(crate) fn known(case: &str, of: &str, what: &str) -> Option<&'static str> {
    let found = KNOWN.iter().find(|(place, who, edge, _)| {
        (*place == "*" || *place == case) && of.starts_with(who) && what.starts_with(edge)
    });
    found.map(|(.., why)| *why)
}
