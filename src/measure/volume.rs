//! Digests of a volume's content before and after the faults. Does not compare them.

use crate::evidence::When;
use crate::scenario::VolumeCheck;

use super::model::VolumeMeasure;
use super::timeline::Timeline;

pub(super) fn volume(timeline: &Timeline<'_>, check: usize, wanted: &VolumeCheck) -> VolumeMeasure {
    let mut measure = VolumeMeasure { name: wanted.name.clone(), ..VolumeMeasure::default() };
    for seen in timeline.volumes.iter().filter(|seen| seen.check == check) {
        let Some(digest) = &seen.digest else {
            let when = match seen.when {
                When::Before => "before",
                When::After => "after",
            };
            measure.unread.push((seen.pod.clone(), format!("{when} the faults: {}", seen.reason)));
            continue;
        };
        let entry = (seen.pod.clone(), digest.clone(), seen.files);
        let side = match seen.when {
            When::Before => &mut measure.before,
            When::After => &mut measure.after,
        };
        // A second reading of the same pod replaces the first.
        side.retain(|(pod, ..)| *pod != entry.0);
        side.push(entry);
    }
    measure.before.sort();
    measure.after.sort();
    measure
}
