//! The agent: reads orders line by line, does them, and tells what came of them. Ends by itself when nobody has spoken to
//! it for a while, so that nothing is left behind whatever dies at the other end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::outbox::Outbox;
use super::protocol::{FromAgent, News, ToAgent, VERSION, line, read};
use super::worker::Worker;
use crate::world::Clock;

/// Connections accepted at a time.
const ACCEPTED: usize = 256;

/// How an agent behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// It ends when nobody has spoken to it for so long.
    pub idle_exit: Duration,
    /// News that are kept until they are acknowledged; beyond it the oldest are dropped, and the runner is told.
    pub buffer: usize,
    /// A port on which connections are accepted.
    pub listen: Option<u16>,
}

/// Serves one runner, over as many streams as it takes; all arrive at the same input.
///
/// # Errors
/// When no HTTP client can be made here, or the port cannot be listened on.
pub async fn serve(
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin,
    options: Options,
) -> Result<(), String> {
    let clock = Clock::starting_at(jiff::Timestamp::now());
    let desk = Arc::new(Desk::new(options.buffer));
    let _listening = match options.listen {
        Some(port) => Some(listen(port).await?),
        None => None,
    };
    let mut worker = Worker::new(clock, desk.clone())?;
    let mut lines = BufReader::new(input).lines();
    let mut writing = std::pin::pin!(write(&desk, output));
    let (mut readable, mut writable) = (true, true);
    let mut deadline = clock.elapsed() + options.idle_exit;
    loop {
        tokio::select! {
            biased;
            found = lines.next_line(), if readable => match found {
                Ok(Some(text)) => {
                    if let Some(message) = read::<ToAgent>(&text) {
                        deadline = clock.elapsed() + options.idle_exit;
                        if hear(message, &desk, &mut worker, clock).is_none() {
                            return Ok(());
                        }
                    }
                }
                // The runner may come back by another stream; if not, the deadline ends this.
                Ok(None) | Err(_) => readable = false,
            },
            () = &mut writing, if writable => writable = false,
            () = clock.sleep_until(deadline) => return Ok(()),
        }
    }
}

/// Does what one line says; `None` when it is goodbye.
fn hear(message: ToAgent, desk: &Arc<Desk>, worker: &mut Worker, clock: Clock) -> Option<()> {
    match message {
        ToAgent::Hello { nonce, after, version: _ } => {
            // Whether the versions fit is for the runner to say: it can tell somebody.
            desk.resume(after, FromAgent::Hello { version: VERSION, nonce, seen: worker.seen() });
        }
        ToAgent::Ack(upto) => desk.lock().news.acknowledge(upto),
        ToAgent::Ping(ping) => desk.at_once(FromAgent::Pong { ping, at: clock.micros() }),
        ToAgent::Do { n, order } => worker.take(n, order),
        ToAgent::Bye => return None,
    }
    Some(())
}

/// Accepts connections and holds them, so that it can be seen who reaches this pod. A client that speaks HTTP is answered.
async fn listen(port: u16) -> Result<JoinSet<()>, String> {
    let listener =
        TcpListener::bind(("0.0.0.0", port)).await.map_err(|error| format!("listen on port {port}: {error}"))?;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut held = JoinSet::new();
        loop {
            while held.try_join_next().is_some() {}
            match listener.accept().await {
                Ok((stream, _)) if held.len() < ACCEPTED => drop(held.spawn(hold(stream))),
                Ok(_) => {}
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    });
    Ok(tasks)
}

async fn hold(mut stream: TcpStream) {
    let mut heard = [0_u8; 1024];
    loop {
        match stream.read(&mut heard).await {
            Ok(0) | Err(_) => return,
            Ok(read) if heard[..read].starts_with(b"GET ") || heard[..read].starts_with(b"HEAD ") => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
                return;
            }
            Ok(_) => {}
        }
    }
}

/// Writes lines as they come, until nobody can read them any more.
async fn write(desk: &Desk, mut output: impl AsyncWrite + Unpin) {
    loop {
        let text = desk.next().await;
        if output.write_all(text.as_bytes()).await.is_err() || output.flush().await.is_err() {
            return;
        }
    }
}

/// What is to be written.
#[derive(Debug)]
pub(super) struct Desk {
    inner: Mutex<Inner>,
    bell: Notify,
}

#[derive(Debug)]
struct Inner {
    news: Outbox<News>,
    urgent: VecDeque<FromAgent>,
    /// The last news that was written to the present stream; absent until somebody says hello.
    written: Option<u64>,
}

impl Desk {
    fn new(most: usize) -> Self {
        let inner = Inner { news: Outbox::new(most), urgent: VecDeque::new(), written: None };
        Self { inner: Mutex::new(inner), bell: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells something that must arrive.
    pub(super) fn tell(&self, news: News) {
        self.lock().news.push(news);
        self.bell.notify_one();
    }

    fn at_once(&self, message: FromAgent) {
        self.lock().urgent.push_back(message);
        self.bell.notify_one();
    }

    /// Begins anew after what the runner has.
    fn resume(&self, after: u64, hello: FromAgent) {
        let mut inner = self.lock();
        inner.news.acknowledge(after);
        inner.written = Some(after);
        inner.urgent.clear();
        inner.urgent.push_back(hello);
        drop(inner);
        self.bell.notify_one();
    }

    async fn next(&self) -> String {
        loop {
            if let Some(text) = self.lock().next() {
                return text;
            }
            self.bell.notified().await;
        }
    }
}

impl Inner {
    fn next(&mut self) -> Option<String> {
        if let Some(message) = self.urgent.pop_front() {
            return Some(line(&message));
        }
        let (n, news) = self.news.next(self.written?)?;
        let text = line(&FromAgent::News { n, news: news.clone() });
        self.written = Some(n);
        Some(text)
    }
}
