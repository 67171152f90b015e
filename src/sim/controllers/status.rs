//! Writing an object's status, and only when it differs.

use serde::Serialize;

use crate::{Key, Kind, State};

/// Stores a status unless the object is gone or already has it.
///
/// # Panics
/// Never: statuses are plain data and always serialise.
pub(super) fn set<T: Serialize>(state: &mut State, kind: Kind, key: &Key, status: &T) {
    let status = serde_json::to_value(status).expect("a status serialises");
    let Some(object) = state.store.get(kind, key) else { return };
    if object.value().get("status") == Some(&status) {
        return;
    }
    let _ = state.modify_value(kind, key, |value| value["status"] = status);
}

/// A count as the real types serialise it: zero is left out.
pub(super) fn count(number: i32) -> Option<i32> {
    (number != 0).then_some(number)
}

/// The length of a list as the API's number.
pub(super) fn length(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
