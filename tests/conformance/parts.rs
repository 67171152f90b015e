//! The parts that pods and nodes play in a case, by which they are named. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::case::Victims;
use crate::observed::Edge;
use crate::timeline::{Cast, ONE_DECISION};

/// A pod's part.
#[derive(Clone, Debug)]
struct Part {
    /// Name that other pods may share: `web on the lost node`, `web, new`.
    group: String,
    /// Whether it came while the case ran.
    new: bool,
    created: f64,
    /// Order among pods whose stories are the same.
    order: usize,
}

/// Everybody who was seen.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    versions: BTreeMap<String, Value>,
    pods: BTreeMap<String, Part>,
    nodes: BTreeMap<String, &'static str>,
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

impl Parts {
    /// The last version of an object.
    pub(crate) fn version(&self, key: &str) -> Option<&Value> {
        self.versions.get(key)
    }

    /// Whether a pod has a part already.
    pub(crate) fn known(&self, uid: &str) -> bool {
        self.pods.contains_key(uid)
    }

    /// Remembers a version.
    pub(crate) fn keep(&mut self, key: &str, object: &Value) {
        self.versions.insert(key.to_owned(), object.clone());
    }

    pub(crate) fn node(&mut self, name: &str, role: &'static str, object: &Value) {
        self.keep(name, object);
        self.nodes.insert(name.to_owned(), role);
    }

    /// Remembers a pod; `before` is given when it was there before the first act.
    pub(crate) fn pod(&mut self, cast: &Cast<'_>, uid: &str, object: &Value, before: Option<()>, at: f64) {
        self.keep(uid, object);
        let app = text(object, "/metadata/labels/app");
        let ordinals = cast.case.victims == Victims::None
            && object.pointer("/metadata/ownerReferences/0/kind").is_some_and(|kind| kind == "StatefulSet");
        let name = if ordinals { text(object, "/metadata/name") } else { app };
        let group = match before {
            None => format!("{name}, new"),
            Some(()) if cast.picked.contains(uid) => format!("{name}, picked"),
            Some(()) => match cast.role(text(object, "/spec/nodeName")) {
                "a node" => name.to_owned(),
                role => format!("{name} on {role}"),
            },
        };
        let order = self.pods.len();
        self.pods.entry(uid.to_owned()).or_insert(Part { group, new: before.is_none(), created: at, order });
    }

    /// Names by UID (pods) and name (nodes). Pods of one group are numbered: new ones as they came, and those that came
    /// together, or were there before, by what happened to them, since nothing else tells them apart.
    pub(crate) fn names<'a>(&self, edges: impl Fn(&str) -> &'a [Edge]) -> BTreeMap<String, String> {
        let mut groups: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
        for (uid, part) in &self.pods {
            groups.entry(&part.group).or_default().push(uid);
        }
        let mut names: BTreeMap<String, String> =
            self.nodes.iter().map(|(name, role)| (name.clone(), (*role).to_owned())).collect();
        for (group, mut uids) in groups {
            uids.sort_by(|one, other| self.pods[*one].created.total_cmp(&self.pods[*other].created));
            let mut wave = 0;
            let mut last = f64::NEG_INFINITY;
            let mut keyed = Vec::new();
            for uid in uids {
                let part = &self.pods[uid];
                if part.new && part.created - last > ONE_DECISION.as_secs_f64() {
                    wave += 1;
                }
                last = part.created;
                let rule: Vec<&str> = edges(uid).iter().map(|edge| edge.1.as_str()).collect();
                let first = edges(uid).first().map_or(0, |edge| Duration::from_secs_f64(edge.0).as_millis());
                keyed.push((wave, rule, first, part.order, uid));
            }
            keyed.sort();
            let alone = keyed.len() == 1;
            for (index, (.., uid)) in keyed.into_iter().enumerate() {
                let name = if alone { group.to_owned() } else { format!("{group} ({})", index + 1) };
                names.insert(uid.clone(), name);
            }
        }
        names
    }
}
