//! The stages of the run as spans. Knows nothing of what happened in them.

use super::model::StageSpan;
use super::timeline::Timeline;

pub(super) fn stages(timeline: &Timeline<'_>) -> Vec<StageSpan> {
    let ends = timeline.stages.iter().skip(1).map(|(t, _)| *t).chain([timeline.end]);
    timeline.stages.iter().zip(ends).map(|((from, stage), to)| StageSpan { stage: *stage, from: *from, to }).collect()
}
