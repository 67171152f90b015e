//! A relay on the loopback between Driftproof and the API server, which counts the bytes of the answers. Reads none of them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A relay that runs until the runtime ends.
pub(crate) struct Relay {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    answered: Arc<AtomicU64>,
}

impl Relay {
    /// Listens on a free port, for `server` (`host:port`).
    pub(crate) async fn to(server: String) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let answered: Arc<AtomicU64> = Arc::default();
        tokio::spawn(accept(listener, server, Arc::clone(&answered)));
        Ok(Self { address, answered })
    }

    /// Bytes that came from the server so far, as they travel (encrypted).
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, server: String, answered: Arc<AtomicU64>) {
    while let Ok((client, _)) = listener.accept().await {
        let (server, answered) = (server.clone(), Arc::clone(&answered));
        tokio::spawn(async move {
            let Ok(upstream) = TcpStream::connect(&server).await else { return };
            let _ = (client.set_nodelay(true), upstream.set_nodelay(true));
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = upstream.into_split();
            let asked = AtomicU64::new(0);
            tokio::join!(pump(from_client, to_server, &asked), pump(from_server, to_client, &answered));
        });
    }
}

async fn pump(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, count: &AtomicU64) {
    let mut buffer = vec![0_u8; 1 << 16];
    while let Ok(read) = from.read(&mut buffer).await {
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
        count.fetch_add(u64::try_from(read).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
    let _ = to.shutdown().await;
}
