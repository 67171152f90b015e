//! Each bug under the name that it must get.

use std::sync::Arc;

use super::super::{bank, counter, lock, queue, set, watch};
use super::{Deed, ends, history, int, ints, ok, told};
use crate::Allowance;
use crate::check::{Model, Nil, Options, check};
use crate::history::{Completion, Value};
use crate::verify::verify;

fn add(from: u64, to: u64, value: i64) -> Deed {
    ok(from, to, "add", int(value), int(value))
}

fn read(from: u64, to: u64, values: &[i64]) -> Deed {
    ok(from, to, "read", Value::Nil, ints(values))
}

fn judge_set(deeds: Vec<Deed>) -> String {
    told(&set::check(&history(deeds), &Options::default(), Allowance::unlimited()).expect("a set"))
}

#[test]
fn sets() {
    assert_eq!(judge_set(vec![add(1, 2, 1), add(3, 4, 2), read(5, 6, &[1, 2])]), "ok");
    assert_eq!(judge_set(vec![add(1, 2, 1), add(3, 4, 2), read(5, 6, &[2]), read(7, 8, &[2])]), "lost-write");
    assert_eq!(judge_set(vec![add(1, 2, 1), read(5, 6, &[1, 1])]), "duplicate");
    assert_eq!(judge_set(vec![add(1, 2, 1), read(5, 6, &[1, 9])]), "phantom-read");
    assert_eq!(
        judge_set(vec![add(1, 2, 1), ends(Completion::Fail, add(3, 4, 2)), read(5, 6, &[1, 2])]),
        "read-of-failed"
    );
    assert_eq!(judge_set(vec![read(1, 2, &[1]), add(3, 4, 1), read(5, 6, &[1])]), "read-from-the-future");
    assert_eq!(judge_set(vec![add(1, 2, 1), read(3, 4, &[]), add(5, 6, 2), read(7, 8, &[1, 2])]), "ok");
    assert!(judge_set(vec![add(1, 2, 1), read(5, 6, &[1]), read(7, 8, &[])]).starts_with("divergence"));
    assert!(judge_set(vec![add(1, 4, 1), read(2, 3, &[])]).starts_with("unknown: no read of k after the last add"));
    // What nobody knows may come and may stay away, but it may not go again.
    let unknown = || ends(Completion::Info, add(1, 2, 1));
    assert_eq!(judge_set(vec![unknown(), read(5, 6, &[]), read(7, 8, &[1])]), "ok");
    assert!(judge_set(vec![unknown(), read(5, 6, &[1]), read(7, 8, &[])]).contains("divergence"));
}

/// What was there first is no phantom, and must stay; a read of nothing that says nothing is no final read.
#[test]
fn sets_that_were_not_empty() {
    let judge = |initial: &[i64], nil, deeds| {
        let options = Options { initial: Some(ints(initial)), nil, ..Options::default() };
        let durable = told(&set::check(&history(deeds), &options, Allowance::unlimited()).expect("a set"));
        durable.split(':').next().unwrap_or_default().to_owned()
    };
    let deeds = |values: &[i64]| vec![add(1, 2, 3), read(5, 6, values)];
    assert_eq!(judge(&[7, 8], Nil::Absent, deeds(&[7, 3, 8])), "ok");
    assert_eq!(judge(&[7, 8], Nil::Absent, deeds(&[3, 8])), "lost-write");
    assert_eq!(judge(&[7, 8], Nil::Absent, deeds(&[3, 7, 8, 9])), "phantom-read");
    let silent = || vec![add(1, 2, 3), ok(5, 6, "read", Value::Nil, Value::Nil)];
    assert_eq!(judge(&[], Nil::Absent, silent()), "lost-write");
    assert_eq!(judge(&[], Nil::Wildcard, silent()), "unknown");
}

/// What is said of a linearizable set, and that the verifier agrees.
#[test]
fn linearizable_sets() {
    let judge = |deeds: Vec<Deed>| {
        let (all, options) = (history(deeds), Options::default());
        let outcome = check(&all, Model::Set, &options, &|| false);
        verify(&all, Model::Set, &options, &outcome).expect("the verifier agrees");
        told(&outcome)
    };
    let unknown = |from, value| ends(Completion::Info, add(from, from + 1, value));
    assert_eq!(judge(vec![add(1, 2, 1), add(3, 4, 2), read(5, 6, &[2, 1])]), "ok");
    assert_eq!(judge(vec![add(1, 4, 1), read(2, 3, &[]), read(5, 6, &[1])]), "ok");
    assert_eq!(judge(vec![add(1, 2, 1), read(3, 4, &[]), read(7, 8, &[1])]), "stale-read");
    assert_eq!(judge(vec![add(1, 2, 1), read(3, 4, &[])]), "lost-write");
    assert_eq!(judge(vec![unknown(1, 1), read(5, 6, &[1]), read(7, 8, &[])]), "stale-read");
    assert_eq!(judge(vec![unknown(1, 1), read(5, 6, &[]), read(7, 8, &[1])]), "ok");
    assert_eq!(judge(vec![read(1, 2, &[1]), add(3, 4, 1)]), "read-from-the-future");
    assert_eq!(judge(vec![add(1, 2, 1), read(3, 4, &[1, 1])]), "duplicate");
    assert_eq!(judge(vec![read(3, 4, &[1])]), "phantom-read");
    assert_eq!(judge(vec![ends(Completion::Fail, add(1, 2, 1)), read(3, 4, &[1])]), "read-of-failed");
    // Two adds at once, and two readers who saw them in different orders.
    let both = || vec![add(1, 20, 1), add(2, 21, 2)];
    let seen = |first: &[i64], second: &[i64]| {
        judge(both().into_iter().chain([read(3, 9, first), read(4, 8, second)]).collect())
    };
    assert_eq!(seen(&[1], &[2]), "not-linearizable");
    assert_eq!(seen(&[1], &[1, 2]), "ok");
    // The first add was over before the second began; the read beside the second saw only that.
    assert_eq!(judge(vec![read(1, 9, &[2]), add(2, 3, 1), add(4, 5, 2)]), "not-linearizable");
    // Forty of unknown outcome are no more work than one.
    let many = (0..40).map(|value| unknown(value * 2 + 1, i64::try_from(value).expect("small")));
    assert_eq!(
        judge(many.chain([add(100, 101, 99), read(102, 103, &[3, 99]), read(104, 105, &[3, 99])]).collect()),
        "ok"
    );
}

#[test]
fn the_rpo_is_a_count() {
    let one = history(vec![add(1, 2, 1), add(3, 4, 2), add(5, 6, 3), read(7, 8, &[2])]);
    assert_eq!(set::lost(&one).expect("a set"), Some(vec![0, 2]));
    assert_eq!(set::lost(&history(vec![add(1, 2, 1)])).expect("a set"), None);
    assert!(
        set::check(&history(vec![add(1, 2, 1), add(3, 4, 1)]), &Options::default(), Allowance::unlimited()).is_err()
    );
}

fn balances(pairs: &[(i64, i64)]) -> Deed {
    let map = pairs.iter().map(|(account, balance)| (int(*account), int(*balance))).collect();
    ok(1, 2, "read", Value::Nil, Value::Map(map))
}

#[test]
fn banks() {
    let judge = |deed: Deed| {
        told(
            &bank::check(&history(vec![deed]), Some(20), bank::Overdraft::Forbidden, Allowance::unlimited())
                .expect("a bank"),
        )
    };
    assert_eq!(judge(balances(&[(1, 15), (2, 5)])), "ok");
    assert_eq!(judge(balances(&[(1, 15), (2, 6)])), "wrong-total");
    assert_eq!(judge(balances(&[(1, 25), (2, -5)])), "negative-balance");
    assert!(judge(ends(Completion::Info, balances(&[]))).starts_with("unknown"));
    let two = history(vec![balances(&[(1, 15)]), Deed { from: 3, to: 4, ..balances(&[(1, 16)]) }]);
    assert_eq!(
        told(&bank::check(&two, None, bank::Overdraft::Allowed, Allowance::unlimited()).expect("a bank")),
        "wrong-total"
    );
    assert!(
        bank::check(&history(vec![read(1, 2, &[1])]), None, bank::Overdraft::Allowed, Allowance::unlimited()).is_err()
    );
}

#[test]
fn counters() {
    let number = |from, to, value| ok(from, to, "read", Value::Nil, int(value));
    let judge = |deeds: Vec<Deed>| {
        let judge = |claim| {
            told(&counter::check(&history(Vec::clone(&deeds)), 0, claim, Allowance::unlimited()).expect("a counter"))
        };
        assert!(judge(counter::Claim::Linearizable) == judge(counter::Claim::Bounds));
        judge(counter::Claim::Bounds)
    };
    assert_eq!(judge(vec![add(1, 2, 5), number(3, 4, 5)]), "ok");
    assert_eq!(judge(vec![add(1, 2, 5), number(3, 4, 4)]), "out-of-bounds");
    assert_eq!(judge(vec![add(1, 2, 5), number(3, 4, 6)]), "out-of-bounds");
    // While an add is under way both are right; if nobody knows its end, for ever.
    assert_eq!(judge(vec![add(1, 9, 5), number(3, 4, 0), number(5, 6, 5)]), "ok");
    assert_eq!(judge(vec![ends(Completion::Info, add(1, 2, 5)), number(3, 4, 0), number(5, 6, 5)]), "ok");
    assert_eq!(judge(vec![ends(Completion::Info, add(1, 2, 5)), number(3, 4, 5), number(5, 6, 0)]), "stale-read");
    assert_eq!(judge(vec![ends(Completion::Fail, add(1, 2, 5)), number(3, 4, 5)]), "out-of-bounds");
    assert!(judge(vec![add(1, 2, 5)]).starts_with("unknown"));
}

/// Within their bounds, and yet no order gives what was read.
#[test]
fn counters_of_sums_that_do_not_exist() {
    let number = |from, to, value| ok(from, to, "read", Value::Nil, int(value));
    let judge =
        |claim, deeds| told(&counter::check(&history(deeds), 0, claim, Allowance::unlimited()).expect("a counter"));
    let told = |deeds: Vec<Deed>| {
        assert_eq!(judge(counter::Claim::Bounds, deeds.clone()), "ok");
        judge(counter::Claim::Linearizable, deeds)
    };
    assert_eq!(told(vec![add(1, 9, 5), number(2, 3, 2)]), "not-linearizable");
    assert_eq!(told(vec![add(1, 19, 5), add(2, 18, 3), number(4, 5, 3), number(6, 7, 5)]), "not-linearizable");
    assert_eq!(told(vec![add(1, 19, 5), add(2, 18, 3), number(4, 5, 3), number(6, 7, 8)]), "ok");
    assert_eq!(told(vec![add(1, 19, 5), add(2, 18, -3), number(4, 5, -3), number(6, 7, 2), number(8, 9, 2)]), "ok");
    assert_eq!(told(vec![add(1, 19, 5), add(2, 18, -3), number(4, 5, 5), number(6, 7, -3)]), "not-linearizable");
    // The first read needs the add that is under way; then the other one, which came and went, is missing in the second.
    assert_eq!(told(vec![add(1, 19, 1), number(2, 3, 1), add(4, 5, 1), number(6, 7, 1)]), "not-linearizable");
    let lowered = ends(Completion::Info, add(1, 2, -5));
    assert_eq!(told(vec![lowered.clone(), number(3, 4, 0), number(5, 6, -5)]), "ok");
    assert_eq!(told(vec![lowered, number(3, 4, -5), number(5, 6, 0)]), "not-linearizable");
    // One of unknown outcome is used once.
    let unknown = ends(Completion::Info, add(1, 2, 4));
    assert_eq!(told(vec![unknown.clone(), number(3, 4, 4), add(5, 9, 5), number(6, 7, 4), number(10, 11, 9)]), "ok");
    assert_eq!(told(vec![unknown, add(3, 9, 4), number(4, 5, 4), add(6, 7, 2), number(10, 11, 6)]), "ok");
}

#[test]
fn queues() {
    let put = |from, to, value| ok(from, to, "enqueue", int(value), int(value));
    let take = |from, to, value| ok(from, to, "dequeue", Value::Nil, int(value));
    let empty = |from, to| ok(from, to, "dequeue", Value::Nil, Value::Nil);
    let drain = |from, to, values: &[i64]| ok(from, to, "drain", Value::Nil, ints(values));
    let once = |deeds| {
        told(
            &queue::check(&history(deeds), queue::Delivery::ExactlyOnce, queue::Order::Fifo, Allowance::unlimited())
                .expect("a queue"),
        )
    };
    let more = |deeds| {
        told(
            &queue::check(&history(deeds), queue::Delivery::AtLeastOnce, queue::Order::Any, Allowance::unlimited())
                .expect("a queue"),
        )
    };
    assert_eq!(once(vec![put(1, 2, 1), put(3, 4, 2), take(5, 6, 1), drain(7, 8, &[2])]), "ok");
    assert_eq!(once(vec![put(1, 2, 1), drain(7, 8, &[])]), "lost-write");
    assert_eq!(once(vec![put(1, 2, 1), empty(7, 8)]), "lost-write");
    assert!(once(vec![put(1, 2, 1)]).starts_with("unknown: k was not seen empty"));
    assert!(
        once(vec![put(1, 2, 1), ends(Completion::Info, empty(3, 4)), drain(7, 8, &[])]).starts_with("unknown: 1 ack")
    );
    assert_eq!(once(vec![put(1, 2, 1), take(3, 4, 1), take(5, 6, 1), empty(7, 8)]), "duplicate");
    assert_eq!(more(vec![put(1, 2, 1), take(3, 4, 1), take(5, 6, 1), empty(7, 8)]), "ok");
    assert_eq!(more(vec![take(5, 6, 9), empty(7, 8)]), "unexpected");
    assert_eq!(more(vec![ends(Completion::Fail, put(1, 2, 1)), take(5, 6, 1)]), "unexpected");
    assert_eq!(more(vec![take(1, 2, 1), put(5, 6, 1)]), "unexpected");
    assert_eq!(once(vec![put(1, 2, 1), put(3, 4, 2), take(5, 6, 2), take(7, 8, 1)]), "out-of-order");
    assert_eq!(once(vec![put(1, 2, 1), put(3, 4, 2), drain(5, 6, &[2, 1])]), "out-of-order");
    assert_eq!(once(vec![put(1, 4, 1), put(3, 5, 2), take(6, 7, 2), take(8, 9, 1)]), "ok");
}

/// What comes out twice came out when the first of the two was over; what never came out was overtaken; drains at one time.
#[test]
fn queues_in_order() {
    let put = |from, to, value| ok(from, to, "enqueue", int(value), int(value));
    let take = |from, to, value| ok(from, to, "dequeue", Value::Nil, int(value));
    let drain = |from, to, values: &[i64]| ok(from, to, "drain", Value::Nil, ints(values));
    let judge = |delivery, order, deeds| {
        told(&queue::check(&history(deeds), delivery, order, Allowance::unlimited()).expect("a queue"))
    };
    let ordered = |deeds| judge(queue::Delivery::AtLeastOnce, queue::Order::Fifo, deeds);
    let slow = |value| vec![take(10, 99, value), take(11, 12, value)];
    let with = |mut deeds: Vec<Deed>, more: Vec<Deed>| {
        deeds.extend(more);
        deeds
    };
    assert_eq!(ordered(with(vec![put(1, 2, 1), put(3, 4, 2), take(20, 21, 1)], slow(2))), "out-of-order");
    assert_eq!(ordered(with(vec![put(1, 2, 1), put(3, 4, 2), take(5, 6, 1)], slow(2))), "ok");
    let early = with(vec![put(20, 21, 1)], slow(1));
    assert_eq!(judge(queue::Delivery::AtLeastOnce, queue::Order::Any, early), "unexpected");
    assert_eq!(ordered(vec![put(1, 2, 1), put(3, 4, 2), take(5, 6, 2)]), "out-of-order");
    let lost = ends(Completion::Info, take(5, 6, 0));
    assert!(ordered(vec![put(1, 2, 1), put(3, 4, 2), lost, take(7, 8, 2)]).starts_with("unknown"));
    // 1 before 2 and 3 before 4 went in; one drain gave out 2 before 3, the other one 4 before 1.
    let four = || vec![put(1, 3, 1), put(2, 4, 3), put(5, 7, 2), put(6, 8, 4)];
    assert_eq!(ordered(with(four(), vec![drain(10, 20, &[2, 3]), drain(11, 21, &[4, 1])])), "out-of-order");
    assert_eq!(ordered(with(four(), vec![drain(10, 20, &[1, 3]), drain(11, 21, &[2, 4])])), "ok");
}

#[test]
fn locks() {
    let acquire = |from, to, process, token| Deed { process, ..ok(from, to, "acquire", Value::Nil, token) };
    let release = |from, to, process, token: Value| Deed { process, ..ok(from, to, "release", token.clone(), token) };
    let mutex = |deeds| {
        told(&lock::check(&history(deeds), lock::Claim::MutualExclusion, Allowance::unlimited()).expect("a lock"))
    };
    let fenced =
        |deeds| told(&lock::check(&history(deeds), lock::Claim::Fencing, Allowance::unlimited()).expect("a lock"));
    for tokens in [[Value::Nil, Value::Nil], [int(1), int(2)]] {
        let [one, two] = &tokens;
        let first = || vec![acquire(1, 2, 1, one.clone()), release(8, 9, 1, one.clone())];
        let with = |second: [Deed; 2]| mutex(first().into_iter().chain(second).collect());
        assert_eq!(with([acquire(3, 10, 2, two.clone()), release(11, 12, 2, two.clone())]), "ok");
        assert_eq!(with([acquire(3, 4, 2, two.clone()), release(11, 12, 2, two.clone())]), "split-lock");
        // What the holder asks for in between ends no hold, and getting it again makes no second holder.
        let refused = ends(Completion::Fail, acquire(3, 4, 1, Value::Nil));
        let more = |asked: Deed| {
            let second = [acquire(5, 6, 2, two.clone()), release(11, 12, 2, two.clone())];
            mutex(first().into_iter().chain([asked]).chain(second).collect())
        };
        assert_eq!(more(refused.clone()), "split-lock");
        assert_eq!(more(ends(Completion::Info, refused)), "split-lock");
        assert_eq!(more(acquire(3, 4, 1, one.clone())), "split-lock");
        assert_eq!(mutex(first().into_iter().chain([acquire(3, 4, 1, two.clone())]).collect()), "ok");
        // A release that names no token is one of what its process holds.
        let unnamed = vec![acquire(1, 2, 1, one.clone()), release(8, 9, 1, Value::Nil), acquire(3, 4, 2, two.clone())];
        assert_eq!(mutex(unnamed), "split-lock");
        // One that never releases may have lost its lease.
        assert_eq!(mutex(vec![acquire(1, 2, 1, one.clone()), acquire(3, 4, 2, two.clone())]), "ok");
    }
    assert_eq!(fenced(vec![acquire(1, 2, 1, int(5)), acquire(3, 4, 2, int(6))]), "ok");
    assert_eq!(fenced(vec![acquire(1, 2, 1, int(5)), acquire(3, 4, 2, int(5))]), "stale-token");
    assert_eq!(fenced(vec![acquire(1, 2, 1, int(5)), acquire(3, 4, 2, int(4))]), "stale-token");
    assert_eq!(fenced(vec![acquire(1, 4, 1, int(5)), acquire(3, 6, 2, int(4))]), "ok");
    let write = |from, to, token| ok(from, to, "write", ints(&[token, 7]), ints(&[token, 7]));
    assert_eq!(fenced(vec![write(1, 2, 5), write(3, 4, 6)]), "ok");
    assert_eq!(fenced(vec![write(1, 2, 6), write(3, 4, 5)]), "stale-token");
    assert_eq!(fenced(vec![write(1, 2, 6), ends(Completion::Fail, write(3, 4, 5))]), "ok");
    assert!(
        lock::check(&history(vec![acquire(1, 2, 1, Value::Nil)]), lock::Claim::Fencing, Allowance::unlimited())
            .is_err()
    );
}

#[test]
fn watches() {
    let text = || Value::Text(Arc::from("k"));
    let write = |from, to, value| ok(from, to, "write", int(value), int(value));
    let watched = |from, to, after, events: &[(i64, i64)]| {
        let event = |(revision, value): &(i64, i64)| Value::List([int(*revision), text(), int(*value)].into());
        ok(from, to, "watch", int(after), Value::List(events.iter().map(event).collect()))
    };
    let three = || vec![write(1, 2, 1), write(3, 4, 2), write(5, 6, 3)];
    let judge = |watches: Vec<Deed>| {
        told(
            &watch::check(&history(three().into_iter().chain(watches).collect()), Allowance::unlimited())
                .expect("a watch"),
        )
    };
    let all = [(11, 1), (12, 2), (13, 3)];
    assert_eq!(judge(vec![watched(7, 8, 10, &all), watched(9, 10, 11, &all[1..])]), "ok");
    assert_eq!(judge(vec![watched(7, 8, 10, &all[..2])]), "ok");
    assert_eq!(judge(vec![watched(7, 8, 10, &[(11, 1), (13, 3)])]), "skipped");
    assert_eq!(judge(vec![watched(7, 8, 10, &all), watched(9, 10, 10, &all[2..])]), "skipped");
    assert_eq!(judge(vec![watched(7, 8, 10, &[(11, 1), (12, 2), (12, 2)])]), "duplicate");
    assert_eq!(judge(vec![watched(7, 8, 10, &[(11, 1), (13, 3), (12, 2)])]), "out-of-order");
    assert_eq!(judge(vec![watched(7, 8, 10, &[(11, 2), (12, 1)])]), "out-of-order");
    assert_eq!(judge(vec![watched(7, 8, 11, &all[..2])]), "out-of-order");
    assert_eq!(judge(vec![watched(7, 8, 10, &[(11, 9)])]), "unexpected");
    assert_eq!(
        judge(vec![watched(7, 8, 10, &all), watched(9, 10, 10, &[(11, 2)])]).split(' ').next(),
        Some("divergence")
    );
    assert!(judge(vec![]).starts_with("unknown: no watch succeeded"));
    // A deletion is one event at one revision: a later one does not stand for it.
    let event = |revision, key: &str, value: Value| Value::List([int(revision), Value::Text(key.into()), value].into());
    let deletions = |all: &[i64]| all.iter().map(|revision| event(*revision, "k", Value::Nil)).collect::<Vec<_>>();
    let seen = |from, to, events: Vec<Value>| ok(from, to, "watch", int(13), Value::List(events.into()));
    assert_eq!(judge(vec![seen(7, 8, deletions(&[14, 15])), seen(9, 10, deletions(&[14, 15]))]), "ok");
    assert_eq!(judge(vec![seen(7, 8, deletions(&[14, 15])), seen(9, 10, deletions(&[15]))]), "skipped");
    // What lies beside its prefix is not its own.
    assert_eq!(judge(vec![seen(7, 8, vec![event(14, "other", Value::Nil)])]), "unexpected");
    // What was called after a watch had ended comes after all that the watch saw.
    let late =
        |revision| vec![watched(1, 2, 13, &[(14, 5)]), write(3, 4, 6), watched(5, 6, 10, &[(revision, 6), (14, 5)])];
    let dirty = |revision| {
        let asked = Deed { from: 0, ..ends(Completion::Info, write(0, 0, 5)) };
        let mut deeds = late(revision);
        deeds.push(asked);
        told(&watch::check(&history(deeds), Allowance::unlimited()).expect("a watch"))
    };
    assert_eq!(dirty(13), "out-of-order");
}

/// A write that nobody saw has a revision as well: here the one between two that a watch delivered, though it covers it.
#[test]
fn watches_leave_room_for_what_they_did_not_deliver() {
    let keyed = |key: &str, mut deed: Deed| {
        let Value::List(events) = &deed.output else { return (key.to_owned(), deed) };
        let events = events.iter().map(|one| match one {
            Value::Int(revision) => Value::List([int(*revision), Value::Text("a".into()), int(*revision)].into()),
            other => other.clone(),
        });
        deed.output = Value::List(events.collect());
        (key.to_owned(), deed)
    };
    let write = |from, to, value| ok(from, to, "write", int(value), int(value));
    let judge = |watches: &[(&str, &[i64])], room: i64| {
        // Two writes to `a`, whose values are their revisions, and between them one to `b`.
        let mut deeds = vec![keyed("a", write(1, 2, 1)), keyed("b", write(3, 4, 5)), keyed("a", write(5, 6, room))];
        for (place, (prefix, events)) in (0..).zip(watches) {
            deeds.push(keyed(prefix, ok(7 + place, 20 + place, "watch", int(0), ints(events))));
        }
        let mut all = history(deeds.iter().map(|(_, deed)| deed.clone()).collect());
        for (operation, (key, _)) in all.operations.iter_mut().zip(&deeds) {
            operation.key = Some(Value::Text(key.as_str().into()));
        }
        told(&watch::check(&all, Allowance::unlimited()).expect("a watch"))
    };
    assert_eq!(judge(&[("a", &[1, 3])], 3), "ok");
    assert_eq!(judge(&[("a", &[1, 2])], 2), "skipped");
    assert_eq!(judge(&[("", &[1, 3])], 3), "skipped");
}
