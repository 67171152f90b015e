//! `driftproof agent`: what runs inside a pod. Says nothing to a person; its output is for the runner.

use std::os::fd::{AsFd, BorrowedFd};

use driftproof::world::agent::{Options, serve};
use tokio::fs::File;
use tokio::runtime::Builder;

use super::args::Agent;
use super::exit::Exit;
use super::fail;

/// Serves until the runner says goodbye, or nobody speaks any more.
pub(super) fn agent(agent: &Agent) -> Exit {
    let options = Options {
        idle_exit: agent.idle_exit,
        buffer: usize::try_from(agent.buffer).unwrap_or(usize::MAX),
        listen: agent.listen,
    };
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("async runtime: {error}"), Exit::Usage),
    };
    let served = streams().and_then(|(input, output)| runtime.block_on(serve(input, output, options)));
    // A read of standard input that nobody ends must not keep the process.
    runtime.shutdown_background();
    match served {
        Ok(()) => Exit::Passed,
        Err(message) => fail(&message, Exit::Usage),
    }
}

/// Standard input and output as files: whatever they are, pipes of a container runtime or a terminal.
fn streams() -> Result<(File, File), String> {
    let file = |found: BorrowedFd<'_>| found.try_clone_to_owned().map(|owned| File::from_std(owned.into()));
    let input = file(std::io::stdin().as_fd()).map_err(|error| format!("standard input: {error}"))?;
    let output = file(std::io::stdout().as_fd()).map_err(|error| format!("standard output: {error}"))?;
    Ok((input, output))
}
