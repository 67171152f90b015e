//! What differs between the snapshots before and after, for each aspect that the scenario names. Has no model of what is right.

use std::collections::BTreeSet;

use crate::evidence::When;
use crate::scenario::Aspect;

use super::model::SameMeasure;
use super::timeline::Timeline;

pub(super) fn same(timeline: &Timeline<'_>) -> Vec<SameMeasure> {
    timeline.scenario.expect.same_after.iter().map(|aspect| compare(timeline, *aspect)).collect()
}

fn compare(timeline: &Timeline<'_>, aspect: Aspect) -> SameMeasure {
    let snapshot = |when| timeline.snapshots.iter().rev().find(|snapshot| snapshot.when == when);
    let state = |when| snapshot(when).and_then(|snapshot| snapshot.aspects.get(&aspect));
    let (Some(before), Some(after)) = (state(When::Before), state(When::After)) else {
        return SameMeasure { aspect, compared: false, differences: Vec::new() };
    };
    let subjects: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differences = subjects
        .into_iter()
        .filter(|subject| before.get(*subject) != after.get(*subject))
        .map(|subject| {
            let text =
                |side: &std::collections::BTreeMap<String, String>| side.get(subject).cloned().unwrap_or_default();
            (subject.clone(), text(before), text(after))
        })
        .collect();
    SameMeasure { aspect, compared: true, differences }
}
