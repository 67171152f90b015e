//! The runs that the tests start from. Each test says what differs.

/// A Deployment of two; one pod is killed, its replacement is Ready after three seconds.
pub(crate) const KILL: &str = "
    0 stage steady
    0 node worker-1 z1 ready
    0 node worker-2 z2 ready
    0 node worker-3 z3 ready
    0 workload deployment/web 2
    0 pod a web-a ReplicaSet/web worker-1 ready
    0 pod b web-b ReplicaSet/web worker-2 ready
    0 endpoints web web-a web-b
    0 probes 18 10 ok
    0.1 steady
    0 plan 1-pod-kill kill b=web-b@worker-2
    10 stage fault
    10 inject 1-pod-kill
    10.1 pod b terminating
    10.1 unsteady 1 of 2 pods of deployment/web are ready
    10.1 endpoints web web-a
    10.2 proof 1-pod-kill yes shop/web-b is gone
    10.2 pod c web-c ReplicaSet/web - pending
    10.3 pod c worker-3 pending
    10.5 pod b gone
    12.3 event Pod/web-c c Pulled pulled in 2s
    12.8 pod c running
    13 pod c ready
    13.1 endpoints web web-a web-c
    13.2 steady
    13.2 stage settle
    18.2 stage check
    18.3 stage clean
    18.4 end completed
";

/// The scenario of [`KILL`].
pub(crate) const KILL_SCENARIO: &str = r#"
    name = "one-pod"
    target = { namespace = "shop", workload = "deployment/web" }
    [[probe]]
    name = "reads"
    kind = "http"
    service = "web:80"
    [[fault]]
    kind = "pod-kill"
    [expect]
    rto = "10s"
"#;

/// A StatefulSet of one on a node that loses power; the out-of-service taint and a forced detach bring it back.
pub(crate) const LOST: &str = "
    0 stage steady
    0 node worker-2 z2 ready
    0 node worker-3 z3 ready
    0 workload statefulset/db 1
    0 pod a db-0 StatefulSet/db worker-2 ready claim=data-db-0
    0 attach data-db-0 worker-2 yes
    0 endpoints db db-0
    0 probes 10 10 ok db-0
    0.1 steady
    0 plan 1-node-failure fail worker-2
    10 stage fault
    10 inject 1-node-failure
    10 probes 423 1 timeout
    11 unsteady probe reads fails: timeout
    60 node worker-2 z2 lost
    60 proof 1-node-failure yes worker-2 is not Ready
    60 pod a running
    60 endpoints db
    360 pod a terminating
    361 pod a gone
    361.1 pod b db-0 StatefulSet/db worker-3 waiting claim=data-db-0
    420.1 attach data-db-0 worker-3 yes
    420.1 event Pod/db-0 b Pulled already present
    422 pod b running
    422 pod b ready
    422 endpoints db db-0
    423 probes 436 10 ok db-0
    423 steady
    430 heal 1-node-failure
    430 node worker-2 z2 ready
    430 heal-proof 1-node-failure yes worker-2 is Ready
    430 stage settle
    436 stage check
    436 stage clean
    436 end completed
";

/// The scenario of [`LOST`].
pub(crate) const LOST_SCENARIO: &str = r#"
    name = "db-node-lost"
    target = { namespace = "shop", workload = "statefulset/db" }
    [[probe]]
    name = "reads"
    kind = "http"
    service = "db:80"
    [[fault]]
    kind = "node-failure"
    [expect]
    rto = "2m"
"#;

/// A member moves from `db-0` to `db-3` and back; each time the new one is there first.
pub(crate) const MOVED: &str = "
    0 stage steady
    0 node worker-1 z1 ready
    0 node worker-4 z4 ready
    0 workload statefulset/db 3
    0 pod a db-0 StatefulSet/db worker-1 ready
    0 pod b db-1 StatefulSet/db worker-1 ready
    0 pod c db-2 StatefulSet/db worker-1 ready
    0.1 steady
    0 plan 1-etcd-member-replace member a=db-0@worker-1
    10 stage fault
    10 inject 1-etcd-member-replace
    10.1 workload statefulset/db 4
    10.1 unsteady 3 of 4 pods of statefulset/db are ready
    11 pod d db-3 StatefulSet/db worker-4 waiting
    14 pod d running
    15 pod d ready
    15 steady
    18 workload statefulset/db 3
    18 pod a terminating
    19 pod a gone
    20 proof 1-etcd-member-replace yes the lists have db-3 and not db-0
    30 heal 1-etcd-member-replace
    30.1 workload statefulset/db 4
    30.1 unsteady 3 of 4 pods of statefulset/db are ready
    31 pod e db-0 StatefulSet/db worker-1 waiting
    34 pod e running
    35 pod e ready
    35 steady
    38 workload statefulset/db 3
    38 pod d terminating
    39 pod d gone
    40 heal-proof 1-etcd-member-replace yes the lists have db-0 and not db-3
    40 stage settle
    45 stage check
    46 stage clean
    46 end completed
";

/// The scenario of [`MOVED`].
pub(crate) const MOVED_SCENARIO: &str = r#"
    name = "member-moves"
    target = { namespace = "shop", workload = "statefulset/db" }
    [steady]
    window = "2s"
    [[fault]]
    kind = "etcd-member-replace"
    hold = "10s"
    [expect]
    rto = "10s"
    moved = 2
"#;

/// Like [`LOST`], but nobody removes the old pod object.
pub(crate) fn stuck() -> String {
    let until = LOST.find("    361 pod a gone").expect("the old pod goes");
    let mut story = LOST[..until].to_owned();
    story.push_str(
        "
        430 heal 1-node-failure
        430 heal-proof 1-node-failure yes the power is back
        430 stage settle
        423 probes 550 1 timeout
        550 stage check
        550 end completed
        ",
    );
    story
}

/// The story without the lines that contain `word`.
pub(crate) fn without(story: &str, word: &str) -> String {
    let kept: Vec<&str> = story.lines().filter(|line| !line.contains(word)).collect();
    assert!(kept.len() < story.lines().count(), "`{word}` is in no line of the story");
    kept.join("\n")
}

/// The story with `from` replaced by `to`.
pub(crate) fn with(story: &str, from: &str, to: &str) -> String {
    assert!(story.contains(from), "`{from}` is not in the story");
    story.replace(from, to)
}
