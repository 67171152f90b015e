//! The store of the self-test: replicas of one state, a failover in the middle, and at most one lie. Reads no clock; the
//! moments at which its parts are called are those at which things happen.

use std::collections::VecDeque;
use std::sync::Arc;

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use super::bug::Bug;
use super::lies;
use super::state::State;
use crate::workload::{Action, Micro, Outcome, Request, Target};

/// How many states a lagging replica is behind.
const LAG: usize = 6;

/// The replica that keeps what only the second leader accepted.
const SECOND: usize = 2;

/// One request under way in the store.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// What was asked.
    pub(super) request: Request,
    /// The store is going to refuse it.
    pub(super) doomed: bool,
    /// What the store was when it began.
    pub(super) snapshot: State,
    /// What the steps that were done one by one returned.
    pub(super) steps: Vec<crate::consistency::Value>,
}

/// The store.
pub(super) struct World {
    /// The lie.
    pub(super) bug: Option<Bug>,
    /// Every choice comes from it.
    pub(super) chance: ChaCha8Rng,
    /// What the leader knows.
    pub(super) main: State,
    /// What a second leader knows.
    other: Option<State>,
    /// The last states, the oldest first.
    past: VecDeque<State>,
    /// The last fresh value that each client has sent.
    sent: Vec<i64>,
    healed: bool,
}

impl World {
    pub(super) fn new(bug: Option<Bug>, seed: u64, clients: usize) -> Self {
        let past = VecDeque::from([State::default()]);
        let chance = ChaCha8Rng::seed_from_u64(seed ^ 0x5e1f_7e57);
        let (main, sent) = (State::default(), (1..).take(clients).map(|first| first - clients_of(clients)).collect());
        Self { bug, chance, main, other: None, past, sent, healed: false }
    }

    /// Yes, once in so many times.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.chance.next_u64().is_multiple_of(times)
    }

    /// What the store was some writes ago.
    pub(super) fn before(&self) -> &State {
        self.past.front().unwrap_or(&self.main)
    }

    /// A value that a client is going to send next, if it sends one.
    pub(super) fn next_of(&self, client: usize) -> i64 {
        self.sent[client % self.sent.len()] + clients_of(self.sent.len())
    }

    /// The request has been called.
    pub(super) fn called(&mut self, request: &Request) {
        let value = match &request.action {
            Action::Write { value, .. } => Some(*value),
            Action::Cas { to, .. } => Some(*to),
            Action::Add { element, .. } | Action::Enqueue { element, .. } => Some(*element),
            Action::Transact { steps } => steps.iter().rev().find_map(|step| match step {
                Micro::Append(_, element) => Some(*element),
                Micro::Read(_) => None,
            }),
            _ => None,
        };
        if let Some(value) = value {
            self.sent[request.client] = value;
        }
    }

    /// The request has arrived.
    pub(super) fn begin(&mut self, flight: &mut Flight) {
        flight.snapshot = self.side(&flight.request).clone();
        if self.bug == Some(Bug::DirtyRead) && flight.doomed {
            lies::dirty(&mut self.main, &flight.request.action);
        }
    }

    /// One step of it is done in sight of all.
    pub(super) fn step(&mut self, flight: &mut Flight, number: usize) {
        if !flight.doomed && self.bug == Some(Bug::IntermediateRead) {
            lies::step(&mut self.main, flight, number);
        }
    }

    /// It takes effect.
    pub(super) fn commit(&mut self, flight: &Flight) -> Outcome {
        let mut state = std::mem::take(self.side(&flight.request));
        let outcome = lies::tell(self, &mut state, flight).unwrap_or_else(|| {
            if flight.doomed { Outcome::fail("refused") } else { state.perform(&flight.request.action) }
        });
        let node: Arc<str> = match flight.request.target {
            Target::Any => Arc::from("db-0"),
            Target::Replica(replica) => format!("db-{replica}").into(),
        };
        *self.side(&flight.request) = state;
        if !flight.request.action.is_read() {
            self.past.push_back(self.main.clone());
            if self.past.len() > LAG {
                self.past.pop_front();
            }
        }
        outcome.at(&node)
    }

    /// Another replica leads from now on.
    pub(super) fn fail_over(&mut self) {
        match self.bug {
            Some(Bug::LostOnFailover) => {
                self.main = self.before().clone();
                // Who held what was known to the old leader alone.
                self.main.locks.clear();
            }
            Some(Bug::SplitBrain) => self.other = Some(self.main.clone()),
            Some(Bug::UnfencedHolder) => self.main.token = 0,
            _ => {}
        }
    }

    /// All replicas see each other again.
    pub(super) fn heal(&mut self) {
        self.healed = true;
    }

    fn side(&mut self, request: &Request) -> &mut State {
        let second = match request.target {
            Target::Replica(replica) => replica == SECOND,
            Target::Any => !self.healed && request.client % 2 == 1,
        };
        match &mut self.other {
            Some(other) if second => other,
            _ => &mut self.main,
        }
    }
}

fn clients_of(clients: usize) -> i64 {
    i64::try_from(clients).unwrap_or(i64::MAX)
}
