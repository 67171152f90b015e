//! Calls to an API server that may shed load or be away: repeated until a limit, and visible in the evidence. Only calls
//! that do no harm when they are sent twice may come here: those with a fixed name, a UID or a whole new value.

use std::time::Duration;

use kube::Error;
use kube::core::Status;

use crate::world::{Clock, causes};

use super::context::Context;
use super::wait::within;

/// An API server that restarts is waited for this long.
const PATIENCE: Duration = Duration::from_secs(120);
/// One attempt waits this long for its answer: a server that hangs is as good as one that is away.
const ANSWER: Duration = Duration::from_secs(30);
/// Inner errors (a webhook that fails, an etcd that elects) are no outage: such a call is sent at most this often.
const ATTEMPTS: u32 = 6;
/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(4);

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

/// Whether the answer is missing, or is that of a server which is about to stop or to start. The call may have been
/// carried out all the same.
pub(super) fn is_away(error: &Error) -> bool {
    match error {
        Error::Api(status) => matches!(status.code, 500 | 502 | 504),
        Error::HyperError(_) | Error::Service(_) | Error::ReadEvents(_) => true,
        _ => false,
    }
}

/// Whether this may be the answer of a server that has just started and does not know its users and roles yet.
fn is_waking(error: &Error) -> bool {
    status(error).is_some_and(|status| matches!(status.code, 401 | 403))
}

/// What became of a call that may have been sent more than once.
pub(super) struct Called<T> {
    /// The last answer.
    pub(super) result: Result<T, Error>,
    /// Whether an attempt before the last one may have been carried out.
    pub(super) uncertain: bool,
}

impl<T> Called<T> {
    /// The code of a refusal that an attempt of ours may itself have brought about.
    pub(super) fn echo(&self) -> Option<u16> {
        let code = self.result.as_ref().err().and_then(status)?.code;
        self.uncertain.then_some(code)
    }
}

/// Sends a call again while the server is away or sheds load.
pub(super) async fn patiently<T, F>(context: &Context, what: &str, call: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    called(context, what, call).await.result
}

/// The same, telling whether the call may have been carried out before its last answer.
pub(super) async fn called<T, F>(context: &Context, what: &str, call: impl FnMut() -> F) -> Called<T>
where
    F: Future<Output = Result<T, Error>>,
{
    let note = |text: String| context.recorder.gap(format!("{what}: {text}"), true);
    repeat(context.clock(), note, call).await
}

/// The same without a run: `note` hears what happened on the way.
pub(super) async fn repeat<T, F>(clock: Clock, mut note: impl FnMut(String), mut call: impl FnMut() -> F) -> Called<T>
where
    F: Future<Output = Result<T, Error>>,
{
    let begun = clock.elapsed();
    let (mut attempt, mut uncertain, mut away) = (1_u32, false, None);
    loop {
        let error = match self::attempt(clock, call()).await {
            Err(error) => error,
            Ok(value) => {
                if let Some(reason) = away {
                    let waited = humantime::format_duration(Duration::from_secs(
                        clock.elapsed().saturating_sub(begun).as_secs(),
                    ));
                    note(format!("the API server was away ({reason}); answered after {waited}"));
                }
                return Called { result: Ok(value), uncertain };
            }
        };
        let lost = is_away(&error) || (away.is_some() && is_waking(&error));
        let inner = status(&error).is_some() && is_away(&error);
        let pause = match throttled(&error) {
            Some(pause) => {
                note(format!("the API server is busy ({}); sent again after {}s", text(&error), pause.as_secs()));
                Some(pause)
            }
            None if lost && (!inner || attempt < ATTEMPTS) => Some(pause_after(attempt)),
            None => None,
        };
        let Some(pause) = pause.filter(|pause| clock.elapsed() + *pause < begun + PATIENCE) else {
            return Called { result: Err(error), uncertain };
        };
        if lost {
            uncertain = true;
            away.get_or_insert_with(|| text(&error));
        }
        attempt += 1;
        clock.sleep(pause).await;
    }
}

/// One attempt, for those who try again by rules of their own. It has an end as well: a server that hangs is away.
pub(super) async fn attempt<T>(clock: Clock, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    within(clock, ANSWER, call).await.unwrap_or_else(|| Err(no_answer()))
}

fn no_answer() -> Error {
    Error::Service(format!("no answer within {}", humantime::format_duration(ANSWER)).into())
}

/// ¼ s, ½ s, 1 s, 2 s, then 4 s, without jitter.
fn pause_after(attempt: u32) -> Duration {
    Duration::from_millis(250 << attempt.saturating_sub(1).min(4)).min(PAUSE_MAX)
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

    #[tokio::test(start_paused = true)]
    async fn a_server_that_comes_back_answers_and_the_call_may_have_been_made_twice() {
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
        let refused = || Error::Service("connection refused".into());
        let mut answers = vec![Ok(7), Err(error(403, "", 0)), Err(error(500, "", 0)), Err(refused()), Err(refused())]
            .into_iter()
            .rev();
        let mut notes = Vec::new();
        let called =
            repeat(clock, |note| notes.push(note), || std::future::ready(answers.next().expect("enough"))).await;
        assert_eq!((called.result.unwrap(), called.uncertain), (7, true));
        assert_eq!(notes, ["the API server was away (ServiceError: connection refused); answered after 3s"]);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_and_refusals_are_not_argued_with() {
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
        let gone = || std::future::ready(Err::<(), _>(Error::Service("refused".into())));
        assert!(repeat(clock, drop, gone).await.uncertain);
        assert!((100..=120).contains(&clock.elapsed().as_secs()), "{:?}", clock.elapsed());
        for (code, most) in [(403, 0), (404, 0), (409, 0), (500, 10)] {
            let begun = clock.elapsed();
            let answer = || std::future::ready(Err::<(), _>(error(code, "", 0)));
            assert!(repeat(clock, drop, answer).await.result.is_err());
            assert!(clock.elapsed().saturating_sub(begun).as_secs() <= most, "{code}");
        }
        let never = || std::future::pending::<Result<(), Error>>();
        assert!(repeat(clock, drop, never).await.result.is_err());
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
