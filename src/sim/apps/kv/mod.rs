//! thin
use super::ProcessId;
use crate::sim::network::{CallId, Request};
use crate::sim::{Change, State};
/// Work of the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {}
/// Memory.
#[derive(Debug, Default)]
pub(super) struct Local {}
pub(super) fn on_change(_state: &mut State, _change: &Change) {}
pub(super) fn handle(_state: &mut State, work: Work) {
    match work {}
}
pub(super) fn open(_state: &mut State, _id: ProcessId) {}
pub(super) fn close(_state: &mut State, _id: ProcessId) {}
pub(super) fn ready(_state: &State, _id: ProcessId) -> bool {
    true
}
pub(super) fn request(state: &mut State, id: ProcessId, call: CallId, request: &Request) {
    super::http::request(state, id, call, request);
}
