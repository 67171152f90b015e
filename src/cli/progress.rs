//! What a person sees while it runs: a live line with a bar for each scenario on a terminal, one line per event elsewhere.
//! All of it goes to standard error; standard output is for results.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use driftproof::evidence::{Ending, Life, Stage, Undo};
use driftproof::measure::text::duration;
use driftproof::run::{News, Progress, Update};
use driftproof::scenario::FailureMode;
use driftproof::verdict::Verdict;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::mpsc;

use super::style::{Style, outcome, safe};

/// All scenarios of a run.
pub(super) struct Board {
    bars: Option<MultiProgress>,
    style: Style,
    total: usize,
    ended: Mutex<usize>,
}

impl Board {
    /// A board for so many scenarios.
    pub(super) fn new(total: usize, style: Style) -> Self {
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self { bars, style, total, ended: Mutex::new(0) }
    }

    /// A scenario begins.
    pub(super) fn start(&self, name: &str) -> Line<'_> {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(bar(name));
            // Not before it is added: a bar of its own would draw a line that nobody clears.
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let (sender, receiver) = mpsc::unbounded_channel();
        let shown = Shown { name: name.to_owned(), bar: bar.clone(), until: 0 };
        let listener = std::thread::spawn(move || listen(shown, receiver));
        Line { board: self, name: name.to_owned(), bar, sender, listener: Arc::new(Mutex::new(Some(listener))) }
    }

    /// Everything has ended.
    pub(super) fn finish(&self) {
        if let Some(bars) = &self.bars {
            let _ = bars.clear();
        }
    }

    fn say(&self, text: &str) {
        match &self.bars {
            Some(bars) => {
                let _ = bars.println(text);
            }
            None => eprintln!("{text}"),
        }
    }
}

fn bar(name: &str) -> ProgressBar {
    let bar = ProgressBar::new(100);
    let template = "{spinner} {prefix:28!} [{bar:24}] {wide_msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(name.to_owned());
    bar
}

/// One scenario.
pub(super) struct Line<'a> {
    board: &'a Board,
    name: String,
    bar: Option<ProgressBar>,
    sender: Progress,
    listener: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Line<'_> {
    /// Where the run tells of its progress.
    pub(super) fn sender(&self) -> Progress {
        self.sender.clone()
    }

    /// The scenario was judged.
    pub(super) fn end(self, verdict: &Verdict) {
        let (board, name) = (self.board, self.name.clone());
        self.close();
        let mut ended = board.ended.lock().unwrap_or_else(PoisonError::into_inner);
        *ended += 1;
        let word = outcome(verdict.outcome, board.style.err);
        board.say(&format!("[{}/{}] {word} {name}  {}", *ended, board.total, safe(&verdict.line)));
    }

    /// The scenario has no evidence.
    pub(super) fn fail(self) {
        self.close();
    }

    /// Waits until everything that was told is shown, so that lines keep their order.
    fn close(self) {
        drop(self.sender);
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(listener) = listener {
            let _ = listener.join();
        }
        if let (Some(bar), Some(bars)) = (&self.bar, &self.board.bars) {
            bar.finish_and_clear();
            bars.remove(bar);
        }
    }
}

struct Shown {
    name: String,
    bar: Option<ProgressBar>,
    until: u64,
}

fn listen(mut shown: Shown, mut receiver: mpsc::UnboundedReceiver<Update>) {
    while let Some(update) = receiver.blocking_recv() {
        show(&mut shown, &update);
    }
}

fn show(shown: &mut Shown, update: &Update) {
    if let News::Planned { until, .. } = &update.what {
        shown.until = *until;
    }
    let Some(text) = words(&update.what) else { return };
    match &shown.bar {
        Some(bar) => {
            if let Some(share) = update.at.saturating_mul(90).checked_div(shown.until) {
                bar.set_position(share.min(99));
            }
            bar.set_message(format!("{:>7}  {text}", duration(update.at)));
        }
        None => eprintln!("{} {:>7}  {text}", shown.name, duration(update.at)),
    }
}

/// One line for an event; `None` for what only the evidence needs.
fn words(news: &News) -> Option<String> {
    match news {
        News::Stage(stage) => Some(stage_words(*stage).to_owned()),
        News::Steady { steady: true, .. } => Some("steady".to_owned()),
        News::Steady { steady: false, reason } => Some(format!("not steady: {}", safe(reason))),
        News::Planned { steps: 1, .. } => Some("planned 1 injection".to_owned()),
        News::Planned { steps, .. } => Some(format!("planned {steps} injections")),
        News::Fault(record) => life_words(&record.life).map(|text| format!("{}: {}", record.step, safe(&text))),
        News::Finished(end) => match &end.how {
            Ending::Completed => None,
            Ending::Interrupted => Some("interrupted and healed".to_owned()),
            Ending::Aborted { reason } => Some(format!("aborted: {}", safe(reason))),
        },
    }
}

const fn stage_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Prepare => "preparing",
        Stage::Steady => "waiting for the steady state",
        Stage::Fault => "injecting",
        Stage::Settle => "waiting for recovery",
        Stage::Check => "reading data back",
        Stage::Clean => "cleaning up",
    }
}

fn life_words(life: &Life) -> Option<String> {
    match life {
        Life::Intent { undo, .. } => unreachable(undo),
        Life::Injecting => None,
        Life::Injected => Some("injected".to_owned()),
        Life::InjectFailed { reason, .. } => Some(format!("could not be injected: {reason}")),
        Life::Proof(proof) if proof.proven => Some(format!("proven: {}", proof.statement)),
        Life::Proof(proof) => Some(format!("not proven: {}", proof.statement)),
        Life::Healing => Some("healing".to_owned()),
        Life::Healed => Some("healed".to_owned()),
        Life::HealFailed { reason } => Some(format!("LEFT DIRTY: {reason}")),
        Life::HealProof(proof) if proof.proven => Some(format!("proven healed: {}", proof.statement)),
        Life::HealProof(proof) => Some(format!("not proven healed: {}", proof.statement)),
    }
}

/// What a person has to know before the nodes are out of everybody's reach.
fn unreachable(undo: &[Undo]) -> Option<String> {
    let alone = |undo: &Undo| match undo {
        Undo::EndNodeAgent { node, mode: FailureMode::NetworkCut, timer_seconds, .. } => {
            let timer = humantime::format_duration(Duration::from_secs(*timer_seconds));
            Some(format!("{node} will be out of reach and heal itself {timer} after the injection, not before"))
        }
        Undo::EndNodeAgent { .. }
        | Undo::DeleteNetworkPolicy { .. }
        | Undo::Uncordon { .. }
        | Undo::RestoreNode { .. }
        | Undo::RemoveTaint { .. }
        | Undo::RestoreMember(_)
        | Undo::DeleteObject { .. } => None,
    };
    undo.iter().find_map(alone)
}
