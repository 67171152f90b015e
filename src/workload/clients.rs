//! The clients of a workload: their seeded choices, their fresh values and the logical processes that they go on as.
//! Knows no workload and no outcome but "unknown".

use std::sync::Arc;

use rand::rngs::ChaCha8Rng;

use super::{Action, Options, Verb, chance};

/// One client.
#[derive(Debug)]
pub(super) struct Client {
    chance: ChaCha8Rng,
    requests: u64,
    values: i64,
    unknown: u64,
    /// What is under way.
    pub(super) pending: Option<Action>,
}

impl Client {
    pub(super) fn new(seed: u64, kind: &str, client: usize) -> Self {
        let chance = chance::generator(seed, &format!("workload/{kind}/client-{client}"));
        Self { chance, requests: 0, values: 0, unknown: 0, pending: None }
    }

    /// Goes on as a new logical process, since the old one may have something under way for ever.
    pub(super) fn renew(&mut self) {
        self.unknown += 1;
    }

    pub(super) fn process(&self, client: usize, clients: usize) -> u64 {
        client as u64 + self.unknown * clients as u64
    }

    /// The next turn of this client.
    pub(super) fn turn<'a>(&'a mut self, options: &'a Options, client: usize) -> Turn<'a> {
        let number = self.requests;
        self.requests += 1;
        Turn { client, options, number, chance: &mut self.chance, values: &mut self.values }
    }

    /// The group of keys that it has come to.
    pub(super) fn epoch(&self, options: &Options) -> u64 {
        epoch(options, self.requests.saturating_sub(1))
    }
}

fn epoch(options: &Options, request: u64) -> u64 {
    request.checked_div(options.rotate_after).unwrap_or(0)
}

/// Every name that a workload has used up to an epoch.
pub(super) fn names(options: &Options, word: &str, epochs: u64) -> Vec<Arc<str>> {
    (0..epochs * options.keys as u64).map(|index| name(options, word, index)).collect()
}

fn name(options: &Options, word: &str, index: u64) -> Arc<str> {
    format!("{}{word}{index}", options.prefix).into()
}

/// One client's turn: all that it may choose by.
pub(super) struct Turn<'a> {
    /// Whose turn it is.
    pub(super) client: usize,
    /// What shapes the workload.
    pub(super) options: &'a Options,
    number: u64,
    chance: &'a mut ChaCha8Rng,
    values: &'a mut i64,
}

impl Turn<'_> {
    /// A value that no other turn of any client gets: above 0, and the same for the same seed whatever the others do.
    pub(super) fn fresh(&mut self) -> i64 {
        let clients = i64::try_from(self.options.clients).unwrap_or(i64::MAX);
        let client = i64::try_from(self.client).unwrap_or(0);
        let value = self.values.saturating_mul(clients).saturating_add(client + 1);
        *self.values += 1;
        value
    }

    /// One of the names in use at present.
    pub(super) fn name(&mut self, word: &str) -> Arc<str> {
        let index = chance::below(self.chance, self.options.keys);
        name(self.options, word, epoch(self.options, self.number) * self.options.keys as u64 + index as u64)
    }

    /// A number below a bound.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        chance::below(self.chance, bound)
    }

    /// An amount from 1 to a bound.
    pub(super) fn amount(&mut self, most: u32) -> i64 {
        i64::try_from(chance::below(self.chance, most as usize)).unwrap_or(0) + 1
    }

    /// A function by the weights of the mix.
    pub(super) fn verb(&mut self, own: &'static [(Verb, u32)]) -> Verb {
        let mix = if self.options.mix.is_empty() { own } else { self.options.mix.as_slice() };
        chance::weighted(self.chance, mix).unwrap_or(own[0].0)
    }

    /// One of the endpoints.
    pub(super) fn replica(&mut self) -> usize {
        chance::below(self.chance, self.options.replicas)
    }
}
