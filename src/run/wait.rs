//! Waiting with a deadline, through the one door to time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::world::Clock;

use super::Stop;

/// The future's value, or `None` when `limit` passed first.
pub(super) async fn within<T>(clock: Clock, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        value = future => Some(value),
        () = clock.sleep(limit) => None,
    }
}

/// Returns when a stop is asked for; never when its sender is gone.
pub(super) async fn stopped(stop: &mut Stop) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Tells everyone who listens that something changed, in the order in which they began to wait. tokio's `watch` wakes
/// its receivers in a random order, and the same seed would no longer give the same evidence.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: AtomicU64,
    notify: Notify,
}

impl Bell {
    pub(super) fn ring(&self) {
        self.rung.fetch_add(1, Ordering::SeqCst);
        self.notify.notify_waiters();
    }

    /// Hears every ring from now on.
    pub(super) fn listen(self: &Arc<Self>) -> Ear {
        Ear { bell: self.clone(), heard: self.rung.load(Ordering::SeqCst) }
    }

    /// Returns when it has ever been rung.
    pub(super) async fn ever(&self) {
        loop {
            let rung = self.notify.notified();
            if self.rung.load(Ordering::SeqCst) > 0 {
                return;
            }
            rung.await;
        }
    }
}

/// One listener of a [`Bell`].
#[derive(Debug)]
pub(super) struct Ear {
    bell: Arc<Bell>,
    heard: u64,
}

impl Ear {
    /// Returns when it was rung since the last time.
    pub(super) async fn rung(&mut self) {
        loop {
            let rung = self.bell.notify.notified();
            let now = self.bell.rung.load(Ordering::SeqCst);
            if now != std::mem::replace(&mut self.heard, now) {
                return;
            }
            rung.await;
        }
    }
}
