//! Waiting with a deadline, through the one door to time.

use std::time::Duration;

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
