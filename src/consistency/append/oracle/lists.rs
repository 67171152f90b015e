//! Steps on lists, and what can be wrong with reads of them. Judges nothing.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::random::{Made, micro};
use super::walk::{Step, Txn};
use crate::history::Value;

/// An append, or a read with what it returned (nothing where that is unknown).
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Append(usize, i64),
    Read(usize, Option<Vec<i64>>),
}

impl Step for Deed {
    type State = Vec<i64>;

    fn object(&self) -> usize {
        match self {
            Self::Append(key, _) | Self::Read(key, _) => *key,
        }
    }

    fn changes(&self) -> bool {
        matches!(self, Self::Append(..))
    }

    fn run(&self, state: &Vec<i64>) -> Option<Vec<i64>> {
        match self {
            Self::Append(_, value) => Some([state.as_slice(), &[*value]].concat()),
            Self::Read(_, Some(list)) if list != state => None,
            Self::Read(..) => Some(state.clone()),
        }
    }

    fn micro(&self, is_call: bool) -> Value {
        match self {
            Self::Append(key, value) => micro("append", *key, Value::Int(*value)),
            Self::Read(key, Some(list)) if !is_call => {
                micro("r", *key, Value::List(list.iter().map(|value| Value::Int(*value)).collect()))
            }
            Self::Read(key, _) => micro("r", *key, Value::Nil),
        }
    }
}

impl Made for Deed {
    const MOST: u32 = 4;

    fn change(object: usize, value: i64) -> Self {
        Self::Append(object, value)
    }

    fn read(object: usize, state: &Vec<i64>) -> Self {
        Self::Read(object, Some(state.clone()))
    }

    fn forget(&mut self) {
        if let Self::Read(_, list) = self {
            *list = None;
        }
    }

    /// Some reads return another beginning of the list, some a list that cannot be.
    fn disturb(all: &mut [Txn<Self>], mut lists: Vec<Vec<i64>>, dice: &mut ChaCha8Rng) {
        // As if transactions had been mixed.
        if dice.random_bool(0.3) {
            for list in &mut lists {
                for at in (1..list.len()).rev() {
                    list.swap(at, dice.random_range(0..=at));
                }
            }
        }
        let is_strange = dice.random_bool(0.4);
        for step in all.iter_mut().flat_map(|txn| &mut txn.steps) {
            let Self::Read(key, Some(list)) = step else { continue };
            if dice.random_bool(0.5) {
                *list = lists[*key][..dice.random_range(0..=lists[*key].len())].to_vec();
                if is_strange && dice.random_bool(0.4) && !list.is_empty() {
                    spoil(list, dice);
                }
            }
        }
    }
}

fn spoil(list: &mut Vec<i64>, dice: &mut ChaCha8Rng) {
    let (one, other) = (dice.random_range(0..list.len()), dice.random_range(0..list.len()));
    match dice.random_range(0..8) {
        0 => list.push(list[one]),
        1..4 => drop(list.remove(one)),
        4..7 => list.swap(one, other),
        _ => list.push(99),
    }
}
