//! A command in a container of a pod: both of its pipes are read at once, it may take only so long, and only so much of what
//! it says is taken. Never repeats a command.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Api;
use kube::api::{AttachParams, AttachedProcess};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::world::causes;

/// Of what a command complains about so many bytes are kept: the first ones.
const COMPLAINT_MAX: usize = 4096;
/// Read at once.
const PIECE: usize = 8192;

/// How far a command may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// For everything, the connection included.
    pub(super) time: Duration,
    /// Of its standard output, bytes.
    pub(super) bytes: usize,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Output {
    /// Its exit code.
    pub(super) code: i32,
    /// Its standard output, whole.
    pub(super) stdout: String,
    /// The beginning of its standard error.
    pub(super) stderr: String,
}

/// Why there is no end of a command to speak of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExecError {
    /// The API server or the kubelet did not take it.
    #[error("{0}")]
    NotStarted(String),
    /// It was taken and could not be run, in the words of the container runtime.
    #[error("{0}")]
    NotRun(String),
    /// It did not end in time.
    #[error("no answer within {}", humantime::format_duration(*.0))]
    Late(Duration),
    /// It said more than is taken.
    #[error("it said more than {0} bytes")]
    TooMuch(usize),
    /// Its connection broke off.
    #[error("it ended without a status")]
    BrokeOff,
}

/// Runs a command in a container of a pod; in its only or default one when none is named. `input` is its standard input;
/// without it there is none.
pub(super) async fn run(
    api: &Api<Pod>,
    pod: &str,
    container: Option<&str>,
    command: &[&str],
    input: Option<&[u8]>,
    limits: Limits,
) -> Result<Output, ExecError> {
    let mut params = AttachParams::default().stdin(input.is_some()).stdout(true).stderr(true);
    params.container = container.map(str::to_owned);
    let running = async {
        let process = api.exec(pod, command.iter().copied(), &params).await;
        let process = process.map_err(|error| ExecError::NotStarted(causes(&error)))?;
        follow(process, input.unwrap_or_default(), limits.bytes).await
    };
    tokio::time::timeout(limits.time, running).await.unwrap_or(Err(ExecError::Late(limits.time)))
}

/// Gives a process its input, and reads what it says until it ends.
async fn follow(mut process: AttachedProcess, input: &[u8], most: usize) -> Result<Output, ExecError> {
    let (stdin, stdout, stderr) = (process.stdin(), process.stdout(), process.stderr());
    let status = process.take_status();
    let whole = async {
        let taken = take(stdout, most, Surplus::Ends).await;
        if taken.cut { Err(ExecError::TooMuch(most)) } else { Ok(taken) }
    };
    let complaints = async { Ok(take(stderr, COMPLAINT_MAX, Surplus::Forgotten).await) };
    // A connection that breaks ends this, and not the pipes.
    let status = async {
        match status {
            Some(status) => status.await.ok_or(ExecError::BrokeOff),
            None => Err(ExecError::BrokeOff),
        }
    };
    let ending = async { futures::try_join!(whole, complaints, status) };
    // What is not read when the command ends is of no use to anybody.
    let feeding = async {
        feed(stdin, input).await;
        std::future::pending().await
    };
    let (stdout, stderr, status) = tokio::select! {
        biased;
        ended = ending => ended?,
        never = feeding => never,
    };
    ended(status, stdout.text(), stderr.text())
}

/// A command that does not read its input to the end is no failure by itself: its exit code tells.
async fn feed(to: Option<impl AsyncWrite + Unpin>, input: &[u8]) {
    let Some(mut to) = to else { return };
    if to.write_all(input).await.is_ok() {
        let _ = to.shutdown().await;
    }
}

/// The beginning of a stream.
#[derive(Default)]
struct Taken {
    bytes: Vec<u8>,
    cut: bool,
}

impl Taken {
    fn text(self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// What to do with more than is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Surplus {
    /// Read on, so that the other end is not held up.
    Forgotten,
    /// Read no further.
    Ends,
}

/// Reads a stream to its end, and keeps its beginning.
async fn take(from: Option<impl AsyncRead + Unpin>, most: usize, surplus: Surplus) -> Taken {
    let mut taken = Taken::default();
    let Some(mut from) = from else { return taken };
    let mut piece = vec![0; PIECE];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        let room = most - taken.bytes.len();
        taken.bytes.extend_from_slice(&piece[..count.min(room)]);
        taken.cut |= count > room;
        if taken.cut && surplus == Surplus::Ends {
            break;
        }
    }
    taken
}

/// The exit code stands among the causes of a failure: <https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/util/remotecommand/constants.go>
fn ended(status: Status, stdout: String, stderr: String) -> Result<Output, ExecError> {
    if status.status.as_deref() == Some("Success") {
        return Ok(Output { code: 0, stdout, stderr });
    }
    let causes = status.details.as_ref().and_then(|details| details.causes.as_deref()).unwrap_or_default();
    let code = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    match code.and_then(|cause| cause.message.as_deref()?.parse().ok()) {
        Some(code) => Ok(Output { code, stdout, stderr }),
        None => Err(ExecError::NotRun(status.message.unwrap_or(stderr))),
    }
}

#[cfg(test)]
mod tests;
