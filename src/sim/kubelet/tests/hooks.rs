//! Hooks and the environment: what holds a container's start and its end.

use serde_json::json;

use super::*;

fn hooked(hook: &str, handler: &Value) -> Value {
    let probe = json!({ "httpGet": { "path": "/readyz", "port": 8080 }, "periodSeconds": 1 });
    let mut fields = json!({ "ports": [{ "containerPort": 8080 }], "readinessProbe": probe });
    fields["lifecycle"] = json!({ hook: handler });
    main(&fields)
}

#[test]
fn a_pre_stop_hook_runs_to_its_end_before_sigterm() {
    for (handler, annotations, low, high) in [
        (json!({ "exec": { "command": ["sh", "-c", "sleep 20"] } }), json!({}), 20.0, 22.5),
        (json!({ "sleep": { "seconds": 20 } }), json!({}), 20.0, 22.5),
        (json!({ "exec": { "command": ["sh", "-c", "nginx -s quit; sleep 5"] } }), json!({}), 5.0, 7.5),
        (
            json!({ "exec": { "command": ["/drain"] } }),
            json!({ "embedded.driftproof.dev/prestop-duration": "8s" }),
            8.0,
            10.5,
        ),
        (json!({ "httpGet": { "path": "/drain", "port": 8080 } }), json!({}), 0.0, 2.5),
        (json!({ "exec": { "command": ["sleep", "infinity"] } }), json!({}), 30.0, 33.5),
    ] {
        let mut state = cluster();
        pod(&mut state, "web", &annotations, &hooked("preStop", &handler));
        until(&mut state, 20.0, |state| ready(state, "web"));
        delete(&mut state, "web", None);
        let took = until(&mut state, 60.0, |state| !exists(state, "web"));
        assert!((low..high).contains(&took), "{handler}: {took}");
    }
}

#[test]
fn a_post_start_hook_holds_the_start_and_every_probe() {
    for handler in [json!({ "exec": { "command": ["sh", "-c", "sleep 20"] } }), json!({ "sleep": { "seconds": 20 } })] {
        let mut state = cluster();
        let uid = pod(&mut state, "web", &json!({}), &hooked("postStart", &handler));
        until(&mut state, 20.0, |state| runs(state, &uid));
        run(&mut state, 18.0);
        assert_eq!(waiting(&state, "web"), "ContainerCreating", "the process runs, and the kubelet waits");
        assert!(!reasons(&state, "web").contains(&"Unhealthy".to_owned()));
        let took = until(&mut state, 5.0, |state| ready(state, "web"));
        assert!((1.0..4.0).contains(&took), "{took}");
        assert_eq!(restarts(&state, "web"), 0);
    }
}

#[test]
fn a_failed_post_start_hook_ends_the_container() {
    for handler in [
        json!({ "exec": { "command": ["false"] } }),
        json!({ "httpGet": { "path": "/warm", "port": 8080 } }),
        json!({ "tcpSocket": { "port": 8080 } }),
    ] {
        let mut state = cluster();
        pod(&mut state, "web", &json!({}), &hooked("postStart", &handler));
        until(&mut state, 40.0, |state| waiting(state, "web") == "CrashLoopBackOff");
        assert!(reasons(&state, "web").contains(&"FailedPostStartHook".to_owned()), "{handler}");
        assert!(!ready(&state, "web"));
    }
}

#[test]
fn a_pod_that_is_deleted_in_its_post_start_hook_ends_in_its_grace() {
    let mut state = cluster();
    let uid = pod(&mut state, "web", &json!({}), &hooked("postStart", &json!({ "sleep": { "seconds": 200 } })));
    until(&mut state, 20.0, |state| runs(state, &uid));
    run(&mut state, 5.0);
    delete(&mut state, "web", None);
    until(&mut state, 35.0, |state| !exists(state, "web"));
}

#[test]
fn a_kubelet_that_starts_again_does_not_run_the_hook_again() {
    let mut state = cluster();
    let uid = pod(&mut state, "web", &json!({}), &hooked("postStart", &json!({ "sleep": { "seconds": 200 } })));
    until(&mut state, 20.0, |state| runs(state, &uid));
    state.kill_kubelet(NODE);
    state.start_kubelet(NODE);
    until(&mut state, 20.0, |state| ready(state, "web"));
    state.power_off(NODE);
    state.power_on(NODE);
    until(&mut state, 300.0, |state| !ready(state, "web") || restarts(state, "web") == 1);
}

#[test]
fn an_environment_that_is_not_there_holds_its_container() {
    let map = |optional: bool| json!({ "envFrom": [{ "configMapRef": { "name": "settings", "optional": optional } }] });
    let secret = |key: &str| {
        let source = json!({ "secretKeyRef": { "name": "password", "key": key } });
        json!({ "env": [{ "name": "A", "valueFrom": source }] })
    };
    let optional = json!({ "env": [
        { "name": "A", "valueFrom": { "configMapKeyRef": { "name": "settings", "key": "a", "optional": true } } },
    ] });
    for (container, why) in [
        (map(false), "configmap \"settings\" not found"),
        (map(true), ""),
        (optional, ""),
        (secret("key"), "secret \"password\" not found"),
    ] {
        let mut state = cluster();
        pod(&mut state, "web", &json!({}), &main(&container));
        run(&mut state, 60.0);
        let message = status(&state, "web", "/containerStatuses/0/state/waiting/message");
        assert_eq!(message.as_str().unwrap_or_default(), why, "{container}");
        assert_eq!(
            (waiting(&state, "web") == "CreateContainerConfigError", ready(&state, "web")),
            (!why.is_empty(), why.is_empty())
        );
    }
    let mut state = cluster();
    pod(&mut state, "web", &json!({}), &main(&secret("key")));
    let password = json!({ "metadata": { "namespace": NS, "name": "password" }, "data": { "other": "YQ==" } });
    state.create(Kind::Secret, password).expect("a secret");
    run(&mut state, 30.0);
    let message = status(&state, "web", "/containerStatuses/0/state/waiting/message");
    assert_eq!(message, format!("couldn't find key key in Secret {NS}/password"));
    let add = |secret: &mut Value| secret["data"]["key"] = json!("YQ==");
    state.modify_value(Kind::Secret, &key("password"), add).expect("it is there");
    until(&mut state, 20.0, |state| ready(state, "web"));
}
