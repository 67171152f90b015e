//! `PodTopologySpread`: pods of a group are spread over the values of a node label; `DoNotSchedule` filters,
//! `ScheduleAnyway` scores. Owned pods without constraints are spread over hosts and zones by score.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::{ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Service, TopologySpreadConstraint};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use super::{Plugin, Rejection, node_affinity, taint_toleration};
use crate::Kind;
use crate::labels;
use crate::scheduler::cache::NodeInfo;
use crate::scheduler::cycle::Cycle;

const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";
const PLUGIN: Plugin = Plugin::PodTopologySpread;

/// One constraint, made ready.
#[derive(Debug)]
struct Constraint {
    key: String,
    max_skew: i64,
    min_domains: usize,
    selector: LabelSelector,
    honours_affinity: bool,
    honours_taints: bool,
    /// Pods of the group by domain, on nodes that take part.
    domains: BTreeMap<String, i64>,
    /// Pods of the group by node.
    on_nodes: BTreeMap<String, i64>,
}

impl Constraint {
    fn read(cycle: &Cycle, said: &TopologySpreadConstraint) -> Self {
        let mut selector = said.label_selector.clone().unwrap_or_else(nothing);
        for name in said.match_label_keys.iter().flatten() {
            if let Some(value) = cycle.pod.object.label(name) {
                selector.match_expressions.get_or_insert_default().push(LabelSelectorRequirement {
                    key: name.clone(),
                    operator: "In".to_owned(),
                    values: Some(vec![value.to_owned()]),
                });
            }
        }
        Self {
            honours_affinity: said.node_affinity_policy.as_deref() != Some("Ignore"),
            honours_taints: said.node_taints_policy.as_deref() == Some("Honor"),
            min_domains: usize::try_from(said.min_domains.unwrap_or(1)).unwrap_or(1),
            ..Self::new(&said.topology_key, said.max_skew, selector)
        }
    }

    fn new(key: &str, max_skew: i32, selector: LabelSelector) -> Self {
        Self {
            key: key.to_owned(),
            max_skew: i64::from(max_skew),
            min_domains: 1,
            selector,
            honours_affinity: true,
            honours_taints: false,
            domains: BTreeMap::new(),
            on_nodes: BTreeMap::new(),
        }
    }

    fn includes(&self, cycle: &Cycle, node: &NodeInfo) -> bool {
        (!self.honours_affinity || node_affinity::matches(cycle, node))
            && (!self.honours_taints || taint_toleration::filter(cycle, node).is_ok())
    }

    /// Counts the group's living pods by node.
    fn count_on_nodes(&mut self, cycle: &Cycle) {
        let mut on_nodes: BTreeMap<String, i64> = BTreeMap::new();
        // `countPodsMatchSelector`: an empty selector counts nobody, although the newcomer matches it.
        if labels::is_empty(&self.selector) {
            return self.on_nodes = on_nodes;
        }
        for placed in cycle.cache.selected(&cycle.pod.key.namespace, &self.selector) {
            if placed.pod.object.is_terminating() {
                continue;
            }
            match on_nodes.get_mut(&placed.node) {
                Some(number) => *number += 1,
                None => {
                    on_nodes.insert(placed.node.clone(), 1);
                }
            }
        }
        self.on_nodes = on_nodes;
    }

    /// Adds up a node's pods in its domain when the node takes part.
    fn add_to_domain(&mut self, cycle: &Cycle, name: &str, node: &NodeInfo) {
        let Some(value) = node.object.label(&self.key) else { return };
        if !self.includes(cycle, node) {
            return;
        }
        let number = self.on_nodes.get(name).copied().unwrap_or_default();
        match self.domains.get_mut(value) {
            Some(sum) => *sum += number,
            None => {
                self.domains.insert(value.to_owned(), number);
            }
        }
    }

    fn in_domain_of(&self, node: &NodeInfo) -> i64 {
        if self.key == HOSTNAME {
            return self.on_nodes.get(node.name()).copied().unwrap_or_default();
        }
        node.object.label(&self.key).and_then(|value| self.domains.get(value)).copied().unwrap_or_default()
    }
}

/// A selector that is absent selects nothing.
fn nothing() -> LabelSelector {
    let never = LabelSelectorRequirement { key: String::new(), operator: "Exists".to_owned(), values: None };
    LabelSelector { match_expressions: Some(vec![never]), match_labels: None }
}

/// The hard constraints with their counts.
#[derive(Debug, Default)]
pub(in crate::scheduler) struct Constraints {
    hard: Vec<Constraint>,
}

/// Counts what the filter needs, once for each cycle.
pub(in crate::scheduler) fn pre_filter(cycle: &Cycle) -> Constraints {
    let said = cycle.spec.topology_spread_constraints.as_deref().unwrap_or_default();
    let said = said.iter().filter(|each| each.when_unsatisfiable == "DoNotSchedule");
    let mut hard: Vec<_> = said.map(|each| Constraint::read(cycle, each)).collect();
    let keys: Vec<_> = hard.iter().map(|constraint| constraint.key.clone()).collect();
    for constraint in &mut hard {
        constraint.count_on_nodes(cycle);
        for (name, node) in &cycle.cache.nodes {
            if keys.iter().all(|key| node.object.label(key).is_some()) {
                constraint.add_to_domain(cycle, name, node);
            }
        }
    }
    Constraints { hard }
}

pub(in crate::scheduler) fn filter(cycle: &Cycle, constraints: &Constraints, node: &NodeInfo) -> Result<(), Rejection> {
    for constraint in &constraints.hard {
        let Some(value) = node.object.label(&constraint.key) else {
            let reason = "node(s) didn't match pod topology spread constraints (missing required label)";
            return Err(Rejection::for_good(PLUGIN, reason));
        };
        let mut least = constraint.domains.values().copied().min().unwrap_or_default();
        if constraint.domains.len() < constraint.min_domains {
            least = 0;
        }
        let itself = i64::from(labels::matches(&constraint.selector, &cycle.pod.object));
        let there = constraint.domains.get(value).copied().unwrap_or_default();
        if there + itself - least > constraint.max_skew {
            return Err(Rejection::by(PLUGIN, "node(s) didn't match pod topology spread constraints"));
        }
    }
    Ok(())
}

/// Fewer pods of the group in a node's domains score higher, 0..=100.
pub(in crate::scheduler) fn score(cycle: &Cycle, nodes: &[&NodeInfo]) -> Vec<i64> {
    let (mut soft, strict) = soft_constraints(cycle);
    if soft.is_empty() {
        return vec![0; nodes.len()];
    }
    let ignored = |node: &NodeInfo| strict && soft.iter().any(|each| node.object.label(&each.key).is_none());
    let ignored: Vec<bool> = nodes.iter().map(|node| ignored(node)).collect();
    let keys: Vec<_> = soft.iter().map(|constraint| constraint.key.clone()).collect();
    for constraint in &mut soft {
        constraint.count_on_nodes(cycle);
        // Hosts are counted one by one, and domains without pods add nothing to a score.
        let with_pods: Vec<_> =
            if constraint.key == HOSTNAME { Vec::new() } else { constraint.on_nodes.keys().cloned().collect() };
        for name in &with_pods {
            let Some(node) = cycle.cache.nodes.get(name) else { continue };
            if !strict || keys.iter().all(|key| node.object.label(key).is_some()) {
                constraint.add_to_domain(cycle, name, node);
            }
        }
    }
    let counted = || nodes.iter().zip(&ignored).filter(|(_, ignored)| !**ignored).map(|(node, _)| node);
    let weights: Vec<i64> = soft
        .iter()
        .map(|constraint| {
            if constraint.key == HOSTNAME {
                return weight(counted().count());
            }
            let values: BTreeSet<_> = counted().filter_map(|node| node.object.label(&constraint.key)).collect();
            weight(values.len())
        })
        .collect();
    let raw: Vec<i64> = nodes
        .iter()
        .map(|node| {
            let parts = soft.iter().zip(&weights).filter(|(each, _)| node.object.label(&each.key).is_some());
            parts.map(|(each, weight)| each.in_domain_of(node) * weight / 1000 + each.max_skew - 1).sum()
        })
        .collect();
    normalise(&raw, &ignored)
}

fn normalise(raw: &[i64], ignored: &[bool]) -> Vec<i64> {
    let counted = || raw.iter().zip(ignored).filter(|(_, ignored)| !**ignored).map(|(score, _)| *score);
    let min = counted().min().unwrap_or_default();
    let max = counted().max().unwrap_or_default();
    let scale = |score: i64| if max == 0 { 100 } else { 100 * (max + min - score) / max };
    raw.iter().zip(ignored).map(|(score, ignored)| if *ignored { 0 } else { scale(*score) }).collect()
}

/// The natural logarithm of the number of domains + 2 (`topologyNormalizingWeight`), in thousandths: rounded, because
/// the last bits of a logarithm may differ between machines.
#[expect(clippy::cast_possible_truncation, reason = "the logarithm of a number of nodes is below 45")]
fn weight(domains: usize) -> i64 {
    ((domains as f64 + 2.0).ln() * 1000.0).round() as i64
}

/// The soft constraints, and whether nodes that lack one of their labels are left out.
fn soft_constraints(cycle: &Cycle) -> (Vec<Constraint>, bool) {
    let said = cycle.spec.topology_spread_constraints.as_deref().unwrap_or_default();
    if !said.is_empty() {
        let soft = said.iter().filter(|each| each.when_unsatisfiable == "ScheduleAnyway");
        return (soft.map(|each| Constraint::read(cycle, each)).collect(), true);
    }
    let Some(selector) = default_selector(cycle) else { return (Vec::new(), false) };
    (vec![Constraint::new(HOSTNAME, 3, selector.clone()), Constraint::new(ZONE, 5, selector)], false)
}

/// The pods that belong together with this one: by the Services that select it and by its owner (`DefaultSelector`).
fn default_selector(cycle: &Cycle) -> Option<LabelSelector> {
    let mut all = LabelSelector::default();
    for (_, service) in cycle.store.in_namespace(Kind::Service, &cycle.pod.key.namespace) {
        let selector = service.typed::<Service>().spec.as_ref().and_then(|spec| spec.selector.as_ref());
        if let Some(labels) = selector.filter(|labels| !labels.is_empty())
            && labels::has_labels(labels, &cycle.pod.object)
        {
            all.match_labels.get_or_insert_default().extend(labels.clone());
        }
    }
    if let Some(owner) = owner_selector(cycle) {
        all.match_labels.get_or_insert_default().extend(owner.match_labels.unwrap_or_default());
        all.match_expressions.get_or_insert_default().extend(owner.match_expressions.unwrap_or_default());
    }
    let empty = all.match_labels.as_ref().is_none_or(BTreeMap::is_empty)
        && all.match_expressions.as_ref().is_none_or(Vec::is_empty);
    (!empty).then_some(all)
}

fn owner_selector(cycle: &Cycle) -> Option<LabelSelector> {
    let owners = cycle.pod.object.at("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    let name = owner["name"].as_str()?;
    let find = |kind| cycle.store.find(kind, &cycle.pod.key.namespace, name);
    match owner["kind"].as_str()? {
        "ReplicaSet" => Some(find(Kind::ReplicaSet)?.typed::<ReplicaSet>().spec.as_ref()?.selector.clone()),
        "StatefulSet" => Some(find(Kind::StatefulSet)?.typed::<StatefulSet>().spec.as_ref()?.selector.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_is_a_logarithm() {
        for (domains, thousandths) in [(1, 1099), (3, 1609), (10, 2485), (298, 5704)] {
            assert_eq!(weight(domains), thousandths, "{domains}");
        }
    }
}
