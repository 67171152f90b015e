//! Traffic from where Driftproof runs, through the API server's proxy or directly to a URL, and from pods by their agents.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::agents::Attached;
use super::forward;
use crate::world::{Bytes, Call, Connection, Network, NetworkError, Place, Reply, Vantage, direct, proxy};

/// The network of a live cluster, seen from outside, and from the pods that are vantages.
pub(super) struct Live {
    client: kube::Client,
    direct: reqwest::Client,
    inside: Arc<Attached>,
}

impl Live {
    pub(super) fn new(client: kube::Client, inside: Arc<Attached>) -> Result<Self, String> {
        Ok(Self { client, direct: direct::client(|plain| plain)?, inside })
    }
}

impl Network for Live {
    fn http<'a>(
        &'a self,
        from: &'a Vantage,
        to: &'a Place,
        call: Call<'a>,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Reply, NetworkError>> {
        async move {
            match (from, to) {
                (Vantage::Pod { namespace, name }, _) => {
                    self.inside.http((namespace, name), to, call.path, timeout).await
                }
                (Vantage::Outside, Place::Url(url)) => direct::fetch(&self.direct, url, call, timeout).await,
                (Vantage::Outside, Place::Service { .. } | Place::Pod { .. }) => {
                    proxy::request(&self.client, to, call, timeout).await
                }
            }
        }
        .boxed()
    }

    fn stream<'a>(&'a self, to: &'a Place) -> BoxFuture<'a, Result<Bytes, NetworkError>> {
        async move {
            match to {
                Place::Url(address) => direct::stream(address).await,
                Place::Pod { namespace, name, port } => forward::open(&self.client, namespace, name, port).await,
                Place::Service { .. } => {
                    Err(NetworkError::Unsupported("ports are forwarded to pods, not to Services".to_owned()))
                }
            }
        }
        .boxed()
    }

    fn connect<'a>(
        &'a self,
        from: &'a Vantage,
        to: &'a Place,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, NetworkError>> {
        async move {
            match (from, to) {
                (Vantage::Pod { namespace, name }, _) => self.inside.connect((namespace, name), to, timeout).await,
                (Vantage::Outside, Place::Url(address)) => {
                    let held = direct::open(address, timeout).await?;
                    Ok(Box::new(held) as Box<dyn Connection>)
                }
                (Vantage::Outside, Place::Service { .. } | Place::Pod { .. }) => Err(NetworkError::Unsupported(
                    "the API server's proxy speaks HTTP only: give `url = \"host:port\"`".to_owned(),
                )),
            }
        }
        .boxed()
    }
}
