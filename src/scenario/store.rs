//! A workload on a store, and where the store is: `[[data]]` with a `store`, as in the file. Says nothing of what a client does.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::checks::one_second;
use super::value::{DurationText, ServicePort};
use crate::workload::{Claim, Kind, ReadFrom, StoreKind, Verb};

/// Clients operate a store while the faults hold; their history is judged by what the store claims.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreCheck {
    /// The workload.
    pub kind: Kind,
    /// Name in the report; that of the workload when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it runs on.
    pub store: Store,
    /// What the store promises; each workload has a claim of its own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// Clients, each with one request under way.
    #[serde(default = "five_clients")]
    pub clients: u32,
    /// Keys (or sets, accounts, queues, …) in use at once.
    #[serde(default = "three")]
    pub keys: u32,
    /// Requests per second over all clients, open loop up to the number of clients.
    #[serde(default = "fifty")]
    pub rate: f64,
    /// A request without an answer in this time is indeterminate.
    #[serde(with = "humantime_serde", default = "one_second")]
    #[schemars(with = "DurationText")]
    pub timeout: Duration,
    /// Where the clients' connections start: where Driftproof runs when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ClientsFrom>,
    /// Where reads go: `anywhere` a client would send them, or each to one of the `replicas`.
    #[serde(default)]
    pub read_from: ReadFrom,
    /// How often each function is chosen, relative to the others; the workload's own mix when absent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mix: BTreeMap<Verb, u32>,
}

impl StoreCheck {
    /// Its name in the report.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.kind.name())
    }

    /// Whether the clients' connections start inside the cluster.
    #[must_use]
    pub const fn from_cluster(&self) -> bool {
        matches!(self.from, Some(ClientsFrom::Cluster))
    }

    /// What it puts to the test.
    #[must_use]
    pub fn claim(&self) -> Claim {
        self.claim.unwrap_or_else(|| self.kind.claim())
    }
}

/// Where the connections of a store's clients start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientsFrom {
    /// In a pod that Driftproof starts for the run, so that DNS, Services and network policies are crossed. Requests are timed
    /// where Driftproof runs, around their whole way.
    Cluster,
}

pub(super) const fn five_clients() -> u32 {
    5
}
pub(super) const fn three() -> u32 {
    3
}
pub(super) const fn fifty() -> f64 {
    50.0
}

/// A store, and how it is spoken to. Keys of one kind of store are refused for the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// What it is.
    pub kind: StoreKind,
    /// A Service port: each pod of the target is an endpoint, at the port behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServicePort>,
    /// Endpoints reached directly, each as `"name=host:port"`; live clusters only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<NamedEndpoint>,
    /// `etcd`: how it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<EtcdReads>,
    /// `redis`: after each write, for how many replicas to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u32>,
    /// `redis`: for how long to wait for them.
    #[serde(with = "humantime_serde", default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub wait_timeout: Option<Duration>,
    /// `redis`: the Sentinels, each as `"name=host:port"`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sentinels: Vec<NamedEndpoint>,
    /// `redis`: what the Sentinels call the primary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<String>,
    /// `postgres`: role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `postgres`: database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// `postgres`: isolation level of every transaction; `serializable` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
    /// `postgres`: how a value is changed that depends on the one before; `one-statement` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Update>,
    /// `redis` and `postgres`: the environment variable that holds the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// `http`: headers of every request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// `http`: reads `{key}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<HttpCall>,
    /// `http`: writes `{value}` to `{key}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<HttpCall>,
    /// `http`: makes `{key}` `{to}` if it is `{from}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cas: Option<HttpCall>,
    /// `http`: adds `{value}` to the set `{key}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add: Option<HttpCall>,
    /// `http`: reads the set `{key}` as the service as a whole sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<HttpCall>,
    /// `http`: reads the set `{key}` as the endpoint that is asked has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_members: Option<HttpCall>,
    /// `command`: program and arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
}

impl Store {
    /// A store of which nothing is said but its kind.
    #[must_use]
    pub fn of(kind: StoreKind) -> Self {
        Self {
            kind,
            service: None,
            endpoints: Vec::new(),
            reads: None,
            wait: None,
            wait_timeout: None,
            sentinels: Vec::new(),
            master: None,
            user: None,
            database: None,
            isolation: None,
            update: None,
            password_env: None,
            headers: BTreeMap::new(),
            read: None,
            write: None,
            cas: None,
            add: None,
            members: None,
            local_members: None,
            command: Vec::new(),
        }
    }
}

/// How etcd is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EtcdReads {
    /// Through the leader: the newest value.
    Linearizable,
    /// From the member that was asked: possibly an old one.
    Serializable,
}

/// Isolation levels of PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// Read committed.
    ReadCommitted,
    /// Repeatable read.
    RepeatableRead,
    /// Serializable.
    Serializable,
}

/// How a dependent value is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Update {
    /// By one statement.
    OneStatement,
    /// Read, then written by a second statement.
    ReadThenWrite,
}

/// One kind of request to a JSON service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpCall {
    /// Method and path: `"PUT /kv/{key}"`.
    pub request: String,
    /// Body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Where the value is in the answer of a read: a JSON pointer, empty for the whole body.
    #[serde(default)]
    pub value: String,
    /// The statuses from 400 to 499 that mean for certain that nothing happened.
    #[serde(default)]
    pub definite: Vec<u16>,
    /// The statuses by which a read says that there is no value.
    #[serde(default)]
    pub absent: Vec<u16>,
    /// Where a compare-and-set that was refused says what the value is: a JSON pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
}

/// An endpoint with a name, written `"db-0=10.0.0.7:6379"`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedEndpoint {
    /// Name in the history and in reports.
    pub name: String,
    /// `host:port`.
    pub address: String,
}

impl fmt::Display for NamedEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.address)
    }
}

impl FromStr for NamedEndpoint {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').filter(|(name, address)| {
            let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
            !name.is_empty() && port.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0))
        });
        let (name, address) =
            parts.ok_or_else(|| format!("`{text}` is not an endpoint such as \"db-0=10.0.0.7:6379\""))?;
        Ok(Self { name: name.to_owned(), address: address.to_owned() })
    }
}

impl Serialize for NamedEndpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NamedEndpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for NamedEndpoint {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NamedEndpoint".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "An endpoint with a name, such as \"db-0=10.0.0.7:6379\".",
            "pattern": "^[^=]+=.+:[0-9]+$",
        })
    }
}
