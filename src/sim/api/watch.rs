//! Watch streams: changes of the store as JSON lines, until the timeout in virtual time.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::engine::Shared;
use crate::{Change, ChangeType, Key, Kind, State};

use super::fields::FieldSelector;
use super::list::too_old;
use super::selector::Selector;

/// How often the real watch cache sends a bookmark.
const BOOKMARK_PERIOD: Duration = Duration::from_secs(60);

/// Which objects a list or watch is about.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) kind: Kind,
    pub(super) namespace: Option<String>,
    pub(super) labels: Selector,
    pub(super) fields: FieldSelector,
}

impl Filter {
    /// Whether an object is selected.
    pub(super) fn matches(&self, key: &Key, object: &Value) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| *namespace == key.namespace)
            && self.labels.matches(object)
            && self.fields.matches(object)
    }

    /// Whether neither labels nor fields are asked for.
    pub(super) fn selects_all(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }
}

/// A watch that is about to be streamed.
#[derive(Debug)]
pub(super) struct WatchPlan {
    pub(super) filter: Filter,
    /// Changes after this version follow.
    pub(super) after: u64,
    /// When the server closes the stream.
    pub(super) timeout: Duration,
    /// Whether the client understands bookmarks.
    pub(super) bookmarks: bool,
    lines: Vec<u8>,
    changed: Arc<Notify>,
}

impl WatchPlan {
    /// A watch of what comes after a version.
    pub(super) fn new(filter: Filter, after: u64, timeout: Duration, changed: Arc<Notify>) -> Self {
        Self { filter, after, timeout, bookmarks: false, lines: Vec::new(), changed }
    }

    /// Adds an event to what is sent next.
    pub(super) fn event(&mut self, event: &str, object: &Value) {
        self.lines.extend_from_slice(format!("{{\"type\":\"{event}\",\"object\":{object}}}\n").as_bytes());
    }

    /// Adds a bookmark; the one after the initial events says so.
    pub(super) fn bookmark(&mut self, initial_events_end: bool) {
        let facts = self.filter.kind.facts();
        let mut object = json!({
            "kind": facts.kind, "apiVersion": facts.api_version(),
            "metadata": { "resourceVersion": self.after.to_string(), "creationTimestamp": null },
        });
        if initial_events_end {
            object["metadata"]["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        self.event("BOOKMARK", &object);
    }

    fn collect(&mut self, state: &State) -> bool {
        let Some(changes) = state.store.since(self.after) else {
            self.event("ERROR", &too_old(self.after, state.store.compacted()).body());
            return false;
        };
        for change in changes {
            if change.kind == self.filter.kind {
                self.show(change);
            }
        }
        self.after = self.after.max(state.store.version());
        true
    }

    /// An object that leaves the selection is deleted for this watch, one that enters is added.
    fn show(&mut self, change: &Change) {
        let before = change.old.as_ref().is_some_and(|old| self.filter.matches(&change.key, old.value()));
        let after = change.change != ChangeType::Deleted && self.filter.matches(&change.key, change.new.value());
        match (before, after, &change.old) {
            (false, true, _) => self.event("ADDED", change.new.value()),
            (true, true, _) => self.event("MODIFIED", change.new.value()),
            (true, false, Some(old)) if change.change != ChangeType::Deleted => {
                let mut last = old.value().clone();
                last["metadata"]["resourceVersion"] = json!(change.version.to_string());
                self.event("DELETED", &last);
            }
            (true, false, _) => self.event("DELETED", change.new.value()),
            (false, false, _) => {}
        }
    }
}

struct Watching {
    shared: Shared,
    plan: WatchPlan,
    end: Instant,
    next_bookmark: Instant,
    open: bool,
}

/// The body of a watch.
pub(super) fn stream(shared: Shared, plan: WatchPlan) -> impl Body<Data = Bytes, Error = Infallible> + Send {
    let now = Instant::now();
    let watching = Watching { shared, end: now + plan.timeout, next_bookmark: now + BOOKMARK_PERIOD, open: true, plan };
    StreamBody::new(stream::unfold(watching, |mut watching| async move {
        let lines = watching.next().await?;
        Some((Ok(Frame::data(lines)), watching))
    }))
}

impl Watching {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            // Asked for before the look, so that no change falls in between.
            let changed = self.plan.changed.clone().notified_owned();
            if self.open && self.end > Instant::now() {
                let plan = &mut self.plan;
                self.open = self.shared.look(|state| plan.collect(state));
            }
            if !self.plan.lines.is_empty() {
                return Some(Bytes::from(std::mem::take(&mut self.plan.lines)));
            }
            if !self.open || self.end <= Instant::now() {
                return None;
            }
            let wake = if self.plan.bookmarks { self.end.min(self.next_bookmark) } else { self.end };
            tokio::select! {
                biased;
                () = changed => {}
                () = tokio::time::sleep_until(wake) => {
                    if self.plan.bookmarks && self.next_bookmark <= Instant::now() {
                        self.next_bookmark += BOOKMARK_PERIOD;
                        self.plan.bookmark(false);
                    }
                }
            }
        }
    }
}
