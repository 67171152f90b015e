//! Judges what was gathered, key by key, as `check` does. Reads no text, and tells nothing: of what is broken it says which
//! operations it takes to tell it.

use super::gather::Gather;
use super::pick::{Finding, pick};
use crate::check::Options;
use crate::intern::number_of;
use crate::outcome::Budget;
use crate::register::{Access, Compact, Flaw, INITIAL, Judgement, NONE, bytes, judge};

/// What is known of all keys.
pub(super) enum Judged {
    /// An order of the operations of each, by their numbers.
    Orders(Vec<Vec<u32>>),
    /// What is broken.
    Broken(Vec<Finding>),
    /// A budget was used up.
    Stopped(Budget),
    /// Only the general way can tell: a value was written twice, or compare-and-sets stand in a ring.
    Beyond,
}

/// The operations of one key.
pub(super) struct Keyed {
    pub(super) key: u32,
    pub(super) input: Compact,
    /// Of each access the number of its operation.
    pub(super) operations: Vec<u32>,
    /// Of each value its number among all keys.
    pub(super) values: Vec<u32>,
}

pub(super) fn all(gather: &mut Gather, options: &Options, exhausted: &dyn Fn() -> bool) -> Judged {
    let keys = gather.keys.count() as usize;
    let held = gather.held();
    let mut accesses = std::mem::take(&mut gather.accesses);
    let (sorted, ends) = by_key(&std::mem::take(&mut gather.of_key), keys);
    let mut local = vec![NONE; gather.values.count() as usize];
    let (mut orders, mut findings) = (vec![Vec::new(); keys.max(1)], Vec::new());
    let mut begin = 0;
    for (place, &end) in ends.iter().enumerate() {
        if place > 0 && exhausted() {
            return Judged::Stopped(Budget::Time(options.timeout.unwrap_or_default()));
        }
        let members = begin..end;
        begin = end;
        if let Some(memory) = options.memory.filter(|&memory| held + bytes(members.len()) > memory) {
            return Judged::Stopped(Budget::Memory(memory));
        }
        let members =
            sorted.as_ref().map_or(Members::All(number_of(accesses.len())), |all| Members::Some(&all[members]));
        let keyed = numbered(number_of(place), members, &accesses, &mut local);
        if place + 1 == keys {
            accesses = Vec::new();
        }
        match judge(&keyed.input) {
            Ok(Judgement::Linearizable(mut line)) => {
                for index in &mut line {
                    *index = keyed.operations[*index as usize];
                }
                orders[place] = line;
            }
            Ok(Judgement::Broken(Flaw::Ring { .. })) | Err(_) => return Judged::Beyond,
            Ok(Judgement::Broken(flaw)) => findings.push(pick(&keyed, flaw)),
        }
    }
    if findings.is_empty() { Judged::Orders(orders) } else { Judged::Broken(findings) }
}

/// Operations by key, in the order of their calls, and where those of each key end; not sorted where there is one key.
fn by_key(of_key: &[u32], keys: usize) -> (Option<Vec<u32>>, Vec<usize>) {
    if keys == 1 {
        return (None, vec![of_key.len()]);
    }
    let mut ends = vec![0; keys];
    for &key in of_key {
        ends[key as usize] += 1;
    }
    let mut sum = 0;
    for end in &mut ends {
        // Where those of the key begin, until they are placed.
        (*end, sum) = (sum, sum + *end);
    }
    let mut sorted = vec![0; of_key.len()];
    for (operation, &key) in (0_u32..).zip(of_key) {
        let place = &mut ends[key as usize];
        sorted[*place] = operation;
        *place += 1;
    }
    (Some(sorted), ends)
}

/// Operations of one key.
#[derive(Clone, Copy)]
enum Members<'a> {
    /// All that there are: so many.
    All(u32),
    Some(&'a [u32]),
}

/// The operations that say something, their values numbered as `compact` does. `local` is all `NONE`, before and after.
fn numbered(key: u32, members: Members<'_>, accesses: &[Access], local: &mut [u32]) -> Keyed {
    let count = match members {
        Members::All(count) => count as usize,
        Members::Some(some) => some.len(),
    };
    let mut keyed = Keyed {
        key,
        input: Compact { accesses: Vec::with_capacity(count), values: 0 },
        operations: Vec::with_capacity(count),
        values: vec![INITIAL],
    };
    local[INITIAL as usize] = INITIAL;
    for place in 0..count {
        let operation = match members {
            Members::All(_) => number_of(place),
            Members::Some(some) => some[place],
        };
        let access = accesses[operation as usize];
        if access.reads == NONE && access.writes == NONE {
            continue;
        }
        let reads = number(access.reads, local, &mut keyed.values);
        let writes = number(access.writes, local, &mut keyed.values);
        keyed.input.accesses.push(Access { reads, writes, ..access });
        keyed.operations.push(operation);
    }
    for &value in &keyed.values {
        local[value as usize] = NONE;
    }
    keyed.input.values = number_of(keyed.values.len());
    keyed
}

fn number(value: u32, local: &mut [u32], values: &mut Vec<u32>) -> u32 {
    if value == NONE {
        return NONE;
    }
    let place = &mut local[value as usize];
    if *place == NONE {
        *place = number_of(values.len());
        values.push(value);
    }
    *place
}
