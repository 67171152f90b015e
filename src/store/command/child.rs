//! A program under way: lines in, lines out. Killed when dropped.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Take};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::CommandOptions;

/// A longer line is no answer.
const LINE_MAX: u64 = 64 << 20;

/// A program and its two pipes.
pub(super) struct Program {
    child: Child,
    input: ChildStdin,
    output: Take<BufReader<ChildStdout>>,
}

impl Drop for Program {
    fn drop(&mut self) {
        // Without a number it has been waited for, and the number may be somebody else's.
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            // It may have ended meanwhile, which is what is wanted.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

impl Program {
    pub(super) fn start(options: &CommandOptions) -> Result<Self, String> {
        let Some((program, arguments)) = options.command.split_first() else {
            return Err("the store's command is empty; give a program".to_owned());
        };
        let mut command = Command::new(program);
        command.args(arguments).envs(options.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        // A group of its own, so that whatever it starts is ended with it.
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| format!("start {program}: {error}"))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self { child, input, output: BufReader::new(output).take(LINE_MAX) }),
            (_, _) => Err(format!("start {program}: no pipes to it")),
        }
    }

    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// One line to it, one line from it.
    pub(super) async fn exchange(&mut self, line: &str) -> Result<String, String> {
        let written = self.input.write_all(format!("{line}\n").as_bytes()).await;
        written.map_err(|error| format!("the program takes no request: {error}"))?;
        self.output.set_limit(LINE_MAX);
        let mut answer = Vec::new();
        let read = self.output.read_until(b'\n', &mut answer).await;
        read.map_err(|error| format!("the program's answer cannot be read: {error}"))?;
        match answer.pop() {
            Some(b'\n') => String::from_utf8(answer).map_err(|_| "the program's answer is not UTF-8".to_owned()),
            Some(_) => Err("the program's answer broke off".to_owned()),
            None => Err(self.end().await),
        }
    }

    async fn end(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => format!("the program ended ({status}) without an answer"),
            Err(error) => format!("the program ended without an answer: {error}"),
        }
    }
}
