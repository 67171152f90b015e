//! The open loop that every probe follows, in the runner and in the agent: an attempt starts when it is due, whatever
//! became of the ones before. Knows no evidence log: who calls it records.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::evidence::Outcome;
use crate::scenario::{Probe, ProbeKind};

use super::{Call, Clock, Network, NetworkError, Place, Reply, Vantage};

/// More attempts than this are never under way at a time; the next ones are recorded as not sent.
const UNDER_WAY: usize = 512;

/// Starts attempts at a rate until `stop`, then waits for those that are still out. `attempt` gets its number and when
/// it is due; `record` is told of each by when it was due.
pub(crate) async fn open_loop<F>(
    clock: Clock,
    rate: f64,
    attempt: impl Fn(u32, Duration) -> F,
    mut record: impl FnMut(Duration, Result<Outcome, String>),
    stop: impl Future<Output = ()>,
) where
    F: Future<Output = Result<Outcome, String>>,
{
    let begun = clock.elapsed();
    let mut under_way = FuturesUnordered::new();
    let mut number: u32 = 0;
    let mut stop = std::pin::pin!(stop);
    loop {
        let due = begun + Duration::from_secs_f64(f64::from(number) / rate);
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some((due, outcome)) = under_way.next() => record(due, outcome),
            () = clock.sleep_until(due) => {
                if under_way.len() >= UNDER_WAY {
                    let reason = format!("not sent: {UNDER_WAY} attempts are under way");
                    record(due, Ok(Outcome::Error { reason }));
                } else {
                    let attempt = attempt(number, due);
                    under_way.push(async move { (due, attempt.await) });
                }
                number += 1;
            }
        }
    }
    while let Some((due, outcome)) = under_way.next().await {
        record(due, outcome);
    }
}

/// One attempt of a probe; `Err` when it could not be sent.
pub(crate) async fn attempt(
    network: &dyn Network,
    from: &Vantage,
    to: &Place,
    probe: &Probe,
    timeout: Duration,
) -> Result<Outcome, String> {
    match probe.kind {
        ProbeKind::Http => {
            outcome_of_reply(network.http(from, to, Call::bare("GET", &probe.path), timeout).await, &probe.status)
        }
        ProbeKind::Tcp => match network.connect(from, to, timeout).await {
            Ok(_) => Ok(Outcome::Ok { pod: None }),
            Err(error) => outcome_of_error(&error),
        },
    }
}

/// What is left of an attempt's timeout, which counts from when it was due.
pub(crate) fn time_left(clock: Clock, timeout: Duration, due: Duration) -> Duration {
    timeout.saturating_sub(clock.elapsed().saturating_sub(due))
}

/// How an HTTP answer counts; 200 to 399 are accepted when nothing is.
pub(crate) fn outcome_of_reply(reply: Result<Reply, NetworkError>, accepted: &[u16]) -> Result<Outcome, String> {
    match reply {
        Ok(Reply { status, pod, .. }) => {
            let expected = if accepted.is_empty() { (200..400).contains(&status) } else { accepted.contains(&status) };
            Ok(if expected { Outcome::Ok { pod } } else { Outcome::Status { status } })
        }
        Err(error) => outcome_of_error(&error),
    }
}

/// How a failed attempt counts.
pub(crate) fn outcome_of_error(error: &NetworkError) -> Result<Outcome, String> {
    match error {
        NetworkError::Blind(reason) => Err(reason.clone()),
        NetworkError::Timeout(_) => Ok(Outcome::Timeout),
        NetworkError::Refused(_) | NetworkError::Broken(_) | NetworkError::Unsupported(_) => {
            Ok(Outcome::Error { reason: error.to_string() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_by_its_status() {
        let reply = |status| Ok(Reply { status, body: String::new(), pod: Some("web-1".to_owned()) });
        for (status, accepted, ok) in [
            (200, vec![], true),
            (302, vec![], true),
            (404, vec![], false),
            (404, vec![404], true),
            (200, vec![404], false),
        ] {
            let outcome = outcome_of_reply(reply(status), &accepted);
            assert_eq!(matches!(outcome, Ok(Outcome::Ok { .. })), ok, "{status} {accepted:?}");
        }
        assert_eq!(outcome_of_reply(Err(NetworkError::Timeout(Duration::from_secs(1))), &[]), Ok(Outcome::Timeout));
        assert!(outcome_of_reply(Err(NetworkError::Blind("refused".to_owned())), &[]).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_start_when_they_are_due_however_slow_the_answers_are() {
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
        let mut ended = Vec::new();
        let slow = |number: u32, _| async move {
            clock.sleep(Duration::from_millis(if number == 0 { 2_500 } else { 10 })).await;
            Ok(Outcome::Ok { pod: None })
        };
        let stop = clock.sleep(Duration::from_millis(1_050));
        open_loop(clock, 2.0, slow, |due, _| ended.push((due.as_millis(), clock.elapsed().as_millis())), stop).await;
        assert_eq!(ended, [(500, 510), (1_000, 1_010), (0, 2_500)]);
    }
}
