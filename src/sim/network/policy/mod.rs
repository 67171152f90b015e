//! NetworkPolicy (`networking.k8s.io/v1`) as a pure function: may this packet pass? Never sees the store or the clock;
//! when a policy begins to count is `enforce`'s.
//!
//! | file | rule |
//! |---|---|
//! | `selector` | label selectors |
//! | `peer` | who may be at the other end: pods, namespaces, address blocks |
//! | `port` | which ports a rule opens |
//! | `isolation` | which directions a policy closes, and for which pods |
//! | `verdict` | egress at one end *and* ingress at the other |

mod isolation;
mod peer;
mod port;
mod selector;
mod verdict;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod table;

use std::collections::BTreeMap;
use std::net::IpAddr;

pub use isolation::{Policy, Rule};
pub use peer::{Block, Peer};
pub use port::{PortMatch, PortRange};
pub use selector::{Requirement, Selector};
pub use verdict::allowed;

/// Labels of a pod or a namespace.
pub type Labels = BTreeMap<String, String>;

/// The policies that are enforced, by namespace and name.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    namespaces: BTreeMap<String, BTreeMap<String, Policy>>,
}

impl Policies {
    /// Adds or replaces a policy.
    pub fn insert(&mut self, namespace: &str, name: &str, policy: Policy) {
        self.namespaces.entry(namespace.to_owned()).or_default().insert(name.to_owned(), policy);
    }

    /// Takes a policy away.
    pub fn remove(&mut self, namespace: &str, name: &str) {
        if let Some(policies) = self.namespaces.get_mut(namespace) {
            policies.remove(name);
            if policies.is_empty() {
                self.namespaces.remove(namespace);
            }
        }
    }

    /// Whether there is none at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.namespaces.is_empty()
    }

    /// The policies of one namespace.
    pub fn of(&self, namespace: &str) -> impl Iterator<Item = &Policy> {
        self.namespaces.get(namespace).into_iter().flat_map(BTreeMap::values)
    }
}

/// Transport protocol of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP, the default everywhere in Kubernetes.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// From the API's spelling; TCP when absent, `None` when unknown.
    #[must_use]
    pub fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            None | Some("TCP") => Some(Self::Tcp),
            Some("UDP") => Some(Self::Udp),
            Some("SCTP") => Some(Self::Sctp),
            Some(_) => None,
        }
    }
}

/// A named container port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPort {
    /// Name in the pod's spec.
    pub name: String,
    /// Number.
    pub number: u16,
    /// Protocol.
    pub protocol: Protocol,
}

/// One end of a packet's way.
#[derive(Clone, Copy, Debug)]
pub enum End<'a> {
    /// A pod on the pods' network.
    Pod {
        /// Its UID: a pod always reaches itself.
        uid: &'a str,
        /// Its namespace.
        namespace: &'a str,
        /// Labels of that namespace.
        namespace_labels: &'a Labels,
        /// Its labels.
        labels: &'a Labels,
        /// Its named ports.
        ports: &'a [NamedPort],
        /// Its address, when it parses.
        ip: Option<IpAddr>,
    },
    /// Anything else: a node, a host-network pod, the world outside.
    Address(Option<IpAddr>),
}

impl End<'_> {
    /// The address of this end.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Pod { ip, .. } | Self::Address(ip) => *ip,
        }
    }
}
