//! The client against servers that answer by rule.

use std::sync::Arc;
use std::time::Duration;

use super::{Redis, RedisOptions, Sentinel, Wait};
use crate::consistency::{Completion, Value};
use crate::store::Store;
use crate::store::testing::{Reply, Servers, endpoint, read, request, resp_frame, write};
use crate::workload::{Action, Micro, Outcome, Request, words};

const SECOND: Duration = Duration::from_secs(1);
const PRIMARY: &str = "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
const REPLICA: &str = "*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:1\r\n$9\r\nconnected\r\n:0\r\n";

fn bytes(text: &str) -> Reply {
    Reply::Bytes(text.to_owned())
}

/// A Redis that is what it is told to be, and answers commands by rule.
fn serve(says: &'static str, mut rule: impl FnMut(&str) -> Reply + Send + 'static) -> impl FnMut(&str) -> Reply + Send {
    move |text| if text.contains("\r\nROLE\r\n") { bytes(says) } else { rule(text) }
}

fn client(servers: Servers, names: &[&str], options: RedisOptions) -> Redis {
    Redis::new(Arc::new(servers), names.iter().map(|name| endpoint(name)).collect(), 0, options)
}

async fn one(request: &Request, rule: impl FnMut(&str) -> Reply + Send + 'static) -> Outcome {
    let servers = Servers::default().with("a", resp_frame, serve(PRIMARY, rule));
    client(servers, &["a"], RedisOptions::default()).perform(request, SECOND).await
}

#[tokio::test(start_paused = true)]
async fn answers_become_outcomes() {
    let cas = request(Action::Cas { key: "k".into(), from: 1, to: 2 });
    let txn = request(Action::Transact { steps: Arc::new([Micro::Append("k".into(), 3), Micro::Read("k".into())]) });
    let queue = |action: fn(Arc<str>) -> Action| request(action("q".into()));
    let cases: Vec<(Request, &str, Completion, Value)> = vec![
        (write(), "+OK\r\n", Completion::Ok, Value::Int(41)),
        (read(), "$2\r\n41\r\n", Completion::Ok, Value::Int(41)),
        (read(), "$-1\r\n", Completion::Ok, Value::Nil),
        (cas.clone(), "*1\r\n:1\r\n", Completion::Ok, words::list([Value::Int(1), Value::Int(2)])),
        (cas.clone(), "*2\r\n:0\r\n$2\r\n41\r\n", Completion::Fail, Value::Nil),
        (
            txn,
            "*2\r\n*0\r\n*1\r\n$1\r\n3\r\n",
            Completion::Ok,
            words::list([
                words::list([words::text("append"), words::text("k"), Value::Int(3)]),
                words::list([words::text("r"), words::text("k"), words::list([Value::Int(3)])]),
            ]),
        ),
        (queue(|queue| Action::Dequeue { queue }), "$-1\r\n", Completion::Ok, Value::Nil),
        (queue(|queue| Action::Drain { queue }), "*1\r\n$1\r\n5\r\n", Completion::Ok, words::list([Value::Int(5)])),
        (queue(|lock| Action::Acquire { lock }), "*2\r\n:1\r\n:8\r\n", Completion::Ok, Value::Int(8)),
        (queue(|lock| Action::Acquire { lock }), "*1\r\n:0\r\n", Completion::Fail, Value::Nil),
        (queue(|counter| Action::Count { counter }), "$-1\r\n", Completion::Ok, Value::Int(0)),
        (write(), "-READONLY You can't write against a read only replica.\r\n", Completion::Fail, Value::Nil),
        (write(), "-LOADING Redis is loading\r\n", Completion::Fail, Value::Nil),
        (write(), "-ERR something\r\n", Completion::Info, Value::Nil),
        (write(), ":3\r\n", Completion::Info, Value::Nil),
    ];
    for (request, answer, completion, value) in cases {
        let outcome = one(&request, move |_| bytes(answer)).await;
        assert_eq!((outcome.completion, outcome.value), (completion, value), "{request:?} {answer}");
    }
    let refused = one(&cas, |_| bytes("*2\r\n:0\r\n$2\r\n41\r\n")).await;
    assert_eq!(refused.actual, Some(Value::Int(41)));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_arrived_is_unknown() {
    for reply in [Reply::Close, Reply::Silence] {
        let outcome = one(&write(), move |_| reply.clone()).await;
        assert_eq!((outcome.completion, outcome.node.as_deref()), (Completion::Info, Some("a")), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_primary_nothing_is_sent() {
    let servers =
        Servers::default()
            .with("b", resp_frame, serve(REPLICA, |text| panic!("{text}")))
            .with("c", resp_frame, |_| Reply::Silence);
    let outcome = client(servers, &["a", "b", "c"], RedisOptions::default()).perform(&write(), SECOND).await;
    assert_eq!(outcome.completion, Completion::Fail, "{outcome:?}");
    assert!(outcome.error.is_some_and(|error| error.starts_with("not sent: ")));
}

#[tokio::test(start_paused = true)]
async fn the_primary_is_found_among_the_endpoints_and_again_after_it_was_demoted() {
    let mut first = true;
    let servers =
        Servers::default()
            .with("a", resp_frame, serve(REPLICA, |text| panic!("{text}")))
            .with(
                "b",
                resp_frame,
                serve(PRIMARY, move |_| {
                    if std::mem::take(&mut first) { bytes("+OK\r\n") } else { bytes("-READONLY demoted\r\n") }
                }),
            )
            .with("c", resp_frame, serve(PRIMARY, |_| bytes("+OK\r\n")));
    let mut client = client(servers, &["a", "b", "c"], RedisOptions::default());
    let mut seen = Vec::new();
    for _ in 0..3 {
        let outcome = client.perform(&write(), SECOND).await;
        seen.push((outcome.node.as_deref().map(str::to_owned), outcome.completion));
        client.settle().await;
    }
    let at = |name: &str| Some(name.to_owned());
    assert_eq!(seen, [(at("b"), Completion::Ok), (at("b"), Completion::Fail), (at("c"), Completion::Ok)]);
}

#[tokio::test(start_paused = true)]
async fn sentinel_names_the_primary() {
    let servers = Servers::default().with("127.0.0.1:2", resp_frame, serve(PRIMARY, |_| bytes("+OK\r\n"))).with(
        "s2",
        resp_frame,
        |_| bytes("*2\r\n$9\r\n127.0.0.1\r\n$1\r\n2\r\n"),
    );
    let sentinel = Sentinel { endpoints: vec![endpoint("s1"), endpoint("s2")], master: "main".to_owned() };
    let options = RedisOptions { sentinel: Some(sentinel), ..RedisOptions::default() };
    let mut named = endpoint("db-1");
    named.address = "127.0.0.1:2".to_owned();
    let mut client = Redis::new(Arc::new(servers), vec![endpoint("db-0"), named], 0, options);
    let outcome = client.perform(&write(), SECOND).await;
    assert_eq!((outcome.completion, outcome.node.as_deref()), (Completion::Ok, Some("db-1")), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_short_wait_is_ok_but_unreplicated() {
    for (answer, unreplicated) in [(bytes(":2\r\n"), false), (bytes(":1\r\n"), true), (Reply::Close, true)] {
        let rule = move |text: &str| if text.contains("WAIT") { answer.clone() } else { bytes("+OK\r\n") };
        let servers = Servers::default().with("a", resp_frame, serve(PRIMARY, rule));
        let wait = Some(Wait { replicas: 2, timeout: SECOND });
        let mut client = client(servers, &["a"], RedisOptions { wait, ..RedisOptions::default() });
        let outcome = client.perform(&write(), SECOND).await;
        assert_eq!((outcome.completion, outcome.unreplicated), (Completion::Ok, unreplicated), "{outcome:?}");
    }
}
