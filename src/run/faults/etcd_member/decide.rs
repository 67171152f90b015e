//! Which deed comes next, from what shall be and what is seen. Pure: does not know what was done before, so that a run
//! that died and an undo from elsewhere come to the same end.
//!
//! The order is the operator's. A new member of another pod comes first: its pod, then a learner that has no vote, which is
//! promoted when it has caught up, and only then the old one goes. A member whose disk is gone goes first: it counts
//! for the majority and will never vote again, and its successor needs its name.

use crate::evidence::ClaimId;
use crate::plan::Ordinals;
use crate::store::etcd::{Member, MemberList};

use super::{Deed, Goal, Leaving, Next, View};

/// The next deed.
pub(super) fn next(goal: &Goal, view: &View) -> Next {
    let Some(list) = &view.list else { return Next::Wait("no majority of the members answers".to_owned()) };
    let leaving = list.members.iter().find(|member| goal.leaves(member, view));
    let joining = list.members.iter().find(|member| goal.joins(member, view));
    if let (Leaving::Dead(_), Some(dead)) = (&goal.leaving, leaving) {
        return remove(list, view, dead);
    }
    if let Some(next) = join(goal, view, list, joining) {
        return next;
    }
    match leaving {
        Some(leaving) => remove(list, view, leaving),
        None => clear(goal, view),
    }
}

impl Goal {
    fn leaves(&self, member: &Member, view: &View) -> bool {
        match &self.leaving {
            Leaving::Pod { name, .. } => member.pod() == Some(name),
            Leaving::Dead(id) => member.id == *id && self.disk_is_lost(view),
        }
    }

    pub(super) fn joins(&self, member: &Member, view: &View) -> bool {
        member.pod() == Some(&self.joining) && !self.leaves(member, view)
    }

    /// Whether the disk that the joining pod had is gone or on its way.
    pub(super) fn disk_is_lost(&self, view: &View) -> bool {
        let Some(stale) = &self.stale else { return false };
        let gone = |claim: &ClaimId| {
            view.claims.get(&claim.name).is_none_or(|found| found.uid != claim.uid || found.terminating)
        };
        let pod_gone = || view.pods.get(&self.joining).is_none_or(|pod| pod.uid != stale.pod);
        if stale.claims.is_empty() { pod_gone() } else { stale.claims.iter().any(gone) }
    }
}

/// What is missing until the joining pod's member votes and has caught up; none when it does.
fn join(goal: &Goal, view: &View, list: &MemberList, joining: Option<&Member>) -> Option<Next> {
    let pod = &goal.joining;
    let Some(member) = joining else {
        return Some(discard(goal, view).or_else(|| place(goal, view)).unwrap_or_else(|| add(pod, list)));
    };
    if let Some(next) = place(goal, view) {
        return Some(next);
    }
    if !member.started() {
        return Some(Next::Wait(format!("{pod} has been added as a member and has not started")));
    }
    let behind = match (view.applied_by_leader(), view.statuses.get(&member.id)) {
        (_, None) => format!("the member of {pod} does not answer"),
        (None, _) => "the leader does not answer".to_owned(),
        (Some(leader), Some(status)) if status.applied < leader => {
            format!("{pod} has applied the entries up to {} of {leader}", status.applied)
        }
        (Some(_), Some(_)) if member.learner => return Some(Next::Do(Deed::Promote { member: member.id })),
        (Some(_), Some(_)) => return None,
    };
    Some(Next::Wait(behind))
}

/// A disk of a member that is no more must go before its pod can join anew.
fn discard(goal: &Goal, view: &View) -> Option<Next> {
    let stale = goal.stale.as_ref()?;
    let pod = view.pods.get(&goal.joining);
    let there = |claim: &&ClaimId| view.claims.get(&claim.name).is_some_and(|found| found.uid == claim.uid);
    if let Some(claim) = stale.claims.iter().filter(there).find(|claim| !view.claims[&claim.name].terminating) {
        return Some(Next::Do(Deed::DeleteClaim(claim.clone())));
    }
    let left = stale.claims.iter().find(there);
    let uses = pod.filter(|pod| pod.uid == stale.pod || (left.is_some() && pod.running));
    match (uses, left) {
        (Some(pod), _) if !pod.terminating => {
            Some(Next::Do(Deed::DeletePod { name: goal.joining.clone(), uid: pod.uid.clone() }))
        }
        (Some(_), _) => Some(Next::Wait(format!("the old pod {} has not ended", goal.joining))),
        (None, Some(claim)) => Some(Next::Wait(format!("the old claim {} is not gone", claim.name))),
        (None, None) => None,
    }
}

/// The joining pod must be wanted, and run.
fn place(goal: &Goal, view: &View) -> Option<Next> {
    let pod = &goal.joining;
    if !has(view.ordinals, pod) {
        return Some(Next::Do(Deed::SetOrdinals(goal.during)));
    }
    match view.pods.get(pod) {
        Some(found) if found.running && !found.terminating => None,
        Some(_) => Some(Next::Wait(format!("pod {pod} does not run"))),
        None => Some(Next::Wait(format!("pod {pod} is not there"))),
    }
}

/// Whether these ordinals contain the one of a pod.
fn has(ordinals: Ordinals, pod: &str) -> bool {
    let ordinal = pod.rsplit('-').next().and_then(|text| text.parse::<i32>().ok());
    ordinal.is_some_and(|ordinal| (ordinals.start..ordinals.end()).contains(&ordinal))
}

fn add(pod: &str, list: &MemberList) -> Next {
    match list.members.iter().find_map(|member| member.peer_url_of(pod)) {
        Some(peer_url) => Next::Do(Deed::AddLearner { peer_url }),
        None => Next::Wait(format!("no member's peer URL shows what the one of {pod} would be")),
    }
}

/// Removes a member, unless those that answer would be no majority of those that are left.
fn remove(list: &MemberList, view: &View, leaving: &Member) -> Next {
    let rest: Vec<u64> =
        list.members.iter().filter(|other| !other.learner && other.id != leaving.id).map(|m| m.id).collect();
    let answers = |id: &&u64| view.statuses.get(id).is_some_and(|status| status.leader != 0);
    let alive: Vec<u64> = rest.iter().filter(answers).copied().collect();
    let majority = rest.len() / 2 + 1;
    let who = leaving.pod().unwrap_or(&leaving.name);
    if !leaving.learner && alive.len() < majority {
        return Next::Wait(format!(
            "without the member of {who} {} of {} voting members answer, {majority} are a majority: it is not removed",
            alive.len(),
            rest.len()
        ));
    }
    // An old leader that goes by itself costs an election; one that hands over does not.
    if view.leader() == Some(leaving.id) && view.statuses.contains_key(&leaving.id) {
        return match alive.iter().max_by_key(|id| view.statuses[id].applied) {
            Some(to) => Next::Do(Deed::MoveLeader { from: leaving.id, to: *to }),
            None => Next::Wait(format!("{who} leads, and nobody can take over")),
        };
    }
    Next::Do(Deed::Remove { member: leaving.id })
}

/// The members are as they shall be: the pods and claims follow.
fn clear(goal: &Goal, view: &View) -> Next {
    if view.ordinals != goal.after {
        return Next::Do(Deed::SetOrdinals(goal.after));
    }
    let Leaving::Pod { name, claims } = &goal.leaving else { return Next::Done };
    if view.pods.contains_key(name) {
        return Next::Wait(format!("pod {name} has not ended"));
    }
    match claims.iter().find_map(|claim| Some((claim, view.claims.get(claim)?))) {
        None => Next::Done,
        Some((claim, found)) if found.terminating => Next::Wait(format!("claim {claim} is not gone")),
        Some((claim, found)) => Next::Do(Deed::DeleteClaim(ClaimId { name: claim.clone(), uid: found.uid.clone() })),
    }
}

impl View {
    /// The leader that most of those that answer follow.
    pub(super) fn leader(&self) -> Option<u64> {
        let mut votes = std::collections::BTreeMap::new();
        for status in self.statuses.values().filter(|status| status.leader != 0) {
            *votes.entry(status.leader).or_insert(0_u32) += 1;
        }
        votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(leader, _)| leader)
    }

    fn applied_by_leader(&self) -> Option<u64> {
        self.statuses.get(&self.leader()?).map(|status| status.applied)
    }
}
