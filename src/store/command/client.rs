//! A client that is a program: passes requests on, and starts it anew when it cannot be trusted any more.

use std::time::Duration;

use futures::future::BoxFuture;

use super::child::Program;
use super::{CommandOptions, protocol};
use crate::consistency::Completion;
use crate::store::route::Route;
use crate::store::{Deadline, Endpoint, Store, Unprepared, removable};
use crate::workload::{Outcome, Request};

/// The program gets a little longer than the request, so that it can say itself that the time is over.
const GRACE: Duration = Duration::from_millis(100);

/// A program as a client.
pub struct Command {
    options: CommandOptions,
    route: Route,
    program: Option<Program>,
    id: u64,
}

impl Command {
    /// The client with this number (from 0) of these endpoints.
    #[must_use]
    pub fn new(endpoints: Vec<Endpoint>, client: usize, options: CommandOptions) -> Self {
        Self { options, route: Route::new(endpoints, client), program: None, id: 0 }
    }

    /// The program: the one under way, or a new one.
    fn take(&mut self) -> Result<Program, String> {
        if let Some(mut program) = self.program.take()
            && !program.has_ended()
        {
            return Ok(program);
        }
        Program::start(&self.options)
    }

    /// One line and its outcome. `Err` says why there is no trustworthy one, and that the program is gone.
    async fn exchange(&mut self, mut program: Program, line: &str, deadline: Deadline) -> Result<Outcome, String> {
        let end = deadline.end() + GRACE;
        let answer = tokio::time::timeout_at(end, program.exchange(line)).await.map_err(|_| deadline.passed())??;
        let outcome = protocol::answer(self.id, &answer)?;
        self.program = Some(program);
        Ok(outcome)
    }

    async fn housekeeping(&mut self, name: &str, prefix: Option<&str>, timeout: Duration) -> Result<(), String> {
        self.id += 1;
        let line = protocol::housekeeping(self.id, name, prefix);
        let program = self.take()?;
        let outcome = self.exchange(program, &line, Deadline::after(timeout)).await;
        let outcome = outcome.map_err(|error| format!("{name} by {}: {error}", self.options.command.join(" ")))?;
        match outcome.completion {
            Completion::Ok => Ok(()),
            Completion::Fail | Completion::Info => Err(format!("{name}: {}", outcome.error.unwrap_or_default())),
        }
    }
}

impl Store for Command {
    fn prepare(&mut self, timeout: Duration) -> BoxFuture<'_, Result<(), Unprepared>> {
        Box::pin(async move {
            // What a program does before it answers, only it knows.
            self.housekeeping("prepare", None, timeout).await.map_err(|reason| Unprepared { reason, sent: true })
        })
    }

    fn perform<'a>(&'a mut self, request: &'a Request, timeout: Duration) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let deadline = Deadline::after(timeout);
            let index = self.route.index(request.target);
            let endpoint = self.route.endpoint(index).clone();
            self.id += 1;
            let milliseconds = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            let line = protocol::request(self.id, request, &endpoint, milliseconds);
            let outcome = match self.take() {
                Ok(program) => self.exchange(program, &line, deadline).await.unwrap_or_else(Outcome::info),
                Err(reason) => Outcome::fail(format!("not sent: {reason}")),
            };
            if self.program.is_some() {
                self.route.answered();
            } else {
                self.route.failed(index);
            }
            outcome.at(&endpoint.name)
        })
    }

    fn settle(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(self.route.backoff()))
    }

    fn remove<'a>(&'a mut self, prefix: &'a str, timeout: Duration) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            removable(prefix)?;
            self.housekeeping("remove", Some(prefix), timeout).await
        })
    }
}
