//! Records core/v1 Events as the components' recorders do: a repeat counts up instead of adding an object.
//! Never decides what is worth an event.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Key, Kind, Object, State};

/// Remembers which events were recorded: the event's key by everything that makes two of them equal.
#[derive(Debug, Default)]
pub struct Recorder {
    recorded: BTreeMap<Identity, Key>,
    sequence: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    kind: Kind,
    key: Key,
    uid: String,
    component: String,
    event_type: String,
    reason: String,
    message: String,
}

/// The scheduler reports through `events.k8s.io`, so its events carry `eventTime` and no first and last timestamp.
const SCHEDULER: &str = "default-scheduler";

impl State {
    /// Records an event about an object: `event_type` is `Normal` or `Warning`, `component` the reporting one
    /// (`kubelet`, `default-scheduler`, `deployment-controller` …). The same reason and message for the same object
    /// counts up. Events of cluster-scoped objects are kept in the namespace `default`.
    pub fn event(&mut self, kind: Kind, key: &Key, event_type: &str, reason: &str, component: &str, message: &str) {
        let object = self.store.get(kind, key).cloned();
        self.event_about(kind, key, object.as_deref(), [event_type, reason, component, message]);
    }

    /// Records an event about an object as its reporter knows it, which may be gone: type, reason, component, message.
    pub fn event_about(&mut self, kind: Kind, key: &Key, object: Option<&Object>, said: [&str; 4]) {
        let [event_type, reason, component, message] = said;
        let uid = object.map(|object| object.uid().to_owned()).unwrap_or_default();
        let version = object.map(|object| object.text("/metadata/resourceVersion").to_owned());
        let node = match object {
            Some(pod) if kind == Kind::Pod => pod.text("/spec/nodeName").to_owned(),
            _ if kind == Kind::Node => key.name.clone(),
            Some(_) | None => String::new(),
        };
        let host = (component == "kubelet").then_some(node);
        let identity = Identity {
            kind,
            key: key.clone(),
            uid: uid.clone(),
            component: component.to_owned(),
            event_type: event_type.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
        };
        if let Some(earlier) = self.recorder.recorded.get(&identity).cloned()
            && self.count_up(&earlier)
        {
            return;
        }
        let namespace = if key.namespace.is_empty() { "default" } else { &key.namespace };
        self.recorder.sequence += 1;
        let name = format!("{}.{:016x}", key.name, self.nanos() + self.recorder.sequence);
        let facts = kind.facts();
        let mut event = json!({
            "metadata": { "name": name, "namespace": namespace },
            "involvedObject": {
                "kind": facts.kind, "apiVersion": facts.api_version(), "name": key.name, "uid": uid,
            },
            "type": event_type, "reason": reason, "message": message,
            "source": { "component": component },
            "reportingComponent": component, "reportingInstance": host.clone().unwrap_or_default(),
        });
        if !key.namespace.is_empty() {
            event["involvedObject"]["namespace"] = json!(key.namespace);
        }
        if let Some(version) = version {
            event["involvedObject"]["resourceVersion"] = json!(version);
        }
        if let Some(host) = host {
            event["source"]["host"] = json!(host);
        }
        self.stamp(&mut event, component);
        // A namespace that terminates refuses new events, and recorders only log such refusals.
        if let Ok(event) = self.create(Kind::Event, event) {
            let stored = Key::new(namespace, event.text("/metadata/name"));
            self.recorder.recorded.insert(identity, stored);
        }
    }

    fn stamp(&self, event: &mut Value, component: &str) {
        if component == SCHEDULER {
            event["eventTime"] = json!(self.micro_time());
            event["action"] = json!("Scheduling");
            event["source"] = json!({});
            event["reportingInstance"] = json!("default-scheduler-control-plane");
        } else {
            event["firstTimestamp"] = json!(self.time());
            event["lastTimestamp"] = json!(self.time());
            event["count"] = json!(1);
        }
    }

    /// Whether the event is still there to be counted up.
    fn count_up(&mut self, key: &Key) -> bool {
        let (time, micro) = (self.time(), self.micro_time());
        self.modify_value(Kind::Event, key, |event| {
            if event.get("eventTime").is_some_and(Value::is_string) {
                let count = event.pointer("/series/count").and_then(Value::as_u64).unwrap_or(1) + 1;
                event["series"] = json!({ "count": count, "lastObservedTime": micro });
            } else {
                event["count"] = json!(event["count"].as_u64().unwrap_or(1) + 1);
                event["lastTimestamp"] = json!(time);
            }
        })
        .is_ok()
    }

    fn micro_time(&self) -> k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime {
        k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime(self.timestamp())
    }

    fn nanos(&self) -> u64 {
        let since = self.timestamp().duration_since(Timestamp::UNIX_EPOCH);
        u64::try_from(since.as_nanos()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use std::time::Duration;

    fn events(state: &State, namespace: &str) -> Vec<Value> {
        state.store.in_namespace(Kind::Event, namespace).map(|(_, event)| event.value().clone()).collect()
    }

    #[test]
    fn repeats_count_up_and_differences_do_not() {
        let mut state = State::new(Settings::default(), 1);
        let key = Key::new("shop", "web");
        state.event(Kind::Pod, &key, "Warning", "BackOff", "kubelet", "Back-off restarting");
        state.advance(Duration::from_millis(2500));
        state.event(Kind::Pod, &key, "Warning", "BackOff", "kubelet", "Back-off restarting");
        state.event(Kind::Pod, &key, "Normal", "Pulled", "kubelet", "Pulled image");
        let seen = events(&state, "shop");
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0]["count"], 2);
        assert_eq!(seen[0]["firstTimestamp"], "2026-01-01T00:00:00Z");
        assert_eq!(seen[0]["lastTimestamp"], "2026-01-01T00:00:02Z");
        assert_eq!(seen[1]["count"], 1);
    }

    #[test]
    fn cluster_scoped_objects_have_their_events_in_default() {
        let mut state = State::new(Settings::default(), 1);
        state.event(
            Kind::Node,
            &Key::cluster("n1"),
            "Normal",
            "NodeNotReady",
            "node-controller",
            "Node n1 is NotReady",
        );
        assert_eq!(events(&state, "default")[0]["involvedObject"]["name"], "n1");
    }

    #[test]
    fn the_scheduler_stamps_micro_times() {
        let mut state = State::new(Settings::default(), 1);
        state.advance(Duration::from_millis(1234));
        let key = Key::new("shop", "web");
        for _ in 0..3 {
            state.event(Kind::Pod, &key, "Warning", "FailedScheduling", "default-scheduler", "0/3 nodes are available");
        }
        let seen = events(&state, "shop");
        assert_eq!(seen[0]["eventTime"], "2026-01-01T00:00:01.234000Z");
        assert_eq!(seen[0]["series"]["count"], 3);
    }
}
