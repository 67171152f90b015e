//! Writes that no watch delivered must find revisions: which of them takes which is decided by when they end.

use crate::Allowance;
use crate::account::watch;
use crate::history::Value;

use super::{Deed, history, int, ok, told};

/// Two writes to `q` that nobody watches, then one to `p`, which a watch delivers at revision 2.
fn judged(first: (u64, u64), second: (u64, u64)) -> String {
    let write = |(from, to), value| ok(from, to, "write", int(value), int(value));
    let event = Value::List([int(2), Value::Text("p".into()), int(3)].into());
    let deeds: [(&str, Deed); 4] = [
        ("q", write(first, 1)),
        ("q", write(second, 2)),
        ("p", write((6, 14), 3)),
        ("p", ok(10, 11, "watch", int(0), Value::List([event].into()))),
    ];
    let mut all = history(deeds.iter().map(|(_, deed)| deed.clone()).collect());
    for (operation, (key, _)) in all.operations.iter_mut().zip(deeds) {
        operation.key = Some(Value::Text(key.into()));
    }
    told(&watch::check(&all, Allowance::unlimited()).expect("a watch"))
}

#[test]
fn a_write_that_ends_later_leaves_the_revision_to_one_that_ends_before() {
    // The second is over before the third is called, and must have the only revision before it; the first may come later.
    assert_eq!(judged((1, 9), (2, 5)), "ok");
    // Both are over: one key does not change twice at one revision.
    assert_eq!(judged((1, 4), (2, 5)), "skipped");
}
