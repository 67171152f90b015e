//! What a scenario measures: probes, data checks and queries, as in the file.

use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::model::PodSet;
use super::store::StoreCheck;
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
    /// Where attempts start; outside of the cluster when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ProbeFrom>,
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
    /// A control group: a service that the faults do not touch. No objective and no steady state counts it; when it
    /// suffers as well, the cluster and not the fault may be the cause.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub control: bool,
}

impl Probe {
    /// The pods that it starts in, when the scenario names some.
    #[must_use]
    pub const fn from_pods(&self) -> Option<&PodSet> {
        match &self.from {
            Some(ProbeFrom::Pods(set)) => Some(set),
            Some(ProbeFrom::Cluster) | None => None,
        }
    }

    /// Whether it starts in Driftproof's own pod.
    #[must_use]
    pub const fn from_cluster(&self) -> bool {
        matches!(self.from, Some(ProbeFrom::Cluster))
    }
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

/// Where the attempts of a probe start.
#[derive(Clone, Debug, PartialEq)]
pub enum ProbeFrom {
    /// `"cluster"`: in a pod that Driftproof starts for the run, so that DNS, Services and network policies are crossed.
    Cluster,
    /// In the pods of a set, in turn. Embedded cluster only.
    Pods(PodSet),
}

/// The one word that `from` takes.
pub(super) const FROM_CLUSTER: &str = "cluster";

impl Serialize for ProbeFrom {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Cluster => serializer.serialize_str(FROM_CLUSTER),
            Self::Pods(set) => set.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ProbeFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ProbeFrom;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "\"{FROM_CLUSTER}\" or a set of pods")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<ProbeFrom, E> {
                if text == FROM_CLUSTER {
                    Ok(ProbeFrom::Cluster)
                } else {
                    Err(E::invalid_value(Unexpected::Str(text), &self))
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ProbeFrom, A::Error> {
                PodSet::deserialize(MapAccessDeserializer::new(map)).map(ProbeFrom::Pods)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for ProbeFrom {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ProbeFrom".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let pods = generator.subschema_for::<PodSet>();
        json_schema!({
            "description": "Where the attempts of a probe start.",
            "oneOf": [
                {
                    "description": "In a pod that Driftproof starts for the run.",
                    "type": "string",
                    "const": FROM_CLUSTER,
                },
                pods,
            ],
        })
    }
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
    /// A workload on a store, whose history is judged; its `kind` is that of the workload, and it has a `store`.
    #[serde(untagged)]
    Store(Box<StoreCheck>),
}

impl DataCheck {
    /// Whether clients of a store start inside the cluster.
    #[must_use]
    pub const fn from_cluster(&self) -> bool {
        match self {
            Self::Store(check) => check.from_cluster(),
            Self::Set(_) | Self::Volume(_) => false,
        }
    }
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
