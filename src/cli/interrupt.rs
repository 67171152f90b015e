//! Ctrl-C and SIGTERM: the first asks the run to heal and report, the second ends the process at once.

use std::process;

use tokio::sync::watch;

use super::exit::Exit;

/// Listens on a thread of its own, since the embedded cluster's runtimes live on paused clocks.
/// The receiver turns true at the first signal.
pub(super) fn listen() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime {
            runtime.block_on(wait(sender));
        }
    });
    receiver
}

async fn wait(sender: watch::Sender<bool>) {
    signal().await;
    eprintln!("interrupted: healing, then reporting; once more to stop at once");
    sender.send_replace(true);
    signal().await;
    eprintln!(
        "stopped at once: what was injected may still be there. The evidence of each scenario names it: look for \"intent\" without \"healed\"; \
         objects carry the label app.kubernetes.io/managed-by=driftproof, cordoned nodes the annotation driftproof.dev/cordoned-by"
    );
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
