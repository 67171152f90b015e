//! Holds two stories of one case against each other: rules must agree exactly, times that timers of Kubernetes decide
//! within 15 % or 2 s. Pure.

use std::collections::BTreeMap;

use crate::observed::{Edge, Lane, Story, by_lease, by_machine};

/// What a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The same, at about the same time.
    Agrees,
    /// The same; when is a machine's affair.
    Shown,
    /// The same, but at another time.
    Late,
    /// Seen on one of the two only, or in another order.
    Differs,
    /// Differs, and why is known and no rule of Kubernetes.
    Known(&'static str),
}

impl Verdict {
    pub(crate) fn is_wrong(self) -> bool {
        matches!(self, Self::Late | Self::Differs)
    }
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) of: String,
    pub(crate) what: String,
    pub(crate) embedded: Option<f64>,
    pub(crate) real: Option<f64>,
    pub(crate) verdict: Verdict,
}

/// Seconds that two clusters may be apart.
fn tolerance(what: &str, real: f64) -> f64 {
    if by_lease(what) { (real * 0.4).max(2.0) } else { (real * 0.15).max(2.0) }
}

/// Compares everything that was seen of one case.
pub(crate) fn compare(embedded: &Story, real: &Story) -> Vec<Row> {
    let by_name = |story: &Story| -> BTreeMap<String, Vec<Edge>> {
        story.lanes.iter().map(|lane: &Lane| (lane.of.clone(), lane.edges.clone())).collect()
    };
    let (ours, theirs) = (by_name(embedded), by_name(real));
    let mut names: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
    names.sort();
    names.dedup();
    let mut rows = Vec::new();
    for name in names {
        let (ours, theirs) = (ours.get(name).map(Vec::as_slice), theirs.get(name).map(Vec::as_slice));
        rows.extend(lanes(name, ours.unwrap_or_default(), theirs.unwrap_or_default()));
    }
    for reason in embedded.reasons.union(&real.reasons) {
        let (ours, theirs) = (embedded.reasons.contains(reason), real.reasons.contains(reason));
        if ours != theirs {
            rows.push(Row {
                of: "events".to_owned(),
                what: reason.clone(),
                embedded: ours.then_some(0.0),
                real: theirs.then_some(0.0),
                verdict: Verdict::Differs,
            });
        }
    }
    rows
}

/// Compares two lanes along their longest common subsequence, so that one odd edge does not put the rest out of step.
fn lanes(name: &str, ours: &[Edge], theirs: &[Edge]) -> Vec<Row> {
    let row = |what: &str, embedded: Option<f64>, real: Option<f64>| {
        let verdict = match (embedded, real) {
            (Some(_), Some(_)) if by_machine(what) => Verdict::Shown,
            (Some(ours), Some(theirs)) if (ours - theirs).abs() <= tolerance(what, theirs) => Verdict::Agrees,
            (Some(_), Some(_)) => Verdict::Late,
            (None, _) | (_, None) => Verdict::Differs,
        };
        Row { of: name.to_owned(), what: what.to_owned(), embedded, real, verdict }
    };
    let lengths = common(ours, theirs);
    let (mut here, mut there) = (0, 0);
    let mut rows = Vec::new();
    while here < ours.len() || there < theirs.len() {
        let (one, other) = (ours.get(here), theirs.get(there));
        match (one, other) {
            (Some(one), Some(other)) if one.1 == other.1 => {
                rows.push(row(&one.1, Some(one.0), Some(other.0)));
                (here, there) = (here + 1, there + 1);
            }
            (Some(one), other) if other.is_none() || lengths[here + 1][there] >= lengths[here][there + 1] => {
                rows.push(row(&one.1, Some(one.0), None));
                here += 1;
            }
            (_, Some(other)) => {
                rows.push(row(&other.1, None, Some(other.0)));
                there += 1;
            }
            (_, None) => break,
        }
    }
    rows
}

/// Lengths of the longest common subsequences of all tails.
fn common(ours: &[Edge], theirs: &[Edge]) -> Vec<Vec<usize>> {
    let mut lengths = vec![vec![0; theirs.len() + 1]; ours.len() + 1];
    for here in (0..ours.len()).rev() {
        for there in (0..theirs.len()).rev() {
            lengths[here][there] = if ours[here].1 == theirs[there].1 {
                lengths[here + 1][there + 1] + 1
            } else {
                lengths[here + 1][there].max(lengths[here][there + 1])
            };
        }
    }
    lengths
}
