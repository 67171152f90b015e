//! The wire in front of the embedded cluster: HTTP on 127.0.0.1, a Prometheus, node agents, and the moods of an API server.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use driftproof::sim::Cluster;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::agent;

/// How the API server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As it should.
    Fine,
    /// Nothing listens, and every connection is closed.
    Away,
    /// Everything is answered with this status.
    Says(u16),
    /// Watches end, and those that resume are told that their version is gone.
    Forgets,
}

/// One server.
#[derive(Clone)]
pub(crate) struct Server {
    cluster: Cluster,
    requests: Arc<Mutex<Vec<(Method, Uri)>>>,
    mood: watch::Sender<Mood>,
}

impl Server {
    pub(crate) fn new(cluster: Cluster) -> Self {
        Self { cluster, requests: Arc::default(), mood: watch::Sender::new(Mood::Fine) }
    }

    pub(crate) fn be(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    pub(crate) fn requests(&self) -> Vec<(Method, Uri)> {
        self.requests.lock().expect("no panic while held").clone()
    }

    /// Serves until it is dropped. Connections are closed whenever the mood changes, as a server that restarts closes them.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let address = listener.local_addr().expect("bound");
        let mut listener = Some(listener);
        let mut mood = self.mood.subscribe();
        let mut connections = JoinSet::new();
        loop {
            let now = *mood.borrow_and_update();
            if now == Mood::Away {
                listener = None;
            } else if listener.is_none() {
                listener = Some(TcpListener::bind(address).await.expect("the port is still free"));
            }
            tokio::select! {
                changed = mood.changed() => {
                    connections.abort_all();
                    changed.expect("the server outlives its connections");
                }
                Some(stream) = accept(listener.as_ref()) => {
                    let server = self.clone();
                    let service = service_fn(move |request| server.clone().answer(request));
                    connections.spawn(async move {
                        // A client that goes away in the middle is no failure of the server.
                        let _ = hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await;
                    });
                }
            }
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        self.requests.lock().expect("no panic while held").push((method.clone(), uri.clone()));
        let query = uri.query().unwrap_or_default();
        let mood = *self.mood.borrow();
        match mood {
            Mood::Says(code) => return Ok(refusal(code)),
            Mood::Forgets if query.contains("watch=") => return Ok(refusal(410)),
            Mood::Forgets | Mood::Fine | Mood::Away => {}
        }
        if let "/api/v1/query" | "/api/v1/query_range" = uri.path() {
            return Ok(json(prometheus(uri.path(), query)));
        }
        if let Some(said) = agent::asked(&self.cluster, &method, uri.path()) {
            return Ok(Response::new(Body::from(said.as_bytes().to_vec())));
        }
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let body = agent::prepared(&method, uri.path(), body.to_vec());
        let answer = self.cluster.client().send(Request::from_parts(parts, Body::from(body))).await;
        Ok(answer.unwrap_or_else(|error| {
            let mut response = json(error.to_string());
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }))
    }
}

/// The next connection; never while nothing listens.
async fn accept(listener: Option<&TcpListener>) -> Option<TokioIo<tokio::net::TcpStream>> {
    match listener {
        Some(listener) => listener.accept().await.ok().map(|(stream, _)| TokioIo::new(stream)),
        None => std::future::pending().await,
    }
}

fn refusal(code: u16) -> Response<Body> {
    let status = format!(
        r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","code":{code},"reason":"Test","message":"in a mood of {code}","details":{{"retryAfterSeconds":1}}}}"#
    );
    let mut response = json(status);
    *response.status_mut() = StatusCode::from_u16(code).expect("a status");
    response
}

fn json(text: String) -> Response<Body> {
    let body = Body::from(text.into_bytes());
    Response::builder().header("content-type", "application/json").body(body).expect("a response")
}

/// What Prometheus answers: <https://prometheus.io/docs/prometheus/latest/querying/api/>. `up_ratio` is 1, `nothing` is not there.
fn prometheus(path: &str, query: &str) -> String {
    let known = query.split('&').any(|pair| pair == "query=up_ratio");
    let metric = r#""metric":{"__name__":"up_ratio","job":"web"}"#;
    let (kind, sample) = match path {
        "/api/v1/query" => ("vector", format!(r#"{{{metric},"value":[1767225600.5,"1"]}}"#)),
        _ => ("matrix", format!(r#"{{{metric},"values":[[1767225600,"1"],[1767225605,"0.75"]]}}"#)),
    };
    let result = if known { sample } else { String::new() };
    format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":[{result}]}}}}"#)
}
