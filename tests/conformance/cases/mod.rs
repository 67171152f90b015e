//! The cases, as data. Which cluster they run on is not known here.

mod network;
mod nodes;
mod pods;
mod workloads;

use super::case::Case;

/// Every case, in the order of the table.
pub(crate) fn all() -> Vec<Case> {
    [pods::CASES, workloads::CASES, network::CASES, nodes::CASES].concat()
}

/// What a manifest of a case says.
pub(crate) fn manifest(name: &str) -> &'static str {
    match name {
        "four" => include_str!("../manifests/four.yaml"),
        "patient" => include_str!("../manifests/patient.yaml"),
        "spread" => include_str!("../manifests/spread.yaml"),
        "stubborn" => include_str!("../manifests/stubborn.yaml"),
        "budget-open" => include_str!("../manifests/budget-open.yaml"),
        "budget-closed" => include_str!("../manifests/budget-closed.yaml"),
        "crasher" => include_str!("../manifests/crasher.yaml"),
        "crash" => include_str!("../manifests/crash.yaml"),
        "sets" => include_str!("../manifests/sets.yaml"),
        "pair" => include_str!("../manifests/pair.yaml"),
        "deny-all" => include_str!("../manifests/deny-all.yaml"),
        "groups" => include_str!("../manifests/groups.yaml"),
        other => panic!("there is no manifest {other}"),
    }
}
