//! A client of etcd: which action becomes which call, and which answer which outcome.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value as Json;

use super::{EtcdOptions, Reads, api, classify, lock, transact, watch};
use crate::consistency::Value;
use crate::store::route::Route;
use crate::store::{
    Deadline, Dial, Endpoint, Http1, HttpCall, HttpSend, SendError, Store, Unprepared, removable, values,
};
use crate::workload::{Action, Outcome, Request, words};

/// A client of an etcd cluster.
pub struct Etcd {
    pub(super) dial: Arc<dyn Dial>,
    http: Http1,
    pub(super) route: Route,
    pub(super) options: EtcdOptions,
}

/// One request under way: to which endpoint, and until when.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) index: usize,
    pub(super) deadline: Deadline,
}

impl Etcd {
    /// The client with this number (from 0) of these members.
    #[must_use]
    pub fn new(dial: Arc<dyn Dial>, endpoints: Vec<Endpoint>, client: usize, options: EtcdOptions) -> Self {
        Self { http: Http1::new(dial.clone()), dial, route: Route::new(endpoints, client), options }
    }

    /// One call of the gateway. What is not an answer is an outcome already.
    pub(super) async fn call(&mut self, at: At, path: &str, body: &Json) -> Result<Json, Outcome> {
        let body = body.to_string();
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        let call = HttpCall { method: "POST", path, headers: &headers, body: &body };
        let endpoint = self.route.endpoint(at.index);
        let answer = self.http.send(endpoint, call, at.deadline.left()).await;
        match &answer {
            Ok(_) => self.route.answered(),
            Err(SendError::Refused(_) | SendError::Broken(_) | SendError::Timeout(_)) => self.route.failed(at.index),
        }
        let answer = answer.map_err(|error| match error {
            // Its time was what the request had left; people know the whole.
            SendError::Timeout(_) => Outcome::info(at.deadline.passed()),
            SendError::Refused(_) | SendError::Broken(_) => error.outcome(),
        })?;
        if answer.status != 200 {
            return Err(classify::refusal(answer.status, &answer.body));
        }
        serde_json::from_str(&answer.body).map_err(|error| Outcome::info(format!("{path}: unreadable answer: {error}")))
    }

    pub(super) fn serializable(&self) -> bool {
        match self.options.reads {
            Reads::Linearizable => false,
            Reads::Serializable => true,
        }
    }

    async fn act(&mut self, at: At, action: &Action) -> Result<Outcome, Outcome> {
        match action {
            Action::Read { key } => {
                let answer = self.call(at, "/v3/kv/range", &api::range(key, self.serializable())).await?;
                let found = readable(api::found(&answer), "range")?;
                let value = found.first().map_or(Value::Nil, |found| values::from_text(&found.value));
                Ok(Outcome { revision: found.first().map(|found| found.revision), ..Outcome::ok(value) })
            }
            Action::Write { key, value } => self.put(at, key, &value.to_string(), Value::Int(*value)).await,
            Action::Cas { key, from, to } => self.cas(at, key, *from, *to).await,
            Action::Add { set, element } => self.put(at, &format!("{set}/{element}"), "1", Value::Int(*element)).await,
            Action::Members { set } => self.members(at, set).await,
            Action::Transact { steps } => transact::append(self, at, steps).await,
            Action::OpenAccounts { accounts, balance } => transact::open(self, at, accounts, *balance).await,
            Action::Transfer { from, to, amount } => transact::transfer(self, at, from, to, *amount).await,
            Action::Balances { accounts } => transact::balances(self, at, accounts).await,
            Action::Increment { counter, by } => transact::increment(self, at, counter, *by).await,
            Action::Count { counter } => {
                let answer = self.call(at, "/v3/kv/range", &api::range(counter, self.serializable())).await?;
                let found = readable(api::found(&answer), "range")?;
                Ok(Outcome::ok(found.first().map_or(Value::Int(0), |found| values::from_text(&found.value))))
            }
            Action::Acquire { lock } => lock::acquire(self, at, lock).await,
            Action::Release { lock, token } => lock::release(self, at, lock, *token).await,
            Action::Watch { prefix, after, until } => watch::follow(self, at, prefix, *after, *until).await,
            Action::Enqueue { .. } | Action::Dequeue { .. } | Action::Drain { .. } => {
                Err(Outcome::fail("etcd has no queue"))
            }
        }
    }

    async fn put(&mut self, at: At, key: &str, value: &str, result: Value) -> Result<Outcome, Outcome> {
        let answer = self.call(at, "/v3/kv/put", &api::put(key, value)).await?;
        let revision = readable(api::revision(&answer), "put")?;
        Ok(Outcome { revision: Some(revision), ..Outcome::ok(result) })
    }

    async fn cas(&mut self, at: At, key: &str, from: i64, to: i64) -> Result<Outcome, Outcome> {
        let answer = self.call(at, "/v3/kv/txn", &api::cas(key, &from.to_string(), &to.to_string())).await?;
        let txn = readable(api::txn(&answer), "txn")?;
        if txn.succeeded {
            let value = words::list([Value::Int(from), Value::Int(to)]);
            return Ok(Outcome { revision: txn.revision, ..Outcome::ok(value) });
        }
        let found = txn.ranges.first().and_then(|range| range.first());
        let actual = found.map_or(Value::Nil, |found| values::from_text(&found.value));
        Err(Outcome { actual: Some(actual), ..Outcome::fail("compare failed") })
    }

    async fn members(&mut self, at: At, set: &str) -> Result<Outcome, Outcome> {
        let prefix = format!("{set}/");
        let answer = self.call(at, "/v3/kv/range", &api::range_prefix(&prefix, self.serializable())).await?;
        let found = readable(api::found(&answer), "range")?;
        let element = |found: &api::Found| values::from_text(found.key.strip_prefix(&prefix).unwrap_or(&found.key));
        Ok(Outcome::ok(Value::List(found.iter().map(element).collect())))
    }
}

/// An answer that is not what the call promises says nothing about what happened.
pub(super) fn readable<T>(answer: Option<T>, call: &str) -> Result<T, Outcome> {
    answer.ok_or_else(|| Outcome::info(format!("{call}: the answer has not the form that etcd documents")))
}

impl Store for Etcd {
    fn prepare(&mut self, _timeout: Duration) -> BoxFuture<'_, Result<(), Unprepared>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn perform<'a>(&'a mut self, request: &'a Request, timeout: Duration) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let at = At { index: self.route.index(request.target), deadline: Deadline::after(timeout) };
            let outcome = self.act(at, &request.action).await.unwrap_or_else(|outcome| outcome);
            outcome.at(&self.route.endpoint(at.index).name)
        })
    }

    fn settle(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(self.route.backoff()))
    }

    fn remove<'a>(&'a mut self, prefix: &'a str, timeout: Duration) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            removable(prefix)?;
            let body = serde_json::json!({ "key": api::encode(prefix), "range_end": api::prefix_end(prefix) });
            let mut last = String::new();
            for index in self.route.in_turn() {
                let at = At { index, deadline: Deadline::after(timeout) };
                match self.call(at, "/v3/kv/deleterange", &body).await {
                    Ok(_) => return Ok(()),
                    Err(outcome) => last = outcome.error.unwrap_or_default(),
                }
            }
            Err(format!("delete the keys that begin with {prefix} from etcd: {last}"))
        })
    }
}
