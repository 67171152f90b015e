//! Calls to the API that may be throttled: repeated when the server says so, up to a limit, and visible in the evidence.
//! Nothing else is repeated, so that no fault is injected twice.

use std::time::Duration;

use kube::Error;
use kube::core::Status;

use crate::world::causes;

use super::context::Context;

/// A throttled call is sent at most this often.
const ATTEMPTS: u32 = 6;

/// What the API server said, if it was the API server.
pub(super) fn status(error: &Error) -> Option<&Status> {
    match error {
        Error::Api(status) => Some(status),
        _ => None,
    }
}

/// Whether the object is not there.
pub(super) fn is_absent(error: &Error) -> bool {
    status(error).is_some_and(|status| status.code == 404)
}

/// One line for people, without the struct that kube prints.
pub(super) fn text(error: &Error) -> String {
    match status(error) {
        Some(status) if status.message.is_empty() => format!("{} (HTTP {})", status.reason, status.code),
        Some(status) => status.message.clone(),
        None => causes(error),
    }
}

/// How long to wait before the next attempt, when this error says that there should be one.
///
/// 429 and 503 are how the API server sheds load; a 429 with the cause `DisruptionBudget` is an answer, not load.
pub(super) fn throttled(error: &Error) -> Option<Duration> {
    let status = status(error)?;
    if !matches!(status.code, 429 | 503) || budget(status).is_some() {
        return None;
    }
    let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    Some(Duration::from_secs(u64::from(seconds.clamp(1, 60))))
}

/// The message of the disruption budget that refused an eviction.
pub(super) fn budget(status: &Status) -> Option<&str> {
    let causes = &status.details.as_ref()?.causes;
    causes.iter().find(|cause| cause.reason == "DisruptionBudget").map(|cause| cause.message.as_str())
}

/// Sends a call again while the server is shedding load.
pub(super) async fn patiently<T, F>(context: &Context, what: &str, mut call: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut attempt = 1;
    loop {
        let error = match call().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let Some(pause) = throttled(&error).filter(|_| attempt < ATTEMPTS) else { return Err(error) };
        let seconds = pause.as_secs();
        let said = text(&error);
        context.recorder.gap(format!("{what}: the API server is busy ({said}); sent again after {seconds}s"), true);
        attempt += 1;
        context.clock().sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: u16, cause: &str, after: u32) -> Error {
        let status = serde_json::json!({
            "status": "Failure", "code": code, "message": "m", "reason": "r",
            "details": { "retryAfterSeconds": after, "causes": [{ "reason": cause, "message": "why" }] },
        });
        Error::Api(Box::new(serde_json::from_value(status).unwrap()))
    }

    #[test]
    fn only_shed_load_is_sent_again() {
        for (code, cause, after, expected) in [
            (429, "", 7, Some(7)),
            (429, "", 0, Some(1)),
            (429, "", 4000, Some(60)),
            (503, "", 2, Some(2)),
            (429, "DisruptionBudget", 10, None),
            (404, "", 0, None),
            (500, "", 5, None),
        ] {
            let pause = throttled(&error(code, cause, after));
            assert_eq!(pause, expected.map(Duration::from_secs), "{code} {cause} {after}");
        }
    }
}
