//! A program that leads a group of its own, so that whatever it starts can be ended with it.

use std::io;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// A process and its group, both killed when this is dropped before the process has ended.
#[derive(Debug)]
pub struct Group {
    child: Child,
}

impl Group {
    /// Starts a program at the head of a new process group.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn start(mut command: Command) -> io::Result<Self> {
        command.process_group(0).kill_on_drop(true);
        command.spawn().map(|child| Self { child })
    }

    /// The process at the head of the group.
    pub fn leader(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Whether its head has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Without a number it has been waited for, and the number may be somebody else's.
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            // It may have ended meanwhile, which is what is wanted.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}
