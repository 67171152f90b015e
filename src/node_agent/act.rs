//! The process that acts: arms its timer, does the deed, and undoes it when the timer ends, when it is asked to, or when
//! nobody is left who could ask. Speaks one word a line over its standard input and output.

use std::io::{BufRead, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::netfilter::Cut;
use super::{Deed, PATIENCE, Settings, detach, kubelet};

/// How often a kubelet that was started anew is looked for.
const LOOK: Duration = Duration::from_millis(500);
/// Time for the answer to leave the node before its network is cut.
const ANSWER: Duration = Duration::from_millis(300);
/// Pause between two tries to heal.
const AGAIN: Duration = Duration::from_secs(1);

/// What the acting process hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Fire,
    Heal,
    /// The agent that could ask is gone.
    Alone,
    /// Its own time is up.
    Timer,
}

/// The deed with what it holds open.
pub(super) enum Hand {
    Kubelet,
    Network(Cut),
}

impl Hand {
    /// Gets ready, and finds out whether the deed is possible, without doing it.
    pub(super) fn ready(settings: &Settings) -> Result<Self, String> {
        match settings.deed {
            Deed::StopKubelet => kubelet::check().map(|()| Self::Kubelet),
            Deed::CutNetwork => Cut::ready(&settings.ip).map(Self::Network),
        }
    }

    fn fire(&mut self) -> Result<(), String> {
        match self {
            Self::Kubelet => kubelet::stop(),
            Self::Network(cut) => cut.make(),
        }
    }

    /// Undoes the deed; idempotent.
    pub(super) fn heal(&mut self) -> Result<(), String> {
        match self {
            Self::Kubelet => kubelet::resume(),
            Self::Network(cut) => cut.end(),
        }
    }
}

/// Lives one deed from `armed` to `healed`.
///
/// # Errors
/// What the node lacks, or why the deed failed; what was done is undone first.
pub fn act(settings: &Settings) -> Result<(), String> {
    detach::detach()?;
    let mut hand = Hand::ready(settings)?;
    let (tell, heard) = channel();
    listen(tell.clone());
    say("armed");
    match heard.recv_timeout(PATIENCE) {
        Ok(Heard::Fire) => {}
        Ok(Heard::Heal | Heard::Alone | Heard::Timer) | Err(_) => {
            say("healed");
            return Ok(());
        }
    }
    // The way back is armed before the way out is taken.
    let timer = settings.timer;
    thread::spawn(move || {
        thread::sleep(timer);
        let _ = tell.send(Heard::Timer);
    });
    if settings.deed == Deed::CutNetwork {
        say("holding");
        thread::sleep(ANSWER);
    }
    let fired = hand.fire();
    if fired.is_ok() {
        if settings.deed == Deed::StopKubelet {
            say("holding");
        }
        hold(&mut hand, &heard);
    }
    while let Err(reason) = hand.heal() {
        complain(&format!("heal: {reason}; tried again"));
        thread::sleep(AGAIN);
    }
    say("healed");
    fired
}

/// Holds until it is over; stops a kubelet that came back.
fn hold(hand: &mut Hand, heard: &Receiver<Heard>) {
    loop {
        match heard.recv_timeout(LOOK) {
            Ok(Heard::Fire) => {}
            Err(RecvTimeoutError::Timeout) => {
                if matches!(hand, Hand::Kubelet)
                    && let Err(reason) = hand.fire()
                {
                    complain(&reason);
                }
            }
            Ok(Heard::Heal | Heard::Alone | Heard::Timer) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn listen(tell: Sender<Heard>) {
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let heard = match line.as_deref() {
                Ok("fire") => Heard::Fire,
                Ok("heal") => Heard::Heal,
                Ok(_) => continue,
                Err(_) => break,
            };
            if tell.send(heard).is_err() {
                return;
            }
        }
        let _ = tell.send(Heard::Alone);
    });
}

/// A reader that is gone must not keep the node from being healed.
/// For the log of the pod. Whether anybody reads it decides nothing: a node is healed all the same.
fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn say(word: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{word}").and_then(|()| out.flush());
}
