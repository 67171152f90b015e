//! `etcd-member-replace`: a member of an etcd cluster is replaced as an operator would do it. Whatever is done, forwards or
//! back, is one goal that is worked towards from what is seen, one deed at a time: so it can be cut off anywhere and be
//! taken up again from the cluster alone. Never removes a member that its cluster needs for its majority.

mod act;
mod decide;
mod fit;
mod life;
mod look;
mod witness;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::evidence::{ClaimId, Replacement};
use crate::plan::Ordinals;
use crate::store::etcd::{MemberList, MemberStatus};

pub(in crate::run) use life::restore;
pub(super) use life::{Planned, inject, intent, prove, prove_healed};
pub(in crate::run) use look::marked;

/// The annotation of a StatefulSet whose member we replace: run and step.
pub(in crate::run) const REPLACED_BY: &str = "driftproof.dev/member-replaced-by";

/// What was found before the injection.
pub(super) struct Intent {
    pub(super) replacement: Replacement,
    /// Why the cluster is not to be touched.
    pub(super) refusal: Option<String>,
}

/// What shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Goal {
    /// The pod whose member shall vote and have caught up.
    joining: String,
    /// Its disk, if it has one that must not be used again.
    stale: Option<Stale>,
    /// Whose member shall be no more.
    leaving: Leaving,
    /// The ordinals while both pods are needed.
    during: Ordinals,
    /// The ordinals in the end.
    after: Ordinals,
}

/// A disk that belonged to a member that is no more: etcd would not start on it, or would forget what it has voted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stale {
    /// UID of the pod; its emptyDir goes with it.
    pod: String,
    claims: Vec<ClaimId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Leaving {
    /// The member of this pod, and then the claims.
    Pod { name: String, claims: Vec<String> },
    /// This member of the joining pod, once its disk is lost.
    Dead(u64),
}

/// What is seen at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct View {
    ordinals: Ordinals,
    /// The joining and the leaving pod, as far as they are there.
    pods: BTreeMap<String, PodView>,
    /// Their claims, as far as they are there.
    claims: BTreeMap<String, ClaimView>,
    /// The list that a majority agrees on.
    list: Option<MemberList>,
    /// The members that answer, by ID. The joining one was asked last.
    statuses: BTreeMap<u64, MemberStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct PodView {
    uid: String,
    running: bool,
    terminating: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct ClaimView {
    uid: String,
    terminating: bool,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Deed {
    SetOrdinals(Ordinals),
    DeleteClaim(ClaimId),
    DeletePod { name: String, uid: String },
    AddLearner { peer_url: String },
    Promote { member: u64 },
    MoveLeader { from: u64, to: u64 },
    Remove { member: u64 },
}

/// What follows from a view.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    Do(Deed),
    /// Nothing yet, and for what.
    Wait(String),
    Done,
}
