//! `CronJob`s over minutes, with Jobs whose pods end by hand.

use serde_json::{Value, json};

use crate::controllers::testing::{NS, at, cluster, create, end_terminating, pods, run, start_all, template};
use crate::{Key, Kind, State};

fn cron(state: &mut State, more: &Value) {
    let mut spec = json!({
        "schedule": "*/2 * * * *", "jobTemplate": { "spec": { "template": template("task", "task:1") } },
    });
    json_patch::merge(&mut spec, more);
    spec["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
    create(state, Kind::CronJob, json!({ "metadata": { "name": "tick" }, "spec": spec }));
}

fn jobs(state: &State) -> Vec<String> {
    state.store.in_namespace(Kind::Job, NS).map(|(key, _)| key.name.clone()).collect()
}

fn finish(state: &mut State, phase: &str) {
    start_all(state, "worker-1");
    for name in pods(state) {
        let end = |pod: &mut Value| pod["status"]["phase"] = json!(phase);
        state.modify_value(Kind::Pod, &Key::new(NS, name), end).expect("the pod exists");
    }
    run(state, 1);
}

fn told(state: &State, reason: &str) -> usize {
    let events = state.store.in_namespace(Kind::Event, NS);
    events.filter(|(_, event)| event.text("/reason") == reason).count()
}

#[test]
fn each_time_has_its_job_and_old_ones_go() {
    let mut state = cluster();
    cron(&mut state, &json!({ "successfulJobsHistoryLimit": 2 }));
    run(&mut state, 100);
    assert_eq!(jobs(&state), [] as [&str; 0]);
    for minutes in [2, 4, 6, 8] {
        run(&mut state, 120);
        let name = format!("tick-{}", crate::state::EPOCH_SECONDS / 60 + minutes);
        assert!(jobs(&state).contains(&name), "{name} of {:?}", jobs(&state));
        assert_eq!(at(&state, Kind::CronJob, "tick", "/status/active/0/name"), name.as_str());
        finish(&mut state, "Succeeded");
        assert!(at(&state, Kind::CronJob, "tick", "/status/active").is_null());
        assert!(at(&state, Kind::CronJob, "tick", "/status/lastSuccessfulTime").is_string());
    }
    assert_eq!(jobs(&state).len(), 2);
    assert_eq!(told(&state, "SawCompletedJob"), 4);
}

#[test]
fn a_job_that_still_runs_is_joined_waited_for_or_replaced() {
    for (policy, running) in [("Allow", 3), ("Forbid", 1), ("Replace", 1)] {
        let mut state = cluster();
        cron(&mut state, &json!({ "concurrencyPolicy": policy }));
        for _ in 0..3 {
            run(&mut state, 121);
            start_all(&mut state, "worker-1");
            end_terminating(&mut state);
        }
        run(&mut state, 5);
        end_terminating(&mut state);
        assert_eq!(jobs(&state).len(), running, "{policy}");
        assert_eq!(told(&state, "JobAlreadyActive") > 0, policy == "Forbid");
        let first = format!("tick-{}", crate::state::EPOCH_SECONDS / 60 + 2);
        assert_eq!(jobs(&state).contains(&first), policy != "Replace", "{policy}");
    }
}

#[test]
fn a_suspended_one_makes_nothing_and_goes_on_when_it_is_resumed() {
    let mut state = cluster();
    cron(&mut state, &json!({ "suspend": true }));
    run(&mut state, 400);
    assert_eq!(jobs(&state).len(), 0);
    let resume = |cron: &mut Value| cron["spec"]["suspend"] = json!(false);
    state.modify_value(Kind::CronJob, &Key::new(NS, "tick"), resume).expect("it is there");
    run(&mut state, 1);
    assert_eq!(jobs(&state).len(), 1, "the last time that was missed");
}

#[test]
fn what_cannot_be_read_is_told_and_makes_nothing() {
    for (more, reason) in [
        (json!({ "schedule": "often" }), "UnparseableSchedule"),
        (json!({ "timeZone": "Nowhere/At_All" }), "UnknownTimeZone"),
    ] {
        let mut state = cluster();
        cron(&mut state, &more);
        run(&mut state, 300);
        assert_eq!((jobs(&state).len(), told(&state, reason)), (0, 1), "{more}");
    }
}

#[test]
fn its_jobs_go_with_it() {
    let mut state = cluster();
    cron(&mut state, &json!({}));
    run(&mut state, 125);
    assert_eq!(jobs(&state).len(), 1);
    crate::controllers::testing::delete(&mut state, Kind::CronJob, "tick");
    run(&mut state, 5);
    end_terminating(&mut state);
    run(&mut state, 5);
    assert_eq!((jobs(&state).len(), pods(&state).len()), (0, 0));
}
