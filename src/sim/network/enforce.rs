//! When network policies count: `policy_sync` after each creation, change or deletion, if the network enforces any.

use k8s_openapi::api::networking::v1::NetworkPolicy;

use super::policy::Policy;
use super::{State, Work};
use crate::{Change, Event, Key, Kind};

pub(super) fn on_change(state: &mut State, change: &Change) {
    if change.kind == Kind::NetworkPolicy && state.settings.policies_enforced {
        let delay = state.settings.timings.policy_sync;
        state.after(delay, Event::Network(Work::SyncPolicy(change.key.clone())));
    }
}

pub(super) fn sync(state: &mut State, key: &Key) {
    match state.store.get(Kind::NetworkPolicy, key) {
        Some(object) => {
            let policy = Policy::read(object.typed::<NetworkPolicy>());
            state.network.policies.insert(&key.namespace, &key.name, policy);
        }
        None => state.network.policies.remove(&key.namespace, &key.name),
    }
}
