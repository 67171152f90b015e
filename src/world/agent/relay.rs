//! Passes bytes on from inside the cluster: a connection of the runner's, through a forwarded port of the agent's pod, to a
//! place that the runner has named as an order. Reads no protocol, keeps no byte, repeats nothing.
//!
//! The relay listens on the loopback address of its pod, where only a forwarded port arrives. When either end closes or
//! breaks, both are closed: whoever waits for an answer knows that it may have been carried out.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::protocol::{Hail, Hailed, line, read};
use crate::world::{Bytes, NetworkError};

/// The port of the relay, on the loopback address of the agent's pod.
pub(in crate::world) const PORT: u16 = 7434;

/// Connections that are passed on at a time; more are refused.
const RELAYED: usize = 512;
/// Saying where to, and being connected, take at most so long.
const GREETING: Duration = Duration::from_secs(10);
/// Longer than any line of either end.
const LINE_MAX: usize = 4096;

/// Where connections may lead.
type Allowed = Arc<Mutex<BTreeSet<String>>>;

/// The agent's end.
#[derive(Debug, Default)]
pub(super) struct Relay {
    allowed: Allowed,
    /// Accepts connections once there is a place to which they may lead.
    accepting: Option<JoinSet<()>>,
}

impl Relay {
    /// Lets connections lead to a place.
    ///
    /// # Errors
    /// When the relay cannot listen.
    pub(super) fn allow(&mut self, to: String) -> Result<(), String> {
        self.allow_at(to, PORT).map(drop)
    }

    /// The same on any port; says which.
    pub(super) fn allow_at(&mut self, to: String, port: u16) -> Result<u16, String> {
        self.allowed.lock().unwrap_or_else(PoisonError::into_inner).insert(to);
        if self.accepting.is_some() {
            return Ok(port);
        }
        let wrong = |error: std::io::Error| format!("listen on port {port} for the relay: {error}");
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).map_err(wrong)?;
        listener.set_nonblocking(true).map_err(wrong)?;
        let listener = TcpListener::from_std(listener).map_err(wrong)?;
        let port = listener.local_addr().map_err(wrong)?.port();
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, self.allowed.clone()));
        self.accepting = Some(accepting);
        Ok(port)
    }
}

async fn accept(listener: TcpListener, allowed: Allowed) {
    let mut relayed = JoinSet::new();
    loop {
        while relayed.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) if relayed.len() < RELAYED => drop(relayed.spawn(serve(stream, allowed.clone()))),
            // Closed without an answer: nothing was sent.
            Ok(_) => {}
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// One connection, from its first line to its end.
async fn serve(mut near: TcpStream, allowed: Allowed) {
    let _ = near.set_nodelay(true);
    let Ok(Some(text)) = tokio::time::timeout(GREETING, one_line(&mut near)).await else { return };
    let opened = match read::<Hail>(&text) {
        Some(Hail { to }) if allowed.lock().unwrap_or_else(PoisonError::into_inner).contains(&to) => {
            tokio::select! {
                opened = connect(&to) => opened,
                // Nothing is said before the answer: whoever asked is gone.
                _ = near.read_u8() => return,
            }
        }
        Some(Hail { to }) => Err(format!("the runner has not named {to}")),
        None => Err("not a line of this protocol".to_owned()),
    };
    let (answer, far) = match opened {
        Ok(far) => (Hailed::Open, Some(far)),
        Err(why) => (Hailed::Refused(why), None),
    };
    if near.write_all(line(&answer).as_bytes()).await.is_ok()
        && let Some(far) = far
    {
        pass_on(near, far).await;
    }
}

async fn connect(to: &str) -> Result<TcpStream, String> {
    let connected = tokio::time::timeout(GREETING, TcpStream::connect(to)).await;
    let stream = connected
        .map_err(|_| format!("no connection within {}", humantime::format_duration(GREETING)))?
        .map_err(|error| error.to_string())?;
    // A request is one small packet that somebody waits for.
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    Ok(stream)
}

/// Both ways until one of them ends.
async fn pass_on(mut near: TcpStream, mut far: TcpStream) {
    let (mut from_near, mut to_near) = near.split();
    let (mut from_far, mut to_far) = far.split();
    tokio::select! {
        _ = tokio::io::copy(&mut from_near, &mut to_far) => {}
        _ = tokio::io::copy(&mut from_far, &mut to_near) => {}
    }
    // What was passed on before the end still arrives.
    let _ = to_near.shutdown().await;
    let _ = to_far.shutdown().await;
}

/// A line, and no byte behind it.
async fn one_line(from: &mut (impl AsyncReadExt + Unpin)) -> Option<String> {
    let mut text = Vec::new();
    while text.len() < LINE_MAX {
        match from.read_u8().await.ok()? {
            b'\n' => return String::from_utf8(text).ok(),
            byte => text.push(byte),
        }
    }
    None
}

/// The runner's end: asks the relay at the other end of a stream for a connection.
///
/// # Errors
/// [`NetworkError::Refused`]: nothing was sent.
pub(in crate::world) async fn hail(mut stream: Bytes, to: &str) -> Result<Bytes, NetworkError> {
    let refused = |why: String| NetworkError::Refused(format!("relay to {to}: {why}"));
    let asked = async {
        let hail = line(&Hail { to: to.to_owned() });
        stream.write_all(hail.as_bytes()).await.map_err(|error| error.to_string())?;
        stream.flush().await.map_err(|error| error.to_string())?;
        let answer = one_line(&mut stream).await.ok_or_else(|| "closed by the other end".to_owned())?;
        match read::<Hailed>(&answer) {
            Some(Hailed::Open) => Ok(()),
            Some(Hailed::Refused(why)) => Err(why),
            None => Err("not a line of this protocol".to_owned()),
        }
    };
    match tokio::time::timeout(2 * GREETING, asked).await {
        Ok(Ok(())) => Ok(stream),
        Ok(Err(why)) => Err(refused(why)),
        Err(_) => Err(refused("no answer".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers each connection's first byte with the next one, and then closes.
    async fn counting() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let byte = stream.read_u8().await.unwrap();
                stream.write_u8(byte + 1).await.unwrap();
            }
        });
        address
    }

    async fn dial(port: u16) -> Bytes {
        Box::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap())
    }

    #[tokio::test]
    async fn bytes_pass_to_what_was_named_and_nowhere_else() {
        let (named, other) = (counting().await, counting().await);
        let mut relay = Relay::default();
        let port = relay.allow_at(named.clone(), 0).unwrap();
        for _ in 0..2 {
            let mut stream = hail(dial(port).await, &named).await.unwrap();
            stream.write_u8(41).await.unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), 42);
            assert!(stream.read_u8().await.is_err(), "the other end has closed");
        }
        let Err(NetworkError::Refused(why)) = hail(dial(port).await, &other).await else { panic!("not named") };
        assert!(why.ends_with(&format!("the runner has not named {other}")), "{why}");
        relay.allow_at(other.clone(), 0).unwrap();
        assert!(hail(dial(port).await, &other).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_not_reached_was_not_sent_and_a_stranger_gets_nothing() {
        // A port that was free a moment ago.
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
        let mut relay = Relay::default();
        let port = relay.allow_at(closed.clone(), 0).unwrap();
        assert!(matches!(hail(dial(port).await, &closed).await, Err(NetworkError::Refused(_))));
        let mut stranger = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stranger.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let mut heard = String::new();
        let _ = stranger.read_to_string(&mut heard).await;
        assert_eq!(heard, "{\"refused\":\"not a line of this protocol\"}\n");
    }

    #[tokio::test]
    async fn a_runner_that_is_gone_closes_the_other_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut relay = Relay::default();
        let port = relay.allow_at(address.clone(), 0).unwrap();
        let stream = hail(dial(port).await, &address).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        drop(stream);
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
    }
}
