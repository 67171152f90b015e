//! The life of an application and what its annotations do to it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::Kind;
use crate::network::bench::{Bench, MS, at_pod};
use crate::network::{Answer, Request, Vantage};

const S: Duration = Duration::from_secs(1);

fn pod(bench: &mut Bench, annotations: &Value) -> String {
    let all: serde_json::Map<String, Value> = annotations
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (format!("embedded.driftproof.dev/{key}"), value.clone()))
        .collect();
    bench.pod("shop", "a", "n1", "10.0.1.1", &json!({ "metadata": { "annotations": all } }))
}

/// What the kubelet's probe and a client see now: listens, `/healthz`, `/readyz`, and the status of `GET /`
/// (0 when the application gives none).
fn look(bench: &mut Bench, uid: &str) -> (bool, Option<u16>, Option<u16>, u16) {
    let listens = bench.state.app_listens(uid, 8080);
    let alive = bench.state.app_probe(uid, "main", 8080, "/healthz");
    let ready = bench.state.app_probe(uid, "main", 8080, "/readyz");
    let status = match bench.get(&Vantage::Outside, &at_pod("shop", "a", "http")) {
        Answer::Response { status, .. } => status,
        Answer::Refused | Answer::Reset | Answer::Silent => 0,
    };
    (listens, alive, ready, status)
}

#[test]
fn annotations_decide_how_an_application_behaves() {
    let well = (true, Some(200), Some(200), 200);
    let dead = (false, None, None, 0);
    // Annotations, and what is seen 100 ms, 500 ms and 3 s after the container's start.
    let cases = [
        (json!({}), [dead, well, well]),
        (json!({ "app-start": "1s" }), [dead, dead, well]),
        (json!({ "app": "none" }), [dead, dead, dead]),
        (json!({ "unready-for": "1s" }), [dead, (true, Some(200), Some(503), 503), well]),
        (json!({ "unhealthy-after": "1s" }), [dead, well, (true, Some(500), Some(200), 200)]),
        (json!({ "hang-after": "1s" }), [dead, well, (true, None, None, 0)]),
        (json!({ "crash-after": "1s" }), [dead, well, dead]),
        (json!({ "app-start": "soon" }), [dead, dead, dead]),
    ];
    for (annotations, expected) in cases {
        let mut bench = Bench::new();
        let uid = pod(&mut bench, &annotations);
        let start = bench.state.now;
        for (at, expected) in [100 * MS, 500 * MS, 3 * S].into_iter().zip(expected) {
            bench.state.advance(start + at);
            assert_eq!(look(&mut bench, &uid), expected, "{annotations} after {at:?}");
        }
    }
}

#[test]
fn an_annotation_that_cannot_be_read_is_said() {
    let mut bench = Bench::new();
    pod(&mut bench, &json!({ "bugs": "stale-reads, sloth" }));
    let events: Vec<_> =
        bench.state.store.all(Kind::Event).map(|(_, event)| event.text("/message").to_owned()).collect();
    let expected = "annotation embedded.driftproof.dev/bugs of pod a is \"sloth\"; \
                    write any of stale-reads, lost-writes, two-leaders, duplicate-writes, swallowed-members";
    assert_eq!(events, [expected]);
}

#[test]
fn sigterm_lets_it_serve_until_it_exits_or_closes_it_at_once() {
    for (mode, during) in [("serve", 200), ("close", 0)] {
        let mut bench = Bench::new();
        let uid = pod(&mut bench, &json!({ "stop-mode": mode, "app-stop": "500ms", "latency": "100ms" }));
        bench.pass(S);
        let mut early = bench.send(&Vantage::Outside, &at_pod("shop", "a", "http"), Request::default());
        bench.pass(10 * MS);
        bench.state.app_signalled(&uid, "main");
        let mut late = bench.send(&Vantage::Outside, &at_pod("shop", "a", "http"), Request::default());
        bench.pass(200 * MS);
        assert!(matches!(early.try_recv(), Ok(Answer::Response { status: 200, .. })), "in flight at SIGTERM: {mode}");
        let late = match late.try_recv() {
            Ok(Answer::Response { status, .. }) => status,
            _ => 0,
        };
        assert_eq!(late, during, "after SIGTERM: {mode}");
        bench.pass(S);
        assert_eq!(bench.get(&Vantage::Outside, &at_pod("shop", "a", "http")), Answer::Refused);
    }
}

#[test]
fn a_command_fails_as_far_as_it_concerns_the_application() {
    let mut bench = Bench::new();
    let uid = pod(&mut bench, &json!({ "unready-for": "1s", "unhealthy-after": "2s" }));
    // While it starts, is not ready, is well, is unhealthy, and is gone.
    let cases: [(&[&str], [i32; 5]); 5] = [
        (&["cat", "/tmp/ready"], [1, 1, 0, 0, 137]),
        (&["healthcheck"], [1, 0, 0, 1, 137]),
        (&["sleep", "5"], [0, 0, 0, 0, 137]),
        (&["/bin/sh", "-c", "sleep 5"], [0, 0, 0, 0, 137]),
        (&["sh", "-c", "curl localhost/ready"], [1, 1, 0, 0, 137]),
    ];
    for (moment, wait) in [Duration::ZERO, 500 * MS, S, S, S].into_iter().enumerate() {
        bench.pass(wait);
        if moment == 4 {
            bench.state.app_killed(&uid, "main");
        }
        for (command, codes) in &cases {
            let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(bench.state.app_exec(&uid, "main", &command), codes[moment], "{command:?} at moment {moment}");
        }
    }
}
