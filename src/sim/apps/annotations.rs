//! Finds annotations of this domain that no application reads, or whose value means nothing, before anything runs.

use serde_json::{Value, json};

use super::config::Config;
use crate::scheduler::quantity::milli;
use crate::{Object, Timings};

const DOMAIN: &str = "embedded.driftproof.dev/";

/// Every annotation that something here reads.
const KNOWN: [&str; 24] = [
    "app",
    "app-start",
    "app-stop",
    "async-lag",
    "bugs",
    "cpu-usage",
    "crash-after",
    "data",
    "election-timeout",
    "exit-code",
    "hang-after",
    "image-missing",
    "image-size",
    "init-duration",
    "latency",
    "members",
    "poststart-duration",
    "prestop-duration",
    "replication",
    "request-timeout",
    "run-for",
    "stop-mode",
    "unhealthy-after",
    "unready-for",
];

/// The annotations in a pod's (or template's) metadata that would be ignored or stop its application: the whole key, and what
/// is wrong with it.
#[must_use]
pub fn annotation_mistakes(metadata: &Value) -> Vec<(String, String)> {
    let all = metadata.get("annotations").and_then(Value::as_object).into_iter().flatten();
    let ours = all.filter_map(|(key, value)| Some((key, key.strip_prefix(DOMAIN)?, value)));
    let mut found = Vec::new();
    for (key, name, value) in ours {
        if !KNOWN.contains(&name) {
            found.push((
                key.clone(),
                format!("the embedded cluster knows no annotation `{key}`; it knows {}", KNOWN.join(", ")),
            ));
            continue;
        }
        if name == "cpu-usage" && value.as_str().and_then(milli).is_none() {
            found.push((key.clone(), format!("annotation {key} is {value}; write CPU as in `250m`")));
            continue;
        }
        // Each alone, so that all mistakes are found.
        let mut alone = json!({ "metadata": { "name": "template", "annotations": {} } });
        alone["metadata"]["annotations"][key.as_str()] = value.clone();
        if let Err(wrong) = Config::read(&Object::new(alone), &Timings::default()) {
            found.push((key.clone(), wrong));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_and_values_are_found() {
        let metadata = json!({ "annotations": {
            "embedded.driftproof.dev/app": "store", "embedded.driftproof.dev/kind": "kv",
            "embedded.driftproof.dev/latency": "2ms", "embedded.driftproof.dev/cpu-usage": "250m", "other.example/app": "x",
        } });
        let keys: Vec<String> = annotation_mistakes(&metadata).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["embedded.driftproof.dev/app", "embedded.driftproof.dev/kind"]);
        let metadata = json!({ "annotations": { "embedded.driftproof.dev/cpu-usage": "much" } });
        assert_eq!(annotation_mistakes(&metadata).len(), 1);
    }
}
