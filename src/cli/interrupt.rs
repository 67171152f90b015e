//! Ctrl-C and SIGTERM: the first asks the run to heal and report, the second ends the process at once.

use std::process;

use tokio::sync::watch;

use super::exit::Exit;

/// Listens on a thread of its own, since the embedded cluster's runtimes live on paused clocks.
/// `undo` is what is said of how the rest is taken back, when the process is stopped at once.
/// The receiver turns true at the first signal.
pub(super) fn listen(undo: String) -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime {
            runtime.block_on(wait(sender, &undo));
        }
    });
    receiver
}

async fn wait(sender: watch::Sender<bool>, undo: &str) {
    signal().await;
    eprintln!("interrupted: healing, then reporting; once more to stop at once");
    sender.send_replace(true);
    signal().await;
    eprintln!("stopped at once: what was injected and created may still be there{undo}");
    process::exit(Exit::Dirty as i32);
}

async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
