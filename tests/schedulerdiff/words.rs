//! What a scheduler says, in one spelling: versions word some reasons differently and mean the same.

use std::collections::BTreeMap;

use serde_json::Value;

/// What became of a newcomer: `scheduled`, or why not, with the pods that are ended for it and the node it waits for.
pub(crate) fn outcome(pod: &Value, ended: &[String]) -> Option<String> {
    if pod["spec"]["nodeName"].is_string() {
        return Some("scheduled".to_owned());
    }
    let conditions = pod["status"]["conditions"].as_array()?;
    let scheduled = conditions.iter().find(|known| known["type"] == "PodScheduled" && known["status"] == "False")?;
    let message = scheduled["message"].as_str().unwrap_or_default();
    // What the plugin of dynamic resources adds says nothing of the pod.
    let message = message.replace(" no new claims to deallocate,", "");
    let (why, preemption) = message.split_once(" preemption: ").unwrap_or((&message, ""));
    let mut text = spell(why);
    if !preemption.is_empty() {
        text = format!("{text}; preemption: {}", spell(preemption));
    }
    if let Some(node) = pod["status"]["nominatedNodeName"].as_str().filter(|node| !node.is_empty()) {
        text = format!("{text}; waits for {node}, where {} end", ended.join(" "));
    }
    Some(text)
}

/// `0/3 nodes are available: 1 Insufficient cpu, 2 Too many pods.` as counted reasons, in one spelling and order.
fn spell(message: &str) -> String {
    let Some((head, reasons)) = message.split_once(": ") else { return message.trim_end_matches('.').to_owned() };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for part in reasons.trim_end_matches('.').split(", ") {
        let (count, reason) = part.split_once(' ').unwrap_or(("", part));
        match count.parse::<usize>() {
            Ok(number) => *counts.entry(plain(reason)).or_default() += number,
            Err(_) => *counts.entry(plain(part)).or_default() += 0,
        }
    }
    let parts: Vec<_> = counts.into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    format!("{head}: {}", parts.join(", "))
}

fn plain(reason: &str) -> String {
    if reason.starts_with("node(s) had untolerated taint") {
        return "node(s) had untolerated taint".to_owned();
    }
    reason.replace("node(s) didn't satisfy plugin(s) [NodeAffinity]", "node(s) didn't satisfy plugin NodeAffinity")
}

/// What became of claims and volumes of a world: each with its phase and its other half.
pub(crate) fn bindings(objects: &[(String, Value)]) -> String {
    let mut lines: Vec<_> = objects
        .iter()
        .map(|(name, object)| {
            let phase = object["status"]["phase"].as_str().unwrap_or("Pending");
            let volume = object["spec"]["volumeName"].as_str().filter(|_| phase == "Bound").unwrap_or_default();
            format!("{name} {phase} {volume}").trim_end().to_owned()
        })
        .collect();
    lines.sort();
    lines.join(", ")
}
