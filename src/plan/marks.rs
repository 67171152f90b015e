//! How everything that Driftproof creates is marked on a cluster, so that it can be found and told from all else.

/// The label of everything that we create.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Its value, and the name under which fields are managed.
pub const MANAGER: &str = "driftproof";
/// The label, or on fixtures the annotation, with the run that created an object.
pub const RUN: &str = "driftproof.dev/run";
/// The label with the step of that run.
pub const STEP: &str = "driftproof.dev/step";
