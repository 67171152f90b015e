//! The definition of read-committed and read-uncommitted, for a handful of transactions: try every set of transactions that may
//! have committed and every order of the versions of each list (Adya 1999). Shares nothing with the checker.

use super::lists::Deed;
use super::walk::{Step as _, choices, is_cyclic, permutations};

/// A transaction of lists.
type Txn = super::walk::Txn<Deed>;

/// Which phenomena are forbidden.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// PL-1: no cycle of write dependencies.
    Uncommitted,
    /// PL-2: nor one of write and read dependencies, nor reads of what was aborted or not final.
    Committed,
}

/// One append: its value and its transaction.
type Made = (i64, usize);

/// Whether the level allows the history.
pub(super) fn allowed(all: &[Txn], level: Level) -> bool {
    let certain: Vec<usize> = (0..all.len()).filter(|at| all[*at].ended == Some(true)).collect();
    let sets = match level {
        // What is not known to have committed may have aborted, and may be read all the same.
        Level::Uncommitted => vec![certain],
        Level::Committed => choices(all),
    };
    sets.into_iter().any(|committed| ordered(all, &committed, level))
}

fn reads(all: &[Txn]) -> impl Iterator<Item = (usize, usize, usize, &Vec<i64>)> {
    let of = |(at, txn): (usize, _)| {
        let txn: &Txn = txn;
        txn.steps.iter().enumerate().filter_map(move |(place, deed)| match deed {
            Deed::Read(key, Some(list)) => Some((at, place, *key, list)),
            Deed::Read(_, None) | Deed::Append(..) => None,
        })
    };
    all.iter().enumerate().filter(|(_, txn)| txn.ended == Some(true)).flat_map(of)
}

fn ordered(all: &[Txn], committed: &[usize], level: Level) -> bool {
    let keys = 1 + all.iter().flat_map(|txn| &txn.steps).map(Deed::object).max().unwrap_or(0);
    let made = |key: usize| -> Vec<Made> {
        let of = |at: usize| {
            all[at].steps.iter().filter_map(move |deed| match deed {
                Deed::Append(other, value) if *other == key => Some((*value, at)),
                Deed::Append(..) | Deed::Read(..) => None,
            })
        };
        committed.iter().flat_map(|at| of(*at)).collect()
    };
    if level == Level::Committed && !reads(all).all(|(at, place, key, list)| sound(all, at, place, key, list)) {
        return false;
    }
    let mut lines: Vec<Vec<Vec<Made>>> = Vec::new();
    for key in 0..keys {
        let made = made(key);
        let found: Vec<_> = permutations(&made).into_iter().filter(|line| fits(all, key, line, level)).collect();
        lines.push(found);
    }
    combined(all, &lines, &mut Vec::new(), level)
}

/// Its last element is the last that its writer made, and none is made only later by the reader itself.
fn sound(all: &[Txn], reader: usize, place: usize, key: usize, list: &[i64]) -> bool {
    let appends = |at: usize| {
        all[at].steps.iter().enumerate().filter_map(move |(place, deed)| match deed {
            Deed::Append(other, value) if *other == key => Some((place, *value)),
            Deed::Append(..) | Deed::Read(..) => None,
        })
    };
    let early = appends(reader).any(|(own, value)| own > place && list.contains(&value));
    let Some(end) = list.last() else { return true };
    let writer = (0..all.len()).find(|at| appends(*at).any(|(_, value)| value == *end));
    let is_final =
        writer.is_none_or(|at| at == reader || appends(at).next_back().is_some_and(|(_, value)| value == *end));
    !early && is_final
}

/// Whether every list that was read shows a beginning of this line.
fn fits(all: &[Txn], key: usize, line: &[Made], level: Level) -> bool {
    let values: Vec<i64> = line.iter().map(|(value, _)| *value).collect();
    let begins = |list: &Vec<i64>| match level {
        Level::Committed => values.starts_with(list),
        Level::Uncommitted => {
            let shown: Vec<i64> = list.iter().copied().filter(|value| values.contains(value)).collect();
            let twice = (1..list.len()).any(|at| list[..at].contains(&list[at]));
            !twice && values.starts_with(&shown)
        }
    };
    let in_order = |txn: &Txn| {
        let own: Vec<i64> = txn
            .steps
            .iter()
            .filter_map(|deed| match deed {
                Deed::Append(other, value) if *other == key && values.contains(value) => Some(*value),
                Deed::Append(..) | Deed::Read(..) => None,
            })
            .collect();
        values.iter().copied().filter(|value| own.contains(value)).eq(own.iter().copied())
    };
    reads(all).filter(|(_, _, other, _)| *other == key).all(|(_, _, _, list)| begins(list))
        && (level == Level::Uncommitted || all.iter().all(in_order))
}

/// Whether some choice of lines has no cycle.
fn combined(all: &[Txn], lines: &[Vec<Vec<Made>>], chosen: &mut Vec<Vec<Made>>, level: Level) -> bool {
    let Some(next) = lines.get(chosen.len()) else { return !cyclic(all, chosen, level) };
    next.iter().any(|line| {
        chosen.push(line.clone());
        let found = combined(all, lines, chosen, level);
        chosen.pop();
        found
    })
}

fn cyclic(all: &[Txn], lines: &[Vec<Made>], level: Level) -> bool {
    let mut edges = vec![vec![false; all.len()]; all.len()];
    for line in lines {
        line.windows(2).for_each(|pair| edges[pair[0].1][pair[1].1] |= pair[0].1 != pair[1].1);
    }
    if level == Level::Committed {
        for (reader, _, key, list) in reads(all) {
            let writer = list.last().and_then(|last| lines[key].iter().find(|(value, _)| value == last));
            if let Some((_, writer)) = writer.filter(|(_, writer)| *writer != reader) {
                edges[*writer][reader] = true;
            }
        }
    }
    is_cyclic(edges)
}
