//! One lane for each pod of the target: where it was, in which state, from when to when. For the plots.

use crate::evidence::{Change, PodSeen};

use super::model::{Lane, LaneSpan, LaneState};
use super::timeline::{PodLife, Timeline};

pub(super) fn lanes(timeline: &Timeline<'_>) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = timeline.pods.iter().map(|life| lane(life, timeline.end)).collect();
    lanes.retain(|lane| !lane.spans.is_empty());
    lanes.sort_by(|a, b| (a.spans[0].from, &a.pod, &a.uid).cmp(&(b.spans[0].from, &b.pod, &b.uid)));
    lanes
}

fn lane(life: &PodLife<'_>, end: u64) -> Lane {
    let mut spans: Vec<LaneSpan> = Vec::new();
    for (t, pod) in &life.seen {
        if let Some(last) = spans.last_mut() {
            last.to = *t;
        }
        if pod.change == Change::Deleted {
            break;
        }
        let (node, state) = (pod.node.clone(), state(pod));
        match spans.last_mut() {
            Some(last) if last.node == node && last.state == state => last.to = end,
            Some(_) | None => spans.push(LaneSpan { from: *t, to: end, node, state }),
        }
    }
    spans.retain(|span| span.from < span.to);
    Lane { pod: life.name().to_owned(), uid: life.uid().to_owned(), spans }
}

fn state(pod: &PodSeen) -> LaneState {
    if !pod.deletion.is_empty() {
        LaneState::Terminating
    } else if pod.ready {
        LaneState::Ready
    } else if pod.phase == "Running" {
        LaneState::Running
    } else {
        LaneState::Pending
    }
}
