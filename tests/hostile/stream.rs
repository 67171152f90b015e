//! A watch whose events are dropped, doubled, cut short, expired or silently dead.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use kube::client::Body;
use serde_json::json;

use crate::layer::{Answer, Layer};
use crate::trouble::Kind;

/// One watch under way.
struct Stream {
    body: Body,
    layer: Arc<Layer>,
    buffer: Vec<u8>,
    lines: VecDeque<Bytes>,
    ended: bool,
}

/// The same body, as the layer lets it through.
pub(crate) fn hostile(body: Body, layer: Arc<Layer>) -> Answer {
    let stream = Stream { body, layer, buffer: Vec::new(), lines: VecDeque::new(), ended: false };
    let frames = futures::stream::unfold(stream, |mut stream| async move {
        let line = stream.next().await?;
        Some((line.map(Frame::data), stream))
    });
    StreamBody::new(frames).boxed_unsync()
}

impl Stream {
    async fn next(&mut self) -> Option<Result<Bytes, tower::BoxError>> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(Ok(line));
            }
            if self.ended {
                return None;
            }
            let layer = self.layer.clone();
            tokio::select! {
                biased;
                () = layer.away() => {
                    self.ended = true;
                    return Some(Err("connection reset by peer".into()));
                }
                frame = self.body.frame() => match frame? {
                    Ok(frame) => self.take(&frame.into_data().unwrap_or_default()).await,
                    Err(error) => return Some(Err(error.into())),
                }
            }
        }
    }

    async fn take(&mut self, data: &Bytes) {
        self.buffer.extend_from_slice(data);
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line = Bytes::from(self.buffer.drain(..=end).collect::<Vec<u8>>());
            match self.layer.roll(|one| one.kind.of_watch()) {
                Some(Kind::Dropped) => {}
                Some(Kind::Doubled) => self.lines.extend([line.clone(), line]),
                Some(Kind::Cut) => {
                    self.ended = true;
                    return;
                }
                Some(Kind::Expired) => {
                    let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old resource version" });
                    let event = json!({ "type": "ERROR", "object": status });
                    self.lines.push_back(Bytes::from(format!("{event}\n")));
                    self.ended = true;
                    return;
                }
                Some(Kind::Dead) => std::future::pending().await,
                Some(_) | None => self.lines.push_back(line),
            }
        }
    }
}
