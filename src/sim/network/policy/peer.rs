//! The other end of a rule: pods of this namespace, of selected namespaces, or a block of addresses.
//! `podSelector` and `namespaceSelector` in one peer must both hold.

use std::net::IpAddr;

use k8s_openapi::api::networking::v1::NetworkPolicyPeer;

use super::{End, Selector};

/// One entry of `from` or `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Pods; without a namespace selector those of the policy's own namespace.
    Pods {
        /// `namespaceSelector`.
        namespaces: Option<Selector>,
        /// `podSelector`; every pod when absent.
        pods: Selector,
    },
    /// `ipBlock`: addresses, pods' addresses among them.
    Block {
        /// `cidr`.
        within: Block,
        /// `except`.
        except: Vec<Block>,
    },
    /// A peer that cannot be read, such as a malformed CIDR: matches nothing.
    Nobody,
}

impl Peer {
    /// Reads one peer.
    #[must_use]
    pub fn read(api: &NetworkPolicyPeer) -> Self {
        if let Some(block) = &api.ip_block {
            let except: Option<Vec<_>> = block.except.iter().flatten().map(|cidr| Block::parse(cidr)).collect();
            return match (Block::parse(&block.cidr), except) {
                (Some(within), Some(except)) => Self::Block { within, except },
                _ => Self::Nobody,
            };
        }
        if api.pod_selector.is_none() && api.namespace_selector.is_none() {
            return Self::Nobody;
        }
        let pods = api.pod_selector.as_ref().map(Selector::read).unwrap_or_default();
        Self::Pods { namespaces: api.namespace_selector.as_ref().map(Selector::read), pods }
    }

    /// Whether `other` is such a peer for a policy of namespace `own`.
    #[must_use]
    pub fn matches(&self, own: &str, other: &End<'_>) -> bool {
        match (self, other) {
            (Self::Nobody, _) | (Self::Pods { .. }, End::Address(_)) => false,
            (Self::Pods { namespaces, pods }, End::Pod { namespace, namespace_labels, labels, .. }) => {
                let there = namespaces.as_ref().map_or(*namespace == own, |wanted| wanted.selects(namespace_labels));
                there && pods.selects(labels)
            }
            (Self::Block { within, except }, _) => {
                other.ip().is_some_and(|ip| within.contains(ip) && !except.iter().any(|hole| hole.contains(ip)))
            }
        }
    }
}

/// A block of addresses in CIDR notation, IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    address: IpAddr,
    prefix: u32,
}

impl Block {
    /// Reads `10.0.0.0/8`.
    #[must_use]
    pub fn parse(cidr: &str) -> Option<Self> {
        let (address, prefix) = cidr.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let prefix: u32 = prefix.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= longest).then_some(Self { address, prefix })
    }

    /// Whether an address lies in the block.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip) {
            (IpAddr::V4(block), IpAddr::V4(ip)) => {
                let differing = u32::from(block) ^ u32::from(ip);
                differing.leading_zeros() >= self.prefix
            }
            (IpAddr::V6(block), IpAddr::V6(ip)) => {
                let differing = u128::from(block) ^ u128::from(ip);
                differing.leading_zeros() >= self.prefix
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}
