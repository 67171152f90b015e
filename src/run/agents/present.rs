//! Which agent of the run can be spoken to now, and which ones were. Speaks to none.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Namespace and name of an agent's pod.
pub(in crate::run) type Pod = (String, String);

/// The run's agent inside the cluster, of which there may be several, one after the other.
#[derive(Debug, Default)]
pub(in crate::run) struct Present(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    now: Option<Pod>,
    all: Vec<Pod>,
}

impl Present {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This one was met.
    pub(super) fn met(&self, namespace: &str, name: &str) {
        let pod = (namespace.to_owned(), name.to_owned());
        let mut inner = self.lock();
        inner.all.push(pod.clone());
        inner.now = Some(pod);
    }

    /// It was lost, or left.
    pub(super) fn gone(&self) {
        self.lock().now = None;
    }

    /// The one that can be spoken to.
    pub(in crate::run) fn now(&self) -> Option<Pod> {
        self.lock().now.clone()
    }

    /// Every one that was met, `namespace/name`, in the order of their meeting.
    pub(in crate::run) fn all(&self) -> Vec<String> {
        self.lock().all.iter().map(|(namespace, name)| format!("{namespace}/{name}")).collect()
    }
}
