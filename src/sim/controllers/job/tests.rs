//! Jobs with pods that succeed and fail by hand.

use serde_json::{Value, json};

use crate::controllers::testing::{NS, at, cluster, create, delete, end_terminating, pods, run, start_all, template};
use crate::{Key, Kind, State};

fn job(state: &mut State, more: &Value) {
    let mut spec = json!({ "template": template("task", "task:1"), "completions": 1, "parallelism": 1 });
    for (name, value) in more.as_object().into_iter().flatten() {
        spec[name] = value.clone();
    }
    create(state, Kind::Job, json!({ "metadata": { "name": "task" }, "spec": spec }));
    run(state, 1);
}

/// Ends every running pod.
fn finish(state: &mut State, phase: &str) {
    start_all(state, "worker-1");
    for name in pods(state) {
        let ended = !at(state, Kind::Pod, &name, "/metadata/finalizers").is_null();
        if ended {
            let key = Key::new(NS, name);
            state.modify_value(Kind::Pod, &key, |pod| pod["status"]["phase"] = json!(phase)).expect("the pod exists");
        }
    }
    run(state, 1);
}

fn ended(state: &State) -> Vec<String> {
    let conditions = at(state, Kind::Job, "task", "/status/conditions");
    let conditions = conditions.as_array().cloned().unwrap_or_default();
    conditions
        .iter()
        .map(|one| format!("{} {}", one["type"].as_str().unwrap_or(""), one["reason"].as_str().unwrap_or("")))
        .collect()
}

#[test]
fn completions_and_parallelism() {
    let mut state = cluster();
    job(&mut state, &json!({ "completions": 3, "parallelism": 2 }));
    assert_eq!(pods(&state).len(), 2);
    finish(&mut state, "Succeeded");
    assert_eq!(at(&state, Kind::Job, "task", "/status/succeeded"), 2);
    assert_eq!(at(&state, Kind::Job, "task", "/status/active"), 1);
    finish(&mut state, "Succeeded");
    assert_eq!(ended(&state), ["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"]);
    assert_eq!(at(&state, Kind::Job, "task", "/status/succeeded"), 3);
}

#[test]
fn failures_back_off_up_to_the_limit() {
    let mut state = cluster();
    job(&mut state, &json!({ "backoffLimit": 1 }));
    finish(&mut state, "Failed");
    assert_eq!(pods(&state).len(), 1, "the next try waits ten seconds");
    run(&mut state, 12);
    assert_eq!(pods(&state).len(), 2);
    finish(&mut state, "Failed");
    assert_eq!(ended(&state), ["FailureTarget BackoffLimitExceeded", "Failed BackoffLimitExceeded"]);
}

#[test]
fn a_deadline_ends_what_runs() {
    let mut state = cluster();
    job(&mut state, &json!({ "activeDeadlineSeconds": 30 }));
    start_all(&mut state, "worker-1");
    run(&mut state, 60);
    assert_eq!(ended(&state), ["FailureTarget DeadlineExceeded"], "its pod is still ending");
    end_terminating(&mut state);
    run(&mut state, 1);
    assert_eq!(ended(&state), ["FailureTarget DeadlineExceeded", "Failed DeadlineExceeded"]);
    assert_eq!(pods(&state), [] as [&str; 0]);
}

#[test]
fn a_finished_job_goes_after_its_time_to_live() {
    let mut state = cluster();
    job(&mut state, &json!({ "ttlSecondsAfterFinished": 60 }));
    finish(&mut state, "Succeeded");
    run(&mut state, 30);
    assert!(state.store.find(Kind::Job, NS, "task").is_some());
    run(&mut state, 40);
    end_terminating(&mut state);
    run(&mut state, 5);
    assert!(state.store.find(Kind::Job, NS, "task").is_none());
    assert_eq!(pods(&state), [] as [&str; 0]);
}

#[test]
fn a_deleted_job_holds_no_pod_back() {
    let mut state = cluster();
    job(&mut state, &json!({}));
    start_all(&mut state, "worker-1");
    delete(&mut state, Kind::Job, "task");
    run(&mut state, 2);
    end_terminating(&mut state);
    run(&mut state, 2);
    assert_eq!(pods(&state), [] as [&str; 0]);
}
