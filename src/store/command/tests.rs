//! Programs that keep the protocol, and some that do not.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Command, CommandOptions, protocol};
use crate::consistency::{Completion, Value};
use crate::store::Store;
use crate::store::testing::{endpoint, read, request, write};
use crate::workload::{Action, Request, Until};

/// Long enough for a loaded machine to start a shell; only what must run into it is made to wait for it.
const LONG: Duration = Duration::from_secs(30);

/// A client whose program handles each line (`$line`, with its `$id`) by these shell commands.
fn client(body: &str) -> Command {
    let script =
        format!(r#"while read -r line; do id=${{line#*\"id\":}}; id=${{id%%,*}}; id=${{id%%\}}*}}; {body}; done"#);
    let command = ["sh".to_owned(), "-c".to_owned(), script];
    Command::new(vec![endpoint("a")], 0, CommandOptions { command: command.into(), environment: Vec::new() })
}

#[tokio::test]
async fn answers_become_outcomes() {
    let mut ok = client(r#"echo "{\"id\":$id,\"type\":\"ok\",\"v\":41,\"node\":\"b\",\"revision\":7}""#);
    for _ in 0..3 {
        let outcome = ok.perform(&read(), LONG).await;
        assert_eq!((outcome.completion, outcome.value, outcome.revision), (Completion::Ok, Value::Int(41), Some(7)));
        assert_eq!(outcome.node.as_deref(), Some("b"));
    }
    let mut fail = client(r#"echo "{\"id\":$id,\"type\":\"fail\",\"actual\":3,\"error\":\"differs\"}""#);
    let outcome = fail.perform(&write(), LONG).await;
    assert_eq!((outcome.completion, outcome.actual), (Completion::Fail, Some(Value::Int(3))));
    assert_eq!((outcome.node.as_deref(), outcome.error.as_deref()), (Some("a"), Some("differs")));
}

#[tokio::test]
async fn a_program_that_cannot_be_trusted_leaves_the_outcome_unknown_and_is_started_anew() {
    for (body, why) in [
        ("exit 3", "ended"),
        ("kill -9 $$", "ended"),
        ("printf abc; exit 0", "broke off"),
        ("echo nonsense", "not JSON"),
        (r#"echo "{\"id\":99,\"type\":\"ok\"}""#, "an answer to request 99"),
        (r#"echo "{\"id\":$id,\"type\":\"yes\"}""#, "`yes`"),
    ] {
        let mut client = client(body);
        for _ in 0..2 {
            let outcome = client.perform(&write(), LONG).await;
            assert_eq!(outcome.completion, Completion::Info, "{body}");
            assert!(outcome.error.as_ref().is_some_and(|error| error.contains(why)), "{body}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_program_that_says_nothing_is_given_up() {
    let outcome = client("cat > /dev/null").perform(&write(), Duration::from_millis(50)).await;
    assert_eq!(outcome.completion, Completion::Info);
}

#[tokio::test]
async fn what_a_program_started_ends_with_it() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = folder.path().join("pid");
    // The program's own child writes its number down and stays; the program answers once it has.
    let body = format!(
        r#"(sh -c 'echo $$ > {0}; exec sleep 1000' > /dev/null 2>&1 &); until [ -s {0} ]; do sleep 0.01; done; echo "{{\"id\":$id,\"type\":\"ok\"}}""#,
        file.display()
    );
    let mut client = client(&body);
    assert_eq!(client.perform(&write(), LONG).await.completion, Completion::Ok);
    let id = std::fs::read_to_string(&file).expect("a number");
    let state = || std::fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    assert!(state().contains("sleep") || state().contains("sh"), "it is there: {}", state());
    drop(client);
    // The kernel takes a moment; whoever adopted it may leave a dead entry.
    for _ in 0..1000 {
        if state().is_empty() || state().contains(" Z ") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it still runs: {}", state());
}

#[tokio::test]
async fn a_program_that_is_not_there_was_asked_nothing() {
    let command = vec!["/nowhere/client".to_owned()];
    let options = CommandOptions { command, environment: Vec::new() };
    let outcome = Command::new(vec![endpoint("a")], 0, options).perform(&write(), LONG).await;
    assert_eq!(outcome.completion, Completion::Fail, "{outcome:?}");
}

#[tokio::test]
async fn housekeeping_is_asked_for_by_name() {
    let body = r#"case $line in *'"op":"remove"'*|*'"op":"prepare"'*) t=ok;; *) t=fail;; esac; echo "{\"id\":$id,\"type\":\"$t\"}""#;
    let mut client = client(body);
    assert_eq!(client.prepare(LONG).await, Ok(()));
    assert_eq!(client.remove("driftproof-", LONG).await, Ok(()));
    assert!(client.remove("", LONG).await.is_err(), "that would be everything");
}

#[test]
fn requests_say_all_that_a_program_needs() {
    let line = |action| {
        let request = Request { process: 3, ..request(action) };
        let line = protocol::request(1, &request, &endpoint("a"), 1000);
        serde_json::from_str::<Json>(&line).expect("JSON")
    };
    let common = |mut json: Json| {
        let more = json!({ "id": 1, "process": 3, "endpoint": "a", "node": "a", "any": true, "timeout_ms": 1000 });
        json.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json
    };
    let cas = line(Action::Cas { key: "k".into(), from: 1, to: 2 });
    assert_eq!(cas, common(json!({ "op": "cas", "f": "cas", "k": "k", "v": [1, 2] })));
    let members = line(Action::Members { set: "s".into() });
    assert_eq!(members, common(json!({ "op": "members", "f": "read", "k": "s" })));
    let open = line(Action::OpenAccounts { accounts: ["a".into()].into(), balance: 100 });
    assert_eq!(open, common(json!({ "op": "open", "accounts": ["a"], "balance": 100, "v": { "a": 100 } })));
    let watch = line(Action::Watch { prefix: "p".into(), after: 4, until: Until::Events(5) });
    assert_eq!(watch, common(json!({ "op": "watch", "f": "watch", "k": "p", "v": 4, "until": { "events": 5 } })));
}

proptest::proptest! {
    #[test]
    fn no_line_is_too_odd(line in ".{0,200}") {
        let _ = protocol::answer(1, &line);
    }
}
