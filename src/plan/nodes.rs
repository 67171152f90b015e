//! Chooses the nodes of a `node-drain` and of a `node-failure`.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Node, Pod};
use rand::rngs::ChaCha8Rng;

use crate::scenario::{Count, FailureMode, NodeChoice, NodeDrain, NodeFailure, Target};

use super::chance;
use super::drain::{DrainRules, Fate, fate};
use super::inventory::{
    Inventory, is_control_plane, is_cordoned, is_finished, is_node_ready, is_running, is_terminating, node_of,
    node_target, zone_of,
};
use super::make::Trouble;
use super::model::{Action, Draw, NodeTarget};
use super::pods::{Group, ordinal, pods_of, role};
use super::{selector, taint};

/// Resolves a drain on this inventory.
pub(super) fn drain(
    fault: &NodeDrain,
    target: &Target,
    inventory: &Inventory,
    generator: &mut ChaCha8Rng,
) -> Result<(Action, Option<Draw>), Trouble> {
    let (nodes, drawn) = choose(&fault.node, target, inventory, generator, |node| !is_cordoned(node))?;
    let (timeout, delete_emptydir_data, force) = (fault.timeout, fault.delete_emptydir_data, fault.force);
    Ok((Action::NodeDrain { nodes, timeout, delete_emptydir_data, force }, drawn))
}

/// Resolves a failure on this inventory. `value` is the one of the step's taint, if it sets one.
pub(super) fn failure(
    fault: &NodeFailure,
    target: &Target,
    inventory: &Inventory,
    generator: &mut ChaCha8Rng,
    value: &str,
) -> Result<(Action, Option<Draw>), Trouble> {
    let is_fresh = |node: &Node| is_node_ready(node) && (fault.mode != FailureMode::Taint || !taint::is_tainted(node));
    let (nodes, drawn) = choose(&fault.node, target, inventory, generator, is_fresh)?;
    if fault.mode == FailureMode::Taint {
        taint::bites(&nodes, Group::from(target), inventory, value)?;
    }
    Ok((Action::NodeFailure { nodes, mode: fault.mode, command: fault.command.clone() }, drawn))
}

/// Refuses to take nodes from under others than the target: that proves nothing about it.
pub(super) fn touches(action: &Action, target: &Target, inventory: &Inventory) -> Result<(), Trouble> {
    let (nodes, rules) = match action {
        Action::NodeDrain { nodes, delete_emptydir_data, force, .. } => {
            (nodes, Some(DrainRules { delete_emptydir_data: *delete_emptydir_data, force: *force }))
        }
        Action::NodeFailure { nodes, .. } => (nodes, None),
        Action::PodKill { .. } | Action::NetworkPartition { .. } | Action::EtcdMemberReplace { .. } => return Ok(()),
    };
    let takes = |pod: &Pod| rules.is_none_or(|rules| fate(pod, rules) != Fate::Stay);
    let mut here = pods_of(target, inventory)
        .into_iter()
        .filter(|pod| !is_finished(pod) && !is_terminating(pod) && nodes.iter().any(|node| node.name == node_of(pod)))
        .peekable();
    let names = nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ");
    let group = Group::from(target).describe();
    if here.peek().is_none() {
        return Err(Trouble::no_target(format!(
            "no pod of {group} is on {names}: whatever happens there proves nothing about it; choose the node by `of = \"target\"`"
        )));
    }
    if here.any(takes) {
        return Ok(());
    }
    Err(Trouble::no_target(format!(
        "a drain leaves the pods of {group} on {names} where they are, since they belong to their node: it proves nothing about them; a node-failure takes them"
    )))
}

/// The nodes, sorted by name. `is_fresh` tells nodes that the fault has not already befallen; a node that is named is
/// taken as it is.
fn choose(
    choice: &NodeChoice,
    target: &Target,
    inventory: &Inventory,
    generator: &mut ChaCha8Rng,
    is_fresh: impl Fn(&Node) -> bool,
) -> Result<(Vec<NodeTarget>, Option<Draw>), Trouble> {
    let matching = matching(choice, target, inventory)?;
    let named = choice.name.is_some();
    let mut candidates: Vec<&Node> = matching.iter().copied().filter(|node| named || is_fresh(node)).collect();
    let count = choice.count.unwrap_or(if choice.zone.is_some() { Count::All } else { Count::Exactly(1) });
    // A seed that happens to hit the control plane would only be refused; when everything is asked for, it must be.
    if let Count::Exactly(_) = count
        && !choice.whole_zone
        && candidates.iter().any(|node| !is_control_plane(node))
    {
        candidates.retain(|node| !is_control_plane(node));
    }
    let wanted = count.of(candidates.len());
    if candidates.is_empty() || wanted > candidates.len() {
        return Err(Trouble::no_target(format!(
            "{} to be chosen, but only {} of {} nodes {}",
            if wanted <= 1 { "one node is".to_owned() } else { format!("{wanted} nodes are") },
            candidates.len(),
            inventory.nodes.len(),
            asked(choice, target)
        )));
    }
    let zones = if choice.whole_zone { ", with their whole zones" } else { "" };
    let drawn = (wanted < candidates.len())
        .then(|| Draw { of: candidates.len(), among: format!("nodes that {}{zones}", asked(choice, target)) });
    chance::shuffle(&mut candidates, generator);
    candidates.truncate(wanted);
    if choice.whole_zone {
        candidates = whole_zones(&candidates, inventory)?;
    }
    let mut nodes: Vec<NodeTarget> = candidates.into_iter().map(node_target).collect();
    nodes.sort();
    Ok((nodes, drawn))
}

fn matching<'a>(choice: &NodeChoice, target: &Target, inventory: &'a Inventory) -> Result<Vec<&'a Node>, Trouble> {
    let requirements = match &choice.selector {
        Some(selector) => selector.requirements().map_err(Trouble::no_target)?,
        None => Vec::new(),
    };
    let under = choice.of.map(|_| nodes_under(choice, target, inventory));
    let matches = |node: &&Node| {
        let name = node.metadata.name.as_deref().unwrap_or_default();
        choice.name.as_deref().is_none_or(|wanted| wanted == name)
            && choice.zone.as_deref().is_none_or(|wanted| wanted == zone_of(node))
            && selector::matches(&requirements, node.metadata.labels.as_ref())
            && under.as_ref().is_none_or(|under| under.contains(name))
    };
    Ok(inventory.nodes.iter().filter(matches).collect())
}

/// Names of the nodes on which running pods of the target are, with the role and the ordinal that are asked for.
fn nodes_under<'a>(choice: &NodeChoice, target: &Target, inventory: &'a Inventory) -> BTreeSet<&'a str> {
    let pods = pods_of(target, inventory).into_iter().filter(|pod| {
        is_running(pod)
            && choice.ordinal.is_none_or(|wanted| ordinal(pod) == Some(wanted))
            && choice.role.as_deref().is_none_or(|wanted| role(pod) == Some(wanted))
    });
    pods.map(node_of).filter(|node| !node.is_empty()).collect()
}

fn whole_zones<'a>(chosen: &[&Node], inventory: &'a Inventory) -> Result<Vec<&'a Node>, Trouble> {
    let zones: BTreeSet<&str> = chosen.iter().map(|node| zone_of(node)).collect();
    if zones.contains("") {
        return Err(Trouble::no_target(
            "`whole_zone` needs to know the zone of the chosen node, but it has no label topology.kubernetes.io/zone"
                .to_owned(),
        ));
    }
    Ok(inventory.nodes.iter().filter(|node| zones.contains(zone_of(node))).collect())
}

fn asked(choice: &NodeChoice, target: &Target) -> String {
    let mut asked = Vec::new();
    asked.extend(choice.name.as_ref().map(|name| format!("have the name {name}")));
    asked.extend(choice.zone.as_ref().map(|zone| format!("are in zone {zone}")));
    asked.extend(choice.selector.as_ref().map(|selector| format!("have the labels {selector}")));
    if choice.of.is_some() {
        let role = choice.role.as_ref().map(|role| format!(" with the label role={role}")).unwrap_or_default();
        let ordinal = choice.ordinal.map(|ordinal| format!(" with the ordinal {ordinal}")).unwrap_or_default();
        asked.push(format!("carry a running pod of {}{role}{ordinal}", Group::from(target).describe()));
    }
    if asked.is_empty() || choice.name.is_none() {
        asked.push("can be chosen at this moment".to_owned());
    }
    asked.join(" and ")
}
