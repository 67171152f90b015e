//! The lines between runner and agent: one JSON object each, both ways. Numbered ones are kept until the other end has
//! them; the others are worth nothing later. Times are microseconds of the agent's own clock.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::evidence::Outcome;
use crate::scenario::ProbeKind;

/// The version of the protocol. Both ends must speak the same one.
pub const VERSION: u32 = 2;

/// Runner → agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ToAgent {
    /// The first line of every stream.
    Hello {
        /// [`VERSION`].
        version: u32,
        /// Comes back in the answer, so that it is told from what was on its way before.
        nonce: u64,
        /// The last news that the runner has.
        after: u64,
    },
    /// News up to this number has arrived.
    Ack(u64),
    /// To be answered at once.
    Ping(u64),
    /// An order.
    Do {
        /// 1, 2, 3, …; an order that the agent has seen is not done again.
        n: u64,
        /// What is to be done.
        order: Order,
    },
    /// The agent is to end.
    Bye,
}

/// Agent → runner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FromAgent {
    /// The answer to a hello.
    Hello {
        /// [`VERSION`].
        version: u32,
        /// The runner's.
        nonce: u64,
        /// The last order that the agent has.
        seen: u64,
    },
    /// The answer to a ping.
    Pong {
        /// The ping's number.
        ping: u64,
        /// The agent's clock when it read the ping.
        at: u64,
    },
    /// Something happened.
    News {
        /// 1, 2, 3, …; a jump means that the agent had to drop some.
        n: u64,
        /// What happened.
        news: News,
    },
}

/// What an agent can be told to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Order {
    /// Attempts at a fixed rate, whatever the answers, until they are stopped.
    Start {
        /// Index of the probe.
        probe: usize,
        /// The attempt.
        ask: Ask,
        /// Attempts per second.
        rate: f64,
    },
    /// No further attempts of a probe; answered by `stopped` when the last one has ended.
    Stop {
        /// Index of the probe.
        probe: usize,
    },
    /// One attempt; answered by `done`.
    Try {
        /// Comes back in the answer.
        id: u64,
        /// The attempt.
        ask: Ask,
    },
    /// Opens a connection and holds it; answered by `done`.
    Open {
        /// Comes back in the answer, and names the connection.
        id: u64,
        /// `host:port`.
        to: String,
        /// Microseconds.
        timeout: u64,
    },
    /// Whether traffic still passes on a held connection; answered by `done`.
    Trip {
        /// Comes back in the answer.
        id: u64,
        /// The connection.
        connection: u64,
        /// Microseconds.
        timeout: u64,
    },
    /// Closes a held connection.
    Close {
        /// The connection.
        connection: u64,
    },
    /// From now on connections to the relay may be passed on to this place, and to no other that was not named so; answered
    /// by `done`.
    Relay {
        /// Comes back in the answer.
        id: u64,
        /// `host:port`.
        to: String,
    },
}

/// The first line of a connection to the relay; bytes follow when it was answered by [`Hailed::Open`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hail {
    /// `host:port`.
    pub(super) to: String,
}

/// The one line with which the relay answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Hailed {
    /// It is connected: every further byte is from the other end.
    Open,
    /// It is not, and why; not a byte was sent.
    Refused(String),
}

/// An attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::world) struct Ask {
    /// What is spoken.
    pub(in crate::world) kind: ProbeKind,
    /// A URL (`http`) or `host:port` (`tcp`).
    pub(in crate::world) to: String,
    /// Path of a request.
    pub(in crate::world) path: String,
    /// HTTP statuses that count as an answer; 200 to 399 when empty.
    pub(in crate::world) status: Vec<u16>,
    /// Microseconds, counted from when the attempt is due.
    pub(in crate::world) timeout: u64,
}

/// What an agent tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum News {
    /// An attempt of a probe ended.
    Attempt {
        /// Index of the probe.
        probe: usize,
        /// When it was due.
        due: u64,
        /// From due to the answer or to giving up.
        took: u64,
        /// How it ended.
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// A probe was stopped, and its last attempt has ended.
    Stopped {
        /// Index of the probe.
        probe: usize,
    },
    /// The answer to an order.
    Done {
        /// The order's.
        id: u64,
        /// How it ended.
        answer: Answer,
    },
}

/// How a single order ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::world) enum Answer {
    /// It passed; with the status of an HTTP answer.
    Passed(Option<u16>),
    /// Refused: definitely not delivered.
    Refused(String),
    /// The connection broke.
    Broken(String),
    /// No answer in time.
    Timeout,
    /// It cannot be tried.
    Unsupported(String),
}

/// One line with its end.
pub(super) fn line(message: &impl Serialize) -> String {
    // Numbers, texts and closed enums always have a JSON form.
    serde_json::to_string(message).unwrap_or_default() + "\n"
}

/// Reads a line. One that was cut, or that only marks the beginning of a stream, is `None`.
pub(super) fn read<T: DeserializeOwned>(line: &str) -> Option<T> {
    serde_json::from_str(line.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_what_an_older_end_expects() {
        let ask = Ask {
            kind: ProbeKind::Tcp,
            to: "web.shop.svc:80".into(),
            path: "/".into(),
            status: vec![],
            timeout: 1_000_000,
        };
        let start = ToAgent::Do { n: 1, order: Order::Start { probe: 0, ask, rate: 20.0 } };
        let expected = r#"{"do":{"n":1,"order":{"start":{"probe":0,"ask":{"kind":"tcp","to":"web.shop.svc:80","path":"/","status":[],"timeout":1000000},"rate":20.0}}}}"#;
        assert_eq!(line(&start), format!("{expected}\n"));
        assert_eq!(read::<ToAgent>(expected), Some(start));
        let ended = News::Attempt { probe: 0, due: 5, took: 7, outcome: Outcome::Status { status: 503 } };
        let news = FromAgent::News { n: 3, news: ended };
        let expected =
            r#"{"news":{"n":3,"news":{"attempt":{"probe":0,"due":5,"took":7,"outcome":"status","status":503}}}}"#;
        assert_eq!(line(&news), format!("{expected}\n"));
        assert_eq!(read::<FromAgent>(expected), Some(news));
    }

    #[test]
    fn a_line_that_was_cut_is_no_line() {
        for cut in ["", "   ", "{\"ping\":", "g\":3}", "null"] {
            assert_eq!(read::<ToAgent>(cut), None, "{cut}");
        }
    }
}
