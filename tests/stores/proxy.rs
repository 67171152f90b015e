//! A TCP proxy on loopback that can be cut or made slow, for links between the members of a store. Changes no byte.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What passes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// Nothing passes.
    pub(crate) cut: bool,
    /// Nothing passes of connections whose first bytes contain one of these.
    pub(crate) cut_from: BTreeSet<String>,
    /// How much later everything arrives.
    pub(crate) delay: Duration,
}

/// A proxy under way; ended when dropped.
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) port: u16,
    rules: watch::Sender<Rules>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// A proxy to a port on loopback.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let address = listener.local_addr().expect("bound");
        let (rules, watched) = watch::channel(Rules::default());
        let task = tokio::spawn(accept(listener, SocketAddr::from(([127, 0, 0, 1], port)), watched));
        Self { port: address.port(), rules, task }
    }

    /// Changes what passes, also of connections that are open.
    pub(crate) fn set(&self, change: impl FnOnce(&mut Rules)) {
        self.rules.send_modify(change);
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, rules: watch::Receiver<Rules>) {
    while let Ok((near, _)) = listener.accept().await {
        tokio::spawn(pass(near, to, rules.clone()));
    }
}

async fn pass(near: TcpStream, to: SocketAddr, rules: watch::Receiver<Rules>) {
    if rules.borrow().cut {
        return;
    }
    let Ok(far) = TcpStream::connect(to).await else { return };
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    let head = Arc::new(Mutex::new(String::new()));
    let cut = {
        let (head, mut rules) = (head.clone(), rules.clone());
        async move {
            let applies = |rules: &Rules| {
                let head = head.lock().expect("never poisoned");
                rules.cut || rules.cut_from.iter().any(|mark| head.contains(mark.as_str()))
            };
            loop {
                if applies(&rules.borrow_and_update()) {
                    return;
                }
                // The head may come after the rule did.
                let changed = tokio::time::timeout(Duration::from_millis(20), rules.changed()).await;
                if matches!(changed, Ok(Err(_))) {
                    return;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = cut => {}
        () = copy(far_read, near_write, rules.clone(), None) => {}
        () = copy(near_read, far_write, rules, Some(head)) => {}
    }
}

async fn copy(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    rules: watch::Receiver<Rules>,
    head: Option<Arc<Mutex<String>>>,
) {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<(tokio::time::Instant, Vec<u8>)>(1 << 16);
    let read = async move {
        let mut buffer = vec![0; 16 << 10];
        while let Ok(count) = from.read(&mut buffer).await {
            if count == 0 {
                break;
            }
            if let Some(head) = &head {
                let mut head = head.lock().expect("never poisoned");
                if head.len() < 2048 {
                    head.push_str(&String::from_utf8_lossy(&buffer[..count]));
                }
            }
            let due = tokio::time::Instant::now() + rules.borrow().delay;
            if sender.send((due, buffer[..count].to_vec())).await.is_err() {
                break;
            }
        }
    };
    let write = async move {
        while let Some((due, bytes)) = receiver.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(read, write);
}
