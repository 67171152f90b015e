//! A client of Redis: connects, sends one command, and says what became of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use redis::Value as Resp;

use super::link::Link;
use super::{RedisOptions, Wait, classify, commands};
use crate::store::route::Route;
use crate::store::{Deadline, Dial, Endpoint, Store, Unprepared, removable};
use crate::workload::{Outcome, Request, Target};

/// A client of Redis.
pub struct Redis {
    pub(super) dial: Arc<dyn Dial>,
    pub(super) route: Route,
    pub(super) options: RedisOptions,
    primary: Option<(Arc<str>, Link)>,
    replicas: BTreeMap<usize, Link>,
}

/// Whom a request went to: nobody yet, or the endpoint with this name.
type Sent = Option<Arc<str>>;

impl Redis {
    /// The client with this number (from 0) of these endpoints.
    #[must_use]
    pub fn new(dial: Arc<dyn Dial>, endpoints: Vec<Endpoint>, client: usize, options: RedisOptions) -> Self {
        let route = Route::new(endpoints, client);
        Self { dial, route, options, primary: None, replicas: BTreeMap::new() }
    }

    /// Takes the connection for a target, or makes one.
    async fn take(&mut self, target: Target, deadline: Deadline) -> Result<(Arc<str>, Link), String> {
        match target {
            Target::Any => {
                if let Some(primary) = self.primary.take() {
                    return Ok(primary);
                }
                let found = self.find_primary(deadline).await?;
                if let Some(index) = found.index {
                    self.route.move_to(index);
                }
                Ok((found.endpoint.name, found.link))
            }
            Target::Replica(_) => {
                let index = self.route.index(target);
                let endpoint = self.route.endpoint(index);
                let link = if let Some(link) = self.replicas.remove(&index) {
                    link
                } else {
                    let password = self.options.password.as_deref();
                    Link::open(self.dial.as_ref(), endpoint, password, deadline.left()).await?
                };
                Ok((endpoint.name.clone(), link))
            }
        }
    }

    fn keep(&mut self, target: Target, name: Arc<str>, link: Link) {
        match target {
            Target::Any => self.primary = Some((name, link)),
            Target::Replica(_) => drop(self.replicas.insert(self.route.index(target), link)),
        }
    }

    async fn act(&mut self, request: &Request, deadline: Deadline, sent: &mut Sent) -> Outcome {
        let Some(command) = commands::command(&request.action, self.options.lock_ttl) else {
            return Outcome::fail("Redis cannot do this");
        };
        let (name, mut link) = match self.take(request.target, deadline).await {
            Ok(taken) => taken,
            Err(reason) => return Outcome::fail(format!("not sent: {reason}")),
        };
        *sent = Some(name.clone());
        match link.send(&command).await {
            Ok(answer) => {
                self.route.answered();
                let mut outcome = commands::outcome(&request.action, &answer);
                let usable = match self.options.wait {
                    Some(wait) if !request.action.is_read() => replicate(&mut link, wait, deadline, &mut outcome).await,
                    _ => true,
                };
                if usable {
                    self.keep(request.target, name, link);
                }
                outcome
            }
            Err(error) => {
                if classify::is_answer(&error) && !classify::is_demoted(&error) {
                    self.keep(request.target, name, link);
                } else {
                    self.route.failed(self.route.index(request.target));
                }
                classify::error(&error)
            }
        }
    }

    async fn remove_keys(&mut self, prefix: &str, deadline: Deadline) -> Result<(), String> {
        let (name, mut link) = self.take(Target::Any, deadline).await?;
        let failed = |error: redis::RedisError| format!("{name}: {error}");
        let mut cursor = b"0".to_vec();
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(&cursor).arg("MATCH").arg(format!("{}*", literal(prefix))).arg("COUNT").arg(1000);
            let answer = link.send(&scan).await.map_err(failed)?;
            let Resp::Array(parts) = answer else { return Err(format!("{name}: SCAN: unexpected answer")) };
            let [Resp::BulkString(next), Resp::Array(keys)] = parts.as_slice() else {
                return Err(format!("{name}: SCAN: unexpected answer"));
            };
            let mut delete = redis::cmd("DEL");
            for key in keys {
                if let Resp::BulkString(key) = key {
                    delete.arg(key);
                }
            }
            if !keys.is_empty() {
                link.send(&delete).await.map_err(failed)?;
            }
            if next == b"0" {
                break;
            }
            cursor.clone_from(next);
        }
        self.keep(Target::Any, name.clone(), link);
        Ok(())
    }
}

/// A text as a pattern that matches only itself.
fn literal(text: &str) -> String {
    text.chars()
        .flat_map(|c| matches!(c, '*' | '?' | '[' | ']' | '\\').then_some('\\').into_iter().chain([c]))
        .collect()
}

/// Waits for replicas after a write that was acknowledged. Fewer than asked for: still `ok`, but recorded. Says whether
/// the connection is still of use.
async fn replicate(link: &mut Link, wait: Wait, deadline: Deadline, outcome: &mut Outcome) -> bool {
    // Not up to the deadline, which would make an acknowledged write unknown; and `WAIT 0` would wait for ever.
    let timeout = wait.timeout.min(deadline.left() * 3 / 4).as_millis().max(1);
    let mut command = redis::cmd("WAIT");
    command.arg(wait.replicas).arg(u64::try_from(timeout).unwrap_or(u64::MAX));
    let answer = tokio::time::timeout_at(deadline.end(), link.send(&command)).await;
    let reached = match &answer {
        Ok(Ok(Resp::Int(count))) => *count,
        Ok(Ok(_) | Err(_)) | Err(_) => 0,
    };
    outcome.unreplicated = reached < i64::from(wait.replicas);
    matches!(answer, Ok(Ok(_)))
}

impl Store for Redis {
    fn prepare(&mut self, _timeout: Duration) -> BoxFuture<'_, Result<(), Unprepared>> {
        Box::pin(std::future::ready(Ok(())))
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

    fn remove<'a>(&'a mut self, prefix: &'a str, timeout: Duration) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            removable(prefix)?;
            let deadline = Deadline::after(timeout);
            let failed = |reason| format!("delete the keys that begin with {prefix} from Redis: {reason}");
            match tokio::time::timeout_at(deadline.end(), self.remove_keys(prefix, deadline)).await {
                Ok(result) => result.map_err(failed),
                Err(_) => Err(failed(deadline.passed())),
            }
        })
    }
}
