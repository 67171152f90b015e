//! What runs on a node that is to fail: a short-lived process that stops the kubelet or cuts the network, carries its own
//! timer, and brings the node back whatever becomes of the rest. Knows nothing of scenarios, runs or the Kubernetes API.

mod act;
mod detach;
mod kubelet;
mod netfilter;
mod serve;

use std::time::Duration;

pub use act::act;
pub use serve::serve;

/// The port on which the agent is asked, within its pod.
pub const PORT: u16 = 8473;

/// The environment variable with the UID of the agent's pod: who does not know it cannot ask the agent for anything.
pub const UID_VARIABLE: &str = "DRIFTPROOF_POD_UID";

/// An agent that nobody asks to begin ends after this time, without having done anything.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// What is done to the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Every process named `kubelet` gets SIGSTOP; undone by SIGCONT.
    StopKubelet,
    /// An nftables table of our own drops what crosses the node's outer interfaces; undone by deleting the table.
    CutNetwork,
}

impl Deed {
    /// Both.
    pub const ALL: [Self; 2] = [Self::StopKubelet, Self::CutNetwork];

    /// The word of the command line, which is the one of the scenario file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::StopKubelet => "kubelet-stop",
            Self::CutNetwork => "network-cut",
        }
    }
}

/// How an agent is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What is done.
    pub deed: Deed,
    /// The node heals itself after this time, counted from the deed.
    pub timer: Duration,
    /// The node's address, empty when unknown: the interface that carries it is cut even when no default route uses it.
    pub ip: String,
}
