//! Whether an instance serves again: behind which Services it is, and which probe it answered first.

use crate::evidence::EndpointsSeen;

use super::timeline::{Answer, PodLife, Timeline};

/// Whether the new pod is behind the Services that are watched.
pub(super) enum Listed {
    /// No watched Service had the old pod.
    NoNeed,
    /// In all of them that ever listed it, since then.
    At(u64),
    /// In none of them, though the old pod was.
    Never,
}

pub(super) fn listed(timeline: &Timeline<'_>, old: &PodLife<'_>, new: &PodLife<'_>, ready: u64) -> Listed {
    let mut all = Listed::NoNeed;
    for seen in timeline.endpoints.values() {
        let holds =
            |pods: &EndpointsSeen| pods.pods.get(new.name()).is_some_and(|state| state.ready && !state.terminating);
        let at_ready = seen.iter().take_while(|(t, _)| *t <= ready).last();
        let at = match at_ready {
            Some((_, pods)) if holds(pods) => Some(ready),
            Some(_) | None => seen.iter().find(|(t, pods)| *t >= ready && holds(pods)).map(|(t, _)| *t),
        };
        let had = seen.iter().any(|(_, pods)| pods.pods.contains_key(old.name()));
        all = match (all, at) {
            (Listed::NoNeed | Listed::Never, Some(at)) => Listed::At(at),
            (Listed::At(before), Some(at)) => Listed::At(before.max(at)),
            (Listed::At(before), None) => Listed::At(before),
            (Listed::NoNeed, None) if had && !plays_another_role(old, new) => Listed::Never,
            (other @ (Listed::NoNeed | Listed::Never), None) => other,
        };
    }
    all
}

/// Whether the new pod has another role than the old one had: a Service of leaders does not list a follower.
fn plays_another_role(old: &PodLife<'_>, new: &PodLife<'_>) -> bool {
    let last_role = |life: &PodLife<'_>| life.seen.last().map(|(_, pod)| pod.role.clone()).unwrap_or_default();
    last_role(old) != last_role(new)
}

/// The first answer due after `since`: of the new pod when pods are known and the old one used to answer, else of any.
/// It may have served at any time since, for probes ask now and then and one pod among several: that is the uncertainty.
pub(super) fn answered(
    timeline: &Timeline<'_>,
    old: &PodLife<'_>,
    new: &PodLife<'_>,
    since: u64,
) -> Option<(u64, String, u64)> {
    let first = |answers: &[Answer]| {
        let answer = answers.get(answers.partition_point(|answer| answer.due < since))?;
        (answer.due <= timeline.observed).then_some(*answer)
    };
    let of_pod = |life: &PodLife<'_>| timeline.answers_of.get(life.name()).map(Vec::as_slice);
    let by_pod = of_pod(old).and_then(|_| first(of_pod(new)?));
    let answer = by_pod.or_else(|| first(&timeline.answers))?;
    let name = timeline.scenario.probes.get(answer.probe).map_or("", |probe| probe.name.as_str());
    Some((answer.at, format!("probe {name}"), answer.at - since.min(answer.at)))
}
