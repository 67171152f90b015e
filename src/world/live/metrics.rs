//! Prometheus over HTTP.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use prometheus_http_query::Client;
use prometheus_http_query::response::{Data, RangeVector, Sample};

use crate::world::{Metrics, causes};

/// Prometheus ends a query itself after two minutes by default (`--query.timeout`).
const ANSWER: Duration = Duration::from_secs(130);

/// One Prometheus server.
pub(super) struct Prometheus {
    client: Client,
    /// Parts of its address that no message may repeat.
    secrets: Vec<String>,
}

impl Prometheus {
    pub(super) fn new(url: &str) -> Result<Self, String> {
        let secrets = secrets(url);
        let client = url.parse::<Client>().map_err(|error| without(&secrets, &format!("`{url}`: {error}")))?;
        Ok(Self { client, secrets })
    }
}

/// User, password and query of an address: evidence and messages are passed around.
fn secrets(url: &str) -> Vec<String> {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let password = user.split_once(':').map_or("", |(_, password)| password);
    [user, password, query].into_iter().filter(|secret| !secret.is_empty()).map(str::to_owned).collect()
}

fn without(secrets: &[String], text: &str) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "…"))
}

fn samples(data: &Data) -> Vec<f64> {
    match data {
        Data::Vector(series) => series.iter().map(|one| one.sample().value()).collect(),
        Data::Matrix(series) => series.iter().flat_map(RangeVector::samples).map(Sample::value).collect(),
        Data::Scalar(sample) => vec![sample.value()],
    }
}

impl Metrics for Prometheus {
    fn query<'a>(
        &'a self,
        expr: &'a str,
        range: Option<(Duration, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<f64>, String>> {
        async move {
            let asked = async {
                match range {
                    None => self.client.query(expr).get().await,
                    Some((length, step)) => {
                        // The HTTP API of the crate takes whole seconds: round outwards, so that nothing of the run is left out.
                        let end = Timestamp::now().as_second() + 1;
                        let start = end - i64::try_from(length.as_secs()).unwrap_or(i64::MAX / 2) - 2;
                        self.client.query_range(expr, start, end, step.as_secs_f64()).get().await
                    }
                }
            };
            let answered = tokio::time::timeout(ANSWER, asked).await;
            let result = answered
                .map_err(|_| format!("`{expr}`: no answer within {}", humantime::format_duration(ANSWER)))?
                .map_err(|error| without(&self.secrets, &format!("`{expr}`: {}", causes(&error))))?;
            let values = samples(result.data());
            if values.is_empty() { Err(format!("`{expr}` selects no series")) } else { Ok(values) }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_message_repeats_a_password() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        for url in
            ["http://user:canary-1@127.0.0.1:1/", "http://127.0.0.1:1/?token=canary-2", "http://user:canary-3@[bad/"]
        {
            let said = match Prometheus::new(url) {
                Ok(prometheus) => prometheus.query("up", None).await.map(drop),
                Err(error) => Err(error),
            };
            let said = said.expect_err("nothing listens there");
            assert!(!said.contains("canary"), "{said}");
        }
    }
}
