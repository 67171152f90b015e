//! Autoscalers of pods: the bounds always hold; between them replicas follow the CPU that pods state. Without a
//! statement there are no metrics, as in a cluster without a metrics server, and the number stays as it is.
//!
//! A pod states what it uses by the annotation `embedded.driftproof.dev/cpu-usage` (`250m`), which may change while it
//! runs.

mod behavior;
#[cfg(test)]
mod behavior_tests;
mod metrics;
mod sync;
#[cfg(test)]
mod tests;

pub(super) use behavior::History;
pub(super) use sync::{arm, sync};
