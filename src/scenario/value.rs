//! The small values of a scenario file that have a syntax of their own. Each parses from and prints to one string.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::selector::{Requirement, requirements};

macro_rules! as_string {
    ($type:ty, $description:literal, $($pattern:tt)*) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $description, $($pattern)* })
            }
        }
    };
}

pub(super) use as_string;

/// A share in percent, written `"99.9%"`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl FromStr for Percent {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let number =
            text.trim().strip_suffix('%').ok_or_else(|| format!("`{text}` is not a percentage such as \"99.9%\""))?;
        let share: f64 =
            number.trim().parse().map_err(|_| format!("`{text}` is not a percentage such as \"99.9%\""))?;
        if (0.0..=100.0).contains(&share) {
            Ok(Self(share))
        } else {
            Err(format!("`{text}` is not between 0% and 100%"))
        }
    }
}

as_string!(Percent, "A share in percent, such as \"99.9%\".", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$");

/// The kinds of workload that can be a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkloadKind {
    /// `deployment/NAME`
    Deployment,
    /// `statefulset/NAME`
    StatefulSet,
    /// `daemonset/NAME`
    DaemonSet,
    /// `pod/NAME`: a pod that nothing would replace.
    Pod,
}

impl WorkloadKind {
    /// Every kind with the word that scenario files use.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Deployment, "deployment"),
        (Self::StatefulSet, "statefulset"),
        (Self::DaemonSet, "daemonset"),
        (Self::Pod, "pod"),
    ];

    /// The word that scenario files use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
            Self::Pod => "pod",
        }
    }
}

/// A workload, written `"deployment/web"`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Workload {
    /// Kind of the workload.
    pub kind: WorkloadKind,
    /// Name of the workload.
    pub name: String,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.word(), self.name)
    }
}

impl FromStr for Workload {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a workload such as \"deployment/web\"");
        let (kind, name) = text.split_once('/').ok_or_else(wrong)?;
        let kind = WorkloadKind::ALL.into_iter().find(|(_, word)| *word == kind);
        let (kind, _) =
            kind.ok_or_else(|| format!("{}: kinds are deployment, statefulset, daemonset and pod", wrong()))?;
        if name.is_empty() || name.contains('/') {
            return Err(wrong());
        }
        Ok(Self { kind, name: name.to_owned() })
    }
}

as_string!(Workload, "A workload, such as \"deployment/web\".", "pattern": "^(deployment|statefulset|daemonset|pod)/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$");

/// A label selector as kubectl takes it, written `"app=web,tier!=cache"`. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selector(pub String);

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Selector {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        requirements(text)?;
        Ok(Self(text.trim().to_owned()))
    }
}

impl Selector {
    /// Its conditions, all of which must hold.
    ///
    /// # Errors
    /// Only when the text was put into the public field without having been parsed.
    pub fn requirements(&self) -> Result<Vec<Requirement>, String> {
        requirements(&self.0)
    }
}

as_string!(Selector, "A label selector as kubectl takes it, such as \"app=web\".", "minLength": 1);

/// A port of a Service, written `"web:80"` or `"web:http"`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServicePort {
    /// Name of the Service, in the target's namespace unless written `name.namespace:port`.
    pub service: String,
    /// Namespace, when it is not the target's.
    pub namespace: Option<String>,
    /// Port number or name.
    pub port: String,
}

impl fmt::Display for ServicePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}.{namespace}:{}", self.service, self.port),
            None => write!(f, "{}:{}", self.service, self.port),
        }
    }
}

impl FromStr for ServicePort {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a Service port such as \"web:80\"");
        let (host, port) = text.split_once(':').ok_or_else(wrong)?;
        let (service, namespace) = match host.split_once('.') {
            Some((service, namespace)) => (service, Some(namespace.to_owned())),
            None => (host, None),
        };
        if service.is_empty() || port.is_empty() || namespace.as_deref() == Some("") {
            return Err(wrong());
        }
        Ok(Self { service: service.to_owned(), namespace, port: port.to_owned() })
    }
}

as_string!(ServicePort, "A port of a Service, such as \"web:80\".", "pattern": "^[a-z0-9][-a-z0-9]*(\\.[a-z0-9][-a-z0-9]*)?:[a-z0-9-]+$");

/// How durations stand in the JSON Schema. Durations themselves are [`std::time::Duration`], read by humantime.
pub(super) struct DurationText;

impl schemars::JsonSchema for DurationText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A duration with units, such as \"500ms\", \"10s\" or \"2m 30s\".",
            "pattern": r"^\s*(0|([0-9]+(\.[0-9]+)?\s*[a-zA-Zµ]+\s*)+)\s*$",
        })
    }
}

/// How many of a set: `2`, `"50%"` (rounded up) or `"all"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Count {
    /// Exactly so many.
    Exactly(u32),
    /// A share of the set, rounded up.
    Share(Percent),
    /// The whole set.
    All,
}

impl Count {
    /// The number out of `total`; may exceed it, which the plan refuses.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count of pods is small and not negative"
    )]
    pub fn of(self, total: usize) -> usize {
        match self {
            Self::Exactly(count) => count as usize,
            Self::Share(Percent(share)) => (total as f64 * share / 100.0).ceil() as usize,
            Self::All => total,
        }
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Exactly(count) => serializer.serialize_u32(*count),
            Self::Share(share) => share.serialize(serializer),
            Self::All => serializer.serialize_str("all"),
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Count;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of at least 1, a share such as \"50%\", or \"all\"")
            }
            fn visit_i64<E: serde::de::Error>(self, count: i64) -> Result<Count, E> {
                match u32::try_from(count) {
                    Ok(count) if count > 0 => Ok(Count::Exactly(count)),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Signed(count), &self)),
                }
            }
            fn visit_u64<E: serde::de::Error>(self, count: u64) -> Result<Count, E> {
                self.visit_i64(i64::try_from(count).unwrap_or(-1))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Count, E> {
                if text == "all" { Ok(Count::All) } else { text.parse().map(Count::Share).map_err(E::custom) }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl schemars::JsonSchema for Count {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Count".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "How many: a number, a share such as \"50%\" (rounded up), or \"all\".",
            "oneOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?%|all)$" },
            ],
        })
    }
}
