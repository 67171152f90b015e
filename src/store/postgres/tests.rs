//! What needs no server: requests that are never sent, and names that could not stand in SQL.

use std::sync::Arc;
use std::time::Duration;

use super::{Isolation, Postgres, PostgresOptions, tables};
use crate::consistency::Completion;
use crate::store::Store;
use crate::store::testing::{Reply, Servers, endpoint, write};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_request_that_was_not_sent_failed() {
    let silent = Servers::default().with("a", |text| (!text.is_empty()).then_some(text.len()), |_| Reply::Silence);
    let closing = Servers::default().with("a", |text| (!text.is_empty()).then_some(text.len()), |_| Reply::Close);
    for servers in [Servers::default(), silent, closing] {
        let mut client = Postgres::new(Arc::new(servers), vec![endpoint("a")], 0, PostgresOptions::default());
        let outcome = client.perform(&write(), SECOND).await;
        assert_eq!((outcome.completion, outcome.node.as_deref()), (Completion::Fail, Some("a")), "{outcome:?}");
        assert!(outcome.error.is_some_and(|error| error.starts_with("not sent: ")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_schema_that_is_no_plain_name_is_refused() {
    let options = PostgresOptions { schema: "x; DROP TABLE y".to_owned(), ..PostgresOptions::default() };
    let mut client = Postgres::new(Arc::new(Servers::default()), vec![endpoint("a")], 0, options);
    let why = client.prepare(SECOND).await.expect_err("refused");
    assert!(why.reason.contains("use lower-case letters") && !why.sent, "{why:?}");
    let mut nowhere = Postgres::new(Arc::new(Servers::default()), vec![endpoint("a")], 0, PostgresOptions::default());
    let why = nowhere.prepare(SECOND).await.expect_err("there is no server");
    assert!(why.reason.contains("no primary") && !why.sent, "{why:?}");
    assert!(tables::is_plain("driftproof_7") && !tables::is_plain("7") && !tables::is_plain(""));
}

#[test]
fn levels_are_in_the_order_of_what_they_promise() {
    assert!(
        Isolation::ReadCommitted < Isolation::RepeatableRead && Isolation::RepeatableRead < Isolation::Serializable
    );
}
