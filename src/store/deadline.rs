//! The end of a request's time. Counts in tokio's time, so that the embedded cluster's clock counts too.

use std::time::Duration;

use tokio::time::Instant;

/// When a request must have ended.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    end: Instant,
    timeout: Duration,
}

impl Deadline {
    /// A deadline after this time.
    #[must_use]
    pub fn after(timeout: Duration) -> Self {
        Self { end: Instant::now() + timeout, timeout }
    }

    /// What is left.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// When it is.
    #[must_use]
    pub fn end(&self) -> Instant {
        self.end
    }

    /// What to say when it has passed.
    #[must_use]
    pub fn passed(&self) -> String {
        format!("no answer within {}", humantime::format_duration(self.timeout))
    }
}
