//! Takes the process that acts out of its container's fate: a session of its own, no cgroup of the container, not the
//! first to die when memory is short. Does nothing to the node.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The node's root, seen from a pod that shares the node's process IDs.
const NODE: &str = "/proc/1/root";

/// Detaches this process. A container whose main process ends takes every process of its cgroup with it; one that is to
/// heal the node must not be among them.
///
/// # Errors
/// What cannot be left, and why.
pub(super) fn detach() -> Result<(), String> {
    // Fails only for the leader of a group, which is detached already.
    let _ = rustix::process::setsid();
    // Not every node lets a process spare itself; it is only a further precaution.
    let _ = fs::write("/proc/self/oom_score_adj", "-1000");
    let roots = roots(&Path::new(NODE).join("sys/fs/cgroup")).map_err(|error| {
        format!("the node's cgroups cannot be read ({error}): does the pod run privileged, with hostPID?")
    })?;
    if roots.is_empty() {
        return Err("the node shows no cgroups below /sys/fs/cgroup".to_owned());
    }
    for root in roots {
        // "0" is the process that writes.
        fs::write(&root, "0")
            .map_err(|error| format!("leave the container's cgroup for {}: {error}", root.display()))?;
    }
    Ok(())
}

/// The `cgroup.procs` of every hierarchy's root: one under cgroup v2, one for each controller under v1.
fn roots(mount: &Path) -> io::Result<Vec<PathBuf>> {
    let unified = mount.join("cgroup.procs");
    if unified.exists() {
        return Ok(vec![unified]);
    }
    let mut roots = Vec::new();
    for entry in fs::read_dir(mount)? {
        let procs = entry?.path().join("cgroup.procs");
        if procs.exists() {
            roots.push(procs);
        }
    }
    roots.sort();
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hierarchy_has_a_root() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["cpu,cpuacct", "memory"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("cgroup.procs"), "").unwrap();
        }
        fs::create_dir(folder.path().join("no-hierarchy")).unwrap();
        assert_eq!(roots(folder.path()).unwrap().len(), 2);
        fs::write(folder.path().join("cgroup.procs"), "").unwrap();
        assert_eq!(roots(folder.path()).unwrap(), [folder.path().join("cgroup.procs")]);
    }
}
