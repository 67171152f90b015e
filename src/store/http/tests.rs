//! The client with the preset of the embedded cluster's store, against a sender that keeps what it was given.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;

use super::{Http, HttpOptions};
use crate::consistency::{Completion, Value};
use crate::store::testing::{endpoint, read, request, write};
use crate::store::{Endpoint, HttpAnswer, HttpCall, HttpSend, SendError, Store};
use crate::workload::{Action, Outcome, Request, Target, words};

const SECOND: Duration = Duration::from_secs(1);

struct Fake {
    answer: Result<(u16, &'static str), SendError>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl HttpSend for Fake {
    fn send<'a>(
        &'a mut self,
        to: &'a Endpoint,
        call: HttpCall<'a>,
        _timeout: Duration,
    ) -> BoxFuture<'a, Result<HttpAnswer, SendError>> {
        let line = format!("{} {} {} {}", to.name, call.method, call.path, call.body);
        self.asked.lock().expect("never poisoned").push(line.trim_end().to_owned());
        let answer = self.answer.clone();
        let node = Some("db-7".into());
        Box::pin(async move { answer.map(|(status, body)| HttpAnswer { status, body: body.to_owned(), node }) })
    }
}

async fn one(request: &Request, answer: Result<(u16, &'static str), SendError>) -> (String, Outcome) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let send = Box::new(Fake { answer, asked: asked.clone() });
    let mut client = Http::new(send, vec![endpoint("db-0"), endpoint("db-1")], 0, HttpOptions::kv());
    let outcome = client.perform(request, SECOND).await;
    let line = asked.lock().expect("never poisoned").join("; ");
    (line, outcome)
}

#[tokio::test(start_paused = true)]
async fn the_embedded_store_is_spoken_to_in_its_protocol() {
    let cas = request(Action::Cas { key: "k".into(), from: 1, to: 2 });
    let add = request(Action::Add { set: "s".into(), element: 9 });
    let members = request(Action::Members { set: "s".into() });
    let local = Request { target: Target::Replica(1), ..members.clone() };
    let nine = words::list([Value::Int(9)]);
    let empty = words::list([]);
    let cases = [
        (read(), (200, "41"), "db-0 GET /kv/k", Completion::Ok, Value::Int(41)),
        (read(), (404, ""), "db-0 GET /kv/k", Completion::Ok, Value::Nil),
        (read(), (503, ""), "db-0 GET /kv/k", Completion::Info, Value::Nil),
        (write(), (200, ""), "db-0 PUT /kv/k 41", Completion::Ok, Value::Int(41)),
        (write(), (504, ""), "db-0 PUT /kv/k 41", Completion::Info, Value::Nil),
        (write(), (404, ""), "db-0 PUT /kv/k 41", Completion::Info, Value::Nil),
        (cas.clone(), (200, ""), r#"db-0 POST /cas/k {"from":"1","to":"2"}"#, Completion::Ok, cas.action.input()),
        (add, (200, ""), "db-0 PUT /set/s/9", Completion::Ok, Value::Int(9)),
        (members.clone(), (200, r#"["9"]"#), "db-0 GET /set/s", Completion::Ok, nine.clone()),
        (members, (404, ""), "db-0 GET /set/s", Completion::Ok, empty),
        (local, (200, r#"["9"]"#), "db-1 GET /local/set/s", Completion::Ok, nine),
    ];
    for (request, answer, asked, completion, value) in cases {
        let (line, outcome) = one(&request, Ok(answer)).await;
        assert_eq!((line.as_str(), outcome.completion, outcome.value), (asked, completion, value), "{answer:?}");
        assert_eq!(outcome.node.as_deref(), Some("db-7"), "the sender knows better");
    }
    let (_, refused) = one(&cas, Ok((409, r#"{"actual":"41"}"#))).await;
    assert_eq!((refused.completion, refused.actual), (Completion::Fail, Some(Value::Int(41))));
}

#[tokio::test(start_paused = true)]
async fn only_what_was_not_sent_failed() {
    let cases = [
        (SendError::Refused("nobody".to_owned()), Completion::Fail),
        (SendError::Broken("reset".to_owned()), Completion::Info),
        (SendError::Timeout(SECOND), Completion::Info),
    ];
    for (error, completion) in cases {
        let (_, outcome) = one(&write(), Err(error)).await;
        assert_eq!((outcome.completion, outcome.node.as_deref()), (completion, Some("db-0")), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_no_template_is_not_sent() {
    let (line, outcome) = one(&request(Action::Dequeue { queue: "q".into() }), Ok((200, ""))).await;
    assert_eq!((line.as_str(), outcome.completion), ("", Completion::Fail));
}
