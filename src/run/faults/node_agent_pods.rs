//! The pod of a node agent's Job, as its watch last showed it. Asks for nothing else.

use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use tokio::task::JoinSet;

use super::super::context::Context;
use super::super::observe::{Feed, Filter, Notice, follow};
use super::super::wait::Bell;

/// The pod of a Job, watched.
pub(super) struct Pods {
    newest: Arc<Mutex<(bool, Option<Pod>)>>,
    pub(super) changed: Arc<Bell>,
    pub(super) listed: Arc<Bell>,
    #[expect(dead_code, reason = "held for its drop, which ends the watch")]
    task: JoinSet<()>,
}

impl Pods {
    pub(super) fn of_job(context: &Context, namespace: &str, job: &str) -> Self {
        let newest: Arc<Mutex<(bool, Option<Pod>)>> = Arc::default();
        let (changed, listed): (Arc<Bell>, Arc<Bell>) = (Arc::default(), Arc::default());
        let api: Api<Pod> = Api::namespaced(context.client(), namespace);
        let filter = Filter::labels(format!("batch.kubernetes.io/job-name={job}"));
        let what = format!("the pod of Job {namespace}/{job}");
        let mut task = JoinSet::new();
        let (to, ring, first) = (newest.clone(), changed.clone(), listed.clone());
        task.spawn(follow(Feed::of(context), what, api, filter, move |notice| {
            let mut newest = to.lock().unwrap_or_else(PoisonError::into_inner);
            match notice {
                Notice::Object(crate::evidence::Change::Deleted, _) | Notice::Lost(_) => newest.1 = None,
                Notice::Object(_, pod) => *newest = (true, Some(pod)),
                Notice::Listed => first.ring(),
            }
            drop(newest);
            ring.ring();
        }));
        Self { newest, changed, listed, task }
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(Option<&Pod>) -> T) -> T {
        look(self.newest.lock().unwrap_or_else(PoisonError::into_inner).1.as_ref())
    }

    pub(super) fn was_there(&self) -> bool {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}
