//! How an old instance ended: with grace, killed, or confirmed by nobody, so that it may still run.

use crate::evidence::Change;
use crate::plan::Action;

use super::faults::actions;
use super::loss::{Fate, Loss};
use super::model::OldEnd;
use super::timeline::{PodLife, Timeline};

/// Exit code of a process that was ended by SIGKILL: 128 + 9.
const SIGKILLED: i32 = 137;

pub(super) fn old_end(timeline: &Timeline<'_>, loss: &Loss) -> OldEnd {
    let life = &timeline.pods[loss.pod];
    if let Some(code) = exit_code(life, loss.at) {
        return if code == SIGKILLED { OldEnd::Killed } else { OldEnd::Graceful };
    }
    match loss.fate {
        Fate::Back { restarted: true, .. } => OldEnd::Killed,
        // Its containers were never seen to end: behind a cut network they ran on.
        Fate::Back { restarted: false, .. } | Fate::Open => OldEnd::NeverConfirmed,
        Fate::Removed(_) => match life.gone() {
            None => OldEnd::NeverConfirmed,
            // Only its kubelet could confirm the end, and that was not heard of: the object was removed without it.
            Some(gone) if timeline.node_lost(life.node(), gone) => OldEnd::NeverConfirmed,
            Some(gone) if forced(timeline, loss) || past_grace(timeline, life, gone) => OldEnd::Killed,
            Some(_) => OldEnd::Graceful,
        },
    }
}

/// The highest exit code of its containers that was seen since it was lost.
fn exit_code(life: &PodLife<'_>, since: u64) -> Option<i32> {
    let seen = life.seen.iter().filter(|(t, _)| *t >= since);
    seen.flat_map(|(_, pod)| &pod.containers)
        .filter(|container| container.state == "terminated")
        .filter_map(|container| container.exit_code)
        .max()
}

fn forced(timeline: &Timeline<'_>, loss: &Loss) -> bool {
    let action = loss.step.as_deref().and_then(|step| actions(timeline).get(step).copied());
    matches!(action, Some(Action::PodKill { grace_seconds: Some(0), .. }))
}

/// `deletionTimestamp` is the end of the grace period: whoever is there until then was killed. Its grain is one second.
fn past_grace(timeline: &Timeline<'_>, life: &PodLife<'_>, gone: u64) -> bool {
    let marked = life.seen.iter().find(|(_, pod)| !pod.deletion.is_empty() && pod.change != Change::Deleted);
    let deadline = marked.and_then(|(t, pod)| timeline.instant(&pod.deletion).filter(|deadline| *deadline > *t));
    deadline.is_some_and(|deadline| gone >= deadline)
}
