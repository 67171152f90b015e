//! One step of a Deployment: each sync does at most one, and the change that it makes brings the next one.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStatus};

use super::{condition, history, progress, recreate, replica_sets, revision, rolling, scale};
use crate::controllers::intstr::{Round, scaled};
use crate::controllers::queue::TryAgain;
use crate::labels;
use crate::{Key, Kind, Object, State};

/// A Deployment in the middle of a sync.
pub(super) struct Rollout {
    pub(super) key: Key,
    pub(super) object: Arc<Object>,
    /// The ReplicaSet of the present template.
    pub(super) new: Option<Arc<Object>>,
    /// All others, oldest first.
    pub(super) old: Vec<Arc<Object>>,
    /// Conditions and collision count to be stored; counts are added by `progress`.
    pub(super) status: DeploymentStatus,
}

impl Rollout {
    fn load(state: &mut State, key: &Key, object: Arc<Object>, spec: &DeploymentSpec) -> Self {
        let status = object.typed::<Deployment>().status.clone().unwrap_or_default();
        replica_sets::adopt_orphans(state, &object, &spec.selector);
        let mut rollout = Self { key: key.clone(), object, new: None, old: Vec::new(), status };
        rollout.refresh(state);
        rollout
    }

    /// Reads the ReplicaSets again.
    pub(super) fn refresh(&mut self, state: &State) {
        let sets = replica_sets::owned(state, &self.object);
        let new = revision::find_new(&self.object, &sets, self.status.collision_count);
        let new_uid = new.as_ref().map(|set| set.uid().to_owned());
        self.old = sets.into_iter().filter(|set| Some(set.uid()) != new_uid.as_deref()).collect();
        self.new = new;
    }

    /// `spec.replicas`.
    pub(super) fn replicas(&self) -> i32 {
        self.spec().and_then(|spec| spec.replicas).unwrap_or(1)
    }

    pub(super) fn spec(&self) -> Option<&DeploymentSpec> {
        self.object.typed::<Deployment>().spec.as_ref()
    }

    /// All ReplicaSets, oldest first, the new one last.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.old.iter().chain(&self.new)
    }

    pub(super) fn is_rolling(&self) -> bool {
        let strategy = self.spec().and_then(|spec| spec.strategy.as_ref()?.type_.as_deref());
        strategy != Some("Recreate")
    }

    /// `maxSurge` and `maxUnavailable` as numbers of pods; both zero would block, so then one may be unavailable
    /// (`ResolveFenceposts`). A Recreate has neither.
    pub(super) fn limits(&self) -> (i32, i32) {
        if !self.is_rolling() {
            return (0, 0);
        }
        let replicas = self.replicas();
        let rolling = self.spec().and_then(|spec| spec.strategy.as_ref()?.rolling_update.as_ref());
        let quarter = || k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::String("25%".to_owned());
        let surge = rolling.and_then(|rolling| rolling.max_surge.clone()).unwrap_or_else(quarter);
        let unavailable = rolling.and_then(|rolling| rolling.max_unavailable.clone()).unwrap_or_else(quarter);
        let surge = scaled(&surge, replicas, Round::Up);
        let unavailable = scaled(&unavailable, replicas, Round::Down);
        if surge == 0 && unavailable == 0 { (0, 1.min(replicas)) } else { (surge, unavailable.min(replicas)) }
    }
}

/// Reconciles one Deployment.
pub(in crate::controllers) fn sync(state: &mut State, key: &Key) -> Result<(), TryAgain> {
    let Some(object) = state.store.get(Kind::Deployment, key).cloned() else { return Ok(()) };
    let Some(spec) = object.typed::<Deployment>().spec.clone() else { return Ok(()) };
    if labels::is_empty(&spec.selector) {
        return Ok(());
    }
    let mut rollout = Rollout::load(state, key, object, &spec);
    if rollout.object.is_terminating() {
        progress::store_status(state, &rollout);
        return Ok(());
    }
    condition::note_pause(state, &mut rollout);
    if spec.paused == Some(true) || scale::is_scaling(&rollout) {
        revision::sync_existing(state, &mut rollout);
        scale::scale(state, &mut rollout);
        if spec.paused == Some(true) {
            history::clean_up(state, &rollout);
        }
        progress::store_status(state, &rollout);
        return Ok(());
    }
    if rollout.is_rolling() { rolling::step(state, &mut rollout) } else { recreate::step(state, &mut rollout) }
}
