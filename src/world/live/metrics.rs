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
}

impl Prometheus {
    pub(super) fn new(url: &str) -> Result<Self, String> {
        let client = url.parse::<Client>().map_err(|error| format!("`{url}`: {error}"))?;
        Ok(Self { client })
    }
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
                .map_err(|error| format!("`{expr}`: {}", causes(&error)))?;
            let values = samples(result.data());
            if values.is_empty() { Err(format!("`{expr}` selects no series")) } else { Ok(values) }
        }
        .boxed()
    }
}
