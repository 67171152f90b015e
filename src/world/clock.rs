//! The one door to time. On the embedded cluster it is tokio's paused clock; on a live one the monotonic clock.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// A clock that counts from the start of a run.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    wall: Timestamp,
    /// Whether the wall clock is the machine's, which may be set, or goes with this one by nature.
    machine: bool,
}

impl Clock {
    /// A clock that starts now; `wall` is what a wall clock shows at this moment.
    #[must_use]
    pub fn starting_at(wall: Timestamp) -> Self {
        Self { start: Instant::now(), wall, machine: false }
    }

    /// A clock that starts now, beside the wall clock of this machine.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self { start: Instant::now(), wall: Timestamp::now(), machine: true }
    }

    /// What the wall clock shows now.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        if self.machine {
            return Timestamp::now();
        }
        self.wall.checked_add(self.elapsed()).unwrap_or(self.wall)
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Microseconds since the start, as evidence counts.
    #[must_use]
    pub fn micros(&self) -> u64 {
        u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The wall clock at the start.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.wall
    }

    /// Waits.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Waits until a time since the start; returns at once when it is over.
    pub async fn sleep_until(&self, elapsed: Duration) {
        // What lies beyond all clocks does not come.
        match self.start.checked_add(elapsed) {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}
