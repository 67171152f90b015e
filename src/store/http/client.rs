//! A client of a JSON service: fills in a template, sends it, and says what became of it.

use std::time::Duration;

use futures::future::BoxFuture;

use super::template::Filling;
use super::{Call, HttpOptions, classify};
use crate::consistency::Value;
use crate::store::route::Route;
use crate::store::{Deadline, Endpoint, HttpCall, HttpSend, SendError, Store, Unprepared};
use crate::workload::{Action, Outcome, Request, Target};

/// A client of a JSON service.
pub struct Http {
    send: Box<dyn HttpSend>,
    route: Route,
    options: HttpOptions,
}

/// What an answer is for.
enum Meaning {
    Changed(Value),
    Read { absent: Value },
}

impl Http {
    /// The client with this number (from 0) of these endpoints.
    #[must_use]
    pub fn new(send: Box<dyn HttpSend>, endpoints: Vec<Endpoint>, client: usize, options: HttpOptions) -> Self {
        Self { send, route: Route::new(endpoints, client), options }
    }

    /// The template of an action, what to fill in, and what the answer is for.
    fn plan<'a>(&'a self, target: Target, action: &'a Action) -> Option<(&'a Call, Filling<'a>, Meaning)> {
        let options = &self.options;
        let empty = Value::List([].into());
        let changed = || Meaning::Changed(action.input());
        let (call, filling, meaning) = match action {
            Action::Read { key } => {
                (&options.read, Filling { key, ..Filling::default() }, Meaning::Read { absent: Value::Nil })
            }
            Action::Write { key, value } => {
                (&options.write, Filling { key, value: Some(*value), ..Filling::default() }, changed())
            }
            Action::Cas { key, from, to } => {
                (&options.cas, Filling { key, from: Some(*from), to: Some(*to), value: None }, changed())
            }
            Action::Add { set, element } => {
                (&options.add, Filling { key: set, value: Some(*element), ..Filling::default() }, changed())
            }
            Action::Members { set } => {
                let local = match target {
                    Target::Replica(_) if options.local_members.is_some() => &options.local_members,
                    Target::Replica(_) | Target::Any => &options.members,
                };
                (local, Filling { key: set, ..Filling::default() }, Meaning::Read { absent: empty })
            }
            Action::Transact { .. }
            | Action::OpenAccounts { .. }
            | Action::Transfer { .. }
            | Action::Balances { .. }
            | Action::Enqueue { .. }
            | Action::Dequeue { .. }
            | Action::Drain { .. }
            | Action::Increment { .. }
            | Action::Count { .. }
            | Action::Acquire { .. }
            | Action::Release { .. }
            | Action::Watch { .. } => return None,
        };
        call.as_ref().map(|call| (call, filling, meaning))
    }

    async fn act(&mut self, request: &Request, index: usize, timeout: Duration) -> Outcome {
        let Some((call, filling, meaning)) = self.plan(request.target, &request.action) else {
            return Outcome::fail("not sent: there is no template for this");
        };
        let (call, path) = (call.clone(), call.path.path(&filling));
        let body = call.body.as_ref().map(|body| body.body(&filling)).unwrap_or_default();
        let mut headers = self.options.headers.clone();
        let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if !body.is_empty() && !typed {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let sent = HttpCall { method: &call.method, path: &path, headers: &headers, body: &body };
        match self.send.send(self.route.endpoint(index), sent, timeout).await {
            Ok(answer) => {
                self.route.answered();
                let mut outcome = match meaning {
                    Meaning::Changed(done) => classify::change(&call, answer.status, &answer.body, done),
                    Meaning::Read { absent } => classify::read(&call, answer.status, &answer.body, absent),
                };
                outcome.node = answer.node;
                outcome
            }
            Err(error @ (SendError::Refused(_) | SendError::Broken(_) | SendError::Timeout(_))) => {
                self.route.failed(index);
                error.outcome()
            }
        }
    }
}

impl Store for Http {
    fn prepare(&mut self, _timeout: Duration) -> BoxFuture<'_, Result<(), Unprepared>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn perform<'a>(&'a mut self, request: &'a Request, timeout: Duration) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let index = self.route.index(request.target);
            let deadline = Deadline::after(timeout);
            // The sender keeps the deadline itself; this is for one that does not, and it must not cut in first.
            let work = tokio::time::timeout(timeout.saturating_mul(2), self.act(request, index, timeout)).await;
            let outcome = work.unwrap_or_else(|_| Outcome::info(deadline.passed()));
            outcome.at(&self.route.endpoint(index).name)
        })
    }

    fn settle(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(self.route.backoff()))
    }

    /// A service has no template for removing: what the workload wrote stays, under its prefix.
    fn remove<'a>(&'a mut self, prefix: &'a str, _timeout: Duration) -> BoxFuture<'a, Result<(), String>> {
        let left = format!("keys that begin with {prefix} stay in the service: there is no template that removes them");
        Box::pin(std::future::ready(Err(left)))
    }
}
