//! Which errors of Redis are definite. A whitelist: whatever does not stand here is `info`.

use redis::RedisError;

use crate::workload::Outcome;

/// What Redis says instead of doing what was asked.
const DEFINITE: [&str; 4] = ["MOVED", "READONLY", "CLUSTERDOWN", "LOADING"];

/// The outcome of a command that was sent.
pub(super) fn error(error: &RedisError) -> Outcome {
    match error.code() {
        Some(code) if DEFINITE.contains(&code) => Outcome::fail(error.to_string()),
        _ => Outcome::info(error.to_string()),
    }
}

/// Whether the endpoint is not the primary any more.
pub(super) fn is_demoted(error: &RedisError) -> bool {
    error.code() == Some("READONLY")
}

/// Whether the connection is still of use: Redis answered, though with an error.
pub(super) fn is_answer(error: &RedisError) -> bool {
    error.code().is_some() && !error.is_io_error()
}

#[cfg(test)]
mod tests {
    use redis::{ErrorKind, ServerErrorKind, Value};

    use super::*;
    use crate::consistency::Completion;

    /// The error that a line of the protocol becomes.
    fn line(text: &str) -> RedisError {
        let value = redis::parse_redis_value(format!("-{text}\r\n").as_bytes()).expect("the protocol is kept");
        Value::extract_error(value).expect_err("an error")
    }

    #[test]
    fn only_the_whitelist_is_definite() {
        let cases = [
            ("MOVED 3999 127.0.0.1:6381", Completion::Fail),
            ("READONLY You can't write against a read only replica.", Completion::Fail),
            ("CLUSTERDOWN The cluster is down", Completion::Fail),
            ("LOADING Redis is loading the dataset in memory", Completion::Fail),
            ("ASK 3999 127.0.0.1:6381", Completion::Info),
            ("TRYAGAIN Multiple keys request during rehashing of slot", Completion::Info),
            ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", Completion::Info),
            ("NOREPLICAS Not enough good replicas to write.", Completion::Info),
            ("MISCONF Redis is configured to save RDB snapshots", Completion::Info),
            ("OOM command not allowed when used memory > 'maxmemory'.", Completion::Info),
            ("BUSY Redis is busy running a script.", Completion::Info),
            ("UNBLOCKED force unblock from blocking operation", Completion::Info),
            ("ERR unknown command", Completion::Info),
            ("ERR the word READONLY somewhere else", Completion::Info),
        ];
        for (text, completion) in cases {
            assert_eq!(error(&line(text)).completion, completion, "{text}");
        }
        let broken = RedisError::from(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
        assert_eq!(error(&broken).completion, Completion::Info);
        assert!(!is_answer(&broken));
        let odd = RedisError::from((ErrorKind::Server(ServerErrorKind::ResponseError), "odd"));
        assert_eq!(error(&odd).completion, Completion::Info);
        assert!(is_demoted(&line("READONLY You can't")) && is_answer(&line("ERR no")));
    }
}
