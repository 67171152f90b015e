//! Traffic from this very process: HTTP requests, and TCP connections that are held open and watched. The runner uses it
//! from outside, the agent from inside.

use std::io;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::{Bytes, Call, Connection, NetworkError, Reply, causes};

/// An idle connection is asked for a sign of life after this time, and as often. The kernel's shortest.
const KEEPALIVE: Duration = Duration::from_secs(1);
/// The other end's kernel must have acknowledged within this time: two questions, so that one lost packet is no cut.
const SILENCE: Duration = Duration::from_millis(2_500);
/// After this time of watching, a connection that did not fail has been acknowledged.
const WATCHED: Duration = Duration::from_millis(3_500);

/// An HTTP exchange on a held connection takes at most so long.
const HEAD: Duration = Duration::from_secs(1);
/// The head of an answer is at most so long.
const LONGEST_ANSWER: usize = 1 << 16;

/// What a service answers is at most so long: whoever answers may mean harm.
pub(super) const ANSWER_MAX: usize = 16 << 20;

/// A client that opens a connection for each request, as a new client of a service would, and goes where it is sent and
/// nowhere else: a redirection is an answer, and would take headers and bodies to others.
///
/// # Errors
/// Why none can be made, for people.
pub(super) fn client(
    adapt: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<reqwest::Client, String> {
    let plain = reqwest::Client::builder().pool_max_idle_per_host(0).redirect(reqwest::redirect::Policy::none());
    adapt(plain).build().map_err(|error| causes(&error))
}

/// Sends one HTTP request on a new connection.
///
/// # Errors
/// [`NetworkError`].
pub(super) async fn fetch(
    client: &reqwest::Client,
    url: &str,
    call: Call<'_>,
    timeout: Duration,
) -> Result<Reply, NetworkError> {
    let Call { method, path, headers, body } = call;
    let unusable = |error: &dyn std::fmt::Display| NetworkError::Unsupported(format!("{method} {url}: {error}"));
    let method = method.parse::<reqwest::Method>().map_err(|error| unusable(&error))?;
    let url = if path == "/" { url.to_owned() } else { format!("{}{path}", url.trim_end_matches('/')) };
    let plain = client.request(method, url).timeout(timeout);
    let typed = headers.iter().fold(plain, |request, (name, value)| request.header(name, value));
    let request = if body.is_empty() { typed } else { typed.body(body.to_owned()) };
    let broken = |error: &reqwest::Error| match error {
        error if error.is_timeout() => NetworkError::Timeout(timeout),
        error if error.is_connect() => NetworkError::Refused(causes(error)),
        error => NetworkError::Broken(causes(error)),
    };
    let mut response = request.send().await.map_err(|error| broken(&error))?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| broken(&error))? {
        if body.len() + part.len() > ANSWER_MAX {
            return Err(too_long());
        }
        body.extend_from_slice(&part);
    }
    Ok(Reply { status, body: String::from_utf8_lossy(&body).into_owned(), pod: None })
}

/// An answer of which nobody knows the end.
pub(super) fn too_long() -> NetworkError {
    NetworkError::Broken(format!("the answer is longer than {} MiB", ANSWER_MAX >> 20))
}

/// Opens a stream to `host:port`.
///
/// # Errors
/// [`NetworkError`]; nothing was sent.
pub(super) async fn stream(address: &str) -> Result<Bytes, NetworkError> {
    let refused = |error: io::Error| NetworkError::Refused(error.to_string());
    let stream = TcpStream::connect(address).await.map_err(refused)?;
    // A request is one small packet that somebody waits for.
    stream.set_nodelay(true).map_err(refused)?;
    Ok(Box::new(stream))
}

/// Opens a connection to `host:port`.
///
/// # Errors
/// [`NetworkError`].
pub(super) async fn open(address: &str, timeout: Duration) -> Result<Held, NetworkError> {
    let stream = connect(address, timeout).await?;
    let line = Line { stream, speaks: Speaks::Unknown, ended: None };
    Ok(Held { address: address.to_owned(), line: Mutex::new(line) })
}

async fn connect(address: &str, timeout: Duration) -> Result<TcpStream, NetworkError> {
    let stream = match tokio::time::timeout(timeout, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => return Err(NetworkError::Timeout(timeout)),
        Ok(Err(error)) => return Err(NetworkError::Refused(error.to_string())),
        Err(_) => return Err(NetworkError::Timeout(timeout)),
    };
    let wrong = |error: io::Error| NetworkError::Unsupported(format!("keep-alive of a connection: {error}"));
    keep_alive(&stream).map_err(wrong)?;
    Ok(stream)
}

fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    let often = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE).with_retries(2);
    socket.set_tcp_keepalive(&often)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(SILENCE))?;
    Ok(())
}

/// One open TCP connection that is held. A server that speaks HTTP is asked by `HEAD`, since it would close a connection
/// on which nothing is ever said. Of any other the kernel is asked, by TCP keep-alive: nothing is sent that the server
/// would have to understand.
#[derive(Debug)]
pub(super) struct Held {
    address: String,
    line: Mutex<Line>,
}

#[derive(Debug)]
struct Line {
    stream: TcpStream,
    speaks: Speaks,
    /// How it ended, which the kernel tells only once.
    ended: Option<NetworkError>,
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Unknown,
    Http,
    /// Nothing that is known here.
    Other,
}

impl Held {
    /// Whether traffic still passes. Takes [`WATCHED`] when it does and only the other end's kernel can tell.
    pub(super) async fn watch(&self) -> Result<(), NetworkError> {
        let mut held = self.line.lock().await;
        if let Some(ended) = &held.ended {
            return Err(ended.clone());
        }
        if held.speaks == Speaks::Unknown {
            if held.head().await.is_ok() {
                held.speaks = Speaks::Http;
                return Ok(());
            }
            // What was said may have spoilt this one.
            held.stream = connect(&self.address, HEAD).await?;
            held.speaks = Speaks::Other;
        }
        let result = match held.speaks {
            Speaks::Http => held.head().await,
            Speaks::Unknown | Speaks::Other => held.silent().await,
        };
        held.ended = result.clone().err();
        result
    }
}

impl Line {
    /// One HTTP exchange that leaves the connection open.
    async fn head(&mut self) -> Result<(), NetworkError> {
        let exchange = async {
            self.stream.write_all(b"HEAD / HTTP/1.1\r\nHost: driftproof\r\nConnection: keep-alive\r\n\r\n").await?;
            let mut answer = Vec::new();
            let mut buffer = [0_u8; 1024];
            while !answer.ends_with(b"\r\n\r\n") && answer.len() < LONGEST_ANSWER {
                match self.stream.read(&mut buffer).await? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    read => answer.extend_from_slice(&buffer[..read]),
                }
            }
            Ok(String::from_utf8_lossy(&answer).to_lowercase())
        };
        match tokio::time::timeout(HEAD, exchange).await {
            Ok(Ok(answer)) if answer.starts_with("http/1.1") && !answer.contains("\nconnection: close") => Ok(()),
            Ok(Ok(_)) => Err(NetworkError::Broken("closed by the other end".to_owned())),
            Ok(Err(error)) => Err(lost(&error)),
            Err(_) => Err(NetworkError::Timeout(HEAD)),
        }
    }

    /// Whether the other end's kernel acknowledges.
    async fn silent(&mut self) -> Result<(), NetworkError> {
        let watching = async {
            let mut buffer = [0_u8; 1024];
            loop {
                // What a server says by itself, a greeting or an event, is no sign: it may have been on its way before.
                match self.stream.read(&mut buffer).await {
                    Ok(0) => return NetworkError::Broken("closed by the other end".to_owned()),
                    Ok(_) => {}
                    Err(error) => return lost(&error),
                }
            }
        };
        tokio::time::timeout(WATCHED, watching).await.map_or(Ok(()), Err)
    }
}

/// A reset says that something answered; every other error is the kernel giving up on silence.
fn lost(error: &io::Error) -> NetworkError {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => NetworkError::Broken(format!("ended by the other end: {error}")),
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

    /// Answers one request with a head, and then with more of the same for as long as it is taken.
    async fn answering(head: String, more: bool) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(head.as_bytes()).await;
            while more && stream.write_all(&[b'a'; 1 << 14]).await.is_ok() {}
        });
        format!("http://{address}")
    }

    fn patient() -> reqwest::Client {
        drop(rustls::crypto::ring::default_provider().install_default());
        client(reqwest::ClientBuilder::no_proxy).unwrap()
    }

    #[tokio::test]
    async fn a_redirection_is_an_answer_and_leads_nowhere() {
        let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = elsewhere.local_addr().unwrap();
        let head = format!("HTTP/1.1 302 Found\r\nlocation: http://{to}/steal\r\ncontent-length: 0\r\n\r\n");
        let url = answering(head, false).await;
        let client = patient();
        let headers = [("x-api-key".to_owned(), "secret".to_owned())];
        let call = Call { headers: &headers, ..Call::bare("GET", "/") };
        let reply = fetch(&client, &url, call, Duration::from_secs(5)).await.unwrap();
        assert_eq!(reply.status, 302);
        let visited = tokio::time::timeout(Duration::from_millis(200), elsewhere.accept()).await;
        assert!(visited.is_err(), "it went where it was sent by a stranger");
    }

    #[tokio::test]
    async fn an_answer_without_an_end_is_cut() {
        let url = answering("HTTP/1.1 200 OK\r\n\r\n".to_owned(), true).await;
        let client = patient();
        let reply = fetch(&client, &url, Call::bare("GET", "/"), Duration::from_secs(30)).await;
        assert!(matches!(&reply, Err(NetworkError::Broken(why)) if why.contains("longer than 16 MiB")), "{reply:?}");
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_still_there_until_it_closes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let held = open(&address, Duration::from_secs(5)).await.unwrap();
        let accepting = async {
            // The first one is spoilt by an HTTP request, which this server does not understand.
            let (mut first, _) = listener.accept().await.unwrap();
            first.write_all(b"-ERR unknown command\r\n\r\n").await.unwrap();
            let (mut second, _) = listener.accept().await.unwrap();
            second.write_all(b"220 ready\r\n").await.unwrap();
            second
        };
        let (watched, server) = tokio::join!(held.watch(), accepting);
        assert_eq!(watched, Ok(()));
        drop(server);
        let closed = Err(NetworkError::Broken("closed by the other end".to_owned()));
        assert_eq!(held.watch().await, closed);
        assert_eq!(held.watch().await, closed, "how it ended is remembered");
    }

    #[tokio::test]
    async fn a_server_that_speaks_http_is_asked_on_the_same_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let held = open(&address, Duration::from_secs(5)).await.unwrap();
        let answering = async {
            let (mut server, _) = listener.accept().await.unwrap();
            let mut heard = [0_u8; 1024];
            for _ in 0..2 {
                assert!(server.read(&mut heard).await.unwrap() > 0);
                server.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n").await.unwrap();
            }
            server
        };
        let asking = async { (held.watch().await, held.watch().await) };
        let (watched, server) = tokio::join!(asking, answering);
        assert_eq!(watched, (Ok(()), Ok(())));
        // Now it says nothing more, though its kernel does: an HTTP server that does not answer lets nothing pass.
        assert!(matches!(held.watch().await, Err(NetworkError::Timeout(_))));
        drop(server);
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
