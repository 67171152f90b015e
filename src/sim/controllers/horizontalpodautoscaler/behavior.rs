//! How fast an autoscaler may follow its metrics: stabilization, policies, bounds (`horizontal.go`). Pure but for what it
//! remembers.

use std::time::Duration;

use k8s_openapi::api::autoscaling::v2::{HPAScalingPolicy, HPAScalingRules, HorizontalPodAutoscalerBehavior};

/// `--horizontal-pod-autoscaler-downscale-stabilization`.
const STABILIZATION: Duration = Duration::from_secs(300);
const FAST_UP: (&str, &str) =
    ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate");
const FAST_DOWN: (&str, &str) =
    ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate");
const TOO_MANY: (&str, &str) = ("TooManyReplicas", "the desired replica count is more than the maximum replica count");
const TOO_FEW: (&str, &str) = ("TooFewReplicas", "the desired replica count is less than the minimum replica count");
const IN_RANGE: (&str, &str) = ("DesiredWithinRange", "the desired count is within the acceptable range");
const LOWER_LATELY: (&str, &str) = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
);
const HIGHER_LATELY: (&str, &str) = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
);

/// What an autoscaler recommended and did lately, each with its time.
#[derive(Debug, Default)]
pub(in crate::controllers) struct History {
    recommendations: Vec<(Duration, i64)>,
    ups: Vec<(Duration, i64)>,
    downs: Vec<(Duration, i64)>,
}

/// One look: replicas and bounds.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) now: Duration,
    pub(super) current: i64,
    pub(super) least: i64,
    pub(super) most: i64,
}

/// What is left of a recommendation, and why: reason and message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Normalized {
    pub(super) desired: i64,
    /// What held it back because of what was recommended lately.
    pub(super) stabilized: Option<(&'static str, &'static str)>,
    /// Whether bounds or rates held it back.
    pub(super) limited: bool,
    pub(super) limit: (&'static str, &'static str),
}

impl History {
    /// Keeps a recommendation within what bounds, stabilization and policies allow.
    pub(super) fn normalize(
        &mut self,
        look: Look,
        wanted: i64,
        behavior: Option<&HorizontalPodAutoscalerBehavior>,
    ) -> Normalized {
        if self.recommendations.is_empty() {
            self.recommendations.push((look.now, look.current));
        }
        let (up, down) = (Rules::up(behavior), Rules::down(behavior));
        let stable = match behavior {
            Some(_) => self.stable(look, wanted, &up, &down),
            None => self.since(look.now, STABILIZATION).fold(wanted, i64::max),
        };
        let longest = up.window.max(down.window).max(STABILIZATION);
        self.recommendations.retain(|(at, _)| look.now.saturating_sub(*at) <= longest);
        self.recommendations.push((look.now, wanted));
        let why = if behavior.is_some() && wanted >= look.current { LOWER_LATELY } else { HIGHER_LATELY };
        let (desired, limit) = match behavior {
            Some(_) => self.at_rate(look, stable, &up, &down),
            None => bounded(look, stable),
        };
        Normalized { desired, stabilized: (stable != wanted).then_some(why), limited: desired != stable, limit }
    }

    /// Notes that the target was scaled; only policies ask for it.
    pub(super) fn scaled(&mut self, now: Duration, before: i64, after: i64) {
        let longest = Duration::from_secs(1800); // The longest period that the API server takes.
        let (events, change) =
            if after > before { (&mut self.ups, after - before) } else { (&mut self.downs, before - after) };
        events.retain(|(at, _)| now.saturating_sub(*at) < longest);
        events.push((now, change));
    }

    fn since(&self, now: Duration, window: Duration) -> impl Iterator<Item = i64> {
        let young = move |at: Duration| now.saturating_sub(at) < window;
        self.recommendations.iter().filter(move |(at, _)| young(*at)).map(|(_, number)| *number)
    }

    /// The present number, moved only as far as every recommendation of the window agrees
    /// (`stabilizeRecommendationWithBehaviors`).
    fn stable(&self, look: Look, wanted: i64, up: &Rules, down: &Rules) -> i64 {
        let lowest = self.since(look.now, up.window).fold(wanted, i64::min);
        let highest = self.since(look.now, down.window).fold(wanted, i64::max);
        look.current.max(lowest).min(highest)
    }

    /// Moves no faster than the policies allow (`convertDesiredReplicasWithBehaviorRate`).
    fn at_rate(&self, look: Look, wanted: i64, up: &Rules, down: &Rules) -> (i64, (&'static str, &'static str)) {
        let Look { current, least, most, .. } = look;
        if wanted > current {
            let limit = self.limit_up(look, up).max(current);
            let (highest, why) = if most > limit { (limit, FAST_UP) } else { (most, TOO_MANY) };
            if wanted > highest {
                return (highest, why);
            }
        } else if wanted < current {
            let limit = self.limit_down(look, down).min(current);
            let (lowest, why) = if least < limit { (limit, FAST_DOWN) } else { (least, TOO_FEW) };
            if wanted < lowest {
                return (lowest, why);
            }
        }
        (wanted, IN_RANGE)
    }

    fn limit_up(&self, look: Look, rules: &Rules) -> i64 {
        let proposed = rules.policies.iter().map(|policy| {
            let start = self.replicas_at_start(look, policy);
            match policy.type_.as_str() {
                "Pods" => start + i64::from(policy.value),
                _ => grown(start, policy.value),
            }
        });
        match rules.select {
            Select::Disabled => look.current,
            Select::Min => proposed.min().unwrap_or(look.current),
            Select::Max => proposed.max().unwrap_or(look.current),
        }
    }

    fn limit_down(&self, look: Look, rules: &Rules) -> i64 {
        let proposed = rules.policies.iter().map(|policy| {
            let start = self.replicas_at_start(look, policy);
            match policy.type_.as_str() {
                "Pods" => start - i64::from(policy.value),
                _ => start * (100 - i64::from(policy.value)) / 100,
            }
        });
        match rules.select {
            Select::Disabled => look.current,
            Select::Min => proposed.max().unwrap_or(look.current),
            Select::Max => proposed.min().unwrap_or(look.current),
        }
    }

    /// How many there were when the period of a policy began, if nobody else scaled.
    fn replicas_at_start(&self, look: Look, policy: &HPAScalingPolicy) -> i64 {
        let period = Duration::from_secs(u64::try_from(policy.period_seconds).unwrap_or_default());
        let sum = |events: &[(Duration, i64)]| -> i64 {
            events.iter().filter(|(at, _)| look.now.saturating_sub(*at) < period).map(|(_, change)| change).sum()
        };
        look.current - sum(&self.ups) + sum(&self.downs)
    }
}

/// Which of several policies counts.
#[derive(Clone, Copy)]
enum Select {
    Max,
    Min,
    Disabled,
}

/// So many percent more, rounded up, so that a small number can grow; in the floating point of the real controller.
#[expect(clippy::cast_possible_truncation, reason = "replicas and percentages have 32 bits")]
fn grown(replicas: i64, percent: i32) -> i64 {
    (replicas as f64 * (1.0 + f64::from(percent) / 100.0)).ceil() as i64
}

/// The rules of one direction, defaults filled in (`GenerateHPAScaleUpRules`, `GenerateHPAScaleDownRules`).
struct Rules {
    window: Duration,
    select: Select,
    policies: Vec<HPAScalingPolicy>,
}

impl Rules {
    /// At once; by four pods or to double their number in 15 seconds, whichever is more.
    fn up(behavior: Option<&HorizontalPodAutoscalerBehavior>) -> Self {
        let rules = behavior.and_then(|behavior| behavior.scale_up.as_ref());
        Self::read(rules, Duration::ZERO, &[("Pods", 4), ("Percent", 100)])
    }

    /// After five minutes; then all at once.
    fn down(behavior: Option<&HorizontalPodAutoscalerBehavior>) -> Self {
        let rules = behavior.and_then(|behavior| behavior.scale_down.as_ref());
        Self::read(rules, STABILIZATION, &[("Percent", 100)])
    }

    fn read(rules: Option<&HPAScalingRules>, window: Duration, policies: &[(&str, i32)]) -> Self {
        let seconds = rules.and_then(|rules| rules.stabilization_window_seconds);
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let select = rules.and_then(|rules| rules.select_policy.as_deref());
        let known = rules.and_then(|rules| rules.policies.clone());
        let policy =
            |&(kind, value): &(&str, i32)| HPAScalingPolicy { type_: kind.to_owned(), value, period_seconds: 15 };
        Self {
            window: seconds.map_or(window, Duration::from_secs),
            select: match select {
                Some("Disabled") => Select::Disabled,
                Some("Min") => Select::Min,
                _ => Select::Max,
            },
            policies: known.unwrap_or_else(|| policies.iter().map(policy).collect()),
        }
    }
}

/// The bounds of an autoscaler without a behavior of its own: it grows to double at most, or to four
/// (`convertDesiredReplicasWithRules`).
fn bounded(look: Look, wanted: i64) -> (i64, (&'static str, &'static str)) {
    let rise = (look.current * 2).max(4);
    let (highest, why) = if look.most > rise { (rise, FAST_UP) } else { (look.most, TOO_MANY) };
    if wanted < look.least {
        (look.least, TOO_FEW)
    } else if wanted > highest {
        (highest, why)
    } else {
        (wanted, IN_RANGE)
    }
}
