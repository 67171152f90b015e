//! What the history of a workload must say to mean anything, and when its faults were. Looks into no history.

use crate::consistency::vacuity::{Least, Needs, Window};
use crate::evidence::HistorySeen;
use crate::measure::{Measurements, around};
use crate::workload::{Kind, minima};

/// What a history of this workload needs.
pub(super) fn needs(kind: Kind, seen: &HistorySeen) -> Needs {
    let least = minima(kind).iter().map(|minimum| Least {
        function: minimum.verb.name().to_owned(),
        in_window: minimum.in_window,
        in_all: minimum.in_all,
    });
    // Final reads that are no function of their own were seen to by the run itself.
    let final_reads = match kind {
        Kind::Register | Kind::Set | Kind::Bank | Kind::Counter | Kind::Watch => seen.replicas.clone(),
        Kind::Append | Kind::Queue | Kind::Lock => Vec::new(),
    };
    Needs {
        least: least.collect(),
        // A watch and the writes that it tells of have different keys.
        contended: kind != Kind::Watch,
        final_reads,
        reads: vec!["read".to_owned(), "watch".to_owned()],
    }
}

/// The time of each fault.
pub(super) fn windows(measured: &Measurements) -> Vec<Window> {
    let window = |(name, from, to): (&str, i64, i64)| Window { name: name.to_owned(), from, to };
    around::fault_windows(measured).map(window).collect()
}
