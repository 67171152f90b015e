//! How the clocks of agents stood to the run's: every time of an attempt from inside is as true as this.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evidence::{Event, Evidence};

/// One agent's clock over the run. Microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockMeasure {
    /// Namespace and name of the agent's pod.
    pub agent: String,
    /// How often it was measured.
    pub times: u64,
    /// The agent's clock minus the run's, when last measured. They count from different moments.
    pub offset: i64,
    /// The smallest and the largest offset lie this far apart: what the clocks drifted, and what was measured amiss.
    pub spread: u64,
    /// The truth was never farther away than this.
    pub error_max: u64,
}

pub(super) fn clocks(evidence: &Evidence) -> Vec<ClockMeasure> {
    let mut seen: BTreeMap<&str, Vec<(i64, u64)>> = BTreeMap::new();
    for record in &evidence.records {
        if let Event::Clock { agent, offset, error } = &record.event {
            seen.entry(agent).or_default().push((*offset, *error));
        }
    }
    let measure = |(agent, seen): (&str, Vec<(i64, u64)>)| {
        let offsets = || seen.iter().map(|(offset, _)| *offset);
        let (least, most) = (offsets().min()?, offsets().max()?);
        Some(ClockMeasure {
            agent: agent.to_owned(),
            times: seen.len() as u64,
            offset: offsets().next_back()?,
            spread: most.abs_diff(least),
            error_max: seen.iter().map(|(_, error)| *error).max()?,
        })
    };
    seen.into_iter().filter_map(measure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Record, VERSION, chained};

    #[test]
    fn an_agents_clock_is_told_with_its_error() {
        let text = r#"{"name":"t","target":{"namespace":"shop","workload":"deployment/web"},"fault":[]}"#;
        let header = serde_json::json!({
            "i": 0, "t": 0, "type": "header", "version": VERSION, "tool": "", "run": "r", "world": { "kind": "embedded" },
            "seed": 1, "started": "", "again": "", "scenario": serde_json::from_str::<serde_json::Value>(text).unwrap(),
        });
        let clock = |i: u64, offset: i64, error| {
            let event = Event::Clock { agent: "shop/agent".into(), offset, error };
            serde_json::to_value(Record { i, t: i, event }).unwrap()
        };
        let lines = chained([header, clock(1, -5_000, 300), clock(2, -4_900, 120)]).unwrap();
        let evidence = Evidence::read(&lines).unwrap();
        let expected =
            ClockMeasure { agent: "shop/agent".into(), times: 2, offset: -4_900, spread: 100, error_max: 300 };
        assert_eq!(clocks(&evidence), [expected]);
    }
}
