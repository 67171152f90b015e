//! What is worth a word in a scenario that is no mistake. Never refuses anything.

use super::Scenario;

/// One line for each thing that a person may not have meant, lowercase and without a full stop.
#[must_use]
pub fn warnings(scenario: &Scenario) -> Vec<String> {
    let mut found = Vec::new();
    if !scenario.has_objective() {
        found.push(
            "no objective is set: whatever the fault costs, only its proof, its healing and the steady state are judged; add [expect], such as `rto = \"30s\"`".to_owned(),
        );
    }
    found
}
