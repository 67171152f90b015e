//! A client of PostgreSQL: connects, runs one transaction, and says what became of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::actions::Transaction;
use super::session::Session;
use super::{Isolation, PostgresOptions, tables};
use crate::consistency::Completion;
use crate::store::route::Route;
use crate::store::{Deadline, Dial, Endpoint, Store, Unprepared};
use crate::workload::{Outcome, Request, Target};

/// A client of PostgreSQL.
pub struct Postgres {
    dial: Arc<dyn Dial>,
    route: Route,
    options: PostgresOptions,
    primary: Option<(Arc<str>, Session)>,
    replicas: BTreeMap<usize, Session>,
}

/// Whom a request went to: nobody yet, or the endpoint with this name.
type Sent = Option<Arc<str>>;

impl Postgres {
    /// The client with this number (from 0) of these endpoints.
    #[must_use]
    pub fn new(dial: Arc<dyn Dial>, endpoints: Vec<Endpoint>, client: usize, options: PostgresOptions) -> Self {
        let route = Route::new(endpoints, client);
        Self { dial, route, options, primary: None, replicas: BTreeMap::new() }
    }

    /// Takes the connection for a target, or makes one.
    async fn take(&mut self, target: Target, deadline: Deadline) -> Result<(Arc<str>, Session), String> {
        match target {
            Target::Any => match self.primary.take().filter(|(_, session)| !session.is_closed()) {
                Some(primary) => Ok(primary),
                None => self.find_primary(deadline).await,
            },
            Target::Replica(_) => {
                let index = self.route.index(target);
                let endpoint = self.route.endpoint(index);
                let session = match self.replicas.remove(&index).filter(|session| !session.is_closed()) {
                    Some(session) => session,
                    None => Session::open(self.dial.as_ref(), endpoint, &self.options, deadline.left()).await?,
                };
                Ok((endpoint.name.clone(), session))
            }
        }
    }

    fn keep(&mut self, target: Target, name: Arc<str>, session: Session) {
        match target {
            Target::Any => self.primary = Some((name, session)),
            Target::Replica(_) => drop(self.replicas.insert(self.route.index(target), session)),
        }
    }

    /// Each endpoint gets its share of the time that is left.
    async fn find_primary(&mut self, deadline: Deadline) -> Result<(Arc<str>, Session), String> {
        let order = self.route.in_turn();
        let mut reasons = Vec::new();
        for (done, index) in order.iter().enumerate() {
            let share = Deadline::after(deadline.left() / u32::try_from(order.len() - done).unwrap_or(1));
            let endpoint = self.route.endpoint(*index).clone();
            let session = match Session::open(self.dial.as_ref(), &endpoint, &self.options, share.left()).await {
                Ok(session) => session,
                Err(reason) => {
                    reasons.push(reason);
                    continue;
                }
            };
            match tokio::time::timeout_at(share.end(), session.is_primary()).await {
                Ok(Ok(true)) => {
                    self.route.move_to(*index);
                    return Ok((endpoint.name, session));
                }
                Ok(Ok(false)) => reasons.push(format!("{} is in recovery", endpoint.name)),
                Ok(Err(error)) => reasons.push(format!("{}: {error}", endpoint.name)),
                Err(_) => reasons.push(format!("{}: {}", endpoint.name, share.passed())),
            }
        }
        Err(format!("no primary: {}", reasons.join("; ")))
    }

    async fn act(&mut self, request: &Request, deadline: Deadline, sent: &mut Sent) -> Outcome {
        let (name, session) = match self.take(request.target, deadline).await {
            Ok(taken) => taken,
            Err(reason) => return Outcome::fail(format!("not sent: {reason}")),
        };
        *sent = Some(name.clone());
        let outcome = self.transact(&session, request).await;
        let usable = match (&outcome, is_read_only(&outcome)) {
            (_, true) => false,
            (outcome, false) => match outcome.completion {
                Completion::Ok => true,
                // What is unknown may still be going on: it keeps its connection to itself.
                Completion::Info => false,
                Completion::Fail => session.rollback().await,
            },
        };
        if usable {
            self.route.answered();
            self.keep(request.target, name, session);
        } else {
            self.route.failed(self.route.index(request.target));
        }
        outcome
    }

    async fn transact(&self, session: &Session, request: &Request) -> Outcome {
        let transaction = Transaction { session, options: &self.options };
        let isolation = match request.target {
            Target::Any => self.options.isolation,
            // A standby has no serializable transactions; one snapshot is all that a read there can ask for.
            Target::Replica(_) => self.options.isolation.min(Isolation::RepeatableRead),
        };
        let work = async {
            session.begin(isolation).await?;
            let outcome = transaction.run(&request.action).await?;
            session.commit().await?;
            Ok(outcome)
        };
        work.await.unwrap_or_else(|outcome| outcome)
    }

    /// `sent` becomes true once it may have been carried out.
    async fn batch(&mut self, sql: &str, deadline: Deadline, sent: &mut bool) -> Result<(), String> {
        let work = async {
            let (name, session) = self.find_primary(deadline).await?;
            *sent = true;
            session.batch(sql).await.map_err(|error| format!("{name}: {error}"))?;
            self.keep(Target::Any, name, session);
            Ok(())
        };
        match tokio::time::timeout_at(deadline.end(), work).await {
            Ok(result) => result,
            Err(_) => Err(deadline.passed()),
        }
    }
}

fn is_read_only(outcome: &Outcome) -> bool {
    outcome.error.as_ref().is_some_and(|error| error.starts_with("25006"))
}

impl Store for Postgres {
    fn prepare(&mut self, timeout: Duration) -> BoxFuture<'_, Result<(), Unprepared>> {
        Box::pin(async move {
            let schema = self.options.schema.clone();
            if !tables::is_plain(&schema) {
                let reason = format!("schema `{schema}` of PostgreSQL: use lower-case letters, digits and `_` only");
                return Err(Unprepared { reason, sent: false });
            }
            let mut sent = false;
            let made = self.batch(&tables::create(&schema), Deadline::after(timeout), &mut sent).await;
            let told = |error| format!("make tables in schema {schema} of PostgreSQL: {error}");
            made.map_err(|error| Unprepared { reason: told(error), sent })
        })
    }

    fn perform<'a>(&'a mut self, request: &'a Request, timeout: Duration) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let deadline = Deadline::after(timeout);
            let index = self.route.index(request.target);
            let asked = self.route.endpoint(index).name.clone();
            let mut sent = None;
            let work = tokio::time::timeout_at(deadline.end(), self.act(request, deadline, &mut sent)).await;
            self.route.concluded(index, work.ok(), sent.as_ref(), &asked, deadline)
        })
    }

    fn settle(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(self.route.backoff()))
    }

    fn remove<'a>(&'a mut self, _prefix: &'a str, timeout: Duration) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let schema = self.options.schema.clone();
            if !tables::is_plain(&schema) {
                return Ok(());
            }
            let removed = self.batch(&tables::remove(&schema), Deadline::after(timeout), &mut false).await;
            removed.map_err(|error| format!("drop schema {schema} of PostgreSQL: {error}"))
        })
    }
}
