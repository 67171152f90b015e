//! Traffic from this very process: HTTP requests, and TCP connections that are held open and watched. The runner uses it
//! from outside, the agent from inside.

use std::io;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::{Connection, NetworkError, Reply, causes};

/// An idle connection is asked for a sign of life after this time, and as often. The kernel's shortest.
const KEEPALIVE: Duration = Duration::from_secs(1);
/// The other end's kernel must have acknowledged within this time: two questions, so that one lost packet is no cut.
const SILENCE: Duration = Duration::from_millis(2_500);
/// After this time of watching, a connection that did not fail has been acknowledged.
const WATCHED: Duration = Duration::from_millis(3_500);

/// Sends one HTTP request on a new connection.
///
/// # Errors
/// [`NetworkError`].
pub(super) async fn fetch(
    client: &reqwest::Client,
    url: &str,
    method: &str,
    path: &str,
    timeout: Duration,
) -> Result<Reply, NetworkError> {
    let unusable = |error: &dyn std::fmt::Display| NetworkError::Unsupported(format!("{method} {url}: {error}"));
    let method = method.parse::<reqwest::Method>().map_err(|error| unusable(&error))?;
    let url = if path == "/" { url.to_owned() } else { format!("{}{path}", url.trim_end_matches('/')) };
    let request = client.request(method, url).timeout(timeout);
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

/// Opens a connection to `host:port`.
///
/// # Errors
/// [`NetworkError`].
pub(super) async fn open(address: &str, timeout: Duration) -> Result<Held, NetworkError> {
    let stream = match tokio::time::timeout(timeout, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => return Err(NetworkError::Timeout(timeout)),
        Ok(Err(error)) => return Err(NetworkError::Refused(error.to_string())),
        Err(_) => return Err(NetworkError::Timeout(timeout)),
    };
    Held::new(stream).map_err(|error| NetworkError::Unsupported(format!("keep-alive of a connection: {error}")))
}

/// One open TCP connection. Whether traffic passes is asked of the other end's kernel, by TCP keep-alive: nothing is
/// sent that a server would have to understand, so that it works with every protocol.
#[derive(Debug)]
pub(super) struct Held(Mutex<Stream>);

#[derive(Debug)]
struct Stream {
    stream: TcpStream,
    /// How it ended, which the kernel tells only once.
    ended: Option<NetworkError>,
}

impl Held {
    fn new(stream: TcpStream) -> io::Result<Self> {
        let socket = SockRef::from(&stream);
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE).with_retries(2))?;
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(SILENCE))?;
        Ok(Self(Mutex::new(Stream { stream, ended: None })))
    }

    /// Whether the other end's kernel still acknowledges. Takes [`WATCHED`] when it does.
    pub(super) async fn watch(&self) -> Result<(), NetworkError> {
        let mut held = self.0.lock().await;
        if let Some(ended) = &held.ended {
            return Err(ended.clone());
        }
        let watching = async {
            let mut buffer = [0_u8; 1024];
            loop {
                // What a server says by itself, a greeting or an event, is no sign: it may have been on its way before.
                match held.stream.read(&mut buffer).await {
                    Ok(0) => return NetworkError::Broken("closed by the other end".to_owned()),
                    Ok(_) => {}
                    Err(error) => return lost(&error),
                }
            }
        };
        match tokio::time::timeout(WATCHED, watching).await {
            Err(_) => Ok(()),
            Ok(error) => {
                held.ended = Some(error.clone());
                Err(error)
            }
        }
    }
}

/// A reset says that something answered; every other error is the kernel giving up on silence.
fn lost(error: &io::Error) -> NetworkError {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            NetworkError::Broken(error.to_string())
        }
        _ => NetworkError::Timeout(SILENCE),
    }
}

impl Connection for Held {
    fn round_trip(&self, _timeout: Duration) -> BoxFuture<'_, Result<(), NetworkError>> {
        self.watch().boxed()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_server_that_says_nothing_is_still_there_until_it_closes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let held = open(&address, Duration::from_secs(5)).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        server.write_all(b"220 ready\r\n").await.unwrap();
        assert_eq!(held.watch().await, Ok(()));
        drop(server);
        let closed = Err(NetworkError::Broken("closed by the other end".to_owned()));
        assert_eq!(held.watch().await, closed);
        assert_eq!(held.watch().await, closed, "how it ended is remembered");
    }

    #[tokio::test]
    async fn nothing_that_listens_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let refused = open(&address, Duration::from_secs(5)).await.map(drop);
        assert!(matches!(refused, Err(NetworkError::Refused(_))), "{refused:?}");
    }
}
