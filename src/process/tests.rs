//! Commands that do what commands should not.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::{CommandError, Limits, run};

/// Longer than any machine needs for these.
const LONG: Limits = Limits { time: Duration::from_secs(60), bytes: 1 << 10 };

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// Whether a process is there and no zombie.
fn is_alive(id: &str) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(id.trim()).join("stat"));
    status.is_ok_and(|text| text.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}

/// Waits until the file has a process number in it, and gives it.
async fn number_in(file: &Path) -> String {
    loop {
        match std::fs::read_to_string(file) {
            Ok(text) if text.ends_with('\n') => return text,
            Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Waits until a process is gone: a signal takes a moment.
async fn ends(id: &str) {
    while is_alive(id) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_command_that_never_ends_is_killed_with_its_children() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("child");
    let script = format!("sleep 1000 & echo $! > {}; echo waiting >&2; sleep 1000", file.display());
    let limits = Limits { time: Duration::from_secs(1), bytes: 100 };
    let error = run(shell(&script), limits).await.expect_err("it never ends");
    assert!(matches!(&error, CommandError::Late { said, .. } if said == "waiting\n"), "{error}");
    assert!(error.to_string().ends_with("all that it had started: waiting"), "{error}");
    ends(&number_in(&file).await).await;
}

#[tokio::test]
async fn a_command_that_nobody_waits_for_any_more_is_killed_with_its_children() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("child");
    let script = format!("sleep 1000 & echo $! > {}; sleep 1000", file.display());
    let child = tokio::select! {
        _ = run(shell(&script), LONG) => panic!("it does not end"),
        child = number_in(&file) => child,
    };
    ends(&child).await;
}

#[tokio::test]
async fn what_a_command_leaves_in_the_background_keeps_nobody_waiting_and_lives() {
    let ended = run(shell("sleep 1000 & echo $!"), LONG).await.expect("it ends");
    assert!(ended.status.success() && is_alive(&ended.stdout), "{ended:?}");
    let id = ended.stdout.trim().parse().ok().and_then(rustix::process::Pid::from_raw).expect("a number");
    rustix::process::kill_process(id, rustix::process::Signal::KILL).expect("it is ours");
}

#[tokio::test]
async fn both_pipes_are_read_and_only_their_ends_are_kept() {
    let script =
        "i=0; while [ $i -lt 20000 ]; do echo complaint >&2; echo output; i=$((i+1)); done; echo last >&2; exit 3";
    let ended = run(shell(script), LONG).await.expect("it ends");
    assert_eq!(ended.status.code(), Some(3));
    assert_eq!(ended.stderr.len(), 1 << 10);
    assert!(ended.stderr.ends_with("complaint\nlast\n") && ended.stdout.ends_with("output\n"));
}

#[tokio::test]
async fn a_command_that_reads_gets_nothing() {
    let ended = run(shell("cat; echo done"), LONG).await.expect("it ends");
    assert_eq!(ended.stdout, "done\n");
}

#[tokio::test]
async fn what_is_not_there_cannot_be_started() {
    let error = run(Command::new("/nonexistent/program"), LONG).await.expect_err("it is not there");
    assert!(error.to_string().starts_with("could not be started"), "{error}");
}
