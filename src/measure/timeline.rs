//! The evidence sorted by what it speaks of, so that each measure finds its records. Keeps instants, judges nothing.

use std::collections::BTreeMap;

use crate::evidence::{
    AttachmentSeen, Attempt, Change, End, EndpointsSeen, Event, EventSeen, Evidence, FaultRecord, Header, HistorySeen,
    NodeSeen, Outcome, PodSeen, QueryAnswer, Read, Seen, Snapshot, Stage, Volume, WorkloadSeen, Write,
};
use crate::plan::Plan;
use crate::scenario::Scenario;

/// A record with its instant.
pub(super) type At<'a, T> = (u64, &'a T);

/// The evidence by subject. States of the cluster end where checking or cleaning begins: what a run removes itself is no loss.
#[derive(Debug)]
pub(super) struct Timeline<'a> {
    pub(super) header: &'a Header,
    pub(super) scenario: &'a Scenario,
    pub(super) plan: Option<&'a Plan>,
    /// Instant of the last record.
    pub(super) end: u64,
    /// Instant at which settling ended: the end of what is measured.
    pub(super) observed: u64,
    pub(super) closing: Option<&'a End>,
    pub(super) stages: Vec<(u64, Stage)>,
    pub(super) faults: Vec<At<'a, FaultRecord>>,
    pub(super) steady: Vec<(u64, bool)>,
    /// Why the target was not steady, as it was last said.
    pub(super) unsteady: &'a str,
    /// Pods of the target in the order in which they were first seen.
    pub(super) pods: Vec<PodLife<'a>>,
    pub(super) nodes: BTreeMap<&'a str, Vec<At<'a, NodeSeen>>>,
    pub(super) workloads: Vec<At<'a, WorkloadSeen>>,
    pub(super) endpoints: BTreeMap<(&'a str, &'a str), Vec<At<'a, EndpointsSeen>>>,
    pub(super) attachments: Vec<At<'a, AttachmentSeen>>,
    pub(super) events: Vec<At<'a, EventSeen>>,
    pub(super) attempts: Vec<&'a Attempt>,
    /// Answered attempts by when they were due.
    pub(super) answers: Vec<Answer>,
    /// The same by the name of the pod that answered, where it is known.
    pub(super) answers_of: BTreeMap<&'a str, Vec<Answer>>,
    pub(super) writes: Vec<&'a Write>,
    pub(super) reads: Vec<&'a Read>,
    pub(super) volumes: Vec<&'a Volume>,
    pub(super) histories: Vec<&'a HistorySeen>,
    pub(super) queries: Vec<&'a QueryAnswer>,
    pub(super) snapshots: Vec<&'a Snapshot>,
    /// Conditions that were met, by their index, and what was seen.
    pub(super) aborts: Vec<(usize, &'a str)>,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(evidence: &'a Evidence) -> Self {
        let end = evidence.records.iter().map(|record| record.t).max().unwrap_or(0);
        let mut timeline = Self {
            header: &evidence.header,
            scenario: &evidence.header.scenario,
            plan: None,
            end,
            observed: end,
            closing: None,
            stages: Vec::new(),
            faults: Vec::new(),
            steady: Vec::new(),
            unsteady: "",
            pods: Vec::new(),
            nodes: BTreeMap::new(),
            workloads: Vec::new(),
            endpoints: BTreeMap::new(),
            attachments: Vec::new(),
            events: Vec::new(),
            attempts: Vec::new(),
            answers: Vec::new(),
            answers_of: BTreeMap::new(),
            writes: Vec::new(),
            reads: Vec::new(),
            volumes: Vec::new(),
            histories: Vec::new(),
            queries: Vec::new(),
            snapshots: Vec::new(),
            aborts: Vec::new(),
        };
        let mut lives = BTreeMap::new();
        let mut watching = true;
        for record in &evidence.records {
            let t = record.t;
            match &record.event {
                Event::Header(_)
                | Event::Gap { .. }
                | Event::Unreadable { .. }
                | Event::Clock { .. }
                | Event::Creating { .. } => {}
                Event::Abort { condition, reason } => timeline.aborts.push((*condition, reason)),
                Event::Stage { stage } => {
                    timeline.stages.push((t, *stage));
                    if watching && matches!(stage, Stage::Check | Stage::Clean) {
                        watching = false;
                        timeline.observed = t;
                    }
                }
                Event::Plan(plan) => timeline.plan = Some(plan),
                Event::Seen(seen) => {
                    if watching {
                        timeline.see(t, seen, &mut lives);
                    }
                }
                Event::Fault(fault) => timeline.faults.push((t, fault)),
                Event::Attempt(attempt) => timeline.attempts.push(attempt),
                Event::Write(write) => timeline.writes.push(write),
                Event::Read(read) => timeline.reads.push(read),
                Event::History(history) => timeline.histories.push(history),
                Event::Volume(volume) => timeline.volumes.push(volume),
                Event::Query(answer) => timeline.queries.push(answer),
                Event::Snapshot(snapshot) => timeline.snapshots.push(snapshot),
                Event::Steady { steady, reason } => {
                    if watching {
                        timeline.steady.push((t, *steady));
                        timeline.unsteady = reason;
                    }
                }
                Event::End(closing) => timeline.closing = Some(closing),
            }
        }
        timeline.sort_answers();
        timeline
    }

    fn sort_answers(&mut self) {
        for attempt in &self.attempts {
            let Outcome::Ok { pod } = &attempt.outcome else { continue };
            let at = attempt.due.saturating_add(attempt.took);
            let answer = Answer { due: attempt.due, at, probe: attempt.probe };
            self.answers.push(answer);
            // `web-1` of `shop/web-1`.
            if let Some(name) = pod.as_deref().and_then(|pod| pod.rsplit('/').next()) {
                self.answers_of.entry(name).or_default().push(answer);
            }
        }
        self.answers.sort_by_key(|answer| answer.due);
        self.answers_of.values_mut().for_each(|answers| answers.sort_by_key(|answer| answer.due));
    }

    fn see(&mut self, t: u64, seen: &'a Seen, lives: &mut BTreeMap<&'a str, usize>) {
        match seen {
            Seen::Pod(pod) if !pod.target => {}
            Seen::Pod(pod) => {
                let index = *lives.entry(&pod.uid).or_insert_with(|| {
                    self.pods.push(PodLife { seen: Vec::new() });
                    self.pods.len() - 1
                });
                self.pods[index].seen.push((t, pod));
            }
            Seen::Node(node) => self.nodes.entry(&node.name).or_default().push((t, node)),
            Seen::Workload(workload) => self.workloads.push((t, workload)),
            Seen::Endpoints(endpoints) => {
                self.endpoints.entry((&endpoints.namespace, &endpoints.service)).or_default().push((t, endpoints));
            }
            Seen::Attachment(attachment) => self.attachments.push((t, attachment)),
            Seen::Event(event) => self.events.push((t, event)),
        }
    }

    /// Zone of a node, empty when unknown.
    pub(super) fn zone(&self, node: &str) -> String {
        self.nodes.get(node).and_then(|seen| seen.last()).map(|(_, node)| node.zone.clone()).unwrap_or_default()
    }

    /// Whether a node was lost (not Ready, or its object gone) at `t`, as it was last seen.
    pub(super) fn node_lost(&self, node: &str, t: u64) -> bool {
        let seen = self.nodes.get(node).and_then(|seen| seen.iter().take_while(|(at, _)| *at <= t).last());
        seen.is_some_and(|(_, node)| is_lost(node))
    }

    /// Instant of a timestamp of the cluster on the run's clock; `None` when one of both cannot be read or it lies before the run.
    pub(super) fn instant(&self, rfc3339: &str) -> Option<u64> {
        let started: jiff::Timestamp = self.header.started.parse().ok()?;
        let then: jiff::Timestamp = rfc3339.parse().ok()?;
        u64::try_from(then.as_microsecond() - started.as_microsecond()).ok()
    }

    /// How late a watch may tell: nothing on the embedded cluster, about 0.1 s on a live one (measured 0.05 to 0.11 s).
    pub(super) fn watch_delay(&self) -> u64 {
        match self.header.world {
            crate::evidence::WorldName::Embedded => 0,
            crate::evidence::WorldName::Live { .. } => 100_000,
        }
    }
}

/// An answered attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) due: u64,
    /// When the answer came.
    pub(super) at: u64,
    pub(super) probe: usize,
}

/// Whether a node counts as lost.
pub(super) fn is_lost(node: &NodeSeen) -> bool {
    node.change == Change::Deleted || node.ready != "True"
}

/// Everything seen of one pod of the target, in order; never empty.
#[derive(Debug)]
pub(super) struct PodLife<'a> {
    pub(super) seen: Vec<At<'a, PodSeen>>,
}

impl<'a> PodLife<'a> {
    pub(super) fn first(&self) -> At<'a, PodSeen> {
        self.seen[0]
    }

    pub(super) fn name(&self) -> &'a str {
        &self.first().1.name
    }

    pub(super) fn uid(&self) -> &'a str {
        &self.first().1.uid
    }

    /// `Kind` of the controlling owner, empty for a bare pod.
    pub(super) fn owner_kind(&self) -> &'a str {
        self.first().1.owner.split('/').next().unwrap_or_default()
    }

    /// The node that it was bound to, empty when it never was.
    pub(super) fn node(&self) -> &'a str {
        self.seen.iter().map(|(_, pod)| pod.node.as_str()).find(|node| !node.is_empty()).unwrap_or_default()
    }

    /// First instant from `from` on at which `wanted` held.
    pub(super) fn when(&self, from: u64, wanted: impl Fn(&PodSeen) -> bool) -> Option<u64> {
        self.seen.iter().find(|(t, pod)| *t >= from && wanted(pod)).map(|(t, _)| *t)
    }

    /// When its object was gone.
    pub(super) fn gone(&self) -> Option<u64> {
        self.when(0, |pod| pod.change == Change::Deleted)
    }

    /// When it was first Ready.
    pub(super) fn first_ready(&self) -> Option<u64> {
        self.when(0, in_strength)
    }
}

/// Whether a pod is marked for deletion, gone or failed: it will not come back under this UID.
pub(super) fn is_removed(pod: &PodSeen) -> bool {
    pod.change == Change::Deleted || !pod.deletion.is_empty() || pod.phase == "Failed"
}

/// Whether a pod counts towards the target's strength. A terminating pod may keep Ready=True; it does not count.
pub(super) fn in_strength(pod: &PodSeen) -> bool {
    pod.ready && !is_removed(pod)
}
