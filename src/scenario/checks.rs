//! What a scenario measures: probes, data checks and queries, as in the file.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::PodSet;
use super::value::{DurationText, ServicePort};

/// An open-loop probe: attempts are due at a fixed rate whatever the answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Name in the report.
    pub name: String,
    /// `http` or `tcp`.
    pub kind: ProbeKind,
    /// A Service port; reached through the API server's service proxy, or on the embedded network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServicePort>,
    /// A URL (`http`) or `host:port` (`tcp`) to reach directly; live clusters only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Pods to probe from; from outside when absent. Embedded cluster only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PodSet>,
    /// Path of an `http` probe.
    #[serde(default = "root_path")]
    pub path: String,
    /// HTTP statuses that count as an answer; 200 to 399 when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<u16>,
    /// Attempts per second.
    #[serde(default = "default_rate")]
    pub rate: f64,
    /// An attempt without an answer in this time has failed; counted from when it was due.
    #[serde(with = "humantime_serde", default = "one_second")]
    #[schemars(with = "DurationText")]
    pub timeout: Duration,
}

pub(super) fn root_path() -> String {
    "/".to_owned()
}

pub(super) fn default_rate() -> f64 {
    10.0
}

pub(super) const fn one_second() -> Duration {
    Duration::from_secs(1)
}

/// What a probe speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeKind {
    /// A GET request.
    Http,
    /// A connection that opens.
    Tcp,
}

/// A check that data survives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum DataCheck {
    /// Acknowledged unique writes through the service, read back from every replica.
    Set(SetCheck),
    /// The content of a volume before and after.
    Volume(VolumeCheck),
}

/// Unique values are added through a Service while the faults hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetCheck {
    /// Name in the report.
    #[serde(default = "set_name")]
    pub name: String,
    /// The Service port that takes the writes.
    pub service: ServicePort,
    /// Concurrent writers, each with one write under way.
    #[serde(default = "five")]
    pub clients: u32,
    /// Writes per second over all clients, open loop up to the number of clients.
    #[serde(default = "default_rate")]
    pub rate: f64,
    /// Request that adds `{value}`: method and path.
    #[serde(default = "set_write")]
    pub write: String,
    /// Request that reads the set through the Service: a JSON array.
    #[serde(default = "set_read")]
    pub read: String,
    /// Request that reads one replica's own copy, asked of every pod of the target: a JSON array.
    #[serde(default = "set_replica_read")]
    pub replica_read: String,
    /// A write without an answer in this time is indeterminate.
    #[serde(with = "humantime_serde", default = "one_second")]
    #[schemars(with = "DurationText")]
    pub timeout: Duration,
}

pub(super) fn set_name() -> String {
    "set".to_owned()
}
pub(super) const fn five() -> u32 {
    5
}
pub(super) fn set_write() -> String {
    "PUT /set/driftproof/{value}".to_owned()
}
pub(super) fn set_read() -> String {
    "GET /set/driftproof".to_owned()
}
pub(super) fn set_replica_read() -> String {
    "GET /local/set/driftproof".to_owned()
}

/// The files of a mounted volume, compared before and after by their digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeCheck {
    /// Name in the report.
    #[serde(default = "volume_name")]
    pub name: String,
    /// Mount path in the target's pods.
    pub path: String,
    /// A file that is written into the volume before the first fault, so that an empty volume is not mistaken for a kept one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<String>,
}

pub(super) fn volume_name() -> String {
    "volume".to_owned()
}

/// A Prometheus query with a bound. No data is inconclusive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Name in the report.
    pub name: String,
    /// The query, in `PromQL`.
    pub expr: String,
    /// Bound on every value, such as `">= 0.99"`, `"< 5"`, `"== 0"`.
    pub bound: String,
    /// Evaluate over the whole run at this step instead of once at the end.
    #[serde(with = "humantime_serde", default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub step: Option<Duration>,
}
