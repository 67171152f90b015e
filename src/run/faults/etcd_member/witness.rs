//! What the members themselves say: the proof. Read from every member's own list, not from one that was told.

use std::collections::BTreeMap;

use crate::evidence::{Proof, Replacement, some};
use crate::store::etcd::{Admin, Member, MemberList};

use super::super::super::context::Context;
use super::{Goal, View, look};

/// Who shall be in the lists, and who not.
pub(super) struct Claim<'a> {
    /// The pod whose member votes and has caught up.
    pub(super) joined: &'a str,
    /// The pod without a member, if there is one.
    pub(super) without: Option<&'a str>,
    /// The ID of the member that is no more, if it is known.
    pub(super) gone: Option<u64>,
}

/// Whether every member says so.
pub(super) async fn prove(context: &Context, of: &Replacement, goal: &Goal, claim: &Claim<'_>) -> Proof {
    let statement = match look::view(context, of, goal).await {
        Err(reason) => Err(reason),
        Ok(view) => {
            let lists = own_lists(context, of, &view).await;
            judge(claim, &view, &lists)
        }
    };
    let (proven, statement) = statement.map_or_else(|why| (false, why), |seen| (true, seen));
    Proof { proven, statement, canaries: Vec::new() }
}

/// The list of each member, by its pod, as it has it itself.
pub(super) async fn own_lists(
    context: &Context,
    of: &Replacement,
    view: &View,
) -> BTreeMap<String, Result<MemberList, String>> {
    let mut lists = BTreeMap::new();
    let members = view.list.iter().flat_map(|list| &list.members);
    for pod in members.filter_map(Member::pod) {
        lists.insert(pod.to_owned(), look::list(context, of, pod, &Admin::OwnList).await);
    }
    lists
}

/// The statement, or what contradicts it.
pub(super) fn judge(
    claim: &Claim<'_>,
    view: &View,
    lists: &BTreeMap<String, Result<MemberList, String>>,
) -> Result<String, String> {
    let list = view.list.as_ref().ok_or("no majority of the members agrees on a list")?;
    let pod = claim.joined;
    let member = list.members.iter().find(|member| member.pod() == Some(pod));
    let member = member.ok_or_else(|| format!("{pod} has no member in the list"))?;
    if member.learner || !member.started() {
        return Err(format!("the member {:x} of {pod} does not vote", member.id));
    }
    let leader = view.leader().and_then(|leader| view.statuses.get(&leader)).ok_or("no leader answers")?;
    let own =
        view.statuses.get(&member.id).ok_or_else(|| format!("the member {:x} of {pod} does not answer", member.id))?;
    if own.applied < leader.applied {
        return Err(format!("{pod} has applied the entries up to {} of {}", own.applied, leader.applied));
    }
    for (asked, list) in lists {
        let list = list.as_ref().map_err(|why| format!("its own list cannot be read from {why}"))?;
        if list.members.iter().all(|other| other.id != member.id || other.learner) {
            return Err(format!("{asked} does not count the member {:x} of {pod} among those that vote", member.id));
        }
        let rest = list.members.iter().find(|other| claim.excludes(other));
        if let Some(rest) = rest {
            return Err(format!("{asked} still has the member {:x} of {}", rest.id, rest.pod().unwrap_or(&rest.name)));
        }
    }
    let names: Vec<&str> = lists.keys().map(String::as_str).collect();
    let without = match (claim.gone, claim.without) {
        (Some(id), Some(other)) => format!("{id:x} of {other}"),
        (Some(id), None) => format!("{id:x}"),
        (None, Some(other)) => format!("one of {other}"),
        (None, None) => "other one".to_owned(),
    };
    Ok(format!(
        "the lists of {} have the member {:x} of {pod}, which votes and has applied entry {} (the leader {}), and no {without}",
        some(&names, 6),
        member.id,
        own.applied,
        leader.applied
    ))
}

impl Claim<'_> {
    fn excludes(&self, member: &Member) -> bool {
        self.gone == Some(member.id) || self.without.is_some_and(|pod| member.pod() == Some(pod))
    }
}
