//! What is worth a word in a scenario that is no mistake. Never refuses anything.

use super::{DataCheck, FaultKind, Scenario};
use crate::workload::StoreKind;

/// One line for each thing that a person may not have meant, lowercase and without a full stop.
#[must_use]
pub fn warnings(scenario: &Scenario) -> Vec<String> {
    let mut found = Vec::new();
    if !scenario.has_objective() {
        found.push(
            "no objective is set: whatever the fault costs, only its proof, its healing and the steady state are judged; add [expect], such as `rto = \"30s\"`".to_owned(),
        );
    }
    found.extend(places(scenario));
    found.extend(scenario.data.iter().filter_map(store));
    found
}

/// Nodes and zones that the embedded cluster does not have: a scenario without `[cluster]` may be for a live one.
fn places(scenario: &Scenario) -> Vec<String> {
    let (count, zones) = (scenario.cluster.nodes, &scenario.cluster.zones);
    let unknown_node = |name: &Option<String>| {
        let name = name.as_ref().filter(|name| !(1..=count).any(|number| **name == format!("worker-{number}")))?;
        Some(format!("the embedded cluster has no node `{name}` (it has `worker-1` to `worker-{count}`)"))
    };
    let unknown_zone = |name: &Option<String>| {
        let name = name.as_ref().filter(|name| !zones.contains(name))?;
        Some(format!("the embedded cluster has no zone `{name}`"))
    };
    let named = scenario.faults.iter().flat_map(|fault| match &fault.kind {
        FaultKind::PodKill(kill) => [unknown_node(&kill.node), None],
        FaultKind::NodeDrain(drain) => [unknown_node(&drain.node.name), unknown_zone(&drain.node.zone)],
        FaultKind::NodeFailure(failure) => [unknown_node(&failure.node.name), unknown_zone(&failure.node.zone)],
        FaultKind::NetworkPartition(_) | FaultKind::EtcdMemberReplace(_) => [None, None],
    });
    let live = |what: String| format!("{what}: right for a live cluster that has it (--context), else write [cluster]");
    named.flatten().map(live).collect()
}

/// A store of the cluster that only a live one runs.
fn store(check: &DataCheck) -> Option<String> {
    let DataCheck::Store(check) = check else { return None };
    let kind = check.store.kind;
    let alive =
        matches!(kind, StoreKind::Etcd | StoreKind::Redis | StoreKind::Postgres) && check.store.service.is_some();
    let name = check.name();
    alive.then(|| {
        format!(
            "data check `{name}` speaks to {}, which no pod of the embedded cluster runs: run it with --context, or use kind = \"kv\"",
            kind.name()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_live_cluster_has_is_told_and_no_mistake() {
        let text = r#"
            name = "elsewhere"
            target = { namespace = "shop", workload = "deployment/web" }
            fault = [{ kind = "node-drain", node = { name = "ip-10-0-0-7" } }, { kind = "pod-kill", node = "worker-2" }]
            data = [{ kind = "register", store = { kind = "redis", service = "redis:6379" } }]
            expect = { rto = "1m" }
        "#;
        let scenario = crate::scenario::parse("elsewhere.toml", text).expect("a scenario");
        let [node, store] = <[String; 2]>::try_from(warnings(&scenario)).expect("two warnings");
        assert!(node.contains("no node `ip-10-0-0-7`"), "{node}");
        assert!(store.contains("redis"), "{store}");
    }
}
