//! Chooses the member of an `etcd-member-replace`. Knows the StatefulSet and its pods, not yet the member list: that is
//! looked at when the fault begins.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use rand::rngs::ChaCha8Rng;

use crate::scenario::{Disk, EtcdMemberReplace, Target, WorkloadKind};

use super::chance;
use super::inventory::{Inventory, is_ready, pod_target};
use super::make::Trouble;
use super::model::{Action, Ordinals};
use super::pods::{Group, ordinal, pods_of};

/// Two members tolerate the loss of none.
const MEMBERS_MIN: i32 = 3;

/// Resolves the fault on this inventory.
pub(super) fn choose(
    fault: &EtcdMemberReplace,
    target: &Target,
    inventory: &Inventory,
    generator: &mut ChaCha8Rng,
) -> Result<Action, Trouble> {
    let name = Group::from(target).describe();
    let set = set(target, inventory)
        .ok_or_else(|| Trouble::no_target(format!("{name} is no StatefulSet, or it is not there")))?;
    let spec = set.spec.clone().unwrap_or_default();
    let ordinals = Ordinals {
        start: spec.ordinals.and_then(|ordinals| ordinals.start).unwrap_or_default(),
        replicas: spec.replicas.unwrap_or(1),
    };
    if ordinals.replicas < MEMBERS_MIN {
        return Err(Trouble::refused(format!(
            "{name} has {} replicas: an etcd cluster of fewer than {MEMBERS_MIN} members has no quorum without one of them",
            ordinals.replicas
        )));
    }
    let pods = pods_of(target, inventory);
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    if ready < usize::try_from(ordinals.replicas).unwrap_or(usize::MAX) {
        return Err(Trouble::refused(format!(
            "{ready} of {} pods of {name} are ready: no member is taken from a cluster that already lacks one",
            ordinals.replicas
        )));
    }
    let leaving = leaving(fault, ordinals, &pods, generator)
        .ok_or_else(|| Trouble::no_target(format!("{name} has no pod with the ordinal that is asked for")))?;
    let set_name = set.metadata.name.clone().unwrap_or_default();
    let guest = match fault.disk {
        Disk::Kept => Some(format!("{set_name}-{}", ordinals.end())),
        Disk::Lost => None,
    };
    let templates = spec.volume_claim_templates.unwrap_or_default();
    Ok(Action::EtcdMemberReplace {
        stateful_set: set_name,
        ordinals,
        leaving: pod_target(leaving),
        guest,
        claim_templates: templates.into_iter().filter_map(|template| template.metadata.name).collect(),
        port: fault.port.clone(),
        timeout: fault.timeout,
    })
}

fn set<'a>(target: &Target, inventory: &'a Inventory) -> Option<&'a StatefulSet> {
    let workload = target.workload.as_ref().filter(|workload| workload.kind == WorkloadKind::StatefulSet)?;
    inventory.stateful_sets.iter().find(|set| {
        set.metadata.name.as_ref() == Some(&workload.name) && set.metadata.namespace.as_ref() == Some(&target.namespace)
    })
}

fn leaving<'a>(
    fault: &EtcdMemberReplace,
    ordinals: Ordinals,
    pods: &[&'a Pod],
    generator: &mut ChaCha8Rng,
) -> Option<&'a Pod> {
    let of = |wanted: u32| pods.iter().copied().find(|pod| ordinal(pod) == Some(wanted));
    match (fault.disk, fault.ordinal) {
        (Disk::Kept, _) => of(u32::try_from(ordinals.start).ok()?),
        (Disk::Lost, Some(wanted)) => of(wanted),
        (Disk::Lost, None) => {
            let mut pods = pods.to_vec();
            chance::shuffle(&mut pods, generator);
            pods.first().copied()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::model::{Plan, ProblemKind};
    use super::super::testing::cluster;
    use super::super::{make, permissions, text};
    use super::*;
    use crate::scenario::{Scenario, parse};

    fn scenario(fault: &str) -> Scenario {
        let text = format!(
            "name = \"test\"\ntarget = {{ namespace = \"shop\", workload = \"statefulset/db\" }}\n[[fault]]\nkind = \"etcd-member-replace\"\nhold = \"10s\"\n{fault}"
        );
        parse("test.toml", &text).unwrap_or_else(|found| panic!("{found:?}"))
    }

    fn planned(fault: &str, seed: u64, change: impl FnOnce(&mut Inventory)) -> Plan {
        let mut inventory = cluster();
        for set in &mut inventory.stateful_sets {
            let spec = set.spec.get_or_insert_default();
            spec.replicas = Some(3);
            let template = serde_json::json!({ "metadata": { "name": "data" }, "spec": {} });
            spec.volume_claim_templates = Some(vec![serde_json::from_value(template).expect("a claim")]);
        }
        change(&mut inventory);
        make(&scenario(fault), &inventory, seed, "run")
    }

    fn action(plan: &Plan) -> (&str, Option<&str>, Ordinals) {
        match &plan.steps.first().unwrap_or_else(|| panic!("{:?}", plan.problems)).action {
            Action::EtcdMemberReplace { leaving, guest, ordinals, claim_templates, .. } => {
                assert_eq!(claim_templates, &["data"]);
                (&leaving.name, guest.as_deref(), *ordinals)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_lowest_member_moves_to_the_next_ordinal() {
        let three = Ordinals { start: 0, replicas: 3 };
        let plan = planned("", 1, |_| {});
        assert_eq!(action(&plan), ("db-0", Some("db-3"), three));
        let shown = text(&plan);
        assert!(shown.contains("grow statefulset/db by db-3, add it as a member, remove shop/db-0"), "{shown}");
        assert!(shown.contains("no failsafe: if this run dies, `driftproof undo`"), "{shown}");
    }

    #[test]
    fn a_disk_is_lost_by_the_seed_or_by_its_ordinal() {
        let lost = |seed| action(&planned("disk = \"lost\"", seed, |_| {})).0.to_owned();
        assert_eq!(lost(3), lost(3));
        assert_eq!((0..20).map(lost).collect::<BTreeSet<_>>().len(), 3);
        let plan = planned("disk = \"lost\"\nordinal = 2", 1, |_| {});
        assert_eq!((action(&plan).0, action(&plan).1), ("db-2", None));
        assert!(text(&plan).contains("delete shop/db-2 on worker-3 with its claims for good"));
    }

    #[test]
    fn too_small_or_too_weak_a_cluster_is_left_alone() {
        let refused = |change: fn(&mut Inventory), fault: &str, kind: ProblemKind, why: &str| {
            let plan = planned(fault, 1, change);
            assert!(plan.steps.is_empty(), "{why}");
            assert_eq!(plan.problems[0].kind, kind, "{why}");
            assert!(plan.problems[0].message.contains(why), "{}", plan.problems[0].message);
        };
        let two = |inventory: &mut Inventory| {
            inventory.stateful_sets[0].spec.as_mut().expect("a spec").replicas = Some(2);
        };
        refused(two, "", ProblemKind::Refused, "has 2 replicas: an etcd cluster of fewer than 3 members");
        let weak = |inventory: &mut Inventory| {
            inventory.pods.iter_mut().filter(|pod| pod.metadata.name.as_deref() == Some("db-1")).for_each(|pod| {
                pod.status.as_mut().expect("a status").conditions = None;
            });
        };
        refused(weak, "", ProblemKind::Refused, "2 of 3 pods of statefulset/db in shop are ready");
        let gone = |inventory: &mut Inventory| inventory.stateful_sets.clear();
        refused(gone, "", ProblemKind::NoTarget, "is no StatefulSet, or it is not there");
        refused(|_| {}, "disk = \"lost\"\nordinal = 7", ProblemKind::NoTarget, "no pod with the ordinal");
    }

    #[test]
    fn rights_are_those_of_the_move_and_no_more() {
        let needed: BTreeSet<String> = permissions(&scenario(""))
            .into_iter()
            .map(|one| format!("{} {}/{}", one.verb, one.namespace.unwrap_or_else(|| "*".to_owned()), one.resource))
            .collect();
        for wanted in [
            "patch shop/statefulsets",
            "delete shop/persistentvolumeclaims",
            "get shop/persistentvolumeclaims",
            "delete shop/pods",
            "create shop/pods/proxy",
            "patch shop/configmaps",
        ] {
            assert!(needed.contains(wanted), "{wanted} is not in {needed:?}");
        }
        for other in ["create shop/pods", "patch */nodes", "list */pods", "create shop/pods/exec"] {
            assert!(!needed.contains(other), "{other} is not needed");
        }
    }
}
