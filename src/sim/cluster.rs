//! The handle by which the outside holds an embedded cluster: its API client, its machines and its wires.

use tokio::time::Instant;

use super::engine::Shared;
use super::{Settings, State};

/// A running embedded cluster. Cheap to clone; it ends with the tokio runtime that it was started on.
#[derive(Clone, Debug)]
pub struct Cluster {
    shared: Shared,
}

impl Cluster {
    /// Boots a cluster on the current (paused, single-threaded) tokio runtime.
    #[must_use]
    pub fn start(settings: Settings, seed: u64) -> Self {
        let mut state = State::new(settings, seed);
        state.boot();
        let shared = Shared::new(state, Instant::now());
        tokio::spawn(shared.clone().drive());
        Self { shared }
    }

    /// Looks at or changes the state at the present instant.
    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        self.shared.with(act)
    }
}
