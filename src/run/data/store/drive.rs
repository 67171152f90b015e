//! One workload from its first request to the removal of what it wrote. Requests are due in bursts, one for each client,
//! so that clients contend; a client that still waits for its answer is left out. Never repeats a request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::consistency::Completion;
use crate::evidence::{Event, HistorySeen};
use crate::scenario::StoreCheck;
use crate::store::Store;
use crate::workload::{Generator, Kind, Options, Outcome, Request, StoreKind, Target};

use super::super::super::context::Context;
use super::super::super::wait::Bell;
use super::super::super::written;
use super::book::Book;
use super::make::{self, Way};

/// Preparing a store and reading from it at the end are tried again until this is over.
const LIMIT: Duration = Duration::from_secs(30);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_secs(1);
/// What is outside of the workload may take so long at a time.
const STEP: Duration = Duration::from_secs(10);

/// Runs a workload, and puts its history on record. Returns what could not be removed.
pub(super) async fn drive(
    context: Context,
    index: usize,
    check: StoreCheck,
    stop: Arc<Bell>,
    read_all: Arc<AtomicBool>,
) -> Vec<String> {
    let mut seen = HistorySeen { check: index, file: HistorySeen::file_of(index), ..HistorySeen::default() };
    let mut left = Vec::new();
    match Session::open(&context, index, &check, &mut seen).await {
        Ok(mut session) => {
            match session.prepare(&stop).await {
                Ok(()) => {
                    session.run(&stop).await;
                    seen.unread = session.read_all(&read_all).await;
                }
                Err(reason) => seen.reason = reason,
            }
            left = session.remove(&mut seen).await;
            session.book.close(&mut seen).await;
        }
        Err(reason) => seen.reason = reason,
    }
    if check.from_cluster() {
        seen.inside = context.present.all();
    }
    context.recorder.note(Event::History(Box::new(seen)));
    left
}

/// A request whose outcome is there.
struct Done {
    store: Box<dyn Store>,
    request: Request,
    outcome: Outcome,
}

struct Session<'a> {
    context: &'a Context,
    check: &'a StoreCheck,
    prefix: String,
    replicas: Vec<Arc<str>>,
    generator: Generator,
    book: Book,
    free: BTreeMap<usize, Box<dyn Store>>,
    /// Whether anything may have been written.
    touched: bool,
}

impl<'a> Session<'a> {
    async fn open(
        context: &'a Context,
        index: usize,
        check: &'a StoreCheck,
        seen: &mut HistorySeen,
    ) -> Result<Self, String> {
        let way = Way::find(context, check).await?;
        let replicas: Vec<Arc<str>> = way.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
        seen.replicas = replicas.iter().map(ToString::to_string).collect();
        let prefix = written::prefix(&context.run, index);
        let clients = check.clients as usize;
        let options = Options {
            // Two checks of one run choose differently.
            seed: context.seed.wrapping_add(index as u64),
            clients,
            keys: check.keys as usize,
            rotate_after: 0,
            prefix: prefix.clone(),
            replicas: replicas.len().max(1),
            reads: check.read_from,
            mix: check.mix.iter().map(|(verb, weight)| (*verb, *weight)).collect(),
        };
        let generator = Generator::new(check.kind, options).map_err(|error| error.to_string())?;
        let free = make::clients(&check.store, &way, clients)?.into_iter().enumerate().collect();
        let book = Book::new(context.clock(), context.recorder.beside(&seen.file).await?);
        Ok(Self { context, check, prefix, replicas, generator, book, free, touched: false })
    }

    /// Makes what the workload needs in the store.
    async fn prepare(&mut self, stop: &Bell) -> Result<(), String> {
        let clock = self.context.clock();
        let deadline = clock.elapsed() + LIMIT;
        loop {
            let mut begun = false;
            let attempt = async {
                begun = true;
                self.prepare_once().await
            };
            let tried = tokio::select! {
                biased;
                () = stop.ever() => {
                    // What is broken off may have been carried out.
                    self.touched |= begun;
                    return Err("the run ended before the store was prepared".to_owned());
                }
                tried = attempt => tried,
            };
            match tried {
                Ok(()) => return Ok(()),
                Err(_) if clock.elapsed() + PAUSE < deadline => clock.sleep(PAUSE).await,
                Err(error) => {
                    return Err(format!("prepare the store: {error}, for {}", humantime::format_duration(LIMIT)));
                }
            }
        }
    }

    async fn prepare_once(&mut self) -> Result<(), String> {
        let setup = self.generator.setup();
        let Some(store) = self.free.get_mut(&0) else { return Err("there is no client".to_owned()) };
        if let Err(why) = store.prepare(STEP).await {
            self.touched |= why.sent;
            return Err(why.reason);
        }
        // Only these make anything when they are prepared.
        self.touched |= matches!(self.check.store.kind, StoreKind::Postgres | StoreKind::Command);
        for request in setup {
            let outcome = store.perform(&request, STEP).await;
            self.touched |= may_have_written(&request, &outcome);
            if outcome.completion != Completion::Ok {
                return Err(outcome.error.unwrap_or_else(|| "the store did not say why".to_owned()));
            }
        }
        Ok(())
    }

    /// Requests at the rate until the stop, and the answers that are still out.
    async fn run(&mut self, stop: &Bell) {
        let clock = self.context.clock();
        let mut due = clock.elapsed();
        let clients = self.check.clients;
        let burst = Duration::from_secs_f64(f64::from(clients) / self.check.rate);
        let mut under_way = FuturesUnordered::new();
        let mut resting = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                () = stop.ever() => break,
                Some(done) = under_way.next() => resting.push(rest(self.done(done))),
                Some((client, store)) = resting.next() => drop(self.free.insert(client, store)),
                () = clock.sleep_until(due) => {
                    for (client, store) in std::mem::take(&mut self.free) {
                        let request = self.generator.next(client);
                        self.book.call(&request);
                        under_way.push(perform(store, request, self.check.timeout));
                    }
                    due += burst;
                }
            }
        }
        while let Some(done) = under_way.next().await {
            let (client, store) = self.done(done);
            self.free.insert(client, store);
        }
        while let Some((client, store)) = resting.next().await {
            self.free.insert(client, store);
        }
    }

    fn done(&mut self, done: Done) -> (usize, Box<dyn Store>) {
        self.book.end(&done.request, &done.outcome);
        self.touched |= may_have_written(&done.request, &done.outcome);
        self.generator.completed(done.request.client, &done.outcome);
        (done.request.client, done.store)
    }

    /// Everything from every replica, each until it works or the limit is over. Returns what was not read.
    async fn read_all(&mut self, wanted: &AtomicBool) -> Vec<String> {
        let clock = self.context.clock();
        let deadline = clock.elapsed() + LIMIT;
        // The end of a watch is a write of its own, and a lock is given back once: these are done as a whole.
        let whole = matches!(self.check.kind, Kind::Watch | Kind::Lock);
        let mut read = BTreeSet::new();
        loop {
            let mut unread = Vec::new();
            if !wanted.load(Ordering::SeqCst) {
                return vec!["the run ended before everything was read".to_owned()];
            }
            for (number, request) in self.generator.final_reads(self.replicas.len().max(1)).into_iter().enumerate() {
                if !whole && read.contains(&number) {
                    continue;
                }
                match self.read(&request).await {
                    None => drop(read.insert(number)),
                    Some(why) => unread.push(why),
                }
            }
            if unread.is_empty() || clock.elapsed() + PAUSE >= deadline {
                return unread;
            }
            clock.sleep(PAUSE).await;
        }
    }

    /// One request of the final phase; says what was not read and why.
    async fn read(&mut self, request: &Request) -> Option<String> {
        let Some(store) = self.free.get_mut(&request.client) else {
            return Some(format!("client {} is not free", request.client));
        };
        self.book.call(request);
        let outcome = store.perform(request, STEP).await;
        self.book.end(request, &outcome);
        self.touched |= may_have_written(request, &outcome);
        store.settle().await;
        // A lock that its holder lost cannot be given back, and that is an answer, too.
        if outcome.completion == Completion::Ok || self.check.kind == Kind::Lock {
            return None;
        }
        let place = match request.target {
            Target::Replica(replica) => self.replicas.get(replica).map_or("a replica", |name| &**name),
            Target::Any => "the store",
        };
        Some(format!("{place}: {}", outcome.error.unwrap_or_else(|| "no reason given".to_owned())))
    }

    /// Removes what begins with the prefix. A service of the user's that has no request for this keeps it, and that is told.
    async fn remove(&mut self, seen: &mut HistorySeen) -> Vec<String> {
        let Some(store) = self.free.get_mut(&0) else { return Vec::new() };
        if !self.touched {
            return Vec::new();
        }
        match (self.check.store.kind, store.remove(&self.prefix, STEP).await) {
            // It ends with the process.
            (StoreKind::Kv, _) | (_, Ok(())) => Vec::new(),
            (StoreKind::Http, Err(left)) => {
                seen.left = left;
                Vec::new()
            }
            (StoreKind::Etcd | StoreKind::Redis | StoreKind::Postgres | StoreKind::Command, Err(error)) => {
                vec![format!("data {}: keys that begin with {} may be left: {error}", self.check.name(), self.prefix)]
            }
        }
    }
}

/// A request that failed is known to have done nothing.
fn may_have_written(request: &Request, outcome: &Outcome) -> bool {
    !request.action.is_read() && outcome.completion != Completion::Fail
}

async fn perform(mut store: Box<dyn Store>, request: Request, timeout: Duration) -> Done {
    let outcome = store.perform(&request, timeout).await;
    Done { store, request, outcome }
}

/// A client whose endpoint did not answer waits a little before its next request.
async fn rest((client, mut store): (usize, Box<dyn Store>)) -> (usize, Box<dyn Store>) {
    store.settle().await;
    (client, store)
}
