//! Connections that stay open: broken by the end of the process (reset), silent when machines or policies cut them,
//! and alive again when the cut is healed while both ends still are.

use tokio::sync::oneshot;

use super::call::{Call, Reached, Reply, launch, passes};
use super::resolve::Origin;
use super::{Answer, ConnectionId, Request, State};

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) origin: Origin,
    pub(super) reached: Reached,
    /// The other end said that it is gone.
    pub(super) reset: bool,
}

impl State {
    /// Sends one request on an open connection.
    pub fn send_on(&mut self, connection: ConnectionId, request: Request, reply: oneshot::Sender<Answer>) {
        let origin = self.network.connections.get(&connection).map(|open| open.origin.clone());
        launch(
            self,
            Call {
                origin,
                ip: String::new(),
                port: 0,
                request,
                connection: Some(connection),
                reply: Reply::Request(reply),
                reached: None,
                answer: Answer::Reset,
            },
        );
    }

    /// Closes a connection.
    pub fn close(&mut self, connection: ConnectionId) {
        let Some(open) = self.network.connections.remove(&connection) else { return };
        if let Some(connections) = self.network.connections_of.get_mut(&open.reached.process) {
            connections.remove(&connection);
        }
    }
}

/// What a packet on an open connection meets: the process at its other end, or how it fails.
pub(super) fn meet(state: &State, connection: ConnectionId) -> Result<Reached, Answer> {
    let Some(open) = state.network.connections.get(&connection) else { return Err(Answer::Reset) };
    if open.reset {
        return Err(Answer::Reset);
    }
    if !passes(state, &open.origin, &open.reached) {
        return Err(Answer::Silent);
    }
    if state.process_runs(open.reached.process) {
        return Ok(open.reached.clone());
    }
    // A machine that lives answers packets of connections that it does not know; a gone address answers nothing.
    let known = state.kubelet.sandboxes.contains_key(&open.reached.uid);
    Err(if known { Answer::Reset } else { Answer::Silent })
}

/// The farewell of an ended process arrives, when the way is free.
pub(super) fn hang_up(state: &mut State, connection: ConnectionId) {
    let Some(open) = state.network.connections.get(&connection) else { return };
    if passes(state, &open.origin, &open.reached)
        && let Some(open) = state.network.connections.get_mut(&connection)
    {
        open.reset = true;
    }
}
