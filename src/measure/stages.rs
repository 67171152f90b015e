//! The stages of the run as spans. Knows nothing of what happened in them.

use super::model::StageSpan;
use super::timeline::Timeline;

pub(super) fn stages(line: &Timeline<'_>) -> Vec<StageSpan> {
    let ends = line.stages.iter().skip(1).map(|(t, _)| *t).chain([line.end]);
    line.stages.iter().zip(ends).map(|((from, stage), to)| StageSpan { stage: *stage, from: *from, to }).collect()
}
