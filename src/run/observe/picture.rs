//! The cluster as the watches last showed it. Each change returns the records that it is worth; what did not change in
//! a way that matters is worth none. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Event, Node, PersistentVolumeClaim, Pod};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::storage::v1::VolumeAttachment;

use crate::evidence::{AttachmentSeen, Change, EndpointSeen, EndpointsSeen, NodeSeen, PodSeen, Seen, WorkloadSeen};

use crate::scenario::{Target, Workload, WorkloadKind};

use super::answers::Answers;
use super::group::{Group, ReplicaSets};
use super::newest::Newest;
use super::project;

/// Namespace and name of a Service.
pub(in crate::run) type ServiceKey = (String, String);

/// One pod.
#[derive(Clone, Debug)]
pub(in crate::run) struct PodState {
    pub(in crate::run) pod: Pod,
    pub(in crate::run) seen: PodSeen,
    /// Belongs to the target or to a pod set that is named.
    pub(in crate::run) relevant: bool,
    /// Ready and not being deleted.
    pub(in crate::run) serves: bool,
}

impl PodState {
    pub(in crate::run) fn terminating(&self) -> bool {
        !self.seen.deletion.is_empty()
    }

    /// Neither ended nor being deleted.
    pub(in crate::run) fn wanted(&self) -> bool {
        !self.terminating() && !matches!(self.seen.phase.as_str(), "Succeeded" | "Failed")
    }

    pub(in crate::run) fn running(&self) -> bool {
        self.seen.phase == "Running" && !self.terminating()
    }
}

/// The endpoints of one Service.
#[derive(Clone, Debug, Default)]
pub(in crate::run) struct Endpoints {
    slices: BTreeMap<String, BTreeMap<String, EndpointSeen>>,
    pub(in crate::run) pods: BTreeMap<String, EndpointSeen>,
}

impl Endpoints {
    pub(in crate::run) fn ready(&self) -> usize {
        self.pods.values().filter(|endpoint| endpoint.ready).count()
    }
}

/// What full strength means, fixed at the first steady state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::run) struct Strength {
    pub(in crate::run) pods: usize,
    /// Of each pod set that a fault names: the pods that serve, as [`Picture::beside`] counts them.
    pub(in crate::run) beside: Vec<usize>,
    pub(in crate::run) endpoints: BTreeMap<ServiceKey, usize>,
}

/// Everything that is watched.
#[derive(Clone, Debug)]
pub(in crate::run) struct Picture {
    target: Group,
    others: Vec<Group>,
    /// Whether every node is watched. Otherwise one that is not known counts as Ready: what its pods do is seen.
    all_nodes: bool,
    /// The pod sets that faults name.
    beside: Vec<Group>,
    pub(in crate::run) pods: BTreeMap<String, PodState>,
    by_node: BTreeMap<String, BTreeSet<String>>,
    /// UIDs of the target's pods that serve on a node that is Ready.
    pub(in crate::run) strong: BTreeSet<String>,
    /// UIDs of the target's pods that have neither ended nor are being deleted.
    pub(in crate::run) wanted: BTreeSet<String>,
    pub(in crate::run) nodes: BTreeMap<String, NodeSeen>,
    /// How far the watches have come with each pod.
    pub(super) newest_pods: Newest,
    /// The same of nodes.
    pub(super) newest_nodes: Newest,
    pub(in crate::run) workload: Option<WorkloadSeen>,
    replica_sets: ReplicaSets,
    pub(in crate::run) endpoints: BTreeMap<ServiceKey, Endpoints>,
    /// Claims of the target's namespace, by volume.
    pub(super) claims: BTreeMap<String, String>,
    attachments: BTreeMap<String, AttachmentSeen>,
    /// The last warning about each object, by UID.
    pub(in crate::run) warnings: BTreeMap<String, String>,
    /// Why an owner could not create its pods, or nobody a claim's volume, by `Kind/name`.
    not_created: BTreeMap<String, String>,
    /// Watches that are broken, and why.
    pub(in crate::run) blind: BTreeMap<String, String>,
    /// One for each probe, once they run.
    pub(in crate::run) probes: Vec<Answers>,
    /// Absent until the target was steady for the first time.
    pub(in crate::run) strength: Option<Strength>,
}

impl Picture {
    pub(in crate::run) fn new(
        target: Group,
        others: Vec<Group>,
        beside: Vec<Group>,
        services: impl IntoIterator<Item = ServiceKey>,
        all_nodes: bool,
    ) -> Self {
        Self {
            target,
            others,
            all_nodes,
            beside,
            pods: BTreeMap::new(),
            by_node: BTreeMap::new(),
            strong: BTreeSet::new(),
            wanted: BTreeSet::new(),
            nodes: BTreeMap::new(),
            newest_pods: Newest::default(),
            newest_nodes: Newest::default(),
            workload: None,
            replica_sets: BTreeMap::new(),
            endpoints: services.into_iter().map(|key| (key, Endpoints::default())).collect(),
            claims: BTreeMap::new(),
            attachments: BTreeMap::new(),
            warnings: BTreeMap::new(),
            not_created: BTreeMap::new(),
            blind: BTreeMap::new(),
            probes: Vec::new(),
            strength: None,
        }
    }

    /// The target's pods, also those that are terminating, by UID.
    pub(in crate::run) fn target_pods(&self) -> impl Iterator<Item = &PodState> {
        self.pods.values().filter(|state| state.seen.target)
    }

    /// For each pod set that a fault names: its pods that are no part of the target and would be replaced when they are
    /// lost. Nothing brings back a bare pod, and a Job's pod comes to an end.
    pub(in crate::run) fn beside(&self) -> Vec<Vec<&PodState>> {
        let comes_back = |state: &&PodState| {
            let owner = state.seen.owner.split('/').next().unwrap_or_default();
            state.relevant && !state.seen.target && !matches!(owner, "" | "Job")
        };
        let of = |group: &Group| {
            let pods = self.pods.values().filter(comes_back);
            pods.filter(|state| group.has(&state.pod, &self.replica_sets)).collect()
        };
        self.beside.iter().map(of).collect()
    }

    /// Why the target's owner could not create pods: `ReplicaSet/web-7f9c: pods "web-…" is forbidden: …`.
    pub(in crate::run) fn not_created(&self, workload: &Workload) -> Option<String> {
        let owner = |about: &str| match workload.kind {
            // A ReplicaSet's name is that of its Deployment and one more word.
            WorkloadKind::Deployment => about
                .strip_prefix("ReplicaSet/")
                .and_then(|set| set.rsplit_once('-'))
                .is_some_and(|(name, _)| name == workload.name),
            WorkloadKind::StatefulSet => about.strip_prefix("StatefulSet/") == Some(&workload.name),
            WorkloadKind::DaemonSet => about.strip_prefix("DaemonSet/") == Some(&workload.name),
            WorkloadKind::Pod => false,
        };
        self.not_created.iter().find(|(about, _)| owner(about)).map(|(about, why)| format!("{about}: {why}"))
    }

    /// Why nobody made the volume of a claim.
    pub(in crate::run) fn unprovisioned(&self, claim: &str) -> Option<&String> {
        self.not_created.get(&format!("PersistentVolumeClaim/{claim}"))
    }

    /// Whether a pod serves on a node that is Ready.
    pub(in crate::run) fn serves(&self, state: &PodState) -> bool {
        state.serves && self.node_ready(&state.seen.node)
    }

    /// Namespaces of all pod sets.
    pub(in crate::run) fn namespaces(&self) -> BTreeSet<String> {
        std::iter::once(&self.target).chain(&self.others).map(|group| group.namespace().to_owned()).collect()
    }

    /// The running pods of a group, by name.
    pub(in crate::run) fn running(&self, group: &Group) -> Vec<&PodState> {
        let here = self.pods.values().filter(|state| state.running() && group.has(&state.pod, &self.replica_sets));
        let mut pods: Vec<&PodState> = here.collect();
        pods.sort_by(|a, b| a.seen.name.cmp(&b.seen.name));
        pods
    }

    /// A pod that also belongs to another target.
    pub(in crate::run) fn shared(&self, other: &Target) -> Option<String> {
        let group = Group::new(other.namespace.clone(), other.workload.as_ref(), other.selector.as_ref());
        let known = |state: &&PodState| {
            // Where the target is a selector, ReplicaSets are not watched: their names begin with their Deployment's.
            let of_deployment = || {
                let deployment = other.workload.as_ref().filter(|workload| workload.kind == WorkloadKind::Deployment);
                let owner = crate::plan::controller(&state.pod.metadata);
                matches!((deployment, owner), (Some(deployment), Some(("ReplicaSet", set, _)))
                    if set.rsplit_once('-').is_some_and(|(name, _)| name == deployment.name))
            };
            state.seen.namespace == other.namespace && (group.has(&state.pod, &self.replica_sets) || of_deployment())
        };
        self.target_pods().find(known).map(|state| state.seen.name.clone())
    }

    pub(in crate::run) fn pod(&mut self, change: Change, pod: Pod) -> Vec<Seen> {
        let target = self.target.has(&pod, &self.replica_sets);
        let relevant = target || self.others.iter().any(|group| group.has(&pod, &self.replica_sets));
        let seen = project::pod(&pod, change, target);
        let uid = seen.uid.clone();
        let version = pod.metadata.resource_version.as_deref().unwrap_or_default();
        self.newest_pods.shown(&uid, &seen.namespace, &seen.name, version);
        let before = self.pods.remove(&uid);
        if let Some(before) = &before
            && let Some(uids) = self.by_node.get_mut(&before.seen.node)
        {
            uids.remove(&uid);
        }
        let same = before.as_ref().is_some_and(|before| before.relevant == relevant && alike(&before.seen, &seen));
        if change == Change::Deleted {
            self.newest_pods.gone(&uid);
            self.strong.remove(&uid);
            self.wanted.remove(&uid);
            self.warnings.remove(&uid);
        } else {
            self.by_node.entry(seen.node.clone()).or_default().insert(uid.clone());
            let serves = project::serves(&pod);
            self.pods.insert(uid.clone(), PodState { pod, seen: seen.clone(), relevant, serves });
            self.weigh(&uid);
        }
        if relevant && (!same || change == Change::Deleted) { vec![Seen::Pod(seen)] } else { Vec::new() }
    }

    pub(in crate::run) fn pod_lost(&mut self, uid: &str) -> Vec<Seen> {
        let Some(state) = self.pods.get(uid) else { return Vec::new() };
        let pod = state.pod.clone();
        self.pod(Change::Deleted, pod)
    }

    fn node_ready(&self, name: &str) -> bool {
        self.nodes.get(name).map_or(!self.all_nodes, |node| node.ready == "True")
    }

    /// Decides anew whether a pod counts.
    fn weigh(&mut self, uid: &str) {
        let Some(state) = self.pods.get(uid) else { return };
        let node_ready = self.node_ready(&state.seen.node);
        if state.seen.target && state.serves && node_ready {
            self.strong.insert(uid.to_owned());
        } else {
            self.strong.remove(uid);
        }
        if state.seen.target && state.wanted() {
            self.wanted.insert(uid.to_owned());
        } else {
            self.wanted.remove(uid);
        }
    }

    pub(in crate::run) fn node(&mut self, change: Change, node: &Node) -> Vec<Seen> {
        let seen = project::node(node, change);
        let meta = &node.metadata;
        let uid = meta.uid.as_deref().unwrap_or_default();
        self.newest_nodes.shown(uid, "", &seen.name, meta.resource_version.as_deref().unwrap_or_default());
        if change == Change::Deleted {
            self.newest_nodes.gone(uid);
        }
        self.node_seen(seen)
    }

    /// A node object is gone whose name another one has.
    pub(in crate::run) fn node_gone(&mut self, uid: &str) -> Vec<Seen> {
        self.newest_nodes.gone(uid);
        Vec::new()
    }

    pub(in crate::run) fn node_lost(&mut self, uid: &str, name: &str) -> Vec<Seen> {
        self.newest_nodes.gone(uid);
        let Some(mut seen) = self.nodes.get(name).cloned() else { return Vec::new() };
        seen.change = Change::Deleted;
        self.node_seen(seen)
    }

    fn node_seen(&mut self, seen: NodeSeen) -> Vec<Seen> {
        let before = if seen.change == Change::Deleted {
            self.nodes.remove(&seen.name);
            None
        } else {
            self.nodes.insert(seen.name.clone(), seen.clone())
        };
        for uid in self.by_node.get(&seen.name).cloned().unwrap_or_default() {
            self.weigh(&uid);
        }
        let same = before.is_some_and(|before| NodeSeen { change: seen.change, ..before } == seen);
        if same { Vec::new() } else { vec![Seen::Node(seen)] }
    }

    /// A ReplicaSet tells which pods belong to a Deployment; pods that were seen before it are told again.
    pub(in crate::run) fn replica_set(&mut self, uid: &str, deployment: String) -> Vec<Seen> {
        if self.replica_sets.insert(uid.to_owned(), deployment).is_some() {
            return Vec::new();
        }
        let owned = |state: &&PodState| crate::plan::controller_uid(&state.pod.metadata) == Some(uid);
        let pods: Vec<(Change, Pod)> =
            self.pods.values().filter(owned).map(|state| (state.seen.change, state.pod.clone())).collect();
        pods.into_iter().flat_map(|(change, pod)| self.pod(change, pod)).collect()
    }

    pub(in crate::run) fn workload(&mut self, seen: WorkloadSeen) -> Vec<Seen> {
        let same = self.workload.as_ref().is_some_and(|before| {
            WorkloadSeen { change: seen.change, ..before.clone() } == seen && seen.change != Change::Deleted
        });
        self.workload = (seen.change != Change::Deleted).then(|| seen.clone());
        if same { Vec::new() } else { vec![Seen::Workload(seen)] }
    }

    pub(in crate::run) fn slice(&mut self, change: Change, key: &ServiceKey, slice: &EndpointSlice) -> Vec<Seen> {
        let endpoints = self.endpoints.entry(key.clone()).or_default();
        let name = slice.metadata.name.clone().unwrap_or_default();
        if change == Change::Deleted {
            endpoints.slices.remove(&name);
        } else {
            endpoints.slices.insert(name, project::endpoints(slice));
        }
        // While an endpoint moves from one slice to another it may be in both: ready in one is ready.
        let mut pods: BTreeMap<String, EndpointSeen> = BTreeMap::new();
        for (pod, seen) in endpoints.slices.values().flatten() {
            let known = pods.entry(pod.clone()).or_insert(*seen);
            if seen.ready {
                *known = *seen;
            }
        }
        if pods == endpoints.pods && change != Change::Initial {
            return Vec::new();
        }
        endpoints.pods.clone_from(&pods);
        vec![Seen::Endpoints(EndpointsSeen { namespace: key.0.clone(), service: key.1.clone(), pods })]
    }

    pub(in crate::run) fn claim(&mut self, claim: &PersistentVolumeClaim) -> Vec<Seen> {
        let volume = claim.spec.as_ref().and_then(|spec| spec.volume_name.clone()).unwrap_or_default();
        let name = claim.metadata.name.clone().unwrap_or_default();
        if volume.is_empty() || self.claims.insert(volume.clone(), name.clone()).is_some() {
            return Vec::new();
        }
        let waiting = self.attachments.values_mut().filter(|seen| seen.volume == volume && seen.claim.is_empty());
        waiting
            .map(|seen| {
                seen.claim.clone_from(&name);
                Seen::Attachment(seen.clone())
            })
            .collect()
    }

    /// Attachments of volumes that no claim of the target's namespace is bound to are not recorded.
    pub(in crate::run) fn attachment(&mut self, change: Change, attachment: &VolumeAttachment) -> Vec<Seen> {
        let volume = attachment.spec.source.persistent_volume_name.clone().unwrap_or_default();
        let claim = self.claims.get(&volume).cloned().unwrap_or_default();
        let seen = project::attachment(attachment, claim, change);
        let name = attachment.metadata.name.clone().unwrap_or_default();
        let before = if change == Change::Deleted {
            self.attachments.remove(&name);
            None
        } else {
            self.attachments.insert(name, seen.clone())
        };
        let same = before.is_some_and(|before| AttachmentSeen { change, ..before } == seen);
        if same || seen.claim.is_empty() { Vec::new() } else { vec![Seen::Attachment(seen)] }
    }

    pub(in crate::run) fn event(&mut self, event: &Event) -> Vec<Seen> {
        let seen = project::event(event);
        // A pod that is not known (yet) may be one of ours.
        if self.pods.get(&seen.uid).is_some_and(|state| !state.relevant) {
            return Vec::new();
        }
        if seen.level == "Warning" && !project::is_echo(&seen, self.warnings.get(&seen.uid)) {
            self.warnings.insert(seen.uid.clone(), format!("{}: {}", seen.reason, seen.message));
        }
        if matches!(seen.reason.as_str(), "FailedCreate" | "ProvisioningFailed") {
            self.not_created.insert(seen.about.clone(), seen.message.clone());
        }
        vec![Seen::Event(seen)]
    }
}

/// Whether two records of a pod say the same, but for what the watch called the change.
fn alike(before: &PodSeen, now: &PodSeen) -> bool {
    let before = PodSeen { change: now.change, ..before.clone() };
    before == *now
}
