//! Records what the API says happens, by watches, with the time at which it was told. Understands nothing of it.

use std::sync::{Arc, Mutex};

use futures::{StreamExt, TryStreamExt};
use kube::api::{Api, DynamicObject};
use kube::runtime::watcher::{self, Event};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::objects;

/// One version of an object, or its end.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) object: Value,
    pub(crate) gone: bool,
}

/// Watches that run.
pub(crate) struct Recorder {
    seen: Arc<Mutex<Vec<Seen>>>,
    watches: JoinSet<()>,
}

const KINDS: [(&str, &str); 6] = [
    ("v1", "Pod"),
    ("v1", "Event"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
];

impl Recorder {
    /// Starts to watch a namespace and the nodes. Returns when every watch has told what there is.
    pub(crate) async fn start(client: &kube::Client, namespace: &str) -> Self {
        let seen = Arc::default();
        let mut watches = JoinSet::new();
        let (ready, mut told) = mpsc::channel(KINDS.len() + 1);
        let places = KINDS.iter().map(|(version, kind)| (*version, *kind, Some(namespace)));
        for (version, kind, place) in places.chain([("v1", "Node", None)]) {
            let api = objects::api(client, version, kind, place);
            watches.spawn(watch(api, kind, Arc::clone(&seen), ready.clone()));
        }
        for _ in 0..=KINDS.len() {
            told.recv().await;
        }
        Self { seen, watches }
    }

    /// How much was told so far.
    pub(crate) fn told(&self) -> usize {
        self.seen.lock().expect("no panic while held").len()
    }

    /// Stops, and gives what was told.
    pub(crate) fn stop(mut self) -> Vec<Seen> {
        self.watches.abort_all();
        std::mem::take(&mut *self.seen.lock().expect("no panic while held"))
    }
}

async fn watch(api: Api<DynamicObject>, kind: &'static str, seen: Arc<Mutex<Vec<Seen>>>, ready: mpsc::Sender<()>) {
    let mut events = watcher::watcher(api, watcher::Config::default()).boxed();
    loop {
        let (object, gone) = match events.try_next().await {
            Ok(Some(Event::InitApply(object) | Event::Apply(object))) => (object, false),
            Ok(Some(Event::Delete(object))) => (object, true),
            Ok(Some(Event::InitDone)) => {
                let _nobody_waits_any_more = ready.try_send(());
                continue;
            }
            // A watch that broke begins again by itself.
            Ok(Some(Event::Init)) | Err(_) => continue,
            Ok(None) => return,
        };
        let object = objects::json(&object, kind);
        seen.lock().expect("no panic while held").push(Seen { at: Instant::now(), object, gone });
    }
}
