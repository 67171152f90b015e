//! Which instances of the target were lost after an injection, when that was first seen, and which injection did it.

use std::collections::BTreeMap;

use crate::evidence::PodSeen;
use crate::plan::Action;

use super::faults::actions;
use super::model::FaultSpan;
use super::timeline::{PodLife, Timeline, in_strength, is_lost, is_removed};

/// An instance that was lost.
#[derive(Clone, Debug)]
pub(super) struct Loss {
    /// Index of the pod among the pods of the timeline.
    pub(super) pod: usize,
    /// First sign: its deletion, the loss of its node, the end of its container.
    pub(super) at: u64,
    /// What became of it.
    pub(super) fate: Fate,
    /// The step that did it, as far as can be told.
    pub(super) step: Option<String>,
    /// The injection that it is counted from.
    pub(super) from: u64,
}

/// What became of a lost instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Marked for deletion, gone or failed at this time: only another pod can take its place.
    Removed(u64),
    /// The same pod was Ready again at this time; whether its containers were started anew.
    Back {
        /// When it was Ready.
        ready: u64,
        /// Whether its containers were started anew.
        restarted: bool,
    },
    /// Neither, until the end.
    Open,
}

/// All losses, by the time of their first sign.
pub(super) fn losses(timeline: &Timeline<'_>, faults: &[FaultSpan]) -> Vec<Loss> {
    let causes = Causes::new(timeline, faults);
    let mut losses = Vec::new();
    for (index, life) in timeline.pods.iter().enumerate() {
        for (at, fate) in episodes(timeline, life, causes.first) {
            if let Some((step, from)) = causes.of(life, at) {
                losses.push(Loss { pod: index, at, fate, step, from });
            }
        }
    }
    losses.sort_by_key(|loss| (loss.at, loss.pod));
    losses
}

/// What can happen to an instance, in order of time.
enum Sign<'a> {
    NodeLost,
    NodeBack,
    Pod(&'a PodSeen),
}

/// An episode under way.
struct Open {
    at: u64,
    unready: bool,
    restarted: bool,
}

fn episodes(timeline: &Timeline<'_>, life: &PodLife<'_>, first: u64) -> Vec<(u64, Fate)> {
    // A pod that was never Ready was no instance yet; losing it belongs to the drift that it should have ended.
    let Some(ready_at) = life.first_ready() else { return Vec::new() };
    let mut done = Vec::new();
    let mut open: Option<Open> = None;
    let mut restarts = 0;
    let mut node_lost = false;
    for (t, sign) in signs(timeline, life, ready_at) {
        match sign {
            Sign::NodeLost => {
                node_lost = true;
                open.get_or_insert(Open { at: t, unready: false, restarted: false });
            }
            Sign::NodeBack => {
                node_lost = false;
                // The node was away, yet the instance never was: nothing drifted.
                open.take_if(|open| !open.unready && !open.restarted);
            }
            Sign::Pod(pod) if is_removed(pod) => {
                done.push((open.take().map_or(t, |open| open.at), Fate::Removed(t)));
                break;
            }
            Sign::Pod(pod) => {
                let now = total_restarts(pod);
                let ended = pod.containers.iter().any(|container| container.state == "terminated");
                if t > ready_at && (now > restarts || ended) {
                    open.get_or_insert(Open { at: t, unready: false, restarted: false }).restarted = true;
                }
                restarts = now;
                if let Some(episode) = &mut open {
                    episode.unready |= !pod.ready;
                }
                if in_strength(pod) && !node_lost {
                    let back = open.take_if(|open| open.unready || open.restarted);
                    done.extend(back.map(|open| (open.at, Fate::Back { ready: t, restarted: open.restarted })));
                }
            }
        }
    }
    done.extend(open.filter(|open| open.unready || open.restarted).map(|open| (open.at, Fate::Open)));
    done.retain(|(at, _)| *at >= first);
    done
}

fn signs<'a>(timeline: &Timeline<'a>, life: &PodLife<'a>, ready_at: u64) -> Vec<(u64, Sign<'a>)> {
    let mut signs: Vec<(u64, Sign<'a>)> =
        life.seen.iter().filter(|(t, _)| *t >= ready_at).map(|(t, pod)| (*t, Sign::Pod(pod))).collect();
    let mut before = false;
    for (t, node) in timeline.nodes.get(life.node()).into_iter().flatten() {
        let lost = is_lost(node);
        if lost != before && *t >= ready_at {
            signs.push((*t, if lost { Sign::NodeLost } else { Sign::NodeBack }));
        }
        before = lost;
    }
    signs.sort_by_key(|(t, sign)| (*t, matches!(sign, Sign::Pod(_))));
    signs
}

fn total_restarts(pod: &PodSeen) -> u32 {
    pod.containers.iter().map(|container| container.restarts).sum()
}

/// The injections, to ask which of them took an instance.
struct Causes<'a> {
    first: u64,
    steps: Vec<(&'a str, u64, Option<&'a Action>)>,
}

impl<'a> Causes<'a> {
    fn new(timeline: &Timeline<'a>, faults: &'a [FaultSpan]) -> Self {
        let actions: BTreeMap<&str, &Action> = actions(timeline);
        let mut steps: Vec<(&str, u64, Option<&Action>)> = faults
            .iter()
            .filter_map(|fault| Some((fault.step.as_str(), fault.injected?, actions.get(fault.step.as_str()).copied())))
            .collect();
        steps.sort_by_key(|(_, injected, _)| *injected);
        Self { first: steps.first().map_or(u64::MAX, |(_, injected, _)| *injected), steps }
    }

    /// The last injection that names the pod or its node; else the last one before, without a claim that it did it
    /// unless it is the only one.
    fn of(&self, life: &PodLife<'_>, at: u64) -> Option<(Option<String>, u64)> {
        let before = || self.steps.iter().rev().filter(|(_, injected, _)| *injected <= at);
        let named = before().find(|(_, _, action)| action.is_some_and(|action| names(action, life)));
        if let Some((step, injected, _)) = named {
            return Some((Some((*step).to_owned()), *injected));
        }
        let (step, injected, _) = before().next()?;
        let only = self.steps.len() == 1;
        Some((only.then(|| (*step).to_owned()), *injected))
    }
}

fn names(action: &Action, life: &PodLife<'_>) -> bool {
    match action {
        Action::PodKill { pods, .. } | Action::NetworkPartition { pods, .. } => {
            pods.iter().any(|pod| pod.uid == life.uid())
        }
        // A member that moves comes back in the end, and its guest goes.
        Action::EtcdMemberReplace { leaving, guest, .. } => {
            leaving.uid == life.uid() || guest.as_deref() == Some(life.name())
        }
        Action::NodeDrain { nodes, .. } | Action::NodeFailure { nodes, .. } => {
            nodes.iter().any(|node| node.name == life.node())
        }
    }
}
