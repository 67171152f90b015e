//! Ctrl-C, SIGTERM, SIGHUP (the terminal is gone) and SIGQUIT: the first asks the run to heal and report, the second ends the
//! process at once. Neither needs anybody who still reads what is printed.

use std::future::Future;
use std::process;
use std::sync::mpsc;
use std::time::Duration;

use futures::future::{BoxFuture, select_all};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::exit::Exit;
use super::print;

/// How long the last words may take: whoever reads them may have stopped reading.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Listens on a thread of its own, since the embedded cluster's runtimes live on paused clocks. When this returns, signals
/// are heard. `undo` is what is said of how the rest is taken back, when the process is stopped at once.
/// The receiver turns true at the first signal.
pub(super) fn listen(undo: String) -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    let (ready, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime {
            runtime.block_on(async move {
                let signals = signals();
                let _ = ready.send(());
                wait(sender, signals, &undo).await;
            });
        }
    });
    let _ = heard.recv();
    receiver
}

fn signals() -> Vec<Signal> {
    let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit()];
    // `nohup` says that a terminal that goes away is no reason to stop.
    if !is_ignored(SignalKind::hangup()) {
        kinds.push(SignalKind::hangup());
    }
    kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect()
}

/// Whether this process was started with the signal ignored. Where the system does not tell, it was not.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask & (1 << (kind.as_raw_value() - 1)) != 0
}

async fn wait(sender: watch::Sender<bool>, mut signals: Vec<Signal>, undo: &str) {
    any(&mut signals).await;
    sender.send_replace(true);
    // On a thread of its own: a pipe that nobody reads must not keep the second signal from being heard.
    std::thread::spawn(|| print::tell("interrupted: healing, then reporting; once more to stop at once"));
    any(&mut signals).await;
    let words = format!("stopped at once: what was injected and created may still be there{undo}");
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        print::view(Vec::new());
        print::tell(&words);
        let _ = said.send(());
    });
    let _ = heard.recv_timeout(LAST_WORDS);
    process::exit(Exit::Dirty as i32);
}

/// Waits for one of them.
fn any(signals: &mut [Signal]) -> impl Future<Output = ()> {
    let each: Vec<BoxFuture<'_, Option<()>>> =
        signals.iter_mut().map(|signal| -> BoxFuture<'_, _> { Box::pin(signal.recv()) }).collect();
    async {
        if each.is_empty() {
            return std::future::pending().await;
        }
        let _ = select_all(each).await;
    }
}
