//! One connection to one Redis. Sends exactly what it is given.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, RedisResult, Value};
use tokio::task::JoinHandle;

use crate::store::{Dial, Endpoint};

/// An open connection; closed when dropped.
pub(super) struct Link {
    connection: MultiplexedConnection,
    task: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Link {
    /// Connects, within the time. Nothing of a request is sent.
    pub(super) async fn open(
        dial: &dyn Dial,
        to: &Endpoint,
        password: Option<&str>,
        within: Duration,
    ) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("connect to {}: {error}", to.name);
        let work = async {
            let stream = dial.dial(to).await.map_err(|error| failed(&error))?;
            let mut info = RedisConnectionInfo::default().set_skip_set_lib_name();
            if let Some(password) = password {
                info = info.set_password(password);
            }
            // The deadline of the request is the only timeout.
            let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
            let opened = MultiplexedConnection::new_with_config(&info, stream, config).await;
            let (connection, driver) = opened.map_err(|error| failed(&error))?;
            Ok(Self { connection, task: tokio::spawn(driver) })
        };
        match tokio::time::timeout(within, work).await {
            Ok(result) => result,
            Err(_) => Err(failed(&format!("no answer within {}", humantime::format_duration(within)))),
        }
    }

    /// One command and its answer.
    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        self.connection.send_packed_command(command).await.and_then(Value::extract_error)
    }

    /// Whether this Redis says that it is a primary.
    pub(super) async fn is_primary(&mut self) -> Result<bool, String> {
        match self.send(&redis::cmd("ROLE")).await.map_err(|error| error.to_string())? {
            Value::Array(parts) => Ok(matches!(parts.first(), Some(Value::BulkString(role)) if role == b"master")),
            other => Err(format!("ROLE: unexpected answer {other:?}")),
        }
    }
}
