//! Locks: two holders at once, and tokens that go back.

use super::objects::{items, whole};
use super::{happened, precedes};
use crate::history::{Operation, Value};

/// *Mutual exclusion*: a client holds the lock from the answer to its acquire until it calls release: the first one of its token,
/// or the first of its process that names no token. Of one that never does, only that moment is known. No two clients hold it
/// at one moment.
pub(super) fn two_at_once(operations: &[&Operation]) -> bool {
    let acquires: Vec<_> = operations.iter().filter(|one| &*one.function == "acquire" && happened(one)).collect();
    let until = |acquire: &Operation| {
        let from = acquire.end.map_or(u64::MAX, |end| end.at);
        let mine = |release: &&&Operation| {
            let named = acquire.output != Value::Nil && release.input == acquire.output;
            let unnamed = acquire.output == Value::Nil || release.input == Value::Nil;
            &*release.function == "release"
                && release.call.at >= from
                && (named || (unnamed && release.process == acquire.process))
        };
        operations.iter().filter(mine).map(|release| release.call.at).min().unwrap_or(from)
    };
    acquires.iter().any(|one| {
        let from = one.end.map_or(u64::MAX, |end| end.at);
        acquires.iter().any(|other| {
            let begins = other.end.map_or(u64::MAX, |end| end.at);
            other.process != one.process && from < begins && begins < until(one)
        })
    })
}

/// *Fencing*: no token is given out twice or after a greater one, and no guarded write succeeds after one with a greater token.
pub(super) fn token_back(operations: &[&Operation]) -> bool {
    let of = |function: &str| {
        operations.iter().filter(|one| &*one.function == function && happened(one)).collect::<Vec<_>>()
    };
    let (acquires, writes) = (of("acquire"), of("write"));
    let pairs =
        acquires.iter().enumerate().flat_map(|(place, one)| acquires[..place].iter().map(move |other| (other, one)));
    let twice = pairs.clone().any(|(one, other)| one.output == other.output);
    let back = |one: &Operation, other: &Operation| precedes(one, other) && whole(&one.output) > whole(&other.output);
    let token = |write: &Operation| whole(&items(&write.input)[0]);
    let unfenced = |one: &Operation, other: &Operation| precedes(one, other) && token(one) > token(other);
    twice
        || acquires.iter().any(|one| acquires.iter().any(|other| back(one, other)))
        || writes.iter().any(|one| writes.iter().any(|other| unfenced(one, other)))
}
