//! One replica: what it holds, its role, and its heartbeat.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::client::Pending;
use super::data::{Data, Op};
use super::group::{self, GroupKey};
use super::log::Log;
use super::replication::Progress;
use super::{ProcessId, State, Work, client, disk, election, failover, replication, role_label, seats};
use crate::apps::config::{KvConfig, Replication};
use crate::network::CallId;
use crate::storage::VolumeId;
use crate::{Event, Kind};

/// One replica of a store.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) uid: String,
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) group: GroupKey,
    pub(super) port: u16,
    pub(super) config: Arc<KvConfig>,
    pub(super) volume: Option<VolumeId>,
    pub(super) term: u64,
    pub(super) log: Log,
    /// Entries up to here are applied to `data`.
    pub(super) commit: usize,
    pub(super) data: Data,
    pub(super) role: Role,
    pub(super) leader: Option<ProcessId>,
    /// When it last heard from a leader, started, or voted.
    pub(super) heard: Duration,
    /// The leader's commit index when it last spoke.
    pub(super) known: usize,
    /// How long it waits for a leader before it stands for election.
    pub(super) patience: Duration,
    /// It came without the data that it once had: it must not vote before it has caught up.
    pub(super) learner: bool,
    pub(super) ready: bool,
    /// Requests passed on to the leader, and when they are given up.
    pub(super) forwarded: BTreeMap<CallId, Duration>,
}

/// What a replica is.
#[derive(Debug)]
pub(super) enum Role {
    /// Follows a leader, or waits for one.
    Follower,
    /// Leads.
    Leader(Lead),
}

/// What only a leader has.
#[derive(Debug, Default)]
pub(super) struct Lead {
    /// The members' logs, by pod name.
    pub(super) followers: BTreeMap<String, Progress>,
    /// Entries up to here may be sent; an asynchronous leader lags.
    pub(super) flushed: usize,
    /// Index of this leader's first entry.
    pub(super) first: usize,
    /// Writes that wait for their commit, by index.
    pub(super) pending: BTreeMap<usize, Pending>,
    /// Acknowledged and not yet stored (only with the lost-writes bug).
    pub(super) buffered: Vec<Op>,
    /// Writes accepted so far.
    pub(super) writes: u64,
    /// It was told to stop and looks for a successor.
    pub(super) retiring: bool,
}

impl Replica {
    pub(super) fn lead(&self) -> Option<&Lead> {
        match &self.role {
            Role::Leader(lead) => Some(lead),
            Role::Follower => None,
        }
    }

    pub(super) fn lead_mut(&mut self) -> Option<&mut Lead> {
        match &mut self.role {
            Role::Leader(lead) => Some(lead),
            Role::Follower => None,
        }
    }

    pub(super) fn is_sync(&self) -> bool {
        self.config.replication == Replication::Sync
    }
}

/// A process begins to serve: the replica reads its volume and joins its group.
pub(in crate::apps) fn open(state: &mut State, id: ProcessId) {
    let Some(process) = state.apps.processes.get(&id) else { return };
    let Some(pod) = state.store.find(Kind::Pod, &process.namespace, &process.pod) else { return };
    let group = group::key(pod);
    let config = Arc::new(process.config.kv.clone());
    let (uid, namespace, name) = (process.uid.clone(), process.namespace.clone(), process.pod.clone());
    let port = process.ports.first().copied().unwrap_or_default();
    let volume = config.data.as_ref().and_then(|path| disk::volume(state, &uid, path));
    let (term, log) = match &volume {
        Some(volume) => disk::load(state, id, volume),
        None => (0, Log::default()),
    };
    let now = state.now;
    let members = state.apps.kv.groups.entry(group.clone()).or_default();
    members.swallows = config.bugs.swallowed_members;
    let learner = members.started && log.last() == 0;
    if config.explicit {
        let own = volume.as_ref().and_then(|volume| disk::seat(state, volume));
        if !seats::sit(state, id, &group, &name, own, log.last() == 0) {
            return;
        }
    } else {
        members.members.insert(name.clone(), id);
    }
    let patience = state.jitter(config.election_timeout + heartbeat(&config), config.election_timeout / 2);
    let replica = Replica {
        uid,
        namespace,
        pod: name,
        group,
        port,
        volume,
        term,
        log,
        commit: 0,
        data: Data::default(),
        role: Role::Follower,
        leader: None,
        heard: now,
        known: 0,
        patience,
        learner,
        ready: false,
        forwarded: BTreeMap::new(),
        config,
    };
    let every = heartbeat(&replica.config);
    let holds = if replica.is_sync() { 0 } else { replica.log.last() };
    let explicit = replica.config.explicit.then(|| (replica.group.clone(), replica.pod.clone()));
    state.apps.kv.replicas.insert(id, replica);
    if let Some((group, pod)) = explicit {
        seats::remember(state, id, &group, &pod);
    }
    replication::commit_to(state, id, holds);
    welcome(state, id);
    state.after(every, Event::App(super::super::Work::Kv(Work::Tick(id))));
}

/// The leader hears of a newcomer. It refuses its vote for `election-timeout` from now on, so that it counts for the
/// leader's lease as one that has just answered.
fn welcome(state: &mut State, id: ProcessId) {
    let now = state.now;
    let Some(replica) = state.apps.kv.replicas.get(&id) else { return };
    let name = replica.pod.clone();
    let Some(leader) = state.apps.kv.groups.get(&replica.group).and_then(|group| group.leader) else { return };
    let Some(replica) = state.apps.kv.replicas.get_mut(&leader) else { return };
    let next = replica.log.last() + 1;
    let Some(lead) = replica.lead_mut() else { return };
    let newcomer = Progress { process: Some(id), next, matched: 0, acknowledged: Some(now) };
    lead.followers.entry(name).or_insert(newcomer);
    replication::broadcast(state, leader);
}

/// The process ended: what was only in its memory is gone.
pub(in crate::apps) fn close(state: &mut State, id: ProcessId) {
    if let Some(replica) = state.apps.kv.replicas.remove(&id)
        && let Some(volume) = replica.volume
        && state.apps.kv.holders.get(&volume) == Some(&id)
    {
        state.apps.kv.holders.remove(&volume);
    }
}

/// A member whose seat was taken away: it serves no more, and its disk is of no use to it.
pub(super) fn expel(state: &mut State, id: ProcessId) {
    let Some(replica) = state.apps.kv.replicas.get(&id) else { return };
    let (term, uid) = (replica.term, replica.uid.clone());
    step_down(state, id, term, None);
    state.apps.kv.replicas.remove(&id);
    state.app_changed(&uid);
}

fn heartbeat(config: &KvConfig) -> Duration {
    config.election_timeout / 10
}

/// A replica's regular work.
pub(super) fn tick(state: &mut State, id: ProcessId) {
    let now = state.now;
    let Some(replica) = state.apps.kv.replicas.get(&id) else { return };
    let every = heartbeat(&replica.config);
    let two_leaders = replica.config.bugs.two_leaders;
    match (&replica.role, replica.is_sync()) {
        (Role::Leader(_), sync) => {
            if sync && !two_leaders && !election::holds_lease(state, id) {
                let term = replica.term;
                step_down(state, id, term, None);
            } else {
                replication::broadcast(state, id);
                role_label::label(state, id);
            }
        }
        (Role::Follower, true) => {
            let started = state.apps.kv.groups.get(&replica.group).is_some_and(|group| group.started);
            if !started || now.saturating_sub(replica.heard) >= replica.patience {
                election::stand(state, id, election::Manners::Patient);
            }
        }
        (Role::Follower, false) => failover::watch(state, id),
    }
    client::expire(state, id);
    refresh(state, id);
    state.after(every, Event::App(super::super::Work::Kv(Work::Tick(id))));
}

/// Makes a replica the leader of a term; `voters` are known to hear it now.
pub(super) fn lead(state: &mut State, id: ProcessId, term: u64, voters: &[String]) {
    let now = state.now;
    let Some(replica) = state.apps.kv.replicas.get_mut(&id) else { return };
    let last = replica.log.last();
    let fresh = |heard| Progress { process: None, next: last + 1, matched: 0, acknowledged: heard };
    let followers = voters.iter().map(|name| (name.clone(), fresh(Some(now)))).collect();
    let first = last + 1;
    replica.role = Role::Leader(Lead { followers, flushed: last, first, ..Lead::default() });
    replica.term = term;
    replica.leader = Some(id);
    replica.heard = now;
    replica.learner = false;
    if let Some(group) = state.apps.kv.groups.get_mut(&replica.group) {
        group.started = true;
        group.term = group.term.max(term);
        group.leader = Some(id);
        group.leader_seen = now;
    }
    disk::save_term(state, id, term);
    replication::write(state, id, Op::Noop);
    if let Some(replica) = state.apps.kv.replicas.get_mut(&id)
        && let Some(lead) = replica.lead_mut()
    {
        // The first entry goes out at once also in an asynchronous store: it is what makes an old leader step down.
        lead.flushed = first;
    }
    replication::broadcast(state, id);
    let latency = state.settings.timings.api_latency;
    state.after(latency, Event::App(super::super::Work::Kv(Work::Label(id))));
    refresh(state, id);
}

/// Makes a replica a follower in a term; writes that still wait have an unknown outcome.
pub(super) fn step_down(state: &mut State, id: ProcessId, term: u64, leader: Option<ProcessId>) {
    let now = state.now;
    let Some(replica) = state.apps.kv.replicas.get_mut(&id) else { return };
    let old = std::mem::replace(&mut replica.role, Role::Follower);
    let newer = term > replica.term;
    replica.term = replica.term.max(term);
    replica.leader = leader;
    replica.heard = now;
    let (base, spread) =
        (replica.config.election_timeout + heartbeat(&replica.config), replica.config.election_timeout / 2);
    let patience = state.jitter(base, spread);
    if let Some(replica) = state.apps.kv.replicas.get_mut(&id) {
        replica.patience = patience;
    }
    if newer {
        disk::save_term(state, id, term);
    }
    if let Role::Leader(lead) = old {
        for (_, pending) in lead.pending {
            client::give_up(state, id, pending.origin);
        }
    }
    refresh(state, id);
}

/// Whether a replica has a leader, or is one that may act, and has caught up.
fn is_ready(state: &State, id: ProcessId, replica: &Replica) -> bool {
    let timeout = replica.config.election_timeout;
    match &replica.role {
        Role::Leader(lead) => {
            !replica.is_sync()
                || replica.config.bugs.two_leaders
                || (replica.commit >= lead.first && election::holds_lease(state, id))
        }
        Role::Follower => {
            let hears = replica.leader.is_some() && state.now.saturating_sub(replica.heard) < timeout;
            let groups = &state.apps.kv.groups;
            let votes = groups.get(&replica.group).is_some_and(|group| group.members.contains_key(&replica.pod));
            votes && hears && !replica.learner && replica.commit >= replica.known
        }
    }
}

/// The readiness as last seen.
pub(in crate::apps) fn ready(state: &State, id: ProcessId) -> bool {
    state.apps.kv.replicas.get(&id).is_some_and(|replica| replica.ready)
}

/// Looks at readiness again and tells the kubelet when it changed.
pub(super) fn refresh(state: &mut State, id: ProcessId) {
    let Some(replica) = state.apps.kv.replicas.get(&id) else { return };
    let now_ready = is_ready(state, id, replica);
    if now_ready == replica.ready {
        return;
    }
    let uid = replica.uid.clone();
    if let Some(replica) = state.apps.kv.replicas.get_mut(&id) {
        replica.ready = now_ready;
    }
    state.app_changed(&uid);
}
