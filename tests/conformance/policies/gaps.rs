//! Where the enforcer of the testbed departs from Kubernetes, as data: the embedded network follows Kubernetes there.

/// Set, sender and receiver (`*` for any), and why.
const GAPS: &[(&str, &str, &str, &str)] = &[
    (
        "port-named-egress",
        "a/web",
        "*",
        "kube-router opens 8081, which b/web alone calls http, at the other peers too; by Kubernetes a name is looked up \
         in the pod that is reached",
    ),
    (
        "port-named-egress-no-peers",
        "a/web",
        "*",
        "without peers kube-router opens 8080 at b/web, which calls 8081 http; by Kubernetes a name is looked up in the pod \
         that is reached",
    ),
];

/// Why two networks may differ on a pair of pods under a set.
pub(crate) fn gap(set: &str, from: &str, to: &str) -> Option<&'static str> {
    let is = |wanted: &str, found: &str| wanted == "*" || wanted == found;
    let found = GAPS.iter().find(|(known, sender, receiver, _)| is(known, set) && is(sender, from) && is(receiver, to));
    found.map(|(.., why)| *why)
}
