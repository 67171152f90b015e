//! Finds the node's kubelet among its processes, stops it and lets it go on. Works the same whoever started it (systemd,
//! a container, a shell): a stopped process keeps its memory and its files, and is as silent as a dead one.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// The name of the process, as in `/proc/PID/comm`.
const NAME: &str = "kubelet";

/// Processes named `kubelet`, with whether each is stopped.
fn find(proc: &Path) -> Vec<(i32, bool)> {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let mut found: Vec<(i32, bool)> = entries
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse::<i32>().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let (name, state) = name_and_state(&stat)?;
            (name == NAME).then_some((id, state == 'T'))
        })
        .collect();
    found.sort_unstable();
    found
}

/// Reads `12 (kubelet) S 1 …` (`proc_pid_stat(5)`); a name may itself hold parentheses and spaces.
fn name_and_state(stat: &str) -> Option<(&str, char)> {
    let (begin, end) = (stat.find('(')?, stat.rfind(')')?);
    let state = stat.get(end + 1..)?.trim_start().chars().next()?;
    Some((stat.get(begin + 1..end)?, state))
}

/// Whether there is a kubelet to stop.
///
/// # Errors
/// When there is none, and what to do instead.
pub(super) fn check() -> Result<(), String> {
    if find(Path::new("/proc")).is_empty() {
        return Err(format!(
            "no process named {NAME} is on this node: it may be part of another program (k3s, microk8s); use `command` or mode = \"network-cut\""
        ));
    }
    Ok(())
}

/// Stops every kubelet that runs; also one that a supervisor has just started anew.
///
/// # Errors
/// The first that cannot be stopped.
pub(super) fn stop() -> Result<(), String> {
    signal(Signal::STOP, false)
}

/// Lets every stopped kubelet go on; idempotent.
///
/// # Errors
/// The first that cannot.
pub(super) fn resume() -> Result<(), String> {
    signal(Signal::CONT, true)
}

fn signal(signal: Signal, to_stopped: bool) -> Result<(), String> {
    for (id, _) in find(Path::new("/proc")).into_iter().filter(|(_, stopped)| *stopped == to_stopped) {
        let Some(pid) = Pid::from_raw(id) else { continue };
        match kill_process(pid, signal) {
            // It ended by itself meanwhile.
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(format!("signal {signal:?} to process {id} ({NAME}): {error}")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubelet_is_known_by_its_name_and_its_state() {
        let folder = tempfile::tempdir().unwrap();
        for (id, stat) in [
            ("7", "7 (kubelet) S 1 7 7 0"),
            ("8", "8 (kubelet) T 1 8 8 0"),
            ("9", "9 (kube let) x) S 1"),
            ("self", "7 (kubelet) S 1"),
        ] {
            fs::create_dir(folder.path().join(id)).unwrap();
            fs::write(folder.path().join(id).join("stat"), stat).unwrap();
        }
        assert_eq!(find(folder.path()), [(7, false), (8, true)]);
        assert_eq!(name_and_state("9 (kube let) x) S 1"), Some(("kube let) x", 'S')));
    }
}
