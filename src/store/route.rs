//! Which endpoint a client speaks to, and how long it waits after failures. Opens no connection.

use std::sync::Arc;
use std::time::Duration;

use super::{Deadline, Endpoint};
use crate::workload::{Outcome, Target};

/// The endpoints of a store as one client sees them.
#[derive(Clone, Debug)]
pub(super) struct Route {
    endpoints: Vec<Endpoint>,
    current: usize,
    failures: u32,
}

/// After the first failure; twice as long after each further one.
const BACKOFF_FIRST: Duration = Duration::from_millis(20);

/// Never longer, so that a store that is back is found soon.
const BACKOFF_MAX: Duration = Duration::from_millis(500);

impl Route {
    /// Clients begin at different endpoints. Without endpoints, there is one that cannot be reached.
    pub(super) fn new(mut endpoints: Vec<Endpoint>, client: usize) -> Self {
        if endpoints.is_empty() {
            endpoints.push(Endpoint { name: "none".into(), address: String::new() });
        }
        let current = client % endpoints.len();
        Self { endpoints, current, failures: 0 }
    }

    /// The endpoint for a target.
    pub(super) fn index(&self, target: Target) -> usize {
        match target {
            Target::Any => self.current,
            Target::Replica(replica) => replica % self.endpoints.len(),
        }
    }

    pub(super) fn endpoint(&self, index: usize) -> &Endpoint {
        &self.endpoints[index % self.endpoints.len()]
    }

    pub(super) fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Every endpoint once, the current one first.
    pub(super) fn in_turn(&self) -> Vec<usize> {
        (0..self.endpoints.len()).map(|step| (self.current + step) % self.endpoints.len()).collect()
    }

    /// An endpoint answered.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
    }

    /// From now on the client speaks to this one.
    pub(super) fn move_to(&mut self, index: usize) {
        self.current = index % self.endpoints.len();
    }

    /// An endpoint did not answer: the next one is tried next.
    pub(super) fn failed(&mut self, index: usize) {
        self.failures = self.failures.saturating_add(1);
        if index == self.current {
            self.current = (self.current + 1) % self.endpoints.len();
        }
    }

    /// What became of a request that was given up at its deadline when `outcome` is none. `sent` is the endpoint that it
    /// was sent to: without one not a byte left this machine.
    pub(super) fn concluded(
        &mut self,
        index: usize,
        outcome: Option<Outcome>,
        sent: Option<&Arc<str>>,
        asked: &Arc<str>,
        deadline: Deadline,
    ) -> Outcome {
        if outcome.is_none() || sent.is_none() {
            self.failed(index);
        }
        let outcome = outcome.unwrap_or_else(|| match sent {
            Some(_) => Outcome::info(deadline.passed()),
            None => Outcome::fail(format!("not sent: no connection: {}", deadline.passed())),
        });
        outcome.at(sent.unwrap_or(asked))
    }

    /// What to wait before the next request.
    pub(super) fn backoff(&self) -> Duration {
        match self.failures {
            0 => Duration::ZERO,
            failures => BACKOFF_FIRST.saturating_mul(1 << (failures - 1).min(10)).min(BACKOFF_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route() -> Route {
        let endpoint = |name: &str| Endpoint { name: name.into(), address: String::new() };
        Route::new(vec![endpoint("a"), endpoint("b"), endpoint("c")], 4)
    }

    #[test]
    fn a_failure_moves_on_and_the_wait_is_bounded() {
        let mut route = route();
        assert_eq!((route.index(Target::Any), route.index(Target::Replica(2))), (1, 2));
        route.failed(1);
        assert_eq!(route.index(Target::Any), 2);
        route.failed(0);
        assert_eq!(route.index(Target::Any), 2, "another endpoint failed");
        assert_eq!(route.in_turn(), [2, 0, 1]);
        for _ in 0..100 {
            route.failed(0);
        }
        assert_eq!(route.backoff(), BACKOFF_MAX);
        route.answered();
        assert_eq!(route.backoff(), Duration::ZERO);
    }
}
