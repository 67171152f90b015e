//! Which ports a rule opens: by number, by name (looked up in the receiving pod), by range (`endPort`), by protocol.

use k8s_openapi::api::networking::v1::NetworkPolicyPort;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{End, Protocol};

/// One entry of a rule's `ports`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortMatch {
    /// Protocol; `None` when it could not be read, which matches nothing.
    pub protocol: Option<Protocol>,
    /// Which ports of that protocol.
    pub ports: PortRange,
}

/// Ports of one protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortRange {
    /// All of them.
    All,
    /// From `port` to `endPort`, both included.
    Numbers(i32, i32),
    /// The container port of this name in the receiving pod.
    Named(String),
}

impl PortMatch {
    /// Reads one port.
    #[must_use]
    pub fn read(api: &NetworkPolicyPort) -> Self {
        let ports = match &api.port {
            None => PortRange::All,
            Some(IntOrString::Int(port)) => PortRange::Numbers(*port, api.end_port.unwrap_or(*port)),
            Some(IntOrString::String(name)) => PortRange::Named(name.clone()),
        };
        Self { protocol: Protocol::parse(api.protocol.as_deref()), ports }
    }

    /// Whether a packet to this port of `receiver` is meant.
    #[must_use]
    pub fn matches(&self, receiver: &End<'_>, port: u16, protocol: Protocol) -> bool {
        if self.protocol != Some(protocol) {
            return false;
        }
        match (&self.ports, receiver) {
            (PortRange::All, _) => true,
            (PortRange::Numbers(first, last), _) => (*first..=*last).contains(&i32::from(port)),
            (PortRange::Named(name), End::Pod { ports, .. }) => {
                ports.iter().any(|known| known.name == *name && known.number == port && known.protocol == protocol)
            }
            (PortRange::Named(_), End::Address(_)) => false,
        }
    }
}
