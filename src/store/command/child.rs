//! A program under way: lines in, lines out. Killed when dropped, with everything that it has started.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Take};
use tokio::process::{ChildStdin, ChildStdout, Command};

use super::CommandOptions;
use crate::process::Group;

/// A longer line is no answer.
const LINE_MAX: u64 = 64 << 20;

/// A program and its two pipes.
pub(super) struct Program {
    group: Group,
    input: ChildStdin,
    output: Take<BufReader<ChildStdout>>,
}

impl Program {
    pub(super) fn start(options: &CommandOptions) -> Result<Self, String> {
        let Some((program, arguments)) = options.command.split_first() else {
            return Err("the store's command is empty; give a program".to_owned());
        };
        let mut command = Command::new(program);
        command.args(arguments).envs(options.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut group = Group::start(command).map_err(|error| format!("start {program}: {error}"))?;
        match (group.leader().stdin.take(), group.leader().stdout.take()) {
            (Some(input), Some(output)) => Ok(Self { group, input, output: BufReader::new(output).take(LINE_MAX) }),
            (_, _) => Err(format!("start {program}: no pipes to it")),
        }
    }

    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.group.has_ended()
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
        match self.group.leader().wait().await {
            Ok(status) => format!("the program ended ({status}) without an answer"),
            Err(error) => format!("the program ended without an answer: {error}"),
        }
    }
}
