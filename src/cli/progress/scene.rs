//! Where a running scenario stands, seen from its evidence as it is written. Judges nothing and keeps no history.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use driftproof::evidence::{Attempt, Event, FaultRecord, Header, Life, Outcome, Record, Seen, Stage, WorldName};
use driftproof::measure::text::{duration, percent};
use driftproof::plan::Plan;
use driftproof::world::Clock;

use super::words::stage_words;

/// One running scenario. Times of the run are microseconds since its start; those of the machine come from outside.
#[derive(Debug, Default)]
pub(in crate::cli) struct Scene {
    name: String,
    begun: Duration,
    live: bool,
    /// Time of the last record, in the run's time and in the machine's.
    last: u64,
    heard: Duration,
    stage: Option<(Stage, u64)>,
    unsteady: String,
    /// Steps that are still to be injected, with their time after the stage's begin.
    ahead: BTreeMap<String, u64>,
    holds: BTreeMap<String, u64>,
    /// Steps that hold, with the time when each began.
    holding: BTreeMap<String, u64>,
    /// The last thing that was done.
    done: String,
    target: Option<String>,
    probes: Vec<Probe>,
    ready: Option<(u32, u32)>,
}

#[derive(Debug, Default)]
struct Probe {
    name: String,
    tried: u64,
    answered: u64,
    /// Since when it is without an answer.
    down: Option<u64>,
}

/// What is shown of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) name: String,
    /// In the run's own time, which is simulated on the embedded cluster.
    pub(super) elapsed: String,
    /// What goes on, and how long that lasts.
    pub(super) doing: String,
    /// Probes and pods; empty when there are none yet.
    pub(super) seen: String,
}

/// Lets a scene see the evidence of its run.
#[derive(Clone)]
pub(in crate::cli) struct Tap {
    scene: Arc<Mutex<Scene>>,
    clock: Clock,
}

impl Tap {
    pub(super) fn new(scene: Arc<Mutex<Scene>>, clock: Clock) -> Self {
        Self { scene, clock }
    }

    /// A line of evidence. What it cannot read it leaves alone.
    pub(in crate::cli) fn line(&self, line: &[u8]) {
        if let Ok(record) = serde_json::from_slice::<Record>(line) {
            let mut scene = self.scene.lock().unwrap_or_else(PoisonError::into_inner);
            scene.see(record, self.clock.elapsed());
        }
    }
}

impl Scene {
    pub(super) fn new(name: &str, now: Duration) -> Self {
        Self { name: name.to_owned(), begun: now, heard: now, ..Self::default() }
    }

    fn see(&mut self, record: Record, now: Duration) {
        (self.last, self.heard) = (record.t, now);
        match record.event {
            Event::Header(header) => self.header(&header),
            Event::Stage { stage } => self.stage = Some((stage, record.t)),
            Event::Steady { steady, reason } => self.unsteady = if steady { String::new() } else { reason },
            Event::Plan(plan) => self.plan(&plan),
            Event::Fault(fault) => self.fault(&fault, record.t),
            Event::Attempt(attempt) => self.attempt(&attempt),
            Event::Seen(seen) => self.seen(&seen),
            // What nobody watches while it happens.
            _ => {}
        }
    }

    fn header(&mut self, header: &Header) {
        self.live = matches!(header.world, WorldName::Live { .. });
        self.target = header.scenario.target.workload.as_ref().map(ToString::to_string);
        let probe = |name: &String| Probe { name: name.clone(), ..Probe::default() };
        self.probes = header.scenario.probes.iter().map(|one| probe(&one.name)).collect();
    }

    fn plan(&mut self, plan: &Plan) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.ahead = plan.steps.iter().map(|step| (step.id.clone(), micros(step.at))).collect();
        self.holds = plan.steps.iter().map(|step| (step.id.clone(), micros(step.hold))).collect();
    }

    fn fault(&mut self, fault: &FaultRecord, at: u64) {
        let step = &fault.step;
        match &fault.life {
            Life::Intent { .. } => drop(self.ahead.remove(step)),
            Life::Injected => {
                if self.holds.get(step).is_some_and(|hold| *hold > 0) {
                    self.holding.insert(step.clone(), at);
                }
                self.done = format!("{step} injected");
            }
            Life::Healing => {
                self.holding.remove(step);
                self.done = format!("{step} is being healed");
            }
            Life::Healed => {
                self.holding.remove(step);
                self.done = format!("{step} healed");
            }
            Life::InjectFailed { .. } => self.done = format!("{step} could not be injected"),
            Life::HealFailed { .. } => self.done = format!("{step} COULD NOT BE HEALED"),
            Life::Injecting | Life::Proof(_) | Life::HealProof(_) => {}
        }
    }

    fn attempt(&mut self, attempt: &Attempt) {
        let Some(probe) = self.probes.get_mut(attempt.probe) else { return };
        probe.tried += 1;
        if matches!(attempt.outcome, Outcome::Ok { .. }) {
            probe.answered += 1;
            probe.down = None;
        } else {
            probe.down.get_or_insert(attempt.due);
        }
    }

    fn seen(&mut self, seen: &Seen) {
        let Seen::Workload(workload) = seen else { return };
        if self.target.as_ref().is_none_or(|target| *target == workload.workload) {
            self.ready = Some((workload.ready, workload.desired));
        }
    }

    /// What is shown of it now. On a live cluster time goes on between two records; simulated time does not.
    pub(super) fn shown(&self, now: Duration) -> Shown {
        let since = u64::try_from(now.saturating_sub(self.heard).as_micros()).unwrap_or(u64::MAX);
        let time = if self.live { self.last.saturating_add(since) } else { self.last };
        let elapsed = if self.stage.is_some() { time } else { whole(now.saturating_sub(self.begun)) };
        Shown { name: self.name.clone(), elapsed: text(elapsed), doing: self.doing(time), seen: self.seen_so_far(time) }
    }

    fn doing(&self, time: u64) -> String {
        let Some((stage, began)) = self.stage else { return "starting".to_owned() };
        match stage {
            Stage::Steady if !self.unsteady.is_empty() => format!("not steady: {}", self.unsteady),
            Stage::Fault => self.faults(time, began),
            Stage::Settle if !self.unsteady.is_empty() => format!("recovers: {}", self.unsteady),
            other => stage_words(other).to_owned(),
        }
    }

    /// The step that holds and is healed first; else the next one; else the last thing that was done.
    fn faults(&self, time: u64, began: u64) -> String {
        let due = |(step, since): (&String, &u64)| {
            (since.saturating_add(self.holds.get(step).copied().unwrap_or_default()), step.clone())
        };
        if let Some((heals, step)) = self.holding.iter().map(due).min() {
            let others = match self.holding.len() {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            return format!("{step}{others} injected, heals in {}", text(heals.saturating_sub(time)));
        }
        match self.ahead.iter().map(|(step, at)| (began.saturating_add(*at), step)).min() {
            Some((at, step)) if self.done.is_empty() => format!("{step} in {}", text(at.saturating_sub(time))),
            Some((at, step)) => format!("{}, {step} in {}", self.done, text(at.saturating_sub(time))),
            None if self.done.is_empty() => stage_words(Stage::Fault).to_owned(),
            None => self.done.clone(),
        }
    }

    fn seen_so_far(&self, time: u64) -> String {
        let mut parts = Vec::new();
        for probe in self.probes.iter().filter(|probe| probe.tried > 0) {
            let share = percent(100.0 * probe.answered as f64 / probe.tried as f64);
            parts.push(match probe.down {
                Some(since) => format!("{} DOWN {} ({share})", probe.name, text(time.saturating_sub(since))),
                None => format!("{} up {share}", probe.name),
            });
        }
        parts.extend(self.ready.map(|(ready, desired)| format!("{ready}/{desired} ready")));
        parts.join(", ")
    }
}

/// A time in whole seconds: digits that race tell nobody anything.
fn text(micros: u64) -> String {
    duration(micros / 1_000_000 * 1_000_000)
}

fn whole(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(lines: &[&str]) -> Scene {
        let mut scene = Scene::new("web", Duration::ZERO);
        for line in lines {
            scene.see(serde_json::from_str(line).expect(line), Duration::ZERO);
        }
        scene
    }

    const LIVE: &str = r#"{"i":0,"t":0,"type":"header","version":1,"tool":"t","run":"r","world":{"kind":"live","context":"c","version":"v"},"seed":1,"started":"","again":"","scenario":{"name":"web","target":{"namespace":"shop","workload":"deployment/web"},"probe":[{"name":"reads","kind":"tcp","service":"web:80"}],"fault":[]}}"#;
    const STEP: &str = r#"{"i":2,"t":3000000,"type":"fault","step":"1-cut","life":"injected"}"#;

    #[test]
    fn time_goes_on_between_two_records_of_a_live_cluster() {
        let mut scene = scene(&[LIVE, r#"{"i":1,"t":1000000,"type":"stage","stage":"fault"}"#]);
        scene.holds.insert("1-cut".to_owned(), 60_000_000);
        scene.see(serde_json::from_str(STEP).expect("a record"), Duration::from_secs(3));
        let shown = scene.shown(Duration::from_secs(13));
        assert_eq!(shown.elapsed, "13s");
        assert_eq!(shown.doing, "1-cut injected, heals in 50s");
        scene.live = false;
        assert_eq!(scene.shown(Duration::from_secs(13)).doing, "1-cut injected, heals in 1m");
    }

    #[test]
    fn probes_and_pods_are_told() {
        let scene = scene(&[
            LIVE,
            r#"{"i":1,"t":1000000,"type":"stage","stage":"fault"}"#,
            r#"{"i":2,"t":1000000,"type":"attempt","probe":0,"due":900000,"took":1,"outcome":"ok"}"#,
            r#"{"i":3,"t":2000000,"type":"attempt","probe":0,"due":1000000,"took":1,"outcome":"timeout"}"#,
        ]);
        assert_eq!(scene.shown(Duration::from_secs(3)).seen, "reads DOWN 4s (50%)");
    }
}
