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

/// Sets the phase of each pod that runs, with further fields of its status, by what its name or index says.
fn finish_each(state: &mut State, status: impl Fn(&Value) -> Option<Value>) {
    start_all(state, "worker-1");
    for name in pods(state) {
        let key = Key::new(NS, name.clone());
        let pod = state.store.get(Kind::Pod, &key).expect("the pod exists").value().clone();
        if pod["status"]["phase"] != "Running" {
            continue;
        }
        if let Some(status) = status(&pod) {
            let change = |pod: &mut Value| json_patch::merge(&mut pod["status"], &status);
            state.modify_value(Kind::Pod, &key, change).expect("the pod exists");
        }
    }
    run(state, 1);
}

fn index(pod: &Value) -> &str {
    pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"].as_str().unwrap_or_default()
}

fn exited(code: i32) -> Value {
    let state = json!({ "terminated": { "exitCode": code } });
    let phase = if code == 0 { "Succeeded" } else { "Failed" };
    json!({ "phase": phase, "containerStatuses": [
        { "name": "main", "image": "task:1", "imageID": "", "ready": false, "restartCount": 0, "state": state },
    ] })
}

#[test]
fn a_failure_policy_ignores_counts_or_ends_the_job() {
    let conditions = json!([{ "type": "DisruptionTarget", "status": "True" }]);
    let disrupted = json!({ "phase": "Failed", "conditions": conditions });
    let ignore = json!({ "action": "Ignore", "onPodConditions": conditions });
    let codes = |action: &str, operator: &str| json!({ "action": action, "onExitCodes": { "containerName": "main", "operator": operator, "values": [42] } });
    let limit = "FailureTarget BackoffLimitExceeded";
    let policy = "FailureTarget PodFailurePolicy";
    for (rule, status, expected, failed) in [
        (ignore.clone(), disrupted.clone(), vec![], Value::Null),
        (ignore, exited(1), vec![limit, "Failed BackoffLimitExceeded"], json!(1)),
        (codes("FailJob", "In"), exited(42), vec![policy, "Failed PodFailurePolicy"], json!(1)),
        (codes("FailJob", "In"), exited(1), vec![limit, "Failed BackoffLimitExceeded"], json!(1)),
        (codes("FailJob", "NotIn"), exited(1), vec![policy, "Failed PodFailurePolicy"], json!(1)),
        (codes("Count", "In"), exited(42), vec![limit, "Failed BackoffLimitExceeded"], json!(1)),
    ] {
        let mut state = cluster();
        job(&mut state, &json!({ "backoffLimit": 0, "podFailurePolicy": { "rules": [rule] } }));
        finish_each(&mut state, |_| Some(status.clone()));
        assert_eq!(ended(&state), expected, "{rule} {status}");
        assert_eq!(at(&state, Kind::Job, "task", "/status/failed"), failed, "{rule} {status}");
        if expected.is_empty() {
            run(&mut state, 12);
            assert_eq!(pods(&state).len(), 2, "an ignored failure is replaced after its back-off");
        }
    }
}

#[test]
fn a_replacement_may_wait_until_its_predecessor_has_failed() {
    for (policy, immediately) in [("TerminatingOrFailed", 2), ("Failed", 1)] {
        let mut state = cluster();
        job(&mut state, &json!({ "podReplacementPolicy": policy }));
        start_all(&mut state, "worker-1");
        let name = pods(&state).remove(0);
        delete(&mut state, Kind::Pod, &name);
        run(&mut state, 12);
        assert_eq!(pods(&state).len(), immediately, "{policy}");
        let change = |pod: &mut Value| pod["status"]["phase"] = json!("Failed");
        state.modify_value(Kind::Pod, &Key::new(NS, name), change).expect("it ends");
        end_terminating(&mut state);
        run(&mut state, 12);
        assert_eq!((pods(&state).len(), at(&state, Kind::Job, "task", "/status/failed")), (1, json!(1)), "{policy}");
    }
}

#[test]
fn each_index_succeeds_once() {
    let mut state = cluster();
    job(&mut state, &json!({ "completionMode": "Indexed", "completions": 4, "parallelism": 3 }));
    finish_each(&mut state, |pod| (index(pod) != "1").then(|| exited(0)));
    assert_eq!(at(&state, Kind::Job, "task", "/status/completedIndexes"), "0,2");
    finish_each(&mut state, |pod| Some(exited(i32::from(index(pod) == "1"))));
    assert_eq!(at(&state, Kind::Job, "task", "/status/completedIndexes"), "0,2,3");
    run(&mut state, 12);
    let last: Vec<_> = pods(&state).into_iter().filter(|name| name.starts_with("task-1-")).collect();
    assert_eq!(last.len(), 2, "index 1 is tried again: {:?}", pods(&state));
    finish_each(&mut state, |_| Some(exited(0)));
    assert_eq!(at(&state, Kind::Job, "task", "/status/completedIndexes"), "0-3");
    assert_eq!(at(&state, Kind::Job, "task", "/status/succeeded"), 4);
    assert_eq!(ended(&state), ["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"]);
    let pod = state.store.find(Kind::Pod, NS, &last[0]).expect("it is kept");
    assert_eq!(pod.text("/spec/hostname"), "task-1");
    assert_eq!(pod.text("/spec/containers/0/env/0/name"), "JOB_COMPLETION_INDEX");
}

#[test]
fn a_success_policy_ends_what_still_runs() {
    let mut state = cluster();
    let rules = json!([{ "succeededIndexes": "0,2", "succeededCount": 1 }]);
    let spec = json!({
        "completionMode": "Indexed", "completions": 3, "parallelism": 3, "successPolicy": { "rules": rules },
    });
    job(&mut state, &spec);
    finish_each(&mut state, |pod| (index(pod) == "1").then(|| exited(0)));
    assert_eq!(ended(&state), [] as [&str; 0], "index 1 is in no rule");
    finish_each(&mut state, |pod| (index(pod) == "2").then(|| exited(0)));
    end_terminating(&mut state);
    run(&mut state, 2);
    assert_eq!(ended(&state), ["SuccessCriteriaMet SuccessPolicy", "Complete SuccessPolicy"]);
}

#[test]
fn indexes_fail_one_by_one_when_each_has_its_limit() {
    let mut state = cluster();
    let spec = json!({
        "completionMode": "Indexed", "completions": 2, "parallelism": 2, "backoffLimitPerIndex": 1,
        "backoffLimit": i32::MAX,
    });
    job(&mut state, &spec);
    finish_each(&mut state, |pod| Some(exited(i32::from(index(pod) == "0"))));
    assert_eq!(at(&state, Kind::Job, "task", "/status/failedIndexes"), "", "it may fail once");
    run(&mut state, 12);
    finish_each(&mut state, |_| Some(exited(1)));
    assert_eq!(at(&state, Kind::Job, "task", "/status/failedIndexes"), "0");
    assert_eq!(at(&state, Kind::Job, "task", "/status/completedIndexes"), "1");
    assert_eq!(ended(&state), ["FailureTarget FailedIndexes", "Failed FailedIndexes"]);
}

#[test]
fn a_suspended_job_runs_nothing_until_it_is_resumed() {
    let mut state = cluster();
    job(&mut state, &json!({ "suspend": true }));
    assert_eq!((pods(&state).len(), ended(&state)), (0, vec!["Suspended JobSuspended".to_owned()]));
    let resume = |job: &mut Value| job["spec"]["suspend"] = json!(false);
    state.modify_value(Kind::Job, &Key::new(NS, "task"), resume).expect("it is there");
    run(&mut state, 1);
    assert_eq!((pods(&state).len(), ended(&state)), (1, vec!["Suspended JobResumed".to_owned()]));
}
