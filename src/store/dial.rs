//! Plain TCP. Sends nothing itself.

use std::io;

use futures::future::BoxFuture;
use tokio::net::TcpStream;

use super::{BoxStream, Dial, Endpoint};

/// Connects to `host:port`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp;

impl Dial for Tcp {
    fn dial<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, io::Result<BoxStream>> {
        Box::pin(async move {
            let stream = TcpStream::connect(&to.address).await?;
            // A request is one small packet that somebody waits for.
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as BoxStream)
        })
    }
}
