//! What a checker says: a proof, an anomaly, or that its budget was used up. Judges nothing itself.

use std::fmt;
use std::time::Duration;

/// The answer of a checker. A limit that was met is never a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The claim holds, and why an independent verifier can believe it.
    Ok(Certificate),
    /// The claim is broken; at least one anomaly, the clearest first.
    Violation(Vec<Anomaly>),
    /// Neither was shown within the budget.
    Unknown(Budget),
}

/// The limit that ended a search, or what the history lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Budget {
    /// It took this long.
    Time(Duration),
    /// It would have needed more than this many bytes.
    Memory(u64),
    /// The history cannot answer the question; what is missing (a vacuous history, no final read, …).
    Evidence(String),
}

/// Why an `Ok` can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// One order of operations (indices into the history) for each partition. Operations that are left out did not happen.
    Orders(Vec<Vec<u32>>),
    /// Every operation was accounted for one by one: the rule is itself the check (sets, banks, counters, …).
    Accounted,
}

/// One broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// Its name in the literature.
    pub kind: AnomalyKind,
    /// The key or object, when there is one.
    pub key: Option<String>,
    /// At most six operations (indices into the history) that show it by themselves, in the order in which to tell it.
    pub witness: Vec<u32>,
    /// The same in one sentence for people, without times: those are added where the history's faults are known.
    pub sentence: String,
}

/// The names of anomalies. The words printed are stable: scripts match them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnomalyKind {
    /// A read returned a value older than one that had been read or written before it began.
    StaleRead,
    /// A read returned a value that nobody wrote.
    PhantomRead,
    /// A read returned the value of an operation that failed.
    ReadOfFailed,
    /// A read ended before the write of its value began.
    ReadFromTheFuture,
    /// Two compare-and-sets succeeded from one value, or two transactions overwrote one version.
    LostUpdate,
    /// An acknowledged write is gone.
    LostWrite,
    /// Something that was done once is there twice.
    Duplicate,
    /// No order of the operations explains what was seen.
    NotLinearizable,
    /// Replicas disagree after everything has settled.
    Divergence,
    /// Write cycle (Adya).
    G0,
    /// Aborted read (Adya).
    G1a,
    /// Intermediate read (Adya).
    G1b,
    /// Circular information flow (Adya).
    G1c,
    /// Single anti-dependency cycle: read skew.
    GSingle,
    /// Anti-dependency cycle: write skew and its kin.
    G2Item,
    /// Anti-dependency cycle no two of whose anti-dependencies are neighbours: snapshot isolation forbids it.
    GNonadjacent,
    /// `G0` with an edge of the order of a process.
    G0Process,
    /// `G1c` with an edge of the order of a process.
    G1cProcess,
    /// `GSingle` with an edge of the order of a process.
    GSingleProcess,
    /// `GNonadjacent` with an edge of the order of a process.
    GNonadjacentProcess,
    /// `G2Item` with an edge of the order of a process.
    G2ItemProcess,
    /// The same cycles, with an edge of real time.
    G0Realtime,
    /// `G1c` with an edge of real time.
    G1cRealtime,
    /// `GSingle` with an edge of real time.
    GSingleRealtime,
    /// `GNonadjacent` with an edge of real time.
    GNonadjacentRealtime,
    /// `G2Item` with an edge of real time.
    G2ItemRealtime,
    /// A transaction does not see what it did itself.
    Internal,
    /// What one transaction appended to one list stands there in another order than it did so, or only in part.
    AppendOrder,
    /// Two reads of one key that are not prefixes of each other.
    IncompatibleOrder,
    /// The total of the accounts is not what it must be.
    WrongTotal,
    /// An account below zero.
    NegativeBalance,
    /// A counter below or above every value that it could have.
    OutOfBounds,
    /// Two holders of one lock at once.
    SplitLock,
    /// A fencing token that is not above all tokens before it.
    StaleToken,
    /// Something out of a queue that was never put into it.
    Unexpected,
    /// Something out of order in a queue or in the events of a watch.
    OutOfOrder,
    /// An event that a watch did not deliver.
    Skipped,
}

/// None is forgotten in the list of all, which is in the order of the names.
const _: () = {
    let mut place = 0;
    while place < AnomalyKind::ALL.len() {
        assert!(AnomalyKind::ALL[place] as usize == place);
        place += 1;
    }
    assert!(AnomalyKind::Skipped as usize + 1 == place, "the last one");
};

impl AnomalyKind {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 37] = [
        Self::StaleRead,
        Self::PhantomRead,
        Self::ReadOfFailed,
        Self::ReadFromTheFuture,
        Self::LostUpdate,
        Self::LostWrite,
        Self::Duplicate,
        Self::NotLinearizable,
        Self::Divergence,
        Self::G0,
        Self::G1a,
        Self::G1b,
        Self::G1c,
        Self::GSingle,
        Self::G2Item,
        Self::GNonadjacent,
        Self::G0Process,
        Self::G1cProcess,
        Self::GSingleProcess,
        Self::GNonadjacentProcess,
        Self::G2ItemProcess,
        Self::G0Realtime,
        Self::G1cRealtime,
        Self::GSingleRealtime,
        Self::GNonadjacentRealtime,
        Self::G2ItemRealtime,
        Self::Internal,
        Self::AppendOrder,
        Self::IncompatibleOrder,
        Self::WrongTotal,
        Self::NegativeBalance,
        Self::OutOfBounds,
        Self::SplitLock,
        Self::StaleToken,
        Self::Unexpected,
        Self::OutOfOrder,
        Self::Skipped,
    ];

    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StaleRead => "stale-read",
            Self::PhantomRead => "phantom-read",
            Self::ReadOfFailed => "read-of-failed",
            Self::ReadFromTheFuture => "read-from-the-future",
            Self::LostUpdate => "lost-update",
            Self::LostWrite => "lost-write",
            Self::Duplicate => "duplicate",
            Self::NotLinearizable => "not-linearizable",
            Self::Divergence => "divergence",
            Self::G0 => "G0",
            Self::G1a => "G1a",
            Self::G1b => "G1b",
            Self::G1c => "G1c",
            Self::GSingle => "G-single",
            Self::G2Item => "G2-item",
            Self::GNonadjacent => "G-nonadjacent",
            Self::G0Process => "G0-process",
            Self::G1cProcess => "G1c-process",
            Self::GSingleProcess => "G-single-process",
            Self::GNonadjacentProcess => "G-nonadjacent-process",
            Self::G2ItemProcess => "G2-item-process",
            Self::GNonadjacentRealtime => "G-nonadjacent-realtime",
            Self::G0Realtime => "G0-realtime",
            Self::G1cRealtime => "G1c-realtime",
            Self::GSingleRealtime => "G-single-realtime",
            Self::G2ItemRealtime => "G2-item-realtime",
            Self::Internal => "internal",
            Self::AppendOrder => "append-order",
            Self::IncompatibleOrder => "incompatible-order",
            Self::WrongTotal => "wrong-total",
            Self::NegativeBalance => "negative-balance",
            Self::OutOfBounds => "out-of-bounds",
            Self::SplitLock => "split-lock",
            Self::StaleToken => "stale-token",
            Self::Unexpected => "unexpected",
            Self::OutOfOrder => "out-of-order",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for AnomalyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
