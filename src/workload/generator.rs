//! Gives each client its next request and learns from the outcome. Keeps one request under way for each client; leaves
//! the pace to the caller.

use super::accounts::Bank;
use super::clients::{Client, Turn, names};
use super::counter::Counter;
use super::list_append::Append;
use super::lock::Lock;
use super::queue::Queue;
use super::register::Register;
use super::set::Set;
use super::watch::Watch;
use super::{Action, Kind, Options, Outcome, ReadFrom, Request, Target, Verb};
use crate::consistency::Completion;

/// What is wrong with the options of a workload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// A number that must not be so small.
    #[error("workload `{}`: {what} must be at least {least}, not {given}", .kind.name())]
    TooFew {
        /// The workload.
        kind: Kind,
        /// Which number.
        what: &'static str,
        /// The least.
        least: usize,
        /// What was given.
        given: usize,
    },
    /// A function in the mix that the workload does not have.
    #[error("workload `{}` has no function `{}`; it has {}", .kind.name(), .verb.name(), verbs(*.kind))]
    UnknownVerb {
        /// The workload.
        kind: Kind,
        /// The function.
        verb: Verb,
    },
    /// Without a prefix, what is removed afterwards would be everything in the store.
    #[error("workload `{}`: the prefix of its keys must not be empty", .kind.name())]
    NoPrefix {
        /// The workload.
        kind: Kind,
    },
    /// A mix of which nothing would ever be chosen.
    #[error("workload `{}`: every weight of the mix is 0; give at least one above 0", .kind.name())]
    EmptyMix {
        /// The workload.
        kind: Kind,
    },
}

fn verbs(kind: Kind) -> String {
    let names: Vec<String> = kind.verbs().iter().map(|(verb, _)| format!("`{}`", verb.name())).collect();
    names.join(", ")
}

/// A workload under way.
#[derive(Debug)]
pub struct Generator {
    kind: Kind,
    options: Options,
    clients: Vec<Client>,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Register(Register),
    Set(Set),
    Append(Append),
    Bank(Bank),
    Queue(Queue),
    Counter(Counter),
    Lock(Lock),
    Watch(Watch),
}

impl Generator {
    /// A workload of these options.
    ///
    /// # Errors
    /// What is wrong with the options.
    pub fn new(kind: Kind, options: Options) -> Result<Self, OptionsError> {
        check(kind, &options)?;
        let clients = (0..options.clients).map(|client| Client::new(options.seed, kind.name(), client)).collect();
        let state = match kind {
            Kind::Register => State::Register(Register::new(options.clients)),
            Kind::Set => State::Set(Set),
            Kind::Append => State::Append(Append),
            Kind::Bank => State::Bank(Bank::new(&options)),
            Kind::Queue => State::Queue(Queue),
            Kind::Counter => State::Counter(Counter),
            Kind::Lock => State::Lock(Lock::new(options.clients)),
            Kind::Watch => State::Watch(Watch::new(&options)),
        };
        Ok(Self { kind, options, clients, state })
    }

    /// Which workload it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What must have succeeded before the first request, one after the other. Does not belong into the history.
    #[must_use]
    pub fn setup(&self) -> Vec<Request> {
        let action = match &self.state {
            State::Bank(bank) => bank.open(),
            State::Register(_)
            | State::Set(_)
            | State::Append(_)
            | State::Queue(_)
            | State::Counter(_)
            | State::Lock(_)
            | State::Watch(_) => return Vec::new(),
        };
        vec![Request { client: 0, process: 0, target: Target::Any, action }]
    }

    /// The next request of a client (below the number of clients), whose last one has completed.
    pub fn next(&mut self, client: usize) -> Request {
        let index = client % self.clients.len();
        let process = self.clients[index].process(index, self.options.clients);
        let mut turn = self.clients[index].turn(&self.options, index);
        let (target, action) = self.state.next(&mut turn);
        self.clients[index].pending = Some(action.clone());
        Request { client: index, process, target, action }
    }

    /// What became of the request that a client has under way.
    pub fn completed(&mut self, client: usize, outcome: &Outcome) {
        let index = client % self.clients.len();
        if outcome.completion == Completion::Info {
            self.clients[index].renew();
        }
        if let Some(action) = self.clients[index].pending.take() {
            self.state.completed(index, &action, outcome);
        }
    }

    /// The final phase, after everything has healed: everything is read from every replica. In order, each by a logical
    /// process of its own.
    pub fn final_reads(&mut self, replicas: usize) -> Vec<Request> {
        let epochs = self.clients.iter().map(|client| client.epoch(&self.options)).max().unwrap_or(0) + 1;
        let actions = self.final_actions(replicas, epochs);
        let mut requests = Vec::with_capacity(actions.len());
        for (number, (target, action)) in actions.into_iter().enumerate() {
            let client = number % self.clients.len();
            self.clients[client].renew();
            let process = self.clients[client].process(client, self.options.clients);
            requests.push(Request { client, process, target, action });
        }
        requests
    }

    fn final_actions(&mut self, replicas: usize, epochs: u64) -> Vec<(Target, Action)> {
        let everywhere = |action: Action| {
            (0..replicas).map(move |replica| (Target::Replica(replica), action.clone())).collect::<Vec<_>>()
        };
        let names = |word| names(&self.options, word, epochs).into_iter();
        match &mut self.state {
            State::Register(_) => names(Register::WORD).map(|key| Action::Read { key }).flat_map(everywhere).collect(),
            State::Set(_) => names(Set::WORD).map(|set| Action::Members { set }).flat_map(everywhere).collect(),
            State::Append(_) => names(Append::WORD).map(Append::read).flat_map(everywhere).collect(),
            State::Bank(bank) => everywhere(bank.read()),
            // Taking out what is left is a write: the store itself says where it goes.
            State::Queue(_) => names(Queue::WORD).map(|queue| (Target::Any, Action::Drain { queue })).collect(),
            State::Counter(_) => {
                names(Counter::WORD).map(|counter| Action::Count { counter }).flat_map(everywhere).collect()
            }
            State::Lock(lock) => lock.give_back().into_iter().map(|action| (Target::Any, action)).collect(),
            State::Watch(watch) => {
                let mut turn = self.clients[0].turn(&self.options, 0);
                let (end, read) = watch.end(&mut turn);
                std::iter::once((Target::Any, end)).chain(everywhere(read)).collect()
            }
        }
    }
}

impl State {
    fn next(&mut self, turn: &mut Turn<'_>) -> (Target, Action) {
        let action = match self {
            Self::Set(_) => return Set::next(turn),
            Self::Watch(state) => return state.next(turn),
            Self::Register(state) => state.next(turn),
            Self::Append(_) => Append::next(turn),
            Self::Bank(state) => state.next(turn),
            Self::Queue(_) => Queue::next(turn),
            Self::Counter(_) => Counter::next(turn),
            Self::Lock(state) => state.next(turn),
        };
        match turn.options.reads {
            ReadFrom::Replicas if action.is_read() => (Target::Replica(turn.replica()), action),
            ReadFrom::Replicas | ReadFrom::Anywhere => (Target::Any, action),
        }
    }

    fn completed(&mut self, client: usize, action: &Action, outcome: &Outcome) {
        match self {
            Self::Register(state) => state.completed(client, action, outcome),
            Self::Lock(state) => state.completed(client, action, outcome),
            Self::Watch(state) => state.completed(client, action, outcome),
            Self::Set(_) | Self::Append(_) | Self::Bank(_) | Self::Queue(_) | Self::Counter(_) => {}
        }
    }
}

fn check(kind: Kind, options: &Options) -> Result<(), OptionsError> {
    let keys_least = if kind == Kind::Bank { 2 } else { 1 };
    let numbers =
        [("clients", options.clients, 1), ("keys", options.keys, keys_least), ("replicas", options.replicas, 1)];
    for (what, given, least) in numbers {
        if given < least {
            return Err(OptionsError::TooFew { kind, what, least, given });
        }
    }
    if options.prefix.is_empty() {
        return Err(OptionsError::NoPrefix { kind });
    }
    if let Some((verb, _)) = options.mix.iter().find(|(verb, _)| kind.verbs().iter().all(|(own, _)| own != verb)) {
        return Err(OptionsError::UnknownVerb { kind, verb: *verb });
    }
    if !options.mix.is_empty() && options.mix.iter().all(|(_, weight)| *weight == 0) {
        return Err(OptionsError::EmptyMix { kind });
    }
    Ok(())
}
