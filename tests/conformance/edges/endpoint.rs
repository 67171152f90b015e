//! What a Service's endpoints say of each pod.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{list, text};

/// Pods (by UID) of one EndpointSlice with what it says of them.
pub(crate) fn endpoints(slice: &Value) -> BTreeMap<String, &'static str> {
    let entry = |endpoint: &Value| {
        let uid = text(endpoint, "/targetRef/uid").to_owned();
        (!uid.is_empty()).then(|| (uid, place(endpoint)))
    };
    list(slice, "/endpoints").iter().filter_map(entry).collect()
}

/// What a slice says of one endpoint. Absent conditions are true, as consumers are to read them.
fn place(endpoint: &Value) -> &'static str {
    let flag = |name: &str, absent: bool| endpoint["conditions"][name].as_bool().unwrap_or(absent);
    match (flag("terminating", false), flag("ready", true), flag("serving", flag("ready", true))) {
        (true, _, true) => "endpoint terminating, serving",
        (true, _, false) => "endpoint terminating, not serving",
        (false, true, _) => "endpoint ready",
        (false, false, _) => "endpoint not ready",
    }
}
