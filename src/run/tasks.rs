//! Parts of a run that may break off: a panic becomes a gap that names the part, so that the run is inconclusive and never
//! quietly blind. Hides no panic: its message and its place go to standard error as ever.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tokio::task::JoinSet;

use super::context::Recorder;

/// Tasks of a run, aborted when dropped.
#[derive(Debug)]
pub(super) struct Tasks {
    set: JoinSet<()>,
    recorder: Recorder,
}

impl Tasks {
    pub(super) fn new(recorder: &Recorder) -> Self {
        Self { set: JoinSet::new(), recorder: recorder.clone() }
    }

    /// Starts a task. `name` says what it does, for people: `probe reads`.
    pub(super) fn spawn(&mut self, name: impl Into<String>, task: impl Future<Output = ()> + Send + 'static) {
        let (recorder, name) = (self.recorder.clone(), name.into());
        self.set.spawn(async move {
            guarded(&recorder, &name, task).await;
        });
    }

    /// Waits until all have ended.
    pub(super) async fn finish(&mut self) {
        while self.set.join_next().await.is_some() {}
    }
}

/// Awaits a part of a run; nothing when it panicked, which is then on record.
pub(super) fn guarded<T, F: Future<Output = T>>(
    recorder: &Recorder,
    name: &str,
    part: F,
) -> impl Future<Output = Option<T>> {
    // What a panic leaves half-changed is told apart by the gap: nothing is judged on it.
    let part = AssertUnwindSafe(Box::pin(part)).catch_unwind();
    async move {
        match part.await {
            Ok(value) => Some(value),
            Err(panic) => {
                let why = message(&*panic);
                recorder.gap(format!("{name}: driftproof itself broke off here ({why}); please report this"), false);
                None
            }
        }
    }
}

/// What a panic says.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".to_owned())
}
