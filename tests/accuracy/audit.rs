//! The API server's audit log: what really happened, and when, by the clock of the server that did it. Judges nothing.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

/// One answered request.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Wall clock in microseconds: the request came in.
    pub(crate) received: i64,
    /// Wall clock in microseconds: the answer went out.
    pub(crate) answered: i64,
    verb: String,
    user: String,
    resource: String,
    namespace: String,
    name: String,
    code: u64,
    /// The object as it was after the request, where the audit policy asks for it.
    object: Value,
}

/// A log that grows.
pub(crate) struct Log {
    path: PathBuf,
}

/// A place in a log.
#[derive(Clone, Copy)]
pub(crate) struct Mark(u64);

impl Log {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The present end.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.path.metadata().map_or(0, |file| file.len()))
    }

    /// Everything that was answered since, in the order of the log.
    pub(crate) fn since(&self, mark: Mark) -> Result<Vec<Entry>, String> {
        let wrong = |error: std::io::Error| format!("audit log {}: {error}", self.path.display());
        let mut file = File::open(&self.path).map_err(wrong)?;
        file.seek(SeekFrom::Start(mark.0)).map_err(wrong)?;
        let lines = BufReader::new(file).lines();
        Ok(lines.map_while(Result::ok).filter_map(|line| Entry::read(&line)).collect())
    }
}

impl Entry {
    /// `None` for what is not the end of a request, such as the beginning of a watch.
    fn read(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        if value["stage"] != "ResponseComplete" {
            return None;
        }
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let instant = |pointer: &str| text(pointer).parse::<Timestamp>().ok().map(Timestamp::as_microsecond);
        let subresource = text("/objectRef/subresource");
        let resource = text("/objectRef/resource");
        Some(Self {
            received: instant("/requestReceivedTimestamp")?,
            answered: instant("/stageTimestamp")?,
            verb: text("/verb"),
            user: text("/user/username"),
            resource: if subresource.is_empty() { resource } else { format!("{resource}/{subresource}") },
            namespace: text("/objectRef/namespace"),
            name: text("/objectRef/name"),
            code: value.pointer("/responseStatus/code").and_then(Value::as_u64).unwrap_or_default(),
            object: value.pointer("/responseObject").cloned().unwrap_or_default(),
        })
    }

    pub(crate) fn by(&self, user: &str) -> bool {
        self.user == user
    }

    pub(crate) fn is_watch(&self) -> bool {
        self.verb == "watch"
    }

    /// Whether it went through to a Service or pod.
    pub(crate) fn is_proxied(&self) -> bool {
        self.resource.ends_with("/proxy")
    }

    /// Whether it is an access review.
    pub(crate) fn asks_for_rights(&self) -> bool {
        self.resource.starts_with("selfsubject")
    }

    /// Whether it asked for a change.
    pub(crate) fn changes(&self) -> bool {
        matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
            && !self.asks_for_rights()
    }

    /// Whether it was done to such an object.
    pub(crate) fn to(&self, verbs: &[&str], resource: &str, name: &str) -> bool {
        self.code < 300 && verbs.contains(&self.verb.as_str()) && self.resource == resource && self.name == name
    }

    /// Whether it asked for the deletion or eviction of a pod.
    pub(crate) fn kills_pod(&self) -> bool {
        (self.verb == "delete" && self.resource == "pods") || self.resource == "pods/eviction"
    }

    /// Whether it removed a pod's object for good, as the kubelet and garbage collection do.
    pub(crate) fn removes_pod(&self, namespace: &str) -> bool {
        self.verb == "delete"
            && self.resource == "pods"
            && self.namespace == namespace
            && self.user.starts_with("system:node:")
    }

    /// `metadata.uid` of the object.
    pub(crate) fn uid(&self) -> &str {
        self.object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the object's condition has this status.
    pub(crate) fn condition(&self, kind: &str, status: &str) -> bool {
        let conditions = self.object.pointer("/status/conditions").and_then(Value::as_array);
        conditions.into_iter().flatten().any(|condition| condition["type"] == kind && condition["status"] == status)
    }

    /// Whether all containers run, by the object's status.
    pub(crate) fn running(&self) -> bool {
        let containers = self.object.pointer("/status/containerStatuses").and_then(Value::as_array);
        containers.is_some_and(|all| !all.is_empty() && all.iter().all(|one| one["state"].get("running").is_some()))
    }

    /// Whether it wrote an EndpointSlice in which this pod is ready.
    pub(crate) fn lists_ready(&self, pod: &str) -> bool {
        let endpoints = self.object.pointer("/endpoints").and_then(Value::as_array);
        self.resource == "endpointslices"
            && endpoints.into_iter().flatten().any(|endpoint| {
                endpoint["targetRef"]["name"] == pod && endpoint["conditions"]["ready"].as_bool() == Some(true)
            })
    }
}
