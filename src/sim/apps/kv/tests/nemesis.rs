//! A synchronous store under random kills, cuts, power losses and restarts: whatever happens, a read holds every
//! write that was acknowledged before it was asked for, once each, and in the end the store works again.

use std::collections::BTreeSet;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::sync::oneshot;

use super::{Db, MS, S};
use crate::network::{Answer, Vantage};

/// A write or read under way, and for a read what had been acknowledged when it was sent.
enum Asked {
    Write(String),
    Read(BTreeSet<String>),
}

struct Nemesis {
    db: Db,
    rng: ChaCha8Rng,
    acknowledged: BTreeSet<String>,
    asked: Vec<(Asked, oneshot::Receiver<Answer>)>,
    reads: usize,
    /// The first anomaly.
    wrong: Option<String>,
}

impl Nemesis {
    fn disturb(&mut self) {
        let pod = self.rng.random_range(0..3);
        let node = format!("n{}", pod + 1);
        match self.rng.random_range(0..10) {
            0 => self.db.kill(pod),
            1 => self.db.machine(&node).network = false,
            2 => {
                let uid = self.db.uids[pod].clone();
                self.db.state().app_signalled(&uid, "main");
            }
            3 => {
                self.db.machine(&node).powered = false;
                self.db.kill(pod);
                self.db.machine(&node).powered = true;
            }
            _ => self.heal(pod),
        }
    }

    fn heal(&mut self, pod: usize) {
        self.db.machine(&format!("n{}", pod + 1)).network = true;
        let uid = self.db.uids[pod].clone();
        if !self.db.state().app_listens(&uid, 8080) {
            self.db.restart(pod);
        }
    }

    fn ask(&mut self, value: usize) {
        let pod = self.rng.random_range(0..3);
        // Also from inside of a machine that may be cut off: its own leader must not lie to it.
        let inside = Vantage::Node(format!("n{}", pod + 1));
        let from = if self.rng.random_range(0..3) == 0 { inside } else { Vantage::Outside };
        let value = format!("v{value}");
        let write = self.db.ask_from(&from, pod, "PUT", &format!("/set/s/{value}"), "");
        self.asked.push((Asked::Write(value), write));
        let read = self.db.ask_from(&from, pod, "GET", "/set/s", "");
        self.asked.push((Asked::Read(self.acknowledged.clone()), read));
    }

    fn collect(&mut self) {
        let (acknowledged, reads, wrong) = (&mut self.acknowledged, &mut self.reads, &mut self.wrong);
        self.asked.retain_mut(|(asked, answer)| match answer.try_recv() {
            Ok(Answer::Response { status: 200, body, .. }) => {
                match asked {
                    Asked::Write(value) => {
                        acknowledged.insert(value.clone());
                    }
                    Asked::Read(before) => {
                        *reads += 1;
                        let held: Vec<String> = serde_json::from_str(&body).expect("an array");
                        let unique: BTreeSet<String> = held.iter().cloned().collect();
                        if unique.len() < held.len() {
                            wrong.get_or_insert(format!("duplicates in {held:?}"));
                        }
                        if let Some(lost) = before.difference(&unique).next() {
                            wrong.get_or_insert(format!("a read misses {lost}"));
                        }
                    }
                }
                false
            }
            Ok(_) => false,
            Err(_) => true,
        });
    }
}

/// One run; the first anomaly, if any, and how many writes were acknowledged and reads answered.
fn storm(seed: u64, bugs: &str) -> (Option<String>, usize, usize) {
    let annotations = json!({ "data": "/data", "election-timeout": "500ms", "bugs": bugs });
    let db = Db::seeded(annotations, true, seed);
    let rng = ChaCha8Rng::seed_from_u64(seed);
    let acknowledged = BTreeSet::new();
    let mut nemesis = Nemesis { db, rng, acknowledged, asked: Vec::new(), reads: 0, wrong: None };
    for step in 0..400 {
        if step % 4 == 0 {
            nemesis.disturb();
        }
        nemesis.ask(step);
        let pause = nemesis.rng.random_range(1..300);
        nemesis.db.pass(pause * MS);
        nemesis.collect();
    }
    nemesis.db.pass(S);
    for pod in 0..3 {
        nemesis.heal(pod);
    }
    nemesis.db.pass(5 * S);
    nemesis.collect();
    for pod in 0..3 {
        nemesis.ask(1000 + pod);
        nemesis.db.pass(S);
        nemesis.collect();
        let held: BTreeSet<String> = nemesis.db.local(pod).into_iter().collect();
        if let Some(lost) = nemesis.acknowledged.difference(&held).next() {
            nemesis.wrong.get_or_insert(format!("db-{pod} has lost {lost}"));
        }
    }
    (nemesis.wrong, nemesis.acknowledged.len(), nemesis.reads)
}

#[test]
fn whatever_happens_nothing_acknowledged_is_lost() {
    for seed in 0..25 {
        let (wrong, writes, reads) = storm(seed, "");
        assert_eq!(wrong, None, "seed {seed}");
        assert!(writes > 50 && reads > 50, "seed {seed}: only {writes} writes, {reads} reads");
    }
}

#[test]
fn each_planted_bug_is_caught() {
    for bug in ["stale-reads", "lost-writes", "two-leaders", "duplicate-writes"] {
        assert!((0..10).any(|seed| storm(seed, bug).0.is_some()), "{bug} went unnoticed");
    }
}
