//! From the clients of stores to the world's network: HTTP requests, and streams of bytes. Decides nothing but whether a
//! request that got no answer was certainly not sent.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;

use crate::store::{BoxStream, Dial, Endpoint, HttpAnswer, HttpCall, HttpSend, SendError};
use crate::world::{Agents, Call, Network, NetworkError, Place, Reply, Vantage};

use super::super::super::agents::Present;
use super::super::super::observe::Board;

/// The endpoints of a store in this world.
#[derive(Clone)]
pub(super) struct Bridge {
    network: Arc<dyn Network>,
    places: Arc<BTreeMap<String, Place>>,
    inside: Option<Inside>,
}

/// The way through the run's agent.
#[derive(Clone)]
pub(super) struct Inside {
    pub(super) agents: Arc<dyn Agents>,
    pub(super) present: Arc<Present>,
    /// Addresses that the scenario names.
    pub(super) named: BTreeSet<String>,
    /// Where the target's pods are now.
    pub(super) board: Arc<Board>,
}

impl Inside {
    /// The agent through which to go; without one nothing is sent.
    fn agent(&self) -> Result<(String, String), String> {
        let agent = self.present.now().ok_or_else(|| "there is no agent inside the cluster now".to_owned())?;
        if self.agents.reached((&agent.0, &agent.1)) {
            Ok(agent)
        } else {
            Err(format!("agent {}/{} is not reached", agent.0, agent.1))
        }
    }
}

/// Whether the plan names an address: as it stands in the scenario, or as that of a pod of the target. A Sentinel may name any
/// other, and an agent is not led there.
fn planned(address: &str, named: &BTreeSet<String>, board: &Board) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    let is_here = |pod: &Pod| pod.status.as_ref().and_then(|status| status.pod_ip.as_deref()) == Some(host);
    named.contains(address) || board.look(|picture| picture.target_pods().any(|state| is_here(&state.pod)))
}

impl Bridge {
    /// `places` by the address of their endpoint; without `inside` traffic starts where Driftproof runs.
    pub(super) fn new(network: Arc<dyn Network>, places: BTreeMap<String, Place>, inside: Option<Inside>) -> Self {
        Self { network, places: Arc::new(places), inside }
    }

    fn place(&self, to: &Endpoint) -> Place {
        self.places.get(&to.address).cloned().unwrap_or_else(|| Place::Url(to.address.clone()))
    }
}

impl HttpSend for Bridge {
    fn send<'a>(
        &'a mut self,
        to: &'a Endpoint,
        call: HttpCall<'a>,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<HttpAnswer, SendError>> {
        async move {
            let place = match self.place(to) {
                Place::Url(address) => Place::Url(format!("http://{address}")),
                other @ (Place::Pod { .. } | Place::Service { .. }) => other,
            };
            let HttpCall { method, path, headers, body } = call;
            let call = Call { method, path, headers, body };
            let answer =
                |reply: Reply| HttpAnswer { status: reply.status, body: reply.body, node: reply.pod.map(Into::into) };
            let Some(inside) = &self.inside else {
                let reply = self.network.http(&Vantage::Outside, &place, call, timeout).await;
                return reply.map(answer).map_err(|error| send_error(error, &place));
            };
            let agent = inside.agent().map_err(SendError::Refused)?;
            let from = Vantage::Pod { namespace: agent.0.clone(), name: agent.1.clone() };
            let reply = self.network.http(&from, &place, call, timeout).await;
            // Its stream broke meanwhile: the answer did not come back.
            if inside.agent() != Ok(agent) {
                return Err(SendError::Broken("the agent was lost before the answer".to_owned()));
            }
            reply.map(answer).map_err(|error| match error {
                // Said by whoever was to be connected to, and by no proxy.
                NetworkError::Refused(why) => SendError::Refused(why),
                error => send_error(error, &place),
            })
        }
        .boxed()
    }
}

/// What the API server's proxy says when it reached nothing. Its other words may come after the request had been sent.
const NOT_SENT: [&str; 3] = ["dial tcp", "no endpoints available", "not found"];

fn send_error(error: NetworkError, to: &Place) -> SendError {
    match error {
        NetworkError::Refused(why) => match to {
            Place::Url(_) => SendError::Refused(why),
            Place::Pod { .. } | Place::Service { .. } if NOT_SENT.iter().any(|words| why.contains(words)) => {
                SendError::Refused(why)
            }
            Place::Pod { .. } | Place::Service { .. } => SendError::Broken(why),
        },
        NetworkError::Unsupported(why) => SendError::Refused(why),
        // The API server was asked to pass it on, and nobody knows how far it came.
        NetworkError::Broken(why) | NetworkError::Blind(why) => SendError::Broken(why),
        NetworkError::Timeout(timeout) => SendError::Timeout(timeout),
    }
}

impl Dial for Bridge {
    fn dial<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, io::Result<BoxStream>> {
        async move {
            let place = self.place(to);
            let stream = match &self.inside {
                None => self.network.stream(&place).await,
                Some(inside) => {
                    if !self.places.contains_key(&to.address) && !planned(&to.address, &inside.named, &inside.board) {
                        let why = format!("{} is no place that the plan names; add it to `endpoints`", to.address);
                        return Err(io::Error::other(why));
                    }
                    let agent = inside.agent().map_err(io::Error::other)?;
                    inside.agents.stream((&agent.0, &agent.1), &place).await
                }
            };
            stream.map(|stream| Box::new(stream) as BoxStream).map_err(|error| io::Error::other(error.to_string()))
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_led_only_to_what_the_plan_names() {
        let text = "name = \"a\"\n[target]\nnamespace = \"shop\"\nworkload = \"statefulset/db\"\n[[fault]]\nkind = \"pod-kill\"\n";
        let board = Board::new(&crate::scenario::parse("a", text).expect("a scenario"));
        let named = BTreeSet::from(["db-0.shop.svc:6379".to_owned()]);
        assert!(planned("db-0.shop.svc:6379", &named, &board));
        for other in ["db-0.shop.svc:22", "169.254.169.254:80", "[::1]:6379", ""] {
            assert!(!planned(other, &named, &board), "{other}");
        }
    }

    #[test]
    fn only_what_was_never_sent_is_refused() {
        let pod = Place::Pod { namespace: "shop".into(), name: "db-0".into(), port: "1".into() };
        let refused = |why: &str| NetworkError::Refused(why.to_owned());
        for (error, to, is_refused) in [
            (refused("error trying to reach service: dial tcp 10.0.0.1:80: connect: connection refused"), &pod, true),
            (refused("error trying to reach service: read tcp: no route to host"), &pod, false),
            (refused("connection refused"), &Place::Url("a:1".to_owned()), true),
            (NetworkError::Blind("throttled".to_owned()), &pod, false),
        ] {
            let told = format!("{error:?}");
            assert_eq!(matches!(send_error(error, to), SendError::Refused(_)), is_refused, "{told}");
        }
    }
}
