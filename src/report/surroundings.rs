//! What stands around a scenario's verdict: the size of the cluster, and the files that the report can lead to.

use std::collections::BTreeSet;

use crate::evidence::{Change, Event, Evidence, Seen};

/// Where a scenario ran and what it left, as reports tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Nodes that were seen when watching began, or that came later.
    pub nodes: usize,
    /// Evidence and histories that lie in the scenario's folder, by name.
    pub files: Vec<String>,
    /// Whether the report lies in that folder as well, and not in the one above.
    pub beside: bool,
}

impl Surroundings {
    /// Paths of the files from where the report lies, with their names. `scenario` is the name of the scenario's folder.
    pub(super) fn links<'a>(&'a self, scenario: &'a str) -> impl Iterator<Item = (String, &'a str)> {
        self.files.iter().map(move |file| {
            let path = if self.beside { file.clone() } else { format!("{}/{file}", in_link(scenario)) };
            (path, file.as_str())
        })
    }

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
        Self { nodes: nodes.len(), ..Self::default() }
    }
}

/// A name as a part of a link.
fn in_link(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_from_the_report_to_the_file() {
        let mut surroundings = Surroundings { files: vec!["evidence.jsonl".to_owned()], ..Surroundings::default() };
        let path = |surroundings: &Surroundings| surroundings.links("a b").next().map(|(path, _)| path);
        assert_eq!(path(&surroundings).as_deref(), Some("a%20b/evidence.jsonl"));
        surroundings.beside = true;
        assert_eq!(path(&surroundings).as_deref(), Some("evidence.jsonl"));
    }
}
