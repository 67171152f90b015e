//! What a workload's controller said of it.

use serde_json::Value;

use super::condition;

/// What is followed of a workload: each with its value now.
pub(crate) fn workload(object: &Value) -> Vec<(&'static str, String)> {
    let count = |field: &str| object["status"][field].as_u64().unwrap_or_default().to_string();
    match object["kind"].as_str() {
        Some("DaemonSet") => vec![("ready", format!("ready {}", count("numberReady")))],
        Some("StatefulSet") => vec![("ready", format!("ready {}", count("readyReplicas")))],
        _ => {
            let available = condition(object, "Available");
            vec![
                ("ready", format!("ready {}", count("readyReplicas"))),
                ("updated", format!("updated {}", count("updatedReplicas"))),
                ("available", format!("Available={}", available.0)),
                ("progressing", format!("Progressing {}", condition(object, "Progressing").1)),
            ]
        }
    }
}
