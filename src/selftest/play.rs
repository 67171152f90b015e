//! A workload against the store of the self-test, in a time of its own: what happens when is decided by the seed, and the
//! history is written down as the recorder writes it. Judges nothing and reads no clock.

use std::collections::BTreeMap;

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use super::bug::Bug;
use super::state::State;
use super::world::{Flight, World};
use crate::consistency::Completion;
use crate::consistency::format::native::Event;
use crate::workload::{Action, Generator, Kind, Options, Outcome, ReadFrom, Request};

/// Replicas of the store.
pub(super) const REPLICAS: usize = 3;
/// What each account holds at first, times the accounts, is the total of the bank.
pub(super) const ACCOUNTS: usize = 3;

const CLIENTS: usize = 5;
/// After so many milliseconds a client no longer waits.
const TIMEOUT: u64 = 60;

/// What to play.
#[derive(Clone, Copy, Debug)]
pub(super) struct Play {
    pub(super) kind: Kind,
    pub(super) bug: Option<Bug>,
    pub(super) seed: u64,
    /// How many requests before the final phase.
    pub(super) operations: usize,
    /// Whether everything is read in the end.
    pub(super) final_reads: bool,
}

enum What {
    Call,
    Begin(usize),
    Step(usize, usize),
    Commit(usize),
    Answer(usize, Outcome),
    Timeout(usize),
}

struct Stage {
    world: World,
    generator: Generator,
    chance: ChaCha8Rng,
    agenda: BTreeMap<(u64, u64), (usize, What)>,
    flights: Vec<Flight>,
    open: Vec<bool>,
    now: u64,
    order: u64,
    events: u64,
    left: usize,
    text: String,
}

/// Plays it and returns the history as JSON Lines.
///
/// # Errors
/// What is wrong with the options of the workload: none that a person can give.
pub(super) fn play(play: &Play) -> Result<String, String> {
    let keys = match play.kind {
        Kind::Bank => ACCOUNTS,
        _ if play.bug == Some(Bug::Prophecy) => 1,
        _ => 2,
    };
    let options = Options {
        seed: play.seed,
        clients: CLIENTS,
        keys,
        rotate_after: if play.bug == Some(Bug::Prophecy) || play.kind == Kind::Lock { 0 } else { 40 },
        prefix: "selftest/".to_owned(),
        replicas: REPLICAS,
        reads: ReadFrom::Anywhere,
        mix: Vec::new(),
    };
    let generator = Generator::new(play.kind, options).map_err(|error| error.to_string())?;
    let mut stage = Stage {
        world: World::new(play.bug, play.seed, CLIENTS),
        generator,
        chance: ChaCha8Rng::seed_from_u64(play.seed),
        agenda: BTreeMap::new(),
        flights: Vec::new(),
        open: Vec::new(),
        now: 0,
        order: 0,
        events: 0,
        left: play.operations,
        text: String::new(),
    };
    for request in stage.generator.setup() {
        stage.world.main.perform(&request.action);
    }
    stage.run(play.operations);
    if play.final_reads {
        stage.finish();
    }
    Ok(stage.text)
}

impl Stage {
    fn run(&mut self, operations: usize) {
        for client in 0..CLIENTS {
            self.at(client as u64, client, What::Call);
        }
        let mut failed_over = false;
        while let Some(((now, _), (client, what))) = self.agenda.pop_first() {
            self.now = now;
            if !failed_over && self.left <= operations / 2 {
                failed_over = true;
                self.world.fail_over();
            }
            self.happen(client, what);
        }
        self.world.heal();
    }

    /// Reads everything, one request after the other.
    fn finish(&mut self) {
        for request in self.generator.final_reads(REPLICAS) {
            self.write(&request, None);
            let flight = Flight { request, doomed: false, snapshot: State::default(), steps: Vec::new() };
            self.world.called(&flight.request);
            let mut flight = flight;
            self.world.begin(&mut flight);
            for step in 0..steps(&flight.request.action) {
                self.world.step(&mut flight, step);
            }
            let outcome = self.world.commit(&flight);
            self.now += 5;
            self.write(&flight.request, Some(&outcome));
        }
    }

    fn at(&mut self, time: u64, client: usize, what: What) {
        self.order += 1;
        self.agenda.insert((time, self.order), (client, what));
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.chance.next_u64() % bound
    }

    fn happen(&mut self, client: usize, what: What) {
        match what {
            What::Call => self.call(client),
            What::Begin(flight) => self.world.begin(&mut self.flights[flight]),
            What::Step(flight, step) => self.world.step(&mut self.flights[flight], step),
            What::Commit(flight) => {
                let outcome = self.world.commit(&self.flights[flight]);
                // The state of then is of no use any more.
                self.flights[flight].snapshot = State::default();
                let sure = sure(&self.flights[flight].request.action);
                let late = if self.below(40) == 0 && !sure { 2 * TIMEOUT } else { 1 + self.below(9) };
                self.at(self.now + late, client, What::Answer(flight, outcome));
            }
            What::Answer(flight, outcome) => self.answer(client, flight, &outcome),
            What::Timeout(flight) => self.answer(client, flight, &Outcome::info("no answer in time")),
        }
    }

    fn call(&mut self, client: usize) {
        let Some(left) = self.left.checked_sub(1) else { return };
        self.left = left;
        let request = self.generator.next(client);
        self.write(&request, None);
        self.world.called(&request);
        let flight = self.flights.len();
        let count = steps(&request.action);
        // A lock that cannot be given back would stay taken until the end.
        let times = if self.world.bug == Some(Bug::DirtyRead) { 4 } else { 14 };
        let doomed = self.below(times) == 0 && !matches!(request.action, Action::Release { .. });
        let sure = sure(&request.action);
        self.flights.push(Flight { request, doomed, snapshot: State::default(), steps: Vec::new() });
        self.open.push(true);
        self.at(self.now + TIMEOUT, client, What::Timeout(flight));
        // One in eighty never arrives, and one in forty arrives when nobody waits for it any more.
        if self.below(80) == 0 && !sure {
            return;
        }
        let late = if self.below(40) == 0 && !sure { TIMEOUT } else { 0 };
        let begin = self.now + late + 1 + self.below(9);
        let long = 1 + self.below(12);
        self.at(begin, client, What::Begin(flight));
        for step in 0..count {
            self.at(begin + long * (step as u64 + 1) / (count as u64 + 1), client, What::Step(flight, step));
        }
        self.at(begin + long, client, What::Commit(flight));
    }

    fn answer(&mut self, client: usize, flight: usize, outcome: &Outcome) {
        if !std::mem::replace(&mut self.open[flight], false) {
            return;
        }
        let request = self.flights[flight].request.clone();
        self.write(&request, Some(outcome));
        self.generator.completed(client, outcome);
        // A lock is kept for a while, so that others want it.
        let pause = self.below(if self.generator.kind() == Kind::Lock { 25 } else { 6 });
        self.at(self.now + pause, client, What::Call);
    }

    fn write(&mut self, request: &Request, outcome: Option<&Outcome>) {
        let Some(verb) = request.action.verb() else { return };
        let key = request.action.key().map(crate::consistency::Value::Text);
        let input = request.action.input();
        let value = match outcome {
            Some(outcome) if outcome.completion == Completion::Ok => &outcome.value,
            _ => &input,
        };
        Event {
            index: self.events,
            time: i64::try_from(self.now * 1_000_000 + self.events).unwrap_or(i64::MAX),
            process: request.process,
            completion: outcome.map(|outcome| outcome.completion),
            function: verb.name(),
            key: key.as_ref(),
            value,
            node: outcome.and_then(|outcome| outcome.node.as_deref()),
            saw: outcome.and_then(Outcome::saw),
        }
        .write(&mut self.text);
        self.events += 1;
    }
}

/// Whether it is always answered. A dequeue of unknown outcome may have taken any element and an acquire without answer
/// keeps the lock: a store that loses these answers leaves the checkers with `unknown`, as it must.
fn sure(action: &Action) -> bool {
    matches!(action, Action::Dequeue { .. } | Action::Acquire { .. } | Action::Release { .. })
}

/// In how many steps an action can be seen to happen.
fn steps(action: &Action) -> usize {
    match action {
        Action::Transact { steps } => steps.len(),
        Action::Transfer { .. } => 2,
        _ => 0,
    }
}
