//! Finding the primary: Sentinel is asked where there is one, else each endpoint is asked what it is. Sends nothing of a
//! request.

use redis::Value;

use super::client::Redis;
use super::link::Link;
use super::{RedisOptions, Sentinel};
use crate::store::{Deadline, Dial, Endpoint};

/// The primary, connected.
pub(super) struct Primary {
    /// Which endpoint, when it is one of those that were named.
    pub(super) index: Option<usize>,
    pub(super) endpoint: Endpoint,
    pub(super) link: Link,
}

impl Redis {
    /// Finds the primary and connects to it. Each endpoint gets its share of the time that is left.
    pub(super) async fn find_primary(&self, deadline: Deadline) -> Result<Primary, String> {
        if let Some(sentinel) = &self.options.sentinel {
            let address = ask(self.dial.as_ref(), sentinel, deadline).await?;
            let index = self.route.endpoints().iter().position(|endpoint| endpoint.address == address);
            let endpoint = match index {
                Some(index) => self.route.endpoint(index).clone(),
                None => Endpoint { name: address.as_str().into(), address },
            };
            let link = check(self.dial.as_ref(), &endpoint, &self.options, deadline.left()).await?;
            return Ok(Primary { index, endpoint, link });
        }
        let order = self.route.in_turn();
        let mut reasons = Vec::new();
        for (done, index) in order.iter().enumerate() {
            let share = deadline.left() / u32::try_from(order.len() - done).unwrap_or(1);
            let endpoint = self.route.endpoint(*index).clone();
            match check(self.dial.as_ref(), &endpoint, &self.options, share).await {
                Ok(link) => return Ok(Primary { index: Some(*index), endpoint, link }),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(format!("no primary: {}", reasons.join("; ")))
    }
}

async fn check(
    dial: &dyn Dial,
    endpoint: &Endpoint,
    options: &RedisOptions,
    within: std::time::Duration,
) -> Result<Link, String> {
    let deadline = Deadline::after(within);
    let mut link = Link::open(dial, endpoint, options.password.as_deref(), within).await?;
    match tokio::time::timeout_at(deadline.end(), link.is_primary()).await {
        Ok(Ok(true)) => Ok(link),
        Ok(Ok(false)) => Err(format!("{} is a replica", endpoint.name)),
        Ok(Err(error)) => Err(format!("{}: {error}", endpoint.name)),
        Err(_) => Err(format!("{}: {}", endpoint.name, deadline.passed())),
    }
}

/// The address of the primary, as the first Sentinel that answers gives it.
async fn ask(dial: &dyn Dial, sentinel: &Sentinel, deadline: Deadline) -> Result<String, String> {
    let mut reasons = Vec::new();
    for (done, endpoint) in sentinel.endpoints.iter().enumerate() {
        let share = deadline.left() / u32::try_from(sentinel.endpoints.len() - done + 1).unwrap_or(1);
        let work = async {
            let mut link = Link::open(dial, endpoint, None, share).await?;
            let mut command = redis::cmd("SENTINEL");
            command.arg("get-master-addr-by-name").arg(&sentinel.master);
            link.send(&command).await.map_err(|error| format!("{}: {error}", endpoint.name))
        };
        match tokio::time::timeout(share, work).await {
            Ok(Ok(answer)) => match address(&answer) {
                Some(address) => return Ok(address),
                None => reasons.push(format!("{} knows no master `{}`", endpoint.name, sentinel.master)),
            },
            Ok(Err(reason)) => reasons.push(reason),
            Err(_) => reasons.push(format!("{} did not answer", endpoint.name)),
        }
    }
    Err(format!("no Sentinel names a primary: {}", reasons.join("; ")))
}

fn address(answer: &Value) -> Option<String> {
    let Value::Array(parts) = answer else { return None };
    let [Value::BulkString(host), Value::BulkString(port)] = parts.as_slice() else { return None };
    let (host, port) = (std::str::from_utf8(host).ok()?, std::str::from_utf8(port).ok()?);
    Some(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
}
