//! Deployments: rollouts through one ReplicaSet for each revision of the template.
//! Never touches a pod; that is the ReplicaSet's part.

mod condition;
mod history;
mod progress;
mod recreate;
mod replica_sets;
mod revision;
mod rolling;
mod rollout;
mod scale;
#[cfg(test)]
mod tests;

pub(super) use rollout::sync;
