//! `InterPodAffinity`: near some pods, away from others; required terms filter, preferred ones score. The
//! anti-affinity of placed pods holds against newcomers too.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PodAffinityTerm, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use super::{Plugin, Rejection};
use crate::labels;
use crate::scheduler::cache::{NodeInfo, Placed, PodInfo};
use crate::scheduler::cycle::Cycle;
use crate::store::Store;
use crate::{Key, Kind, Object};

/// What a required affinity of a placed pod adds to the score of a newcomer that it wants
/// (`HardPodAffinityWeight`).
const HARD_WEIGHT: i64 = 1;

/// What a pod thinks of the pods that a term means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scheduler) enum Stance {
    /// They must not be near.
    Away,
    /// They must be near.
    Near,
    /// They had better be near, by this weight, or away when it is negative.
    Prefers(i64),
}

/// One term, made ready: whom it means, and by which node label distance is measured.
#[derive(Clone, Debug)]
pub(in crate::scheduler) struct Term {
    /// The same for equal terms.
    pub(in crate::scheduler) id: String,
    pub(in crate::scheduler) topology_key: String,
    selector: Option<LabelSelector>,
    namespaces: Vec<String>,
    namespace_selector: Option<LabelSelector>,
}

/// All terms of a pod. The weights of preferred anti-affinity are negative.
#[derive(Clone, Debug, Default)]
pub(in crate::scheduler) struct Terms {
    affinity: Vec<Term>,
    anti: Vec<Term>,
    preferred: Vec<(i64, Term)>,
}

impl Terms {
    pub(in crate::scheduler) fn read(key: &Key, pod: &Object, spec: &PodSpec) -> Self {
        let Some(affinity) = &spec.affinity else { return Self::default() };
        let term = |term: &PodAffinityTerm| Term::read(key, pod, term);
        let mut all = Self::default();
        if let Some(near) = &affinity.pod_affinity {
            let required = near.required_during_scheduling_ignored_during_execution.iter().flatten();
            all.affinity = required.map(term).collect();
            let preferred = near.preferred_during_scheduling_ignored_during_execution.iter().flatten();
            all.preferred.extend(preferred.map(|each| (i64::from(each.weight), term(&each.pod_affinity_term))));
        }
        if let Some(away) = &affinity.pod_anti_affinity {
            let required = away.required_during_scheduling_ignored_during_execution.iter().flatten();
            all.anti = required.map(term).collect();
            let preferred = away.preferred_during_scheduling_ignored_during_execution.iter().flatten();
            all.preferred.extend(preferred.map(|each| (-i64::from(each.weight), term(&each.pod_affinity_term))));
        }
        all
    }

    pub(in crate::scheduler) fn iter(&self) -> impl Iterator<Item = (Stance, &Term)> {
        let away = self.anti.iter().map(|term| (Stance::Away, term));
        let near = self.affinity.iter().map(|term| (Stance::Near, term));
        away.chain(near).chain(self.preferred.iter().map(|(weight, term)| (Stance::Prefers(*weight), term)))
    }
}

impl Term {
    fn read(key: &Key, pod: &Object, term: &PodAffinityTerm) -> Self {
        let mut selector = term.label_selector.clone();
        for (names, operator) in [(&term.match_label_keys, "In"), (&term.mismatch_label_keys, "NotIn")] {
            for name in names.iter().flatten() {
                if let (Some(selector), Some(value)) = (&mut selector, pod.label(name)) {
                    let requirement = LabelSelectorRequirement {
                        key: name.clone(),
                        operator: operator.to_owned(),
                        values: Some(vec![value.to_owned()]),
                    };
                    selector.match_expressions.get_or_insert_default().push(requirement);
                }
            }
        }
        let mut namespaces = term.namespaces.clone().unwrap_or_default();
        if namespaces.is_empty() && term.namespace_selector.is_none() {
            namespaces.push(key.namespace.clone());
        }
        let namespace_selector = term.namespace_selector.clone();
        Self {
            id: format!("{}|{namespaces:?}|{namespace_selector:?}|{selector:?}", term.topology_key),
            topology_key: term.topology_key.clone(),
            selector,
            namespaces,
            namespace_selector,
        }
    }

    /// Whether the term means this pod.
    fn matches(&self, store: &Store, pod: &PodInfo) -> bool {
        let Some(labels) = &self.selector else { return false };
        let namespace = &pod.key.namespace;
        let selected = || {
            self.namespace_selector.as_ref().is_some_and(|selector| {
                let object = store.get(Kind::Namespace, &Key::cluster(namespace));
                object.is_some_and(|object| labels::matches(selector, object))
            })
        };
        (self.namespaces.contains(namespace) || selected()) && labels::matches(labels, &pod.object)
    }

    /// The placed pods that the term means.
    fn targets<'a>(&'a self, cycle: &'a Cycle) -> Vec<&'a Placed> {
        match (&self.selector, &self.namespace_selector) {
            (None, _) => Vec::new(),
            (Some(selector), None) => {
                let namespaces = self.namespaces.iter();
                namespaces.flat_map(|namespace| cycle.cache.selected(namespace, selector)).collect()
            }
            (Some(_), Some(_)) => {
                cycle.cache.all_placed().filter(|placed| self.matches(cycle.store, &placed.pod)).collect()
            }
        }
    }
}

/// Pods by the value of a node label.
type Domains = BTreeMap<String, BTreeMap<String, i64>>;

/// How many pods matter in each domain.
#[derive(Debug, Default)]
pub(in crate::scheduler) struct Counts {
    /// Placed pods that do not want the newcomer near.
    existing_anti: Domains,
    /// Placed pods that the newcomer wants near: those that match all of its terms.
    affinity: Domains,
    /// Placed pods that the newcomer wants away.
    anti: Domains,
}

/// Counts what the filter needs, once for each cycle.
pub(in crate::scheduler) fn pre_filter(cycle: &Cycle) -> Counts {
    let mut counts = Counts::default();
    for (stance, group) in cycle.cache.groups() {
        if stance == Stance::Away && group.term.matches(cycle.store, cycle.pod) {
            for (node, number) in &group.by_node {
                count(cycle, &mut counts.existing_anti, node, &group.term, *number);
            }
        }
    }
    let terms = &cycle.pod.terms;
    if let Some((first, others)) = terms.affinity.split_first() {
        for placed in first.targets(cycle) {
            if others.iter().all(|term| term.matches(cycle.store, &placed.pod)) {
                for term in &terms.affinity {
                    count(cycle, &mut counts.affinity, &placed.node, term, 1);
                }
            }
        }
    }
    for term in &terms.anti {
        for placed in term.targets(cycle) {
            count(cycle, &mut counts.anti, &placed.node, term, 1);
        }
    }
    counts
}

pub(in crate::scheduler) fn filter(cycle: &Cycle, counts: &Counts, node: &NodeInfo) -> Result<(), Rejection> {
    let refuse = |reason: &str| Rejection::by(Plugin::InterPodAffinity, reason);
    let terms = &cycle.pod.terms;
    if !near_enough(cycle, counts, node) {
        let reason = "node(s) didn't match pod affinity rules";
        return Err(Rejection::for_good(Plugin::InterPodAffinity, reason));
    }
    if terms.anti.iter().any(|term| number(&counts.anti, &term.topology_key, node) > 0) {
        return Err(refuse("node(s) didn't match pod anti-affinity rules"));
    }
    if counts.existing_anti.keys().any(|key| number(&counts.existing_anti, key, node) > 0) {
        return Err(refuse("node(s) didn't satisfy existing pods anti-affinity rules"));
    }
    Ok(())
}

/// The first pod of a group that wants to be together may go anywhere.
fn near_enough(cycle: &Cycle, counts: &Counts, node: &NodeInfo) -> bool {
    let wanted = &cycle.pod.terms.affinity;
    if wanted.iter().any(|term| node.object.label(&term.topology_key).is_none()) {
        return false;
    }
    if wanted.iter().all(|term| number(&counts.affinity, &term.topology_key, node) > 0) {
        return true;
    }
    counts.affinity.is_empty() && wanted.iter().all(|term| term.matches(cycle.store, cycle.pod))
}

/// Preferences of the newcomer and of the placed pods, stretched to 0..=100.
pub(in crate::scheduler) fn score(cycle: &Cycle, nodes: &[&NodeInfo]) -> Vec<i64> {
    let mut weights = Domains::default();
    for (weight, term) in &cycle.pod.terms.preferred {
        for placed in term.targets(cycle) {
            count(cycle, &mut weights, &placed.node, term, *weight);
        }
    }
    for (stance, group) in cycle.cache.groups() {
        let weight = match stance {
            Stance::Away => continue,
            Stance::Near => HARD_WEIGHT,
            Stance::Prefers(weight) => weight,
        };
        if group.term.matches(cycle.store, cycle.pod) {
            for (node, number) in &group.by_node {
                count(cycle, &mut weights, node, &group.term, weight * number);
            }
        }
    }
    if weights.is_empty() {
        return vec![0; nodes.len()];
    }
    let total = |node: &&NodeInfo| weights.keys().map(|key| number(&weights, key, node)).sum();
    let scores: Vec<i64> = nodes.iter().map(total).collect();
    let min = scores.iter().copied().min().unwrap_or_default();
    let spread = scores.iter().copied().max().unwrap_or_default() - min;
    scores.into_iter().map(|score| if spread == 0 { 0 } else { (score - min) * 100 / spread }).collect()
}

fn count(cycle: &Cycle, domains: &mut Domains, node: &str, term: &Term, weight: i64) {
    let Some(node) = cycle.cache.nodes.get(node) else { return };
    let Some(value) = node.object.label(&term.topology_key) else { return };
    if !domains.contains_key(&term.topology_key) {
        domains.insert(term.topology_key.clone(), BTreeMap::new());
    }
    let Some(values) = domains.get_mut(&term.topology_key) else { return };
    match values.get_mut(value) {
        Some(number) => *number += weight,
        None => {
            values.insert(value.to_owned(), weight);
        }
    }
}

fn number(domains: &Domains, key: &str, node: &NodeInfo) -> i64 {
    let value = node.object.label(key);
    let values = domains.get(key);
    values.zip(value).and_then(|(values, value)| values.get(value)).copied().unwrap_or_default()
}
