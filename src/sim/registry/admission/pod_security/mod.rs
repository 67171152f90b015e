//! `PodSecurity`: the Pod Security Standards that a namespace's labels ask for (`k8s.io/pod-security-admission`). Only
//! `enforce` refuses; what warns or audits has no effect here.

mod baseline;
mod restricted;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::api::error::{ApiError, Cause};
use crate::{Key, Kind, State};

/// A violated check: its reason, and what breaks it.
type Violation = (&'static str, String);

/// Policies newer than this are that of the newest release.
const LATEST: u32 = u32::MAX;

/// What the labels of a namespace ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Privileged,
    Baseline,
    Restricted,
}

impl Level {
    fn read(text: &str) -> Option<Self> {
        match text {
            "privileged" => Some(Self::Privileged),
            "baseline" => Some(Self::Baseline),
            "restricted" => Some(Self::Restricted),
            _ => None,
        }
    }
}

/// `latest` or `v1.N`.
fn version(text: &str) -> Option<u32> {
    if text == "latest" {
        return Some(LATEST);
    }
    let minor = text.strip_prefix("v1.")?;
    let canonical = minor == "0" || !minor.starts_with('0');
    if canonical && minor.bytes().all(|byte| byte.is_ascii_digit()) { minor.parse().ok() } else { None }
}

/// Labels of a namespace that mean nothing to this plugin: new ones are refused.
pub(in crate::registry) fn bad_labels(namespace: &Value) -> Vec<Cause> {
    let labels = namespace.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten();
    labels
        .filter_map(|(name, value)| {
            let word = name.strip_prefix("pod-security.kubernetes.io/")?;
            let text = value.as_str().unwrap_or_default();
            let wrong = match word {
                "enforce" | "warn" | "audit" => {
                    Level::read(text).is_none().then_some("must be one of privileged, baseline, restricted")
                }
                "enforce-version" | "warn-version" | "audit-version" => {
                    version(text).is_none().then_some("must be \"latest\" or \"v1.x\"")
                }
                _ => None,
            };
            Some(Cause::invalid(format!("metadata.labels[{name}]"), value, wrong?))
        })
        .collect()
}

impl State {
    /// Refuses a pod that breaks the level that its namespace enforces.
    pub(super) fn secure(&self, key: &Key, pod: &Value) -> Result<(), ApiError> {
        let Some(namespace) = self.store.get(Kind::Namespace, &Key::cluster(key.namespace.as_str())) else {
            return Ok(());
        };
        let Some(text) = namespace.label("pod-security.kubernetes.io/enforce") else { return Ok(()) };
        // What cannot be read counts as the strictest.
        let level = Level::read(text).unwrap_or(Level::Restricted);
        let shown = namespace.label("pod-security.kubernetes.io/enforce-version").unwrap_or("latest");
        let minor = version(shown).unwrap_or(LATEST);
        let spec = Pod { metadata: &pod["metadata"], spec: &pod["spec"] };
        let found = match level {
            Level::Privileged => return Ok(()),
            Level::Baseline => baseline::violations(spec, minor),
            Level::Restricted => restricted::violations(spec, minor),
        };
        if found.is_empty() {
            return Ok(());
        }
        let parts: Vec<String> = found
            .iter()
            .map(
                |(reason, detail)| {
                    if detail.is_empty() { (*reason).to_owned() } else { format!("{reason} ({detail})") }
                },
            )
            .collect();
        let name = if level == Level::Baseline { "baseline" } else { "restricted" };
        let why = format!("violates PodSecurity \"{name}:{shown}\": {}", parts.join(", "));
        Err(ApiError::forbidden(Kind::Pod, key, &why))
    }
}

/// The pod that is looked at.
#[derive(Clone, Copy)]
struct Pod<'a> {
    metadata: &'a Value,
    spec: &'a Value,
}

impl<'a> Pod<'a> {
    /// All containers: the init containers first.
    fn containers(self) -> impl Iterator<Item = &'a Value> {
        let fields = ["initContainers", "containers", "ephemeralContainers"];
        fields.into_iter().flat_map(move |field| self.spec.get(field).and_then(Value::as_array).into_iter().flatten())
    }

    /// The names of the containers of which something holds.
    fn named(self, test: impl Fn(&Value) -> bool) -> Vec<&'a str> {
        self.containers()
            .filter(|container| test(container))
            .map(|one| one["name"].as_str().unwrap_or_default())
            .collect()
    }

    /// Whether Linux' own means do not apply.
    fn is_windows(self) -> bool {
        self.spec.pointer("/os/name") == Some(&json!("windows"))
    }

    fn has_user_namespace(self) -> bool {
        self.spec["hostUsers"] == json!(false)
    }
}

/// `"a", "b"`
fn quoted<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| format!("\"{}\"", item.as_ref())).collect::<Vec<_>>().join(", ")
}

fn plural(word: &str, count: usize) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// `containers "a", "b"`
fn named(containers: &[&str]) -> String {
    format!("{} {}", plural("container", containers.len()), quoted(containers))
}

/// `containers "a", "b" use hostPorts 80`
fn using(what: &str, who: &[&str], thing: &str, used: &BTreeSet<String>, shown: &str) -> String {
    let verb = if who.len() == 1 { "uses" } else { "use" };
    format!("{} {} {verb} {} {shown}", plural(what, who.len()), quoted(who), plural(thing, used.len()))
}

/// `pod and containers "a"`: those who set something.
fn setters(pod: bool, containers: &[&str]) -> Option<String> {
    let mut all = Vec::new();
    if pod {
        all.push("pod".to_owned());
    }
    if !containers.is_empty() {
        all.push(named(containers));
    }
    (!all.is_empty()).then(|| all.join(" and "))
}
