//! What one policy closes and opens: the pods it selects are isolated in each of its `policyTypes`,
//! and its rules are the exceptions.

use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};

use super::{End, Labels, Peer, PortMatch, Protocol, Selector};

/// One `ingress` or `egress` entry: peers and ports, both of which must match; an empty list matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// `from` or `to`.
    pub peers: Vec<Peer>,
    /// `ports`.
    pub ports: Vec<PortMatch>,
}

impl Rule {
    fn read(peers: Option<&Vec<NetworkPolicyPeer>>, ports: Option<&Vec<NetworkPolicyPort>>) -> Self {
        Self {
            peers: peers.into_iter().flatten().map(Peer::read).collect(),
            ports: ports.into_iter().flatten().map(PortMatch::read).collect(),
        }
    }

    /// Whether this rule of a policy in namespace `own` lets a packet pass.
    #[must_use]
    pub fn permits(&self, own: &str, other: &End<'_>, receiver: &End<'_>, port: u16, protocol: Protocol) -> bool {
        (self.peers.is_empty() || self.peers.iter().any(|peer| peer.matches(own, other)))
            && (self.ports.is_empty() || self.ports.iter().any(|open| open.matches(receiver, port, protocol)))
    }
}

/// A policy, ready to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Which pods of its namespace it is about.
    pub pods: Selector,
    /// Rules for what comes in; `None` when the policy does not speak of ingress.
    pub ingress: Option<Vec<Rule>>,
    /// Rules for what goes out; `None` when the policy does not speak of egress.
    pub egress: Option<Vec<Rule>>,
}

impl Policy {
    /// Reads a policy. Without `policyTypes` it is about ingress, and about egress when it has egress rules.
    #[must_use]
    pub fn read(api: &NetworkPolicy) -> Self {
        let Some(spec) = &api.spec else { return Self { ingress: Some(Vec::new()), ..Self::default() } };
        let has_egress = spec.egress.as_ref().is_some_and(|rules| !rules.is_empty());
        let (ingress, egress) = match &spec.policy_types {
            Some(types) if !types.is_empty() => {
                (types.iter().any(|name| name == "Ingress"), types.iter().any(|name| name == "Egress"))
            }
            _ => (true, has_egress),
        };
        let incoming = spec.ingress.iter().flatten().map(|rule| Rule::read(rule.from.as_ref(), rule.ports.as_ref()));
        let outgoing = spec.egress.iter().flatten().map(|rule| Rule::read(rule.to.as_ref(), rule.ports.as_ref()));
        Self {
            pods: spec.pod_selector.as_ref().map(Selector::read).unwrap_or_default(),
            ingress: ingress.then(|| incoming.collect()),
            egress: egress.then(|| outgoing.collect()),
        }
    }

    /// Whether it is about a pod of its namespace with these labels.
    #[must_use]
    pub fn selects(&self, labels: &Labels) -> bool {
        self.pods.selects(labels)
    }
}
