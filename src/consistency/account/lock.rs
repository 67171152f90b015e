//! Locks: at most one holder, and fencing tokens that only grow. Reads no file.
//!
//! A client surely holds a lock from the answer to its acquire until it first calls release. One that never calls release may
//! have lost its lease at any time, so that nothing is known of its hold but its token. A client that gets a lock which it
//! holds is still one holder.

use std::collections::BTreeMap;

use super::findings::{Findings, Numbered, by_key, done, shape, who, whole, within};
use crate::allowance::{Allowance, Meter, Stop};
use crate::format::ReadError;
use crate::history::{History, Moment, Operation, Value};
use crate::outcome::{AnomalyKind, Outcome};

/// What the lock promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// At most one client holds it.
    MutualExclusion,
    /// Each token is above all before it, and no write with an older token succeeds after one with a newer. Holds may overlap.
    Fencing,
}

/// Looks for two holders at once, or for tokens that do not grow.
///
/// # Errors
/// The first operation that is not of a lock, or, where fencing is claimed, an acquire without a token.
pub fn check(history: &History, claim: Claim, allowance: Allowance<'_>) -> Result<Outcome, ReadError> {
    within(history, allowance, |findings, meter| account(history, claim, findings, meter))
}

fn account(history: &History, claim: Claim, findings: &mut Findings, meter: &Meter<'_>) -> Result<(), Stop> {
    for (key, operations) in by_key(history, "lock", &["acquire", "release", "write"], meter)? {
        // What follows is a few sorts.
        meter.spend(operations.len())?;
        match claim {
            Claim::MutualExclusion => overlaps(key, &operations, findings),
            Claim::Fencing => {
                let acquired: Result<Vec<Token<'_>>, ReadError> = done(&operations, "acquire")
                    .map(|(number, one)| Ok((whole(one, "a lock without a token", &one.output)?, number, one)))
                    .collect();
                tokens(key, acquired?, findings);
                let written: Result<Vec<Token<'_>>, ReadError> =
                    done(&operations, "write").map(|(number, one)| Ok((token(one)?, number, one))).collect();
                unfenced(key, written?, findings);
            }
        }
    }
    Ok(())
}

/// A token, and the operation that got or used it.
type Token<'a> = (i64, u32, &'a Operation);

/// The token of a guarded write, whose input is `[token value]`.
fn token(write: &Operation) -> Result<i64, ReadError> {
    const WHAT: &str = "a value without a token: guarded writes send [token value]";
    match &write.input {
        Value::List(parts) if parts.len() == 2 => whole(write, WHAT, &parts[0]),
        other => Err(shape(write, WHAT, other)),
    }
}

/// A hold that is certain: who, from, to.
#[derive(Clone, Copy)]
struct Hold<'a> {
    acquire: Numbered<'a>,
    from: Moment,
    release: Option<Numbered<'a>>,
}

impl Hold<'_> {
    fn until(&self) -> Moment {
        // Without a release only the moment of the answer is certain.
        self.release.map_or(self.from, |(_, release)| release.call.at)
    }

    fn process(&self) -> u64 {
        self.acquire.1.process
    }
}

fn overlaps(key: Option<&Value>, operations: &[Numbered<'_>], findings: &mut Findings) {
    let mut holds = holds(operations);
    holds.sort_by_key(|hold| hold.from);
    // The hold that lasts longest, and the longest one of any other process: one client is not two holders.
    let mut longest: [Option<Hold<'_>>; 2] = [None, None];
    for hold in holds {
        let held = longest.iter().flatten().find(|held| held.process() != hold.process() && hold.from < held.until());
        if let Some(held) = held {
            let sentence = format!(
                "{} held it and had not begun to release it when {} got it",
                who(held.acquire.1),
                who(hold.acquire.1)
            );
            let release = held.release.map(|(number, _)| number);
            let witness: Vec<u32> = [held.acquire.0, hold.acquire.0].into_iter().chain(release).collect();
            findings.add(AnomalyKind::SplitLock, key, &witness, sentence);
        }
        remember(&mut longest, hold);
    }
}

/// Keeps the two holds that last longest, of two processes.
fn remember<'a>(longest: &mut [Option<Hold<'a>>; 2], hold: Hold<'a>) {
    let own = longest.iter().position(|held| held.is_some_and(|held| held.process() == hold.process()));
    let place = own.unwrap_or(1);
    if longest[place].is_none_or(|held| hold.until() > held.until()) {
        longest[place] = Some(hold);
    }
    longest.sort_by_key(|held| std::cmp::Reverse(held.map(|held| held.until())));
}

/// Each acquire with its release, the first that was called after it: one with its token by whomever, since after an unknown
/// outcome a client goes on under another name, or one without a token by its own process. What else the process does in
/// between, such as another acquire that fails, ends no hold.
fn holds<'a>(operations: &[Numbered<'a>]) -> Vec<Hold<'a>> {
    let mut by_token: BTreeMap<&Value, Vec<Numbered<'_>>> = BTreeMap::new();
    let mut by_process: BTreeMap<u64, Vec<Numbered<'_>>> = BTreeMap::new();
    let mut without: BTreeMap<u64, Vec<Numbered<'_>>> = BTreeMap::new();
    for (number, one) in operations.iter().copied().filter(|(_, one)| &*one.function == "release") {
        by_process.entry(one.process).or_default().push((number, one));
        if one.input == Value::Nil {
            without.entry(one.process).or_default().push((number, one));
        } else {
            by_token.entry(&one.input).or_default().push((number, one));
        }
    }
    let next = |acquire: &Operation, all: Option<&Vec<Numbered<'a>>>| {
        let after = all?;
        after.get(after.partition_point(|(_, one)| one.call.at < acquire.finish())).copied()
    };
    done(operations, "acquire")
        .map(|(number, acquire)| {
            let release = if acquire.output == Value::Nil {
                next(acquire, by_process.get(&acquire.process))
            } else {
                let either =
                    [next(acquire, by_token.get(&acquire.output)), next(acquire, without.get(&acquire.process))];
                either.into_iter().flatten().min_by_key(|(_, release)| release.call.at)
            };
            Hold { acquire: (number, acquire), from: acquire.finish(), release }
        })
        .collect()
}

/// Tokens of one lock: none twice, and none below one that had been given out before.
fn tokens(key: Option<&Value>, mut acquired: Vec<Token<'_>>, findings: &mut Findings) {
    acquired.sort_by_key(|(token, number, _)| (*token, *number));
    for pair in acquired.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        let sentence = format!("{} and {} both got the token {}", who(pair[0].2), who(pair[1].2), pair[0].0);
        findings.add(AnomalyKind::StaleToken, key, &[pair[0].1, pair[1].1], sentence);
    }
    below(acquired, |before, after| {
        let sentence =
            format!("{} got the token {} after {} had got {}", who(after.2), after.0, who(before.2), before.0);
        findings.add(AnomalyKind::StaleToken, key, &[before.1, after.1], sentence);
    });
}

/// Guarded writes that succeeded with a token older than one that had been used before.
fn unfenced(key: Option<&Value>, written: Vec<Token<'_>>, findings: &mut Findings) {
    below(written, |before, after| {
        let sentence = format!(
            "{} wrote with the token {} after {} had written with {}: the older holder was not fenced off",
            who(after.2),
            after.0,
            who(before.2),
            before.0
        );
        findings.add(AnomalyKind::StaleToken, key, &[before.1, after.1], sentence);
    });
}

/// Tells each token that is below the highest one whose operation had ended before its own was called.
fn below<'a>(mut tokens: Vec<Token<'a>>, mut tell: impl FnMut(Token<'a>, Token<'a>)) {
    let mut ended = tokens.clone();
    ended.sort_by_key(|(_, _, operation)| operation.finish());
    tokens.sort_by_key(|(_, _, operation)| operation.call.at);
    let mut passed = 0;
    let mut highest: Option<Token<'_>> = None;
    for after in tokens {
        while let Some(one) = ended.get(passed).filter(|(_, _, one)| one.finish() < after.2.call.at) {
            if highest.is_none_or(|(highest, _, _)| one.0 > highest) {
                highest = Some(*one);
            }
            passed += 1;
        }
        if let Some(before) = highest.filter(|(token, _, _)| *token > after.0) {
            tell(before, after);
        }
    }
}
