//! Transfers between accounts whose total never changes, and reads of all of them in one snapshot.

use std::sync::Arc;

use super::clients::{Turn, names};
use super::{Action, Kind, Options, Verb};

/// The accounts: always the same ones, since their total is what is conserved.
#[derive(Clone, Debug)]
pub(super) struct Bank {
    accounts: Arc<[Arc<str>]>,
}

/// What each account holds at first.
const BALANCE: i64 = 100;

/// The largest transfer.
const AMOUNT_MAX: u32 = 5;

impl Bank {
    pub(super) fn new(options: &Options) -> Self {
        Self { accounts: names(options, "account", 1).into() }
    }

    pub(super) fn open(&self) -> Action {
        Action::OpenAccounts { accounts: self.accounts.clone(), balance: BALANCE }
    }

    pub(super) fn read(&self) -> Action {
        Action::Balances { accounts: self.accounts.clone() }
    }

    pub(super) fn next(&self, turn: &mut Turn<'_>) -> Action {
        if turn.verb(Kind::Bank.verbs()) == Verb::Read {
            return self.read();
        }
        let from = turn.below(self.accounts.len());
        let to = (from + 1 + turn.below(self.accounts.len() - 1)) % self.accounts.len();
        let (from, to) = (self.accounts[from].clone(), self.accounts[to].clone());
        Action::Transfer { from, to, amount: turn.amount(AMOUNT_MAX) }
    }
}
