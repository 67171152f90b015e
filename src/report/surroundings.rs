//! What stands around a scenario's verdict: the size of the cluster, and the files that the report can lead to.

use std::collections::BTreeSet;

use crate::evidence::{Change, Event, Evidence, Seen};

/// Where a scenario ran and what it left, as reports tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Nodes that were seen when watching began, or that came later.
    pub nodes: usize,
    /// Evidence and histories, as paths from the folder of the report.
    pub files: Vec<String>,
}

impl Surroundings {
    /// What the evidence knows of its surroundings.
    #[must_use]
    pub fn of(evidence: &Evidence) -> Self {
        let nodes: BTreeSet<&str> = evidence
            .records
            .iter()
            .filter_map(|record| match &record.event {
                Event::Seen(seen) => match seen.as_ref() {
                    Seen::Node(node) if node.change != Change::Deleted => Some(node.name.as_str()),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        Self { nodes: nodes.len(), files: Vec::new() }
    }
}
