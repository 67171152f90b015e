//! Both ends against each other, over streams that break in the middle.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{mpsc, oneshot};

use super::protocol::{FromAgent, line};
use super::{Ask, Dial, DialError, Line, Link, Options, VERSION, serve};
use crate::evidence::Outcome;
use crate::scenario::ProbeKind;
use crate::world::{Clock, Heard, NetworkError};

/// What the command does first of all.
fn provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A container runtime in small: the agent keeps one input and one output, whatever streams come and go.
struct Pod {
    dials: mpsc::UnboundedSender<DuplexStream>,
    /// Breaks the present stream.
    cut: Arc<Mutex<Option<oneshot::Sender<()>>>>,
}

impl Pod {
    fn start(buffer: usize) -> Self {
        let (agent_in, mut to_agent) = duplex(1 << 16);
        let (agent_out, mut from_agent) = duplex(1 << 16);
        provider();
        let options = Options { idle_exit: Duration::from_secs(600), buffer, listen: None };
        tokio::spawn(async move { serve(agent_in, agent_out, options).await });
        let (dials, mut dialled) = mpsc::unbounded_channel::<DuplexStream>();
        let cut: Arc<Mutex<Option<oneshot::Sender<()>>>> = Arc::default();
        let slot = cut.clone();
        tokio::spawn(async move {
            let mut bytes = vec![0_u8; 700];
            let mut waste = vec![0_u8; 700];
            loop {
                // While nobody is attached, what the agent says goes nowhere.
                let mut stream = tokio::select! {
                    stream = dialled.recv() => match stream { Some(stream) => stream, None => return },
                    _ = from_agent.read(&mut waste) => continue,
                };
                let (break_it, mut broken) = oneshot::channel();
                *slot.lock().unwrap() = Some(break_it);
                let mut orders = vec![0_u8; 700];
                loop {
                    tokio::select! {
                        _ = &mut broken => break,
                        read = from_agent.read(&mut bytes) => {
                            let read = read.unwrap_or(0);
                            if stream.write_all(&bytes[..read]).await.is_err() { break }
                        }
                        read = stream.read(&mut orders) => match read {
                            Ok(0) | Err(_) => break,
                            Ok(read) => to_agent.write_all(&orders[..read]).await.unwrap(),
                        }
                    }
                }
            }
        });
        Self { dials, cut }
    }

    fn dial(&self) -> Dial {
        let dials = self.dials.clone();
        Box::new(move || {
            let (here, there) = duplex(1 << 16);
            let sent = dials.send(there);
            async move {
                sent.map_err(|_| DialError { reason: "no pod".to_owned(), hopeless: true })?;
                let (input, output) = tokio::io::split(here);
                Ok(Line { input: Box::new(input), output: Box::new(output), keep: Box::new(()) })
            }
            .boxed()
        })
    }

    fn cut(&self) {
        drop(self.cut.lock().unwrap().take());
    }
}

async fn met(pod: &Pod) -> (Link, UnboundedReceiver<Heard>) {
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
    let (tell, heard) = unbounded_channel();
    (Link::start(clock, "shop/agent".to_owned(), pod.dial(), tell).await.unwrap(), heard)
}

fn ask(to: &str) -> Ask {
    Ask { kind: ProbeKind::Tcp, to: to.to_owned(), path: "/".to_owned(), status: Vec::new(), timeout: 1_000_000 }
}

/// A server that accepts and says nothing.
async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    address
}

/// Everything that was heard so far.
fn drain(heard: &mut UnboundedReceiver<Heard>) -> Vec<Heard> {
    std::iter::from_fn(|| heard.try_recv().ok()).collect()
}

#[tokio::test]
async fn an_open_loop_loses_nothing_when_its_stream_breaks() {
    let pod = Pod::start(10_000);
    let (link, mut heard) = met(&pod).await;
    link.probe(3, ask(&silent().await), 50.0);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        pod.cut();
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    link.stop(3).await;
    let heard = drain(&mut heard);
    let mut due: Vec<u64> = Vec::new();
    for one in &heard {
        if let Heard::Attempt(attempt) = one {
            assert_eq!((attempt.probe, &attempt.outcome), (3, &Outcome::Ok { pod: None }));
            due.push(attempt.due);
        }
    }
    due.sort_unstable();
    assert!(due.len() >= 20, "{heard:?}");
    // Every attempt of an open loop is one interval after the one before, but for the error of the clock.
    let even = due.windows(2).all(|pair| pair[1].abs_diff(pair[0] + 20_000) < 10_000);
    assert!(even, "{due:?}");
    let gaps = heard.iter().filter(|one| matches!(one, Heard::Gap { recovered: true, .. })).count();
    assert!(gaps >= 1, "{heard:?}");
    assert!(!heard.iter().any(|one| matches!(one, Heard::Gap { recovered: false, .. } | Heard::Lost(_))), "{heard:?}");
    assert!(heard.iter().any(|one| matches!(one, Heard::Clock { .. })), "{heard:?}");
}

#[tokio::test]
async fn what_a_full_buffer_dropped_is_said() {
    let pod = Pod::start(5);
    let (link, mut heard) = met(&pod).await;
    link.probe(0, ask(&silent().await), 200.0);
    tokio::time::sleep(Duration::from_millis(200)).await;
    pod.cut();
    tokio::time::sleep(Duration::from_millis(600)).await;
    link.stop(0).await;
    let heard = drain(&mut heard);
    let lost =
        heard.iter().any(|one| matches!(one, Heard::Gap { recovered: false, what } if what.contains("are lost")));
    assert!(lost, "{heard:?}");
}

#[tokio::test]
async fn single_attempts_and_held_connections() {
    let pod = Pod::start(100);
    let (link, _heard) = met(&pod).await;
    let address = silent().await;
    assert!(link.attempt(ask(&address)).await.is_ok());
    let held = link.open(address, Duration::from_secs(1)).await.unwrap();
    assert_eq!(crate::world::Connection::round_trip(&held, Duration::from_secs(1)).await, Ok(()));
    let refused = link.attempt(ask("127.0.0.1:1")).await;
    assert!(matches!(refused, Err(NetworkError::Refused(_))), "{refused:?}");
    let bad = Ask { kind: ProbeKind::Http, ..ask("no url") };
    assert!(link.attempt(bad).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_agent_of_another_version_is_not_spoken_to() {
    let dial: Dial = Box::new(|| {
        let (here, mut there) = duplex(4096);
        tokio::spawn(async move {
            let mut said = vec![0_u8; 4096];
            let _ = there.read(&mut said).await;
            let hello = FromAgent::Hello { version: VERSION + 1, nonce: 1, seen: 0 };
            let _ = there.write_all(line(&hello).as_bytes()).await;
            std::future::pending::<()>().await;
        });
        let (input, output) = tokio::io::split(here);
        let line = Line { input: Box::new(input), output: Box::new(output), keep: Box::new(()) };
        std::future::ready(Ok(line)).boxed()
    });
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
    let (tell, _heard) = unbounded_channel();
    let refused = Link::start(clock, "shop/agent".to_owned(), dial, tell).await.map(drop).unwrap_err();
    let newer = format!("version {} of the protocol", VERSION + 1);
    assert!(refused.contains(&newer), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_never_reached_is_given_up() {
    let dial: Dial = Box::new(|| {
        std::future::ready(Err(DialError { reason: "connection refused".to_owned(), hopeless: false })).boxed()
    });
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
    let (tell, _heard) = unbounded_channel();
    let refused = Link::start(clock, "shop/agent".to_owned(), dial, tell).await.map(drop).unwrap_err();
    assert!(refused.contains("not reached for 30s: connection refused"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_nobody_speaks_to_ends() {
    provider();
    let (input, _held) = duplex(64);
    let options = Options { idle_exit: Duration::from_secs(120), buffer: 10, listen: None };
    let begun = tokio::time::Instant::now();
    serve(input, tokio::io::sink(), options).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 120);
}
