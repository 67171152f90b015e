//! Traffic from where Driftproof runs: through the API server's proxy, or directly to a URL.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::world::{Connection, Network, NetworkError, Place, Reply, Vantage, causes, proxy};

/// The network of a live cluster, seen from outside.
pub(super) struct Live {
    client: kube::Client,
    direct: reqwest::Client,
}

impl Live {
    pub(super) fn new(client: kube::Client) -> Result<Self, String> {
        // Every attempt opens its own connection, as a new client of the service would.
        let direct = reqwest::Client::builder().pool_max_idle_per_host(0).build();
        Ok(Self { client, direct: direct.map_err(|error| causes(&error))? })
    }

    async fn fetch(&self, url: &str, method: &str, path: &str, timeout: Duration) -> Result<Reply, NetworkError> {
        let unusable = |error: &dyn std::fmt::Display| NetworkError::Unsupported(format!("{method} {url}: {error}"));
        let method = method.parse::<reqwest::Method>().map_err(|error| unusable(&error))?;
        let url = if path == "/" { url.to_owned() } else { format!("{}{path}", url.trim_end_matches('/')) };
        let request = self.direct.request(method, url).timeout(timeout);
        let broken = |error: &reqwest::Error| match error {
            error if error.is_timeout() => NetworkError::Timeout(timeout),
            error if error.is_connect() => NetworkError::Refused(causes(error)),
            error => NetworkError::Broken(causes(error)),
        };
        let response = request.send().await.map_err(|error| broken(&error))?;
        let status = response.status().as_u16();
        let body = response.text().await.map_err(|error| broken(&error))?;
        Ok(Reply { status, body, pod: None })
    }
}

fn from_pods_unsupported() -> NetworkError {
    NetworkError::Unsupported("traffic from inside a pod needs a probe that runs in the cluster".to_owned())
}

impl Network for Live {
    fn http<'a>(
        &'a self,
        from: &'a Vantage,
        to: &'a Place,
        method: &'a str,
        path: &'a str,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Reply, NetworkError>> {
        async move {
            match (from, to) {
                (Vantage::Pod { .. }, _) => Err(from_pods_unsupported()),
                (Vantage::Outside, Place::Url(url)) => self.fetch(url, method, path, timeout).await,
                (Vantage::Outside, Place::Service { .. } | Place::Pod { .. }) => {
                    proxy::request(&self.client, to, method, path, timeout).await
                }
            }
        }
        .boxed()
    }

    fn connect<'a>(
        &'a self,
        from: &'a Vantage,
        to: &'a Place,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, NetworkError>> {
        async move {
            match (from, to) {
                (Vantage::Pod { .. }, _) => Err(from_pods_unsupported()),
                (Vantage::Outside, Place::Url(address)) => {
                    let stream = tokio::time::timeout(timeout, TcpStream::connect(address.as_str())).await;
                    match stream {
                        Ok(Ok(stream)) => Ok(Box::new(Tcp { stream: Mutex::new(stream) }) as Box<dyn Connection>),
                        Ok(Err(error)) => Err(NetworkError::Refused(error.to_string())),
                        Err(_) => Err(NetworkError::Timeout(timeout)),
                    }
                }
                (Vantage::Outside, Place::Service { .. } | Place::Pod { .. }) => Err(NetworkError::Unsupported(
                    "the API server's proxy speaks HTTP only: give `url = \"host:port\"`".to_owned(),
                )),
            }
        }
        .boxed()
    }
}

/// One open TCP connection. Its round trip is a minimal HTTP request, since TCP itself tells nothing of the other end.
struct Tcp {
    stream: Mutex<TcpStream>,
}

impl Connection for Tcp {
    fn round_trip(&self, timeout: Duration) -> BoxFuture<'_, Result<(), NetworkError>> {
        async move {
            let trip = async {
                let mut stream = self.stream.lock().await;
                stream.write_all(b"HEAD / HTTP/1.1\r\nHost: probe\r\nConnection: keep-alive\r\n\r\n").await?;
                let mut buffer = [0_u8; 1024];
                stream.read(&mut buffer).await
            };
            match tokio::time::timeout(timeout, trip).await {
                Ok(Ok(read)) if read > 0 => Ok(()),
                Ok(Ok(_)) => Err(NetworkError::Broken("closed by the other end".to_owned())),
                Ok(Err(error)) => Err(NetworkError::Broken(error.to_string())),
                Err(_) => Err(NetworkError::Timeout(timeout)),
            }
        }
        .boxed()
    }
}
