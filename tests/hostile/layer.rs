//! The layer between the client and the cluster: it does to requests what the schedule says. Judges nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use driftproof::world::{Bytes as Pipe, Call, Clock, Connection, Network, NetworkError, Place, Reply, Vantage, World};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use kube::client::Body;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::stream;
use crate::trouble::{Kind, Schedule, Trouble};

/// The body of an answer.
pub(crate) type Answer = UnsyncBoxBody<Bytes, tower::BoxError>;

/// One run's bad luck.
pub(crate) struct Layer {
    schedule: Schedule,
    clock: Clock,
    begun: Duration,
    dice: Mutex<ChaCha8Rng>,
    over: AtomicBool,
    done: Mutex<BTreeMap<Kind, u64>>,
}

impl Layer {
    pub(crate) fn new(schedule: Schedule, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            dice: Mutex::new(ChaCha8Rng::seed_from_u64(schedule.seed)),
            schedule,
            clock,
            begun: clock.elapsed(),
            over: AtomicBool::new(false),
            done: Mutex::default(),
        })
    }

    /// From now on nothing goes wrong any more.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// How often each kind befell a request or an event.
    pub(crate) fn done(&self) -> BTreeMap<Kind, u64> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn now(&self) -> Duration {
        self.clock.elapsed().saturating_sub(self.begun)
    }

    /// Waits until the server goes away for the next time.
    pub(crate) async fn away(&self) {
        let now = self.now();
        let next = self.schedule.troubles.iter().filter(|one| one.kind == Kind::Away && one.until > now);
        match next.map(|one| one.from).min() {
            Some(from) => self.clock.sleep_until(self.begun + from).await,
            None => std::future::pending().await,
        }
    }

    /// What befalls one request, or one event of a watch.
    pub(crate) fn roll(&self, wanted: impl Fn(&Trouble) -> bool) -> Option<Kind> {
        if self.over.load(Ordering::SeqCst) {
            return None;
        }
        let now = self.now();
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        let hit = self.schedule.troubles.iter().find(|one| {
            (one.from..one.until).contains(&now) && wanted(one) && (one.share >= 1.0 || dice.random_bool(one.share))
        })?;
        *self.done.lock().unwrap_or_else(PoisonError::into_inner).entry(hit.kind).or_default() += 1;
        Some(hit.kind)
    }

    fn pause(&self) -> Duration {
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_millis(dice.random_range(50..20_000))
    }
}

/// The same world behind the layer.
pub(crate) fn world(world: &World, layer: &Arc<Layer>) -> World {
    let (client, hostile) = (world.client.clone(), layer.clone());
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, layer) = (client.clone(), hostile.clone());
        async move { send(client, layer, request).await }
    });
    let network = Arc::new(Wires { network: world.network.clone(), layer: layer.clone() });
    World { client: kube::Client::new(service, "default"), network, ..world.clone() }
}

async fn send(
    client: kube::Client,
    layer: Arc<Layer>,
    request: Request<Body>,
) -> Result<Response<Answer>, tower::BoxError> {
    let changes = matches!(*request.method(), Method::POST | Method::PATCH | Method::PUT)
        && !request.uri().path().contains("/selfsubject");
    let method = request.method().clone();
    let watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
    let befalls = |one: &Trouble| match one.kind {
        Kind::Forbidden => one.method == method.as_str() && !request.uri().path().contains("/selfsubject"),
        Kind::Conflict | Kind::Echo => changes,
        // For a watch an expired version is an answer, too.
        Kind::Expired => watch,
        kind => !kind.of_watch(),
    };
    let creates = method == Method::POST;
    match layer.roll(befalls) {
        Some(Kind::Busy) => Ok(refusal(429, "TooManyRequests")),
        Some(Kind::Inner) => Ok(refusal(500, "InternalError")),
        Some(Kind::Unavailable) => Ok(refusal(503, "ServiceUnavailable")),
        Some(Kind::Expired) => Ok(refusal(410, "Expired")),
        Some(Kind::Forbidden) => Ok(refusal(403, "Forbidden")),
        Some(Kind::Away) => Err("connection refused".into()),
        Some(Kind::NoAnswer) => std::future::pending().await,
        Some(Kind::LostAnswer) => {
            let _ = client.send(request).await;
            std::future::pending().await
        }
        Some(Kind::Reset) => {
            let _ = client.send(request).await;
            Err("connection reset by peer".into())
        }
        Some(Kind::Conflict) => Ok(refusal(409, if creates { "AlreadyExists" } else { "Conflict" })),
        Some(Kind::Echo) => {
            let _ = client.send(request).await;
            Ok(refusal(409, if creates { "AlreadyExists" } else { "Conflict" }))
        }
        Some(Kind::Slow) => {
            tokio::time::sleep(layer.pause()).await;
            pass(client, layer, request, watch).await
        }
        Some(Kind::Cut | Kind::Dropped | Kind::Doubled | Kind::Dead) | None => {
            pass(client, layer, request, watch).await
        }
    }
}

async fn pass(
    client: kube::Client,
    layer: Arc<Layer>,
    request: Request<Body>,
    watch: bool,
) -> Result<Response<Answer>, tower::BoxError> {
    let response = client.send(request).await?;
    Ok(response.map(|body| {
        if watch { stream::hostile(body, layer) } else { body.map_err(tower::BoxError::from).boxed_unsync() }
    }))
}

/// A refusal as the API server words it.
pub(crate) fn refusal(code: u16, reason: &str) -> Response<Answer> {
    let details = if code == 429 { json!({ "retryAfterSeconds": 1 }) } else { json!({}) };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
        "message": format!("hostile {code}"), "details": details,
    });
    let body = Full::new(Bytes::from(status.to_string())).map_err(|never| match never {}).boxed_unsync();
    let response = Response::builder().status(code).header("content-type", "application/json");
    response.header("retry-after", "1").body(body).expect("a response")
}

/// The network as seen through the same API server: probes from outside go through its proxy.
struct Wires {
    network: Arc<dyn Network>,
    layer: Arc<Layer>,
}

impl Network for Wires {
    fn http<'a>(
        &'a self,
        from: &'a Vantage,
        to: &'a Place,
        call: Call<'a>,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Reply, NetworkError>> {
        let through = *from == Vantage::Outside;
        async move {
            let hit = self.layer.roll(|one| {
                through && matches!(one.kind, Kind::Away | Kind::Busy | Kind::NoAnswer | Kind::Reset | Kind::Inner)
            });
            match hit {
                Some(Kind::Away | Kind::Busy) => Err(NetworkError::Blind("the API server is away".to_owned())),
                Some(Kind::NoAnswer) => {
                    tokio::time::sleep(timeout).await;
                    Err(NetworkError::Timeout(timeout))
                }
                Some(Kind::Reset | Kind::Inner) => Err(NetworkError::Broken("connection reset".to_owned())),
                Some(_) | None => self.network.http(from, to, call, timeout).await,
            }
        }
        .boxed()
    }

    fn stream<'a>(&'a self, to: &'a Place) -> BoxFuture<'a, Result<Pipe, NetworkError>> {
        self.network.stream(to)
    }

    fn connect<'a>(
        &'a self,
        from: &'a Vantage,
        to: &'a Place,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, NetworkError>> {
        self.network.connect(from, to, timeout)
    }
}
