//! The evidence of runs that pass, with one kind of record taken out or changed: what a verdict depends on must be missed.

use driftproof::evidence::{Event, Evidence, Life, Record, Seen, Stage, When};
use driftproof::measure::measure;
use driftproof::verdict::{Outcome, Verdict, judge};

use crate::campaign;
use crate::rows;
use crate::trouble::Schedule;

/// A change of the evidence; whether there was anything to change.
type Change = fn(&mut Vec<Record>) -> bool;

fn drop_if(records: &mut Vec<Record>, unwanted: impl Fn(&Record) -> bool) -> bool {
    let before = records.len();
    records.retain(|record| !unwanted(record));
    records.len() < before
}

fn drop_seen(records: &mut Vec<Record>, unwanted: impl Fn(&Seen) -> bool) -> bool {
    drop_if(records, |record| matches!(&record.event, Event::Seen(seen) if unwanted(seen)))
}

fn drop_life(records: &mut Vec<Record>, unwanted: impl Fn(&Life) -> bool) -> bool {
    drop_if(records, |record| matches!(&record.event, Event::Fault(fault) if unwanted(&fault.life)))
}

/// When faults were in force, as far as the records say: from the first injection to the end of settling.
fn window(records: &[Record]) -> (u64, u64) {
    let injecting = |record: &&Record| matches!(&record.event, Event::Fault(fault) if fault.life == Life::Injecting);
    let check = |record: &&Record| matches!(&record.event, Event::Stage { stage: Stage::Check });
    let at = |found: Option<&Record>| found.map_or(0, |record| record.t);
    (at(records.iter().find(injecting)), at(records.iter().find(check)))
}

const MUTATIONS: [(&str, Change); 26] = [
    ("no plan", |all| drop_if(all, |one| matches!(one.event, Event::Plan(_)))),
    ("no injection", |all| drop_life(all, |life| matches!(life, Life::Injecting))),
    ("no proof", |all| drop_life(all, |life| matches!(life, Life::Proof(_)))),
    ("a refuted proof", |all| refute(all, false)),
    ("not healed", |all| drop_life(all, |life| matches!(life, Life::Healed))),
    ("no proof of healing", |all| drop_life(all, |life| matches!(life, Life::HealProof(_)))),
    ("a refuted proof of healing", |all| refute(all, true)),
    ("no attempts", |all| drop_if(all, |one| matches!(one.event, Event::Attempt(_)))),
    ("no attempts while faults were in force", |all| {
        let (from, to) = window(all);
        drop_if(all, |one| matches!(&one.event, Event::Attempt(attempt) if (from..=to).contains(&attempt.due)))
    }),
    ("never steady", |all| drop_if(all, |one| matches!(one.event, Event::Steady { .. }))),
    ("never steady before", |all| {
        let (from, _) = window(all);
        drop_if(all, |one| one.t < from && matches!(one.event, Event::Steady { steady: true, .. }))
    }),
    ("no end", |all| drop_if(all, |one| matches!(one.event, Event::End(_)))),
    ("left dirty", |all| {
        all.iter_mut().any(|one| match &mut one.event {
            Event::End(end) => {
                end.dirty.push("a policy".to_owned());
                true
            }
            _ => false,
        })
    }),
    ("no reads", |all| drop_if(all, |one| matches!(one.event, Event::Read(_)))),
    ("no read of the service", |all| {
        drop_if(all, |one| matches!(&one.event, Event::Read(read) if read.replica.is_none()))
    }),
    ("no read of one replica", |all| {
        let first = all.iter().position(|one| matches!(&one.event, Event::Read(read) if read.replica.is_some()));
        first.is_some_and(|first| {
            all.remove(first);
            true
        })
    }),
    ("no writes", |all| drop_if(all, |one| matches!(one.event, Event::Write(_)))),
    ("no snapshot before", |all| {
        drop_if(all, |one| matches!(&one.event, Event::Snapshot(taken) if taken.when == When::Before))
    }),
    ("no snapshot after", |all| {
        drop_if(all, |one| matches!(&one.event, Event::Snapshot(taken) if taken.when == When::After))
    }),
    ("no pods seen", |all| {
        drop_if(all, |one| matches!(&one.event, Event::Seen(seen) if matches!(**seen, Seen::Pod(_))))
    }),
    ("no nodes seen", |all| drop_seen(all, |seen| matches!(seen, Seen::Node(_)))),
    ("no workload seen", |all| drop_seen(all, |seen| matches!(seen, Seen::Workload(_)))),
    ("no endpoints seen", |all| drop_seen(all, |seen| matches!(seen, Seen::Endpoints(_)))),
    ("no pods seen after the injection", |all| {
        let (from, _) = window(all);
        drop_if(all, |one| one.t > from && matches!(&one.event, Event::Seen(seen) if matches!(**seen, Seen::Pod(_))))
    }),
    ("a watch that was lost", |all| {
        let (from, _) = window(all);
        let at = all.iter().position(|one| one.t > from).unwrap_or(all.len());
        let what = "the watch of pods broke".to_owned();
        all.insert(at, Record { i: 0, t: from, event: Event::Gap { what, recovered: false } });
        true
    }),
    ("cut off in the middle", |all| {
        all.truncate(all.len() / 2);
        true
    }),
];

fn refute(records: &mut [Record], healing: bool) -> bool {
    let mut any = false;
    for record in records {
        let Event::Fault(fault) = &mut record.event else { continue };
        match &mut fault.life {
            Life::Proof(proof) if !healing => (proof.proven, any) = (false, true),
            Life::HealProof(proof) if healing => (proof.proven, any) = (false, true),
            _ => {}
        }
    }
    any
}

/// Tries every mutation on every passing run; prints who noticed. Returns what nobody noticed.
pub(crate) fn mutations() -> Vec<String> {
    let runs = rows::ALL[..rows::PASS].iter().filter_map(|row| {
        let run = campaign::run(row, 1, Schedule::none());
        Some((row.name, run.evidence.filter(|_| run.verdict.is_some_and(|verdict| verdict.outcome == Outcome::Pass))?))
    });
    let runs: Vec<(&str, Evidence)> = runs.collect();
    let mut wrong = Vec::new();
    println!("| missing or changed | in runs | noticed | by | reason |\n|---|---|---|---|---|");
    for (what, change) in MUTATIONS {
        let (mut tried, mut noticed, mut said) = (0, 0, None);
        for (name, evidence) in &runs {
            let mut mutant = evidence.clone();
            if !change(&mut mutant.records) {
                continue;
            }
            // Numbered anew: it is the missing record that must be noticed, not the hole that it left.
            (0..).zip(&mut mutant.records).for_each(|(i, record)| record.i = i);
            tried += 1;
            let verdict = judge(&mutant.header.scenario, &measure(&mutant));
            if verdict.outcome == Outcome::Pass {
                wrong.push(format!("{name} still passes with {what}"));
            } else {
                noticed += 1;
                said.get_or_insert_with(|| noticer(&verdict));
            }
        }
        let (by, reason) = said.unwrap_or_default();
        println!("| {what} | {tried} | {noticed} | {by} | {} |", reason.chars().take(110).collect::<String>());
        if tried == 0 {
            wrong.push(format!("no run has what `{what}` changes"));
        }
    }
    println!();
    wrong
}

/// The objective that is worst, and why.
fn noticer(verdict: &Verdict) -> (String, String) {
    let worst = verdict.objectives.iter().find(|one| one.outcome == verdict.outcome);
    worst.map(|one| (one.objective.clone(), one.reason.clone())).unwrap_or_default()
}
