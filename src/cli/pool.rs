//! Several tasks at a time, each as a row of the results: those that ended, those that panicked, and those that were not
//! reached. Knows nothing of scenarios.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::guarded::guarded;

/// How tasks are done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pool {
    /// How many at a time; at least one.
    pub(super) workers: usize,
}

/// Whether others are begun after a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// They are.
    GoOn,
    /// Those that run end; no other begins.
    Enough,
}

impl Pool {
    /// Does each task unless `stopped` says before that it is over. Returns what came of those that began, by their index; an
    /// error is a panic in its words. Returns when all threads have ended.
    pub(super) fn all<T: Sync, R: Send>(
        self,
        tasks: &[T],
        stopped: impl Fn() -> bool + Sync,
        one: impl Fn(&T) -> (R, Next) + Sync,
    ) -> BTreeMap<usize, Result<R, String>> {
        let (next, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
        let ended = Mutex::new(BTreeMap::new());
        thread::scope(|scope| {
            for _ in 0..self.workers.clamp(1, tasks.len().max(1)) {
                scope.spawn(|| {
                    while !enough.load(Ordering::SeqCst) && !stopped() {
                        let index = next.fetch_add(1, Ordering::SeqCst);
                        let Some(task) = tasks.get(index) else { return };
                        let result = guarded(|| one(task));
                        if matches!(result, Ok((_, Next::Enough))) {
                            enough.store(true, Ordering::SeqCst);
                        }
                        let result = result.map(|(result, _)| result);
                        ended.lock().unwrap_or_else(PoisonError::into_inner).insert(index, result);
                    }
                });
            }
        });
        ended.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_panics_costs_no_other() {
        for workers in [1, 4] {
            let tasks: Vec<u32> = (0..12).collect();
            let ended = Pool { workers }.all(
                &tasks,
                || false,
                |task| {
                    assert!(task % 5 != 3, "task {task} went wrong");
                    (task * 2, Next::GoOn)
                },
            );
            assert_eq!(ended.len(), 12);
            for (index, result) in ended {
                match result {
                    Ok(double) => assert_eq!(double as usize, index * 2),
                    Err(told) => {
                        assert!(index % 5 == 3 && told.contains(&format!("task {index} went wrong")), "{told}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_was_not_reached_is_not_there() {
        let tasks = [1, 2, 3, 4];
        let enough = |task: &i32| (*task, if *task == 2 { Next::Enough } else { Next::GoOn });
        assert_eq!(Pool { workers: 1 }.all(&tasks, || false, enough).len(), 2);
        assert_eq!(Pool { workers: 1 }.all(&tasks, || true, enough).len(), 0);
        let none: [i32; 0] = [];
        assert_eq!(Pool { workers: 9 }.all(&none, || false, enough).len(), 0);
    }
}
