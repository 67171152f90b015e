//! Takes out of a lane what no rule decides: the order of things that two controllers do at the same moment, and what
//! lasts too short to be seen for certain. Pure.

use crate::observed::Edge;

/// A workload's counts that change again within this time are one change, seconds.
const TOGETHER: f64 = 1.5;
/// An endpoint that terminates for a shorter time may be missed, seconds.
const BRIEF: f64 = 0.7;
/// Two controllers that act within this time act at the same moment, seconds.
const MOMENT: f64 = 1.0;

/// Each pair is written by two controllers, or two workers of one; the first is put first.
const RACES: [(&str, &str); 3] = [
    ("tainted node.kubernetes.io/unreachable:NoSchedule", "tainted node.kubernetes.io/unreachable:NoExecute"),
    ("untainted node.kubernetes.io/unreachable:NoSchedule", "untainted node.kubernetes.io/unreachable:NoExecute"),
    ("disrupted DeletionByTaintManager", "deleted"),
];

/// A lane of a pod, a node or an endpoint.
pub(crate) fn lane(edges: Vec<Edge>) -> Vec<Edge> {
    once(unhurried(ordered(buried(edges))))
}

/// A pod that is deleted may be called ready again by a kubelet that has not heard of it: not by rule.
fn buried(mut edges: Vec<Edge>) -> Vec<Edge> {
    let deleted = edges.iter().position(|edge| edge.1.starts_with("deleted")).unwrap_or(edges.len());
    let mut index = 0;
    edges.retain(|edge| {
        index += 1;
        index <= deleted || !edge.1.starts_with("Ready=")
    });
    edges
}

fn ordered(mut edges: Vec<Edge>) -> Vec<Edge> {
    for index in 1..edges.len() {
        let (one, other) = (&edges[index - 1], &edges[index]);
        let race = RACES.iter().any(|(first, second)| one.1.starts_with(second) && other.1.starts_with(first));
        if race && other.0 - one.0 < MOMENT {
            edges.swap(index - 1, index);
        }
    }
    edges
}

/// An endpoint that is said to terminate for a moment only may as well not be: its controller looks when it can. Whether
/// one that terminates still serves is the affair of its pod's readiness, which is void by then.
fn unhurried(mut edges: Vec<Edge>) -> Vec<Edge> {
    edges.dedup_by(|next, before| {
        before.1.starts_with("endpoint terminating") && next.1.starts_with("endpoint terminating")
    });
    let ends: Vec<f64> = edges.iter().skip(1).map(|edge| edge.0).collect();
    let mut ends = ends.into_iter();
    edges.retain(|edge| {
        let brief = ends.next().is_some_and(|until| until - edge.0 < BRIEF);
        !(brief && edge.1.starts_with("endpoint terminating"))
    });
    edges
}

/// What is said again without a change in between is said once.
fn once(mut edges: Vec<Edge>) -> Vec<Edge> {
    edges.dedup_by(|next, before| next.1 == before.1);
    edges
}

/// The changes of a workload's count, those of one moment as one, and those in one direction as one: how many steps a
/// controller takes depends on how fast the pods come. While a lost node comes back its dead pods count for a moment or
/// not: then only the end counts.
pub(crate) fn count(first: &str, edges: Vec<Edge>, returned: Option<f64>) -> Vec<Edge> {
    let mut moments: Vec<Edge> = Vec::new();
    for edge in changes(first, edges) {
        let later = |edge: &Edge| returned.is_some_and(|returned| edge.0 >= returned);
        match moments.last_mut() {
            Some(last) if edge.0 - last.0 < TOGETHER => last.1 = edge.1,
            Some(last) if later(last) && later(&edge) => *last = edge,
            _ => moments.push(edge),
        }
    }
    let mut told: Vec<Edge> = Vec::new();
    for edge in changes(first, moments) {
        let rises = |from: &str, to: &str| Some(number(to)? > number(from)?);
        let before = told.iter().rev().nth(1).map_or(first, |edge| edge.1.as_str());
        match told.last() {
            Some(last) if rises(before, &last.1).is_some() && rises(before, &last.1) == rises(&last.1, &edge.1) => {
                let at = told.len() - 1;
                told[at] = edge;
            }
            _ => told.push(edge),
        }
    }
    told
}

/// The number at the end of `ready 3`.
fn number(text: &str) -> Option<u32> {
    text.rsplit(' ').next()?.parse().ok()
}

/// What is another value than the one before.
fn changes(first: &str, mut edges: Vec<Edge>) -> Vec<Edge> {
    let mut value = first.to_owned();
    edges.retain(|edge| std::mem::replace(&mut value, edge.1.clone()) != edge.1);
    edges
}
