//! When a fault is healed before its time: a neighbour that must not suffer, or a query whose bound must hold meanwhile.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::DurationText;

/// Watched while faults hold: when it is met, all of them are healed at once and the run ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Abort {
    /// Name of a probe that must not be without an answer for longer than `outage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
    /// How long that probe may be without an answer.
    #[serde(with = "humantime_serde", default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub outage: Option<Duration>,
    /// A PromQL expression each of whose samples must keep `bound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// What each sample must keep: a comparison and a number, such as `< 0.05`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<String>,
    /// How often the query is asked.
    #[serde(with = "humantime_serde", default = "five_seconds")]
    #[schemars(with = "DurationText")]
    pub every: Duration,
    /// What the run is then.
    #[serde(default)]
    pub verdict: AbortVerdict,
}

pub(super) const fn five_seconds() -> Duration {
    Duration::from_secs(5)
}

/// What a run is that was aborted by a condition of its scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AbortVerdict {
    /// It cannot be told how the target would have taken the whole fault.
    #[default]
    Inconclusive,
    /// What must not suffer suffered.
    Fail,
}
