//! Sets that keep what was acknowledged, counters within bounds, and banks that keep their total.

use super::objects::{items, whole};
use super::{Truth, happened, possible, precedes};
use crate::check::{Nil, Options};
use crate::history::{Completion, Operation, Value};

fn named<'a>(operations: &[&'a Operation], function: &str) -> Vec<&'a Operation> {
    operations.iter().copied().filter(|one| &*one.function == function).collect()
}

/// *Durable*: a read shows each element once, of an add that did not fail and had begun, or from the beginning. A read that was
/// called when every add had ended shows all that was acknowledged and all from the beginning; what is unknown may be there
/// or not, but what one such read showed, every later one does.
pub(super) fn set(operations: &[&Operation], options: &Options) -> Truth {
    let first = options.initial.as_ref().map(items).unwrap_or_default();
    let adds = named(operations, "add");
    let silent = |read: &Operation| options.nil == Nil::Wildcard && read.output == Value::Nil;
    let reads: Vec<_> = named(operations, "read").into_iter().filter(|one| happened(one) && !silent(one)).collect();
    let mut broken = false;
    for read in &reads {
        let shown = items(&read.output);
        for (place, element) in shown.iter().enumerate() {
            let real = |add: &&Operation| {
                add.input == *element && possible(add) && read.end.is_none_or(|end| add.call.at < end.at)
            };
            broken |= shown[..place].contains(element);
            broken |= !first.contains(element) && !adds.iter().any(real);
        }
    }
    let over = |add: &&Operation, read: &&Operation| add.end.unwrap_or(add.call).at < read.call.at;
    let finals: Vec<_> = reads.iter().filter(|read| adds.iter().all(|add| over(add, read))).collect();
    for read in &finals {
        let shown = items(&read.output);
        broken |= first.iter().any(|element| !shown.contains(element));
        broken |= adds.iter().any(|add| happened(add) && !shown.contains(&add.input));
        for earlier in finals.iter().filter(|earlier| precedes(earlier, read)) {
            broken |= items(&earlier.output).iter().any(|element| !shown.contains(element));
        }
    }
    Truth { broken, says_enough: !finals.is_empty() }
}

/// *Bounds*: a read is at least what must have been added before it with all that may lower it, and at most that with all that may
/// raise it; where nothing is subtracted, it is no less than a read before it.
pub(super) fn counter(operations: &[&Operation], options: &Options) -> Truth {
    let first = options.initial.as_ref().map_or(0, whole);
    let (adds, reads) = (named(operations, "add"), named(operations, "read"));
    let reads: Vec<_> = reads.into_iter().filter(|one| happened(one)).collect();
    let lowers = adds.iter().any(|add| possible(add) && whole(&add.input) < 0);
    let mut broken = false;
    for read in &reads {
        let (mut least, mut most) = (first, first);
        for add in adds.iter().filter(|add| possible(add)) {
            let amount = whole(&add.input);
            let begun = read.end.is_none_or(|end| add.call.at < end.at);
            if precedes(add, read) {
                (least, most) = (least + amount, most + amount);
            } else if begun {
                (least, most) = (least + amount.min(0), most + amount.max(0));
            }
        }
        let value = whole(&read.output);
        broken |= value < least || value > most;
        broken |= !lowers && reads.iter().any(|one| precedes(one, read) && whole(&one.output) > value);
    }
    Truth { broken, says_enough: !reads.is_empty() }
}

/// *Conserved total*: all reads add up to the total, or to the same where none is given; no balance is below zero unless it may be.
pub(super) fn bank(operations: &[&Operation], options: &Options, overdraft: bool) -> Truth {
    let mut total = options.initial.as_ref().map(whole);
    let (mut broken, mut reads) = (false, 0);
    for read in operations.iter().filter(|one| &*one.function == "read" && one.completion == Completion::Ok) {
        let Value::Map(accounts) = &read.output else { panic!("balances of {}", read.output) };
        let sum: i64 = accounts.iter().map(|(_, balance)| whole(balance)).sum();
        broken |= *total.get_or_insert(sum) != sum;
        broken |= !overdraft && accounts.iter().any(|(_, balance)| whole(balance) < 0);
        reads += 1;
    }
    Truth { broken, says_enough: reads > 0 }
}
