//! Whether data survived: acknowledged writes against the recovery point, duplicates, phantoms, and the content of volumes.

use crate::measure::{DataMeasure, SetMeasure, VolumeMeasure, text};
use crate::scenario::Comparison;
use crate::workload::Kind;

use super::consistency::{consistency, history_rpo};
use super::judgement::Case;
use super::{Judgement, Outcome, Unit};

/// `data.<name>` for each check, whatever the scenario expects: there is no acceptable number of phantoms.
pub(super) fn data(case: &Case<'_>) -> Vec<Judgement> {
    let judge = |check: &DataMeasure| match check {
        DataMeasure::Set(set) => self::set(case, set),
        DataMeasure::Volume(measure) => volume(measure),
        DataMeasure::History(history) => consistency(case, history),
    };
    case.measured.data.iter().map(judge).collect()
}

fn set(case: &Case<'_>, set: &SetMeasure) -> Judgement {
    let objective = format!("data.{}", set.name);
    let mut wrong = Vec::new();
    if !set.duplicated.is_empty() {
        wrong.push(format!("{} ({})", text::count(set.duplicated.len() as u64, "duplicate"), values(&set.duplicated)));
    }
    if !set.phantom.is_empty() {
        wrong.push(format!("{} ({})", text::count(set.phantom.len() as u64, "phantom"), values(&set.phantom)));
    }
    // With `rpo` given, lost writes are judged there, against its bound.
    if !set.lost.is_empty() && case.scenario.expect.rpo.is_none() {
        wrong.push(lost(case, set));
    }
    let counts =
        format!("{} acknowledged, {} indeterminate, {} refused", set.acknowledged, set.indeterminate, set.refused);
    if !wrong.is_empty() {
        return Judgement::fail(objective, wrong.join("; ")).measured(counts);
    }
    if let Some((replica, why)) = set.unread.first() {
        return Judgement::inconclusive(objective, format!("{replica} could not be read: {why}")).measured(counts);
    }
    if set.acknowledged == 0 {
        return Judgement::inconclusive(objective, "no write was acknowledged").measured(counts);
    }
    let behind: Vec<String> = set
        .missing_on
        .iter()
        .filter(|(_, missing)| *missing > 0)
        .map(|(replica, missing)| format!("{replica} lacks {missing} in its own copy"))
        .collect();
    let reason = if behind.is_empty() { "no duplicates, no phantoms".to_owned() } else { text::some(&behind, 3) };
    Judgement::pass(objective, reason).measured(counts)
}

pub(super) fn rpo(case: &Case<'_>) -> Option<Judgement> {
    let bound = case.scenario.expect.rpo?;
    let judged = case.measured.data.iter().filter_map(|check| match check {
        DataMeasure::Set(set) => Some(rpo_of(case, set, bound)),
        DataMeasure::History(history) if history.workload == Kind::Set => Some(history_rpo(history, bound)),
        DataMeasure::History(_) | DataMeasure::Volume(_) => None,
    });
    let judged = judged.max_by_key(|judgement| judgement.outcome);
    let judged = judged.unwrap_or_else(|| Judgement::inconclusive("rpo", "there is no data check of kind set"));
    Some(judged.bound(format!("≤ {bound}")).limit(Comparison::AtMost, bound as f64, Some(Unit::Count)))
}

fn rpo_of(case: &Case<'_>, set: &SetMeasure, bound: u64) -> Judgement {
    let measured = set.lost.len() as u64;
    if measured > bound {
        return Judgement::fail("rpo", lost(case, set))
            .measured(measured.to_string())
            .value(measured as f64)
            .knob(replication(case));
    }
    if let Some((replica, why)) = set.unread.first() {
        return Judgement::inconclusive("rpo", format!("{replica} could not be read: {why}"));
    }
    if set.acknowledged_in_fault == 0 {
        let reason = format!(
            "no write of {} was acknowledged while a fault was in force ({} in all)",
            set.name, set.acknowledged
        );
        return Judgement::inconclusive("rpo", reason);
    }
    let reason = format!(
        "{measured} of {} acknowledged writes are gone, {} were acknowledged during faults",
        set.acknowledged, set.acknowledged_in_fault
    );
    Judgement::pass("rpo", reason).measured(measured.to_string()).value(measured as f64)
}

fn lost(case: &Case<'_>, set: &SetMeasure) -> String {
    let when = set.lost_between.map_or_else(String::new, |(from, to)| {
        let injected = case.measured.faults.iter().filter_map(|fault| Some((fault.injected?, &fault.step)));
        match injected.filter(|(at, _)| *at <= to).max() {
            Some((at, step)) if from >= at => {
                format!(", written {} to {} after {step}", text::duration(from - at), text::duration(to - at))
            }
            Some((at, step)) => format!(", written from {} before {step} on", text::duration(at - from)),
            None => String::new(),
        }
    });
    format!("{} of {} acknowledged writes are gone ({}){when}", set.lost.len(), set.acknowledged, values(&set.lost))
}

fn replication(case: &Case<'_>) -> String {
    format!("replication mode of {}: acknowledge only what a follower holds", case.target())
}

fn values(values: &[u64]) -> String {
    let values: Vec<String> = values.iter().take(6).map(ToString::to_string).collect();
    text::some(&values, 5)
        .split(" and ")
        .next()
        .map_or_else(String::new, |shown| if values.len() > 5 { format!("{shown}, …") } else { shown.to_owned() })
}

fn volume(volume: &VolumeMeasure) -> Judgement {
    let objective = format!("data.{}", volume.name);
    let mut unmatched_after: Vec<&(String, String, u64)> = Vec::new();
    let mut wrong = Vec::new();
    for entry in &volume.after {
        if !volume.before.iter().any(|(pod, ..)| *pod == entry.0) {
            unmatched_after.push(entry);
        }
    }
    for (pod, digest, files) in &volume.before {
        if let Some((_, now, left)) = volume.after.iter().find(|(after, ..)| after == pod) {
            if now != digest {
                wrong.push(differs(pod, *files, *left));
            }
            continue;
        }
        // The pod has another name now: its content must be with one of the new pods.
        match unmatched_after.iter().position(|(_, now, _)| now == digest) {
            Some(found) => {
                unmatched_after.remove(found);
            }
            None if unmatched_after.is_empty() => {}
            None => {
                let (now, _, left) = unmatched_after.remove(0);
                wrong.push(format!("{} (now {now})", differs(pod, *files, *left)));
            }
        }
    }
    let measured =
        format!("{} before, {} after", text::count(volume.before.len() as u64, "volume"), volume.after.len());
    if !wrong.is_empty() {
        let knob = "a volume that outlives the node: hostPath, local and emptyDir content stays behind";
        return Judgement::fail(objective, text::some(&wrong, 3)).measured(measured).knob(knob);
    }
    if let Some((pod, why)) = volume.unread.first() {
        return Judgement::inconclusive(objective, format!("the volume of {pod} could not be read {why}"))
            .measured(measured);
    }
    if volume.before.is_empty() || volume.after.len() < volume.before.len() {
        return Judgement::inconclusive(objective, "not every volume was read before and after").measured(measured);
    }
    let (outcome, reason) = if volume.before.iter().all(|(_, _, files)| *files == 0) {
        (Outcome::Inconclusive, "the volumes were empty before: nothing could be lost")
    } else {
        (Outcome::Pass, "the same content before and after")
    };
    Judgement::new(objective, outcome, reason).measured(measured)
}

fn differs(pod: &str, before: u64, after: u64) -> String {
    if after == 0 && before > 0 {
        format!("the volume of {pod} is empty: {} gone", text::count(before, "file"))
    } else {
        format!("the volume of {pod} differs: {before} files before, {after} after")
    }
}
