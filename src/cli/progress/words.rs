//! What happens in a run, in words: for those who ask for every event.

use std::time::Duration;

use driftproof::evidence::{Ending, Life, Stage, Undo};
use driftproof::run::News;
use driftproof::scenario::FailureMode;

use crate::cli::style::safe;

/// One line for an event; `None` for what only the evidence needs.
pub(super) fn words(news: &News) -> Option<String> {
    match news {
        News::Stage(stage) => Some(stage_words(*stage).to_owned()),
        News::Steady { steady: true, .. } => Some("steady".to_owned()),
        News::Steady { steady: false, reason } => Some(format!("not steady: {}", safe(reason))),
        News::Planned { steps: 1, .. } => Some("planned 1 injection".to_owned()),
        News::Planned { steps, .. } => Some(format!("planned {steps} injections")),
        News::Fault(record) => life_words(&record.life).map(|text| format!("{}: {}", record.step, safe(&text))),
        News::Finished(end) => match &end.how {
            Ending::Completed => None,
            Ending::Interrupted => Some("interrupted and healed".to_owned()),
            Ending::Aborted { reason } => Some(format!("aborted: {}", safe(reason))),
        },
    }
}

pub(super) const fn stage_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Prepare => "preparing",
        Stage::Steady => "waiting for the steady state",
        Stage::Fault => "injecting",
        Stage::Settle => "waiting for recovery",
        Stage::Check => "reading data back",
        Stage::Clean => "cleaning up",
    }
}

fn life_words(life: &Life) -> Option<String> {
    match life {
        Life::Intent { undo, .. } => unreachable(undo),
        Life::Injecting => None,
        Life::Injected => Some("injected".to_owned()),
        Life::InjectFailed { reason } => Some(format!("could not be injected: {reason}")),
        Life::Proof(proof) if proof.proven => Some(format!("proven: {}", proof.statement)),
        Life::Proof(proof) => Some(format!("not proven: {}", proof.statement)),
        Life::Healing => Some("healing".to_owned()),
        Life::Healed => Some("healed".to_owned()),
        Life::HealFailed { reason } => Some(format!("LEFT DIRTY: {reason}")),
        Life::HealProof(proof) if proof.proven => Some(format!("proven healed: {}", proof.statement)),
        Life::HealProof(proof) => Some(format!("not proven healed: {}", proof.statement)),
    }
}

/// What a person has to know before the nodes are out of everybody's reach.
fn unreachable(undo: &[Undo]) -> Option<String> {
    let alone = |undo: &Undo| match undo {
        Undo::EndNodeAgent { node, mode: FailureMode::NetworkCut, timer_seconds, .. } => {
            let timer = humantime::format_duration(Duration::from_secs(*timer_seconds));
            Some(format!("{node} will be out of reach and heal itself {timer} after the injection, not before"))
        }
        Undo::EndNodeAgent { .. }
        | Undo::DeleteNetworkPolicy { .. }
        | Undo::Uncordon { .. }
        | Undo::RestoreNode { .. }
        | Undo::RemoveTaint { .. }
        | Undo::RestoreMember(_)
        | Undo::DeleteObject { .. } => None,
    };
    undo.iter().find_map(alone)
}
