//! Steps on registers, and what can be wrong with reads of them. Judges nothing.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use crate::append::oracle::{Made, Step, Txn, micro};
use crate::history::Value;

/// A write, or a read with what it returned (0: the initial value; nothing where that is unknown).
#[derive(Clone, Debug)]
pub(super) enum Access {
    Write(usize, i64),
    Read(usize, Option<i64>),
}

impl Step for Access {
    type State = i64;

    fn object(&self) -> usize {
        match self {
            Self::Write(key, _) | Self::Read(key, _) => *key,
        }
    }

    fn changes(&self) -> bool {
        matches!(self, Self::Write(..))
    }

    fn run(&self, state: &i64) -> Option<i64> {
        match self {
            Self::Write(_, value) => Some(*value),
            Self::Read(_, Some(value)) if value != state => None,
            Self::Read(..) => Some(*state),
        }
    }

    fn micro(&self, is_call: bool) -> Value {
        match self {
            Self::Write(key, value) => micro("w", *key, Value::Int(*value)),
            Self::Read(key, Some(value)) if !is_call && *value != 0 => micro("r", *key, Value::Int(*value)),
            Self::Read(key, _) => micro("r", *key, Value::Nil),
        }
    }
}

impl Made for Access {
    const MOST: u32 = 5;

    fn change(object: usize, value: i64) -> Self {
        Self::Write(object, value)
    }

    fn read(object: usize, state: &i64) -> Self {
        Self::Read(object, Some(*state))
    }

    fn forget(&mut self) {
        if let Self::Read(_, value) = self {
            *value = None;
        }
    }

    /// In half of the histories some reads return what somebody wrote, whoever that was.
    fn disturb(all: &mut [Txn<Self>], last: Vec<i64>, dice: &mut ChaCha8Rng) {
        if dice.random_bool(0.5) {
            return;
        }
        let mut written = vec![vec![0]; last.len()];
        for step in all.iter().flat_map(|txn| &txn.steps) {
            if let Self::Write(key, value) = step {
                written[*key].push(*value);
            }
        }
        for step in all.iter_mut().flat_map(|txn| &mut txn.steps) {
            if let Self::Read(key, value) = step
                && dice.random_bool(0.3)
            {
                *value = Some(written[*key][dice.random_range(0..written[*key].len())]);
            }
        }
    }
}
