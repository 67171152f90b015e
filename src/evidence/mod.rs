//! What happened: an append-only, versioned log. A run that was cut off is readable up to the cut.
//! Does not know where it came from: a live cluster and the embedded one write the same records.

mod chain;
mod digest;
mod event;
mod fault;
mod log;
mod read;
mod seen;
mod sink;
mod words;

pub use chain::chained;
pub use digest::LineDigest;
pub use event::*;
pub use fault::*;
pub use log::{Beside, Log};
pub use read::{Evidence, ReadError};
pub use seen::*;
pub use sink::{Memory, Sink};
pub use words::{shell_word, some};
