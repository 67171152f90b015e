//! What a scheduler says, in one spelling: versions word some reasons differently and mean the same.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::worlds::Group;

/// What became of a newcomer: `scheduled`, or why not, with the pods that are ended for it and the node it waits for.
pub(crate) fn outcome(pod: &Value, ended: &[String]) -> Option<String> {
    if pod["spec"]["nodeName"].is_string() {
        return Some("scheduled".to_owned());
    }
    let conditions = pod["status"]["conditions"].as_array()?;
    let scheduled = conditions.iter().find(|known| known["type"] == "PodScheduled" && known["status"] == "False")?;
    let message = scheduled["message"].as_str().unwrap_or_default();
    // A first word, never the last: the claim is made at once, and whether the scheduler was faster is chance.
    if message.contains("waiting for ephemeral volume controller") {
        return None;
    }
    // What the plugin of dynamic resources adds says nothing of the pod.
    let message = message.replace(" no new claims to deallocate,", "");
    // When no node was looked at, 1.36 goes on with what that very plugin misses ("not found"), others with preemption.
    let at_once =
        message.split_once(": ").is_some_and(|(_, why)| !why.starts_with(|first: char| first.is_ascii_digit()));
    if at_once {
        let why = message.split(" preemption: ").next().unwrap_or_default();
        return Some(why.trim_end_matches(". not found").trim_end_matches('.').to_owned());
    }
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

/// What became of a group: of its pods that were created so far, and of its claims when chance has no part in them.
/// `undecided` is what is still looked at.
pub(crate) fn group<'a>(group: &Group, created: usize, find: impl Fn(&str) -> Option<&'a Value>) -> String {
    let ends = |pod: &&Value| {
        find(text(pod, "/metadata/name")).is_some_and(|known| known["metadata"]["deletionTimestamp"].is_string())
    };
    let pods = group.holders.iter().chain(&group.newcomers);
    let ended: Vec<_> = pods.filter(ends).map(|pod| text(pod, "/metadata/name").to_owned()).collect();
    let newcomers = group.newcomers.iter().take(created);
    let mut parts: Vec<_> = newcomers
        .map(|newcomer| match find(text(newcomer, "/metadata/name")) {
            None => "refused".to_owned(),
            Some(pod) if is_placed(pod, &find) => "placed".to_owned(),
            Some(pod) => outcome(pod, &ended).unwrap_or_else(|| "undecided".to_owned()),
        })
        .collect();
    if group.node.is_some() {
        parts.extend(group.claims.iter().map(|claim| {
            let name = text(claim, "/metadata/name");
            format!("{name} {}", find(name).map(bound).unwrap_or_default())
        }));
    }
    parts.join("; ").replace(&format!("-{}", group.name), "")
}

/// Whether a pod has its node, or has one as soon as somebody makes the volumes that it waits for.
fn is_placed<'a>(pod: &Value, find: &impl Fn(&str) -> Option<&'a Value>) -> bool {
    let volumes = pod["spec"]["volumes"].as_array();
    let names =
        volumes.into_iter().flatten().map(|volume| match volume["persistentVolumeClaim"]["claimName"].as_str() {
            Some(claim) => claim.to_owned(),
            None => format!("{}-{}", text(pod, "/metadata/name"), text(volume, "/name")),
        });
    let claims: Vec<_> = names.map(|name| find(&name).map(bound).unwrap_or_default()).collect();
    let made = claims.iter().any(|claim| claim == "made");
    let waits = made && claims.iter().all(|claim| claim == "made" || claim.starts_with("Bound"));
    pod["spec"]["nodeName"].is_string() || waits
}

/// What became of a claim: `made` when its volume is one that is made for it.
fn bound(claim: &Value) -> String {
    let (phase, volume) = (text(claim, "/status/phase"), text(claim, "/spec/volumeName"));
    let selected = claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"].is_string();
    match phase {
        "Bound" if volume.starts_with("pvc-") => "made".to_owned(),
        "Bound" => format!("Bound {volume}"),
        "" | "Pending" if selected => "made".to_owned(),
        "" => "Pending".to_owned(),
        other => other.to_owned(),
    }
}

fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}
