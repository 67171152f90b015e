//! Driftproof inside a pod: the lines that the runner and its agent exchange, the agent itself, and the runner's end.
//! Knows streams, not Kubernetes: whoever dials decides how a stream reaches the agent.
//!
//! | file | what |
//! |---|---|
//! | `protocol` | the lines, versioned |
//! | `outbox` | numbered items, kept until they are acknowledged, so that a broken stream is resumed without loss |
//! | `offset` | the offset between two clocks, from pings |
//! | `serve`, `worker` | the agent: reads orders, does them, tells what came of them |
//! | `relay` | connections of the runner's that the agent passes on to a place inside |
//! | `link`, `talk` | the runner's end: one agent over as many streams as it takes |

mod link;
mod offset;
mod outbox;
mod protocol;
mod relay;
mod serve;
mod talk;
#[cfg(test)]
mod tests;
mod worker;

pub(super) use link::{Dial, DialError, Line, Link};
pub(super) use protocol::Ask;
pub use protocol::VERSION;
pub(super) use relay::{PORT as RELAY_PORT, hail};
pub use serve::{Options, serve};

/// The TCP port on which an agent accepts connections, so that others can be seen to reach it.
pub const PORT: u16 = 7433;
