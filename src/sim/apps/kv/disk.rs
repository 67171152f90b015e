//! A replica's log on its mounted volume: one file for each entry, so that a write costs one file. A process whose
//! volume another one has opened since (a forced detach) writes into the void.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::log::{Entry, Log};
use super::{ProcessId, State};
use crate::storage::VolumeId;

const TERM: &str = "kv/term";
const SEAT: &str = "kv/member";

fn file(index: usize) -> String {
    format!("kv/log/{index:010}")
}

/// The volume at a mount path of a pod, when it keeps what is written.
pub(super) fn volume(state: &State, uid: &str, path: &str) -> Option<VolumeId> {
    let mounts = &state.kubelet.sandboxes.get(uid)?.mounts;
    let (_, volume) = mounts.iter().find(|(mount, _)| mount.trim_end_matches('/') == path)?;
    match volume {
        VolumeId::ReadOnly { .. } => None,
        VolumeId::Persistent(_) | VolumeId::Local(_) | VolumeId::HostPath { .. } | VolumeId::EmptyDir { .. } => {
            Some(volume.clone())
        }
    }
}

/// Opens a volume for a process and reads the term and the log that are on it. A file that cannot be read ends the
/// log, as a torn write would.
pub(super) fn load(state: &mut State, id: ProcessId, volume: &VolumeId) -> (u64, Log) {
    state.apps.kv.holders.insert(volume.clone(), id);
    let mut log = Log::default();
    let Some(files) = state.storage.contents.get(volume) else { return (0, log) };
    let term = files.get(TERM).and_then(|text| text.parse().ok()).unwrap_or(0);
    while let Some(text) = files.get(&file(log.last() + 1)) {
        let Ok(entry) = serde_json::from_str::<Entry>(text) else { break };
        log.push(Arc::new(entry));
    }
    (term, log)
}

/// The member whose data are on a volume.
pub(super) fn seat(state: &State, volume: &VolumeId) -> Option<u64> {
    state.storage.contents.get(volume)?.get(SEAT)?.parse().ok()
}

/// Writes whose data these are.
pub(super) fn save_seat(state: &mut State, id: ProcessId, seat: u64) {
    if let Some(files) = files(state, id) {
        files.insert(SEAT.to_owned(), seat.to_string());
    }
}

/// The files of the volume that a process may write to.
fn files(state: &mut State, id: ProcessId) -> Option<&mut BTreeMap<String, String>> {
    let volume = state.apps.kv.replicas.get(&id)?.volume.as_ref()?;
    if state.apps.kv.holders.get(volume) != Some(&id) {
        return None;
    }
    Some(state.storage.contents.entry(volume.clone()).or_default())
}

/// Writes the term.
pub(super) fn save_term(state: &mut State, id: ProcessId, term: u64) {
    if let Some(files) = files(state, id) {
        files.insert(TERM.to_owned(), term.to_string());
    }
}

/// Writes one entry.
pub(super) fn save(state: &mut State, id: ProcessId, index: usize, entry: &Entry) {
    if let Some(files) = files(state, id)
        && let Ok(text) = serde_json::to_string(entry)
    {
        files.insert(file(index), text);
    }
}

/// Removes the entries after `last`.
pub(super) fn truncate(state: &mut State, id: ProcessId, last: usize) {
    if let Some(files) = files(state, id) {
        files.retain(|name, _| !name.starts_with("kv/log/") || *name <= file(last));
    }
}
