//! The definition of read-committed for a handful of transactions of registers: try every order of the versions of each register
//! (Adya 1999). Shares nothing with the checker.

use super::values::Access;
use crate::append::oracle::{Txn, choices, is_cyclic, permutations};

/// Whether some choice of transactions and some order of the versions of each register has no dirty read, no intermediate one,
/// and no cycle of write and read dependencies (Adya's PL-2).
pub(super) fn read_committed(all: &[Txn<Access>]) -> bool {
    choices(all).into_iter().any(|chosen| {
        let last = |at: usize, key: usize| {
            all[at].steps.iter().rev().find_map(|access| match access {
                Access::Write(other, value) if *other == key => Some(*value),
                Access::Write(..) | Access::Read(..) => None,
            })
        };
        let mut edges = vec![vec![false; all.len()]; all.len()];
        for at in chosen.iter().filter(|at| all[**at].ended == Some(true)) {
            for (place, access) in all[*at].steps.iter().enumerate() {
                let Access::Read(key, Some(value)) = access else { continue };
                let writes =
                    |one: &Access| matches!(one, Access::Write(other, written) if other == key && written == value);
                let own = all[*at].steps.iter().position(writes);
                match chosen.iter().find(|other| all[**other].steps.iter().any(writes)) {
                    _ if *value == 0 => {}
                    _ if own.is_some_and(|own| own < place) => {}
                    Some(other) if own.is_none() && last(*other, *key) == Some(*value) => edges[*other][*at] = true,
                    _ => return false,
                }
            }
        }
        versions(&chosen, &edges, 0, &last)
    })
}

/// Each register's writers in every order, one register after the other.
fn versions(chosen: &[usize], edges: &[Vec<bool>], key: usize, last: &dyn Fn(usize, usize) -> Option<i64>) -> bool {
    if key == 3 {
        return !is_cyclic(edges.to_vec());
    }
    let writers: Vec<usize> = chosen.iter().copied().filter(|at| last(*at, key).is_some()).collect();
    permutations(&writers).into_iter().any(|line| {
        let mut edges = edges.to_vec();
        line.windows(2).for_each(|pair| edges[pair[0]][pair[1]] = true);
        versions(chosen, &edges, key + 1, last)
    })
}
