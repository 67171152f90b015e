//! The decisions against a small model of a StatefulSet and its etcd: there, cut off after every deed, and back.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::{ClaimId, Replacement};
use crate::plan::Ordinals;
use crate::store::etcd::{Member, MemberList, MemberStatus};

use super::decide::next;
use super::witness::{Claim, judge};
use super::{ClaimView, Deed, Goal, Next, PodView, View, fit};

/// More rounds than any way takes.
const ROUNDS: usize = 60;
const THREE: Ordinals = Ordinals { start: 0, replicas: 3 };

#[derive(Clone, Debug)]
struct Pod {
    uid: String,
    running: bool,
    terminating: bool,
}

/// A cluster in which each round a controller, a kubelet and etcd do what they can.
#[derive(Clone, Debug)]
struct Model {
    ordinals: Ordinals,
    pods: BTreeMap<String, Pod>,
    /// UID, whether it is on its way, and the member whose data it holds.
    claims: BTreeMap<String, (String, bool, Option<u64>)>,
    members: BTreeMap<u64, Member>,
    leader: u64,
    applied: BTreeMap<u64, u64>,
    next: u64,
}

impl Model {
    fn new() -> Self {
        let mut model = Self {
            ordinals: THREE,
            pods: BTreeMap::new(),
            claims: BTreeMap::new(),
            members: BTreeMap::new(),
            leader: 1,
            applied: BTreeMap::new(),
            next: 100,
        };
        for id in 1..=3 {
            let pod = format!("etcd-{}", id - 1);
            model.pods.insert(pod.clone(), Pod { uid: format!("p{id}"), running: true, terminating: false });
            model.claims.insert(format!("data-{pod}"), (format!("c{id}"), false, Some(id)));
            let urls = |port| vec![format!("http://{pod}.members.shop.svc:{port}")];
            let member =
                Member { id, name: pod.clone(), peer_urls: urls(2380), client_urls: urls(2379), learner: false };
            model.members.insert(id, member);
            model.applied.insert(id, 50);
        }
        model
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The member that runs in a pod: its data are on the disk, and nobody has removed it.
    fn runs(&self, pod: &str) -> Option<u64> {
        let id = self.claims.get(&format!("data-{pod}"))?.2?;
        (self.pods.get(pod)?.running && self.members.contains_key(&id)).then_some(id)
    }

    fn healthy_voters(&self) -> usize {
        let running: BTreeSet<u64> = self.pods.keys().filter_map(|pod| self.runs(pod)).collect();
        self.members.values().filter(|member| !member.learner && running.contains(&member.id)).count()
    }

    fn voters(&self) -> usize {
        self.members.values().filter(|member| !member.learner).count()
    }

    fn quorum(&self) -> bool {
        self.healthy_voters() > self.voters() / 2
    }

    fn round(&mut self) {
        self.pods.retain(|_, pod| !pod.terminating);
        let wanted: Vec<String> = (self.ordinals.start..self.ordinals.end()).map(|n| format!("etcd-{n}")).collect();
        for (name, pod) in &mut self.pods {
            pod.terminating |= !wanted.contains(name);
        }
        let used: BTreeSet<String> =
            self.pods.iter().filter(|(_, pod)| pod.running).map(|(name, _)| format!("data-{name}")).collect();
        self.claims.retain(|name, (_, terminating, _)| !*terminating || used.contains(name));
        for name in wanted {
            let claim = format!("data-{name}");
            if !self.claims.contains_key(&claim) {
                let uid = format!("c{}", self.fresh());
                self.claims.insert(claim.clone(), (uid, false, None));
            }
            let ready = !self.claims[&claim].1;
            let uid = format!("p{}", self.fresh());
            let pod = self.pods.entry(name.clone()).or_insert(Pod { uid, running: false, terminating: false });
            pod.running |= ready;
        }
        self.join();
        if self.pods.keys().filter_map(|pod| self.runs(pod)).all(|id| id != self.leader) && self.quorum() {
            let voter = |id: &u64| self.members.get(id).is_some_and(|member| !member.learner);
            self.leader = self.pods.keys().filter_map(|pod| self.runs(pod)).find(voter).expect("a quorum");
        }
        // Half of what is missing arrives.
        let leader = self.applied[&self.leader];
        for id in self.pods.keys().filter_map(|pod| self.runs(pod)).collect::<Vec<_>>() {
            let applied = self.applied.entry(id).or_insert(0);
            *applied = (*applied + leader).div_ceil(2);
        }
    }

    /// A pod with an empty disk becomes the member that was added under its name and never ran.
    fn join(&mut self) {
        for member in self.members.values_mut().filter(|member| !member.started()) {
            let pod = member.pod().expect("a URL").to_owned();
            let claim = self.claims.get_mut(&format!("data-{pod}"));
            let runs = self.pods.get(&pod).is_some_and(|pod| pod.running && !pod.terminating);
            if let Some((_, false, data @ None)) = claim.filter(|_| runs) {
                *data = Some(member.id);
                member.client_urls = vec![format!("http://{pod}.members.shop.svc:2379")];
                member.name = pod;
            }
        }
    }

    fn view(&self) -> View {
        let running = self.pods.keys().filter_map(|pod| self.runs(pod));
        let status = |id| MemberStatus {
            id,
            leader: self.leader,
            applied: self.applied.get(&id).copied().unwrap_or(0),
            errors: Vec::new(),
        };
        View {
            ordinals: self.ordinals,
            pods: self
                .pods
                .clone()
                .into_iter()
                .map(|(name, Pod { uid, running, terminating })| (name, PodView { uid, running, terminating }))
                .collect(),
            claims: self
                .claims
                .clone()
                .into_iter()
                .map(|(name, (uid, terminating, _))| (name, ClaimView { uid, terminating }))
                .collect(),
            list: self.quorum().then(|| self.list()),
            statuses: running.map(|id| (id, status(id))).collect(),
        }
    }

    fn list(&self) -> MemberList {
        MemberList { cluster: 9, members: self.members.values().cloned().collect() }
    }

    fn act(&mut self, deed: &Deed) {
        match deed {
            Deed::SetOrdinals(ordinals) => self.ordinals = *ordinals,
            Deed::DeleteClaim(ClaimId { name, uid }) => {
                if let Some(claim) = self.claims.get_mut(name).filter(|claim| claim.0 == *uid) {
                    claim.1 = true;
                }
            }
            Deed::DeletePod { name, uid } => {
                if let Some(pod) = self.pods.get_mut(name).filter(|pod| pod.uid == *uid) {
                    pod.terminating = true;
                }
            }
            Deed::AddLearner { peer_url } => {
                let id = self.fresh();
                assert!(
                    self.members.values().all(|member| member.peer_urls[0] != *peer_url),
                    "added twice: {peer_url}"
                );
                let member = Member { id, peer_urls: vec![peer_url.clone()], learner: true, ..Member::default() };
                self.members.insert(id, member);
            }
            Deed::Promote { member } => self.members.get_mut(member).expect("a member").learner = false,
            Deed::MoveLeader { from, to } => {
                assert_eq!(self.leader, *from);
                self.leader = *to;
            }
            Deed::Remove { member } => {
                self.members.remove(member).expect("a member");
            }
        }
    }

    /// Works towards a goal; at most so many deeds. Whether it was reached, and the deeds.
    fn work(&mut self, goal: &Goal, deeds: usize) -> (bool, Vec<Deed>) {
        let mut done = Vec::new();
        for _ in 0..ROUNDS {
            match next(goal, &self.view()) {
                Next::Done => return (true, done),
                Next::Do(_) if done.len() == deeds => return (false, done),
                Next::Do(deed) => {
                    let before = self.quorum();
                    self.act(&deed);
                    assert!(self.quorum() || !before, "{deed:?} costs the majority after {done:?}");
                    done.push(deed);
                }
                Next::Wait(_) => {}
            }
            self.round();
        }
        (false, done)
    }

    #[track_caller]
    fn is_as_before(&self, cut: &str) {
        let pods: Vec<&str> = self.members.values().filter_map(Member::pod).collect();
        let mut sorted = pods.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, ["etcd-0", "etcd-1", "etcd-2"], "{cut}: {self:#?}");
        assert!(self.members.values().all(|member| !member.learner && member.started()), "{cut}: {self:#?}");
        assert_eq!((self.ordinals, self.healthy_voters()), (THREE, 3), "{cut}: {self:#?}");
        let names: Vec<&str> = self.claims.keys().map(String::as_str).collect();
        assert_eq!(names, ["data-etcd-0", "data-etcd-1", "data-etcd-2"], "{cut}");
    }
}

fn replacement(ordinal: u64, guest: bool) -> Replacement {
    let pod = format!("etcd-{ordinal}");
    Replacement {
        namespace: "shop".to_owned(),
        stateful_set: "etcd".to_owned(),
        ordinals: THREE,
        port: "2379".to_owned(),
        pod_uid: format!("p{}", ordinal + 1),
        claims: vec![ClaimId { name: format!("data-{pod}"), uid: format!("c{}", ordinal + 1) }],
        pod,
        member: ordinal + 1,
        guest: guest.then(|| "etcd-3".to_owned()),
        guest_claims: if guest { vec!["data-etcd-3".to_owned()] } else { Vec::new() },
    }
}

#[test]
fn a_member_moves_in_the_operators_order_and_back_from_wherever_it_was_cut_off() {
    let of = replacement(0, true);
    let goal = Goal::there(&of).expect("a guest");
    let mut whole = Model::new();
    let (reached, deeds) = whole.work(&goal, usize::MAX);
    let words: Vec<String> =
        deeds.iter().map(|deed| format!("{deed:?}").split([' ', '(']).next().unwrap_or_default().to_owned()).collect();
    let order = ["SetOrdinals", "AddLearner", "Promote", "MoveLeader", "Remove", "SetOrdinals", "DeleteClaim"];
    assert!(reached);
    assert_eq!(words, order);
    assert_eq!((whole.ordinals, whole.healthy_voters()), (THREE.moved(), 3));
    let back = Goal::back(&of);
    for cut in 0..=deeds.len() {
        for quiet in 0..4 {
            let mut model = Model::new();
            model.work(&goal, cut);
            (0..quiet).for_each(|_| model.round());
            // The undo is cut off, too, and begins anew.
            for again in 0..=12 {
                let mut model = model.clone();
                model.work(&back, again);
                let (reached, deeds) = model.work(&back, usize::MAX);
                assert!(
                    reached,
                    "cut {cut}, {quiet} rounds, {again}: {deeds:?} {:?} {model:#?}",
                    next(&back, &model.view())
                );
                (0..4).for_each(|_| model.round());
                model.is_as_before(&format!("cut {cut}, {quiet} rounds, {again}"));
            }
        }
    }
}

#[test]
fn a_lost_disk_is_repaired_from_wherever_it_was_cut_off() {
    for ordinal in 0..3 {
        let of = replacement(ordinal, false);
        let goal = Goal::back(&of);
        let losses = [
            Deed::DeleteClaim(of.claims[0].clone()),
            Deed::DeletePod { name: of.pod.clone(), uid: of.pod_uid.clone() },
        ];
        for cut in 0..=losses.len() {
            for quiet in 0..4 {
                let mut model = Model::new();
                losses[..cut].iter().for_each(|deed| model.act(deed));
                (0..quiet).for_each(|_| model.round());
                for again in 0..=6 {
                    let mut model = model.clone();
                    model.work(&goal, again);
                    let (reached, deeds) = model.work(&goal, usize::MAX);
                    assert!(reached, "{ordinal}, cut {cut}, {quiet}: {deeds:?} {:?}", next(&goal, &model.view()));
                    model.is_as_before(&format!("{ordinal}, cut {cut}, {quiet}, {again}"));
                    let same = model.members.contains_key(&of.member);
                    assert_eq!(
                        same,
                        cut == 0,
                        "a disk that is lost has no member any more, and one that is not keeps its own"
                    );
                }
            }
        }
    }
}

#[test]
fn no_member_is_removed_whose_majority_would_be_lost() {
    let of = replacement(0, false);
    let goal = Goal::back(&of);
    let mut model = Model::new();
    model.claims.remove("data-etcd-0");
    let mut view = model.view();
    // Two members of three are gone: the list is an old one, and removing one more would not help.
    view.list = Some(model.list());
    view.statuses.remove(&3);
    let Next::Wait(why) = next(&goal, &view) else { panic!("it is removed") };
    assert!(why.contains("1 of 2 voting members answer, 2 are a majority: it is not removed"), "{why}");
    view.list = None;
    assert!(matches!(next(&goal, &view), Next::Wait(why) if why.contains("no majority")));
}

#[test]
fn a_learner_that_lags_is_waited_for_and_a_member_that_is_not_replaced_is_not_proven() {
    let of = replacement(0, true);
    let goal = Goal::there(&of).expect("a guest");
    let mut model = Model::new();
    model.work(&goal, 2);
    model.round();
    let learner = *model.members.keys().last().expect("a learner");
    model.applied.insert(learner, 1);
    let Next::Wait(why) = next(&goal, &model.view()) else { panic!("it is promoted") };
    assert_eq!(why, "etcd-3 has applied the entries up to 1 of 50");
    let lists = |model: &Model| ["etcd-1", "etcd-2"].map(|pod| (pod.to_owned(), Ok(model.list()))).into();
    let claim = Claim { joined: "etcd-3", without: Some("etcd-0"), gone: Some(1) };
    let unproven = |model: &Model| judge(&claim, &model.view(), &lists(model)).expect_err("not proven");
    assert_eq!(unproven(&model), format!("the member {learner:x} of etcd-3 does not vote"));
    model.work(&goal, 1);
    assert_eq!(unproven(&model), "etcd-1 still has the member 1 of etcd-0");
    model.work(&goal, usize::MAX);
    let proven = judge(&claim, &model.view(), &lists(&model)).expect("proven");
    assert!(
        proven.starts_with("the lists of etcd-1, etcd-2 have the member") && proven.ends_with("no 1 of etcd-0"),
        "{proven}"
    );
    let stale: BTreeMap<_, _> = [("etcd-2".to_owned(), Ok(Model::new().list()))].into();
    assert!(judge(&claim, &model.view(), &stale).is_err(), "one member has not heard of it");
    let silent = [("etcd-2".to_owned(), Err("etcd-2: refused".to_owned()))].into();
    assert!(judge(&claim, &model.view(), &silent).is_err(), "a list that cannot be read proves nothing");
}

#[test]
fn only_a_healthy_cluster_is_touched() {
    let of = replacement(0, true);
    let model = Model::new();
    let lists = |list: MemberList| ["etcd-0", "etcd-1"].map(|pod| (pod.to_owned(), Ok(list.clone()))).into();
    assert_eq!(fit::fit(&of, &model.view(), &lists(model.list())), Ok(1));
    let refused = |view: &View, lists: &BTreeMap<_, _>, why: &str| {
        let said = fit::fit(&of, view, lists).expect_err(why);
        assert!(said.contains(why), "{said}");
    };
    let mut view = model.view();
    view.statuses.remove(&2);
    refused(&view, &lists(model.list()), "the member 2 of etcd-1 does not answer");
    let mut view = model.view();
    view.statuses.get_mut(&3).expect("it").errors = vec!["NOSPACE".to_owned()];
    refused(&view, &lists(model.list()), "etcd-2 is not well: NOSPACE");
    refused(&View { list: None, ..model.view() }, &lists(model.list()), "JSON gateway");
    let mut older = model.list();
    older.members.pop();
    refused(&model.view(), &lists(older), "etcd-0 has another member list than the majority");
    let mut grown = model.clone();
    grown.act(&Deed::AddLearner { peer_url: "http://etcd-3.members.shop.svc:2380".to_owned() });
    refused(&grown.view(), &lists(grown.list()), "the member list names etcd-0, etcd-1, etcd-2, etcd-3");
    let mut learner = model.clone();
    learner.members.get_mut(&2).expect("it").learner = true;
    refused(&learner.view(), &lists(learner.list()), "does not vote: the cluster is being changed already");
}
