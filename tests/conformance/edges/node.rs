//! What happened to a node, as the cluster thinks of it.

use serde_json::Value;

use super::{because, condition, list, text};

fn taints(node: &Value) -> Vec<String> {
    let name = |taint: &Value| format!("{}:{}", text(taint, "/key"), text(taint, "/effect"));
    let mut all: Vec<_> = list(node, "/spec/taints").iter().map(name).collect();
    all.sort_by(|one, other| other.cmp(one));
    all
}

/// What happened between two versions of a node.
pub(crate) fn node(old: Option<&Value>, new: &Value) -> Vec<String> {
    let Some(old) = old else { return vec!["created".to_owned()] };
    let mut edges = Vec::new();
    let (was, is) = (condition(old, "Ready"), condition(new, "Ready"));
    if was != is {
        edges.push(because(&format!("Ready={}", is.0), is.1));
    }
    let cordoned = |node: &Value| node.pointer("/spec/unschedulable") == Some(&Value::Bool(true));
    match (cordoned(old), cordoned(new)) {
        (false, true) => edges.push("cordoned".to_owned()),
        (true, false) => edges.push("uncordoned".to_owned()),
        (false, false) | (true, true) => {}
    }
    let (was, is) = (taints(old), taints(new));
    edges.extend(is.iter().filter(|taint| !was.contains(taint)).map(|taint| format!("tainted {taint}")));
    edges.extend(was.iter().filter(|taint| !is.contains(taint)).map(|taint| format!("untainted {taint}")));
    edges
}
