//! One probe's thresholds and phase (kubelet `prober/worker.go`). Pure: it neither asks nor acts.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Probe as Spec};

/// What a probe decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Whether the container has started; the other two wait for it.
    Startup,
    /// Whether it gets traffic.
    Readiness,
    /// Whether it is to be restarted.
    Liveness,
}

/// A probe's numbers, with Kubernetes' defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    delay: Duration,
    pub(super) period: Duration,
    success: u32,
    failure: u32,
}

impl Rules {
    fn of(spec: &Spec) -> Self {
        let number = |value: Option<i32>, default: u32, least: u32| {
            value.and_then(|value| u32::try_from(value).ok()).filter(|value| *value >= least).unwrap_or(default)
        };
        let seconds = |value: u32| Duration::from_secs(u64::from(value));
        Self {
            delay: seconds(number(spec.initial_delay_seconds, 0, 0)),
            period: seconds(number(spec.period_seconds, 10, 1)),
            success: number(spec.success_threshold, 1, 1),
            failure: number(spec.failure_threshold, 3, 1),
        }
    }
}

/// One probe of one container.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    pub(super) role: Role,
    pub(super) rules: Rules,
    /// When it is due; `None` when it rests.
    pub(super) next: Option<Duration>,
    anchor: Duration,
    last: bool,
    streak: u32,
    passed: Option<bool>,
}

impl Probe {
    /// The probes of a container.
    pub(super) fn of(spec: &Container) -> Vec<Self> {
        let all = [
            (Role::Startup, &spec.startup_probe),
            (Role::Readiness, &spec.readiness_probe),
            (Role::Liveness, &spec.liveness_probe),
        ];
        let probe = |(role, spec): (Role, &Option<Spec>)| spec.as_ref().map(|spec| Self::new(role, Rules::of(spec)));
        all.into_iter().filter_map(probe).collect()
    }

    fn new(role: Role, rules: Rules) -> Self {
        let passed = Self::initially(role);
        Self { role, rules, next: None, anchor: Duration::ZERO, last: false, streak: 0, passed }
    }

    const fn initially(role: Role) -> Option<bool> {
        match role {
            Role::Startup => None,
            Role::Readiness => Some(false),
            Role::Liveness => Some(true),
        }
    }

    /// Forgets the results of an earlier run.
    pub(super) fn reset(&mut self) {
        self.next = None;
        self.streak = 0;
        self.passed = Self::initially(self.role);
    }

    /// Sets the phase of the ticks.
    pub(super) fn anchor(&mut self, anchor: Duration) {
        self.anchor = anchor;
    }

    /// Whether the initial delay is over for a container that runs since `since`.
    pub(super) fn may_ask(&self, since: Duration, now: Duration) -> bool {
        now >= since + self.rules.delay
    }

    /// Arms the first tick after `now` that the initial delay allows. Returns when it is due.
    pub(super) fn arm(&mut self, since: Duration, now: Duration) -> Duration {
        let earliest = since + self.rules.delay;
        let period = self.rules.period.as_millis().max(1);
        let after = now.max(earliest.saturating_sub(Duration::from_millis(1)));
        let ticks = after.saturating_sub(self.anchor).as_millis() / period + 1;
        let next = self.anchor + Duration::from_millis(u64::try_from(ticks * period).unwrap_or(u64::MAX));
        self.next = Some(next);
        next
    }

    /// Counts one answer. Returns the new result when it changed.
    pub(super) fn record(&mut self, ok: bool) -> Option<bool> {
        self.streak = if self.streak > 0 && self.last == ok { self.streak.saturating_add(1) } else { 1 };
        self.last = ok;
        let threshold = if ok { self.rules.success } else { self.rules.failure };
        if self.streak < threshold || self.passed == Some(ok) {
            return None;
        }
        self.passed = Some(ok);
        Some(ok)
    }

    /// Whether further answers cannot differ until something about the application changes.
    pub(super) fn settled(&self) -> bool {
        self.passed == Some(true) && self.streak > 0 && self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(role: Role, success: u32, failure: u32) -> Probe {
        let second = Duration::from_secs(1);
        Probe::new(role, Rules { delay: second * 5, period: second * 10, success, failure })
    }

    /// What each answer (`+` or `-`) changes the result to; `.` for no change.
    fn results(mut probe: Probe, answers: &str) -> String {
        let change = |answer| match probe.record(answer == '+') {
            None => '.',
            Some(true) => '+',
            Some(false) => '-',
        };
        answers.chars().map(change).collect()
    }

    #[test]
    fn results_change_only_after_as_many_equal_answers_as_the_threshold_says() {
        for (role, success, failure, answers, wanted) in [
            (Role::Readiness, 1, 3, "+---+", "+..-+"),
            (Role::Readiness, 2, 1, "++-", ".+-"),
            (Role::Readiness, 1, 1, "--", ".."),
            (Role::Liveness, 1, 2, "-+--", "...-"),
            (Role::Startup, 1, 2, "-+", ".+"),
            (Role::Startup, 1, 2, "--", ".-"),
        ] {
            assert_eq!(results(probe(role, success, failure), answers), wanted, "{role:?} {answers}");
        }
    }

    #[test]
    fn ticks_keep_their_phase_and_wait_for_the_initial_delay() {
        let ms = Duration::from_millis;
        for (since, now, wanted) in
            [(0, 0, 10_300), (5_300, 5_300, 10_300), (5_301, 5_400, 20_300), (0, 10_300, 20_300)]
        {
            let mut probe = probe(Role::Liveness, 1, 3);
            probe.anchor(ms(300));
            assert_eq!(probe.arm(ms(since), ms(now)), ms(wanted), "{since} {now}");
        }
    }
}
