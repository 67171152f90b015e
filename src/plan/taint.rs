//! The NoExecute taint of a `node-failure` with `mode = "taint"`: its name, and what it does to a pod, by the rules of
//! the taint eviction controller (`pkg/controller/tainteviction/taint_eviction.go`).

use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod, Toleration};

use super::inventory::{Inventory, is_finished, is_terminating, node_of, pod_target};
use super::make::Trouble;
use super::model::NodeTarget;
use super::pods::{Group, pods_of};

/// The key of our taint. Its value names the run and the step.
pub const TAINT_KEY: &str = "driftproof.dev/node-failure";
/// Its effect.
pub const TAINT_EFFECT: &str = "NoExecute";

/// The value of the taint of one step: at most 63 characters, as a label's value.
#[must_use]
pub fn taint_value(run: &str, step: &str) -> String {
    format!("{run}.{step}").chars().take(63).collect::<String>().trim_end_matches(['.', '-', '_']).to_owned()
}

/// How long a pod may stay on a node with our taint; `None` for ever.
///
/// Of the tolerations that match, the shortest time counts; a pod with none must go at once.
#[must_use]
pub fn stays(pod: &Pod, value: &str) -> Option<Duration> {
    let tolerations = pod.spec.iter().flat_map(|spec| spec.tolerations.iter().flatten());
    let matching: Vec<&Toleration> = tolerations.filter(|toleration| tolerates(toleration, value)).collect();
    if matching.is_empty() {
        return Some(Duration::ZERO);
    }
    let seconds = matching.iter().filter_map(|toleration| toleration.toleration_seconds).min()?;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

fn tolerates(toleration: &Toleration, value: &str) -> bool {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let effect = filled(&toleration.effect).is_none_or(|effect| effect == TAINT_EFFECT);
    let key = filled(&toleration.key);
    effect
        && match toleration.operator.as_deref() {
            Some("Exists") => key.is_none_or(|key| key == TAINT_KEY),
            _ => key.as_deref() == Some(TAINT_KEY) && toleration.value.as_deref().unwrap_or_default() == value,
        }
}

/// Whether a node has a taint of ours, of this or of another run.
pub(super) fn is_tainted(node: &Node) -> bool {
    node.spec.iter().flat_map(|spec| spec.taints.iter().flatten()).any(|taint| taint.key == TAINT_KEY)
}

/// Refuses a taint that nothing of the target would show.
pub(super) fn bites(nodes: &[NodeTarget], group: Group<'_>, inventory: &Inventory, value: &str) -> Result<(), Trouble> {
    let here: Vec<&Pod> = pods_of(group, inventory)
        .into_iter()
        .filter(|pod| !is_finished(pod) && !is_terminating(pod) && nodes.iter().any(|node| node.name == node_of(pod)))
        .collect();
    let names = nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ");
    let Some(first) = here.first() else {
        return Err(Trouble::unprovable(format!(
            "a taint changes no condition of a node, only pods that it drives out show it, and no pod of {} is on {names}; choose the node by `of = \"target\"`",
            group.describe()
        )));
    };
    if here.iter().any(|pod| stays(pod, value).is_some()) {
        return Ok(());
    }
    Err(Trouble::unprovable(format!(
        "every pod of {} on {names} tolerates the taint {TAINT_KEY}:{TAINT_EFFECT} for ever (such as {}): it would drive out none of them",
        group.describe(),
        pod_target(first)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(tolerations: &serde_json::Value) -> Pod {
        serde_json::from_value(
            serde_json::json!({ "metadata": {}, "spec": { "containers": [], "tolerations": tolerations } }),
        )
        .unwrap()
    }

    #[test]
    fn a_pod_stays_as_long_as_it_tolerates() {
        let value = taint_value("r1", "1-node-failure");
        for (tolerations, expected) in [
            (serde_json::json!([]), Some(0)),
            (serde_json::json!([{ "operator": "Exists" }]), None),
            (serde_json::json!([{ "operator": "Exists", "effect": "NoSchedule" }]), Some(0)),
            (
                serde_json::json!([{ "key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300 }]),
                Some(0),
            ),
            (
                serde_json::json!([{ "key": TAINT_KEY, "operator": "Exists", "tolerationSeconds": 7 }, { "operator": "Exists" }]),
                Some(7),
            ),
            (serde_json::json!([{ "key": TAINT_KEY, "value": value }]), None),
            (serde_json::json!([{ "key": TAINT_KEY, "value": "other" }]), Some(0)),
        ] {
            assert_eq!(stays(&pod(&tolerations), &value), expected.map(Duration::from_secs), "{tolerations}");
        }
    }

    #[test]
    fn a_value_fits_into_a_label() {
        assert_eq!(taint_value("r20261126104200", "1-node-failure"), "r20261126104200.1-node-failure");
        assert!(taint_value(&"r".repeat(80), "1").len() <= 63);
    }
}
