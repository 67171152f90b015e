//! A command from its start to its end: never longer than it may take, never more of its words than are kept.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::Group;

/// What a program says after it has ended, through a pipe that something in the background still holds, is not waited for
/// longer than this.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Read at once.
const PIECE: usize = 4096;

/// How far a command may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// It is killed, with everything that it started, when it has not ended after this time.
    pub time: Duration,
    /// Of each of its outputs so many bytes are kept: the last ones.
    pub bytes: usize,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it wrote to standard output, at most the last [`Limits::bytes`].
    pub stdout: String,
    /// What it wrote to standard error, likewise.
    pub stderr: String,
}

/// Why a command did not end.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It could not be started.
    #[error("could not be started: {0}")]
    Start(io::Error),
    /// It took too long, and was killed with everything that it had started.
    #[error("had not ended after {} and was killed with all that it had started{}", humantime::format_duration(*.after), quoted(.said))]
    Late {
        /// The limit.
        after: Duration,
        /// The end of what it wrote to standard error.
        said: String,
    },
    /// Its end could not be observed.
    #[error("could not be waited for: {0}")]
    Wait(io::Error),
}

fn quoted(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// Runs a command without input. Dropping the future kills it and everything that it has started; what it has put into the
/// background when it ends by itself goes on, as under a shell.
///
/// # Errors
/// [`CommandError`]; an exit status other than 0 is none.
pub async fn run(mut command: Command, limits: Limits) -> Result<Ended, CommandError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::start(command).map_err(CommandError::Start)?;
    let (mut stdout, mut stderr) = (Tail::new(limits.bytes), Tail::new(limits.bytes));
    let (from, complaints) = (group.leader().stdout.take(), group.leader().stderr.take());
    let status = {
        // Both pipes are read at once: a program that fills one of them waits for nobody.
        let reading = async { futures::future::join(stdout.fill(from), stderr.fill(complaints)).await };
        let mut reading = std::pin::pin!(reading);
        let mut read = false;
        let ending = async {
            tokio::select! {
                biased;
                status = group.leader().wait() => status,
                _ = &mut reading => {
                    read = true;
                    group.leader().wait().await
                }
            }
        };
        let status = tokio::time::timeout(limits.time, ending).await;
        if status.is_ok() && !read {
            let _ = tokio::time::timeout(LAST_WORDS, reading).await;
        }
        status
    };
    match status {
        Ok(Ok(status)) => Ok(Ended { status, stdout: stdout.text(), stderr: stderr.text() }),
        Ok(Err(error)) => Err(CommandError::Wait(error)),
        Err(_) => Err(CommandError::Late { after: limits.time, said: stderr.text() }),
    }
}

/// The end of a stream.
struct Tail {
    most: usize,
    kept: Vec<u8>,
}

impl Tail {
    fn new(most: usize) -> Self {
        Self { most, kept: Vec::new() }
    }

    /// Reads to the end, and forgets all but the last bytes.
    async fn fill(&mut self, from: Option<impl AsyncRead + Unpin>) {
        let Some(mut from) = from else { return };
        let mut piece = vec![0; PIECE];
        loop {
            match from.read(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(count) => self.kept.extend_from_slice(&piece[..count]),
            }
            // Seldom, so that not every piece moves everything that is kept.
            if self.kept.len() > self.most.saturating_mul(2) {
                self.shorten();
            }
        }
    }

    fn shorten(&mut self) {
        let surplus = self.kept.len().saturating_sub(self.most);
        self.kept.drain(..surplus);
    }

    fn text(mut self) -> String {
        self.shorten();
        String::from_utf8_lossy(&self.kept).into_owned()
    }
}
