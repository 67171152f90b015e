//! The verdict on one packet. Policies only ever allow: a pod that none selects is open in that direction, and the
//! rules of several add up. A connection needs egress at its one end and ingress at its other.

use super::{End, Policies, Policy, Protocol, Rule};

/// Whether a packet may go from one end to a port of the other.
#[must_use]
pub fn allowed(policies: &Policies, from: &End<'_>, to: &End<'_>, port: u16, protocol: Protocol) -> bool {
    if policies.is_empty() {
        return true;
    }
    if let (End::Pod { uid: sender, .. }, End::Pod { uid: receiver, .. }) = (from, to)
        && sender == receiver
    {
        return true;
    }
    open(policies, from, |policy| policy.egress.as_deref(), |own, rule| rule.permits(own, to, to, port, protocol))
        && open(
            policies,
            to,
            |policy| policy.ingress.as_deref(),
            |own, rule| rule.permits(own, from, to, port, protocol),
        )
}

/// Whether one end lets the packet pass in one direction: no policy speaks of it, or some rule permits it.
fn open(
    policies: &Policies,
    end: &End<'_>,
    direction: impl Fn(&Policy) -> Option<&[Rule]>,
    permits: impl Fn(&str, &Rule) -> bool,
) -> bool {
    let End::Pod { namespace, labels, .. } = end else { return true };
    let mut isolated = false;
    for policy in policies.of(namespace).filter(|policy| policy.selects(labels)) {
        if let Some(rules) = direction(policy) {
            isolated = true;
            if rules.iter().any(|rule| permits(namespace, rule)) {
                return true;
            }
        }
    }
    !isolated
}
