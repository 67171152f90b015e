//! Whether a cluster is well enough to have a member replaced. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::Replacement;
use crate::store::etcd::MemberList;

use super::View;

/// The ID of the member that is to be replaced.
///
/// # Errors
/// Why the cluster is not to be touched.
pub(super) fn fit(
    of: &Replacement,
    view: &View,
    lists: &BTreeMap<String, Result<MemberList, String>>,
) -> Result<u64, String> {
    let list = view.list.as_ref().ok_or_else(|| {
        format!(
            "no pod of {} answers with a member list on port {} (etcd's JSON gateway, without TLS)",
            of.stateful_set, of.port
        )
    })?;
    let expected: BTreeSet<String> =
        (of.ordinals.start..of.ordinals.end()).map(|ordinal| format!("{}-{ordinal}", of.stateful_set)).collect();
    let found: BTreeSet<String> = list.members.iter().filter_map(|member| member.pod().map(str::to_owned)).collect();
    if found != expected || list.members.len() != expected.len() {
        let names = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
        return Err(format!(
            "the member list names {}, and the pods are {}: each pod must be one member whose peer URL begins with its name",
            names(&found),
            names(&expected)
        ));
    }
    for member in &list.members {
        let pod = member.pod().unwrap_or(&member.name);
        if member.learner || !member.started() {
            return Err(format!(
                "the member {:x} of {pod} does not vote: the cluster is being changed already",
                member.id
            ));
        }
        let status = view
            .statuses
            .get(&member.id)
            .ok_or_else(|| format!("the member {:x} of {pod} does not answer", member.id))?;
        if status.leader == 0 || Some(status.leader) != view.leader() {
            return Err(format!("{pod} does not follow the leader that the others follow"));
        }
        if !status.errors.is_empty() {
            return Err(format!("{pod} is not well: {}", status.errors.join(", ")));
        }
    }
    for (pod, own) in lists {
        let own = own.as_ref().map_err(|why| format!("the own list of {why}"))?;
        if own != list {
            return Err(format!("{pod} has another member list than the majority"));
        }
    }
    let member = list.members.iter().find(|member| member.pod() == Some(&of.pod));
    Ok(member.ok_or_else(|| format!("{} has no member", of.pod))?.id)
}
