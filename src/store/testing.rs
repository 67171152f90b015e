//! Servers for tests: each connection is a pipe to a task that answers by rule. Opens no socket.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::{BoxStream, Dial, Endpoint};
use crate::workload::{Action, Request, Target};

/// What a server does with a request.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// Sends this.
    Bytes(String),
    /// Closes the connection.
    Close,
    /// Says nothing.
    Silence,
}

/// How long the first request in a text is, once it is there as a whole.
type Frame = fn(&str) -> Option<usize>;

type Rule = Arc<Mutex<dyn FnMut(&str) -> Reply + Send>>;

/// Servers by the address under which they are found; whatever is not there refuses.
#[derive(Clone, Default)]
pub(super) struct Servers {
    rules: BTreeMap<String, (Frame, Rule)>,
}

impl Servers {
    /// One more server.
    pub(super) fn with(
        mut self,
        address: &str,
        frame: Frame,
        rule: impl FnMut(&str) -> Reply + Send + 'static,
    ) -> Self {
        self.rules.insert(address.to_owned(), (frame, Arc::new(Mutex::new(rule))));
        self
    }
}

impl Dial for Servers {
    fn dial<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, io::Result<BoxStream>> {
        Box::pin(async move {
            let Some((frame, rule)) = self.rules.get(&to.address) else {
                return Err(io::Error::from(io::ErrorKind::ConnectionRefused));
            };
            let (near, far) = tokio::io::duplex(1 << 20);
            tokio::spawn(serve(far, *frame, rule.clone()));
            Ok(Box::new(near) as BoxStream)
        })
    }
}

async fn serve(mut stream: DuplexStream, frame: Frame, rule: Rule) {
    let mut text = String::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        while let Some(length) = frame(&text) {
            let request: String = text.drain(..length).collect();
            let reply = (rule.lock().expect("never poisoned"))(&request);
            match reply {
                Reply::Bytes(bytes) => stream.write_all(bytes.as_bytes()).await.expect("a pipe"),
                Reply::Close => return,
                Reply::Silence => {}
            }
        }
        match stream.read(&mut buffer).await {
            Ok(count) if count > 0 => text.push_str(&String::from_utf8_lossy(&buffer[..count])),
            _ => return,
        }
    }
}

/// The length of an HTTP request.
pub(super) fn http_frame(text: &str) -> Option<usize> {
    let head = text.find("\r\n\r\n")? + 4;
    let lower = text[..head].to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    let whole = head + length.unwrap_or(0);
    (text.len() >= whole).then_some(whole)
}

/// An HTTP answer.
pub(super) fn http_answer(status: u16, body: &str) -> Reply {
    Reply::Bytes(format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

/// The length of a command in Redis' protocol.
pub(super) fn resp_frame(text: &str) -> Option<usize> {
    let mut at = text.find("\r\n")? + 2;
    let count: usize = text.strip_prefix('*')?[..at - 3].parse().ok()?;
    for _ in 0..count {
        let end = at + text.get(at..)?.find("\r\n")?;
        let length: usize = text[at + 1..end].parse().ok()?;
        at = end + 2 + length + 2;
    }
    (text.len() >= at).then_some(at)
}

/// An endpoint with the same name and address.
pub(super) fn endpoint(name: &str) -> Endpoint {
    Endpoint { name: name.into(), address: name.to_owned() }
}

/// A request of the first client.
pub(super) fn request(action: Action) -> Request {
    Request { client: 0, process: 0, target: Target::Any, action }
}

/// A write of 41 to `k`.
pub(super) fn write() -> Request {
    request(Action::Write { key: "k".into(), value: 41 })
}

/// A read of `k`.
pub(super) fn read() -> Request {
    request(Action::Read { key: "k".into() })
}
