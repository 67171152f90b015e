//! Streams to ports of pods through the API server, as `kubectl port-forward` opens them. Speaks no protocol of a store.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::Portforwarder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::world::{Bytes, NetworkError, Stream, causes};

/// A forwarded port. What forwards it ends with it.
struct Forwarded {
    stream: Bytes,
    forwarder: Portforwarder,
}

/// Opens a stream to a port of a pod, by number.
///
/// # Errors
/// [`NetworkError`]; nothing was sent.
pub(super) async fn open(client: &kube::Client, namespace: &str, pod: &str, port: &str) -> Result<Bytes, NetworkError> {
    let number: u16 = port
        .parse()
        .map_err(|_| NetworkError::Unsupported(format!("port {port} of pod {namespace}/{pod} is not a number")))?;
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let refused = |error: kube::Error| NetworkError::Refused(format!("port-forward to {pod}: {}", causes(&error)));
    let mut forwarder = api.portforward(pod, &[number]).await.map_err(refused)?;
    let stream = forwarder.take_stream(number);
    let stream = stream.ok_or_else(|| NetworkError::Refused(format!("port-forward to {pod}: no stream")))?;
    let stream: Box<dyn Stream> = Box::new(stream);
    Ok(Box::new(Forwarded { stream, forwarder }))
}

impl Drop for Forwarded {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

impl AsyncRead for Forwarded {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Forwarded {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
