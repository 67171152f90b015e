//! The lies that the store of the self-test can be made to tell. Names only; how each is told stands in `world`.

/// One lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bug {
    /// Reads are served from a state that has been overtaken.
    StaleRead,
    /// A failover goes back to a state without the last acknowledged writes.
    LostOnFailover,
    /// Some writes, or events of a watch, happen twice.
    Duplicate,
    /// What is going to be aborted can be seen until then.
    DirtyRead,
    /// What was answered as failed happened.
    FailedWriteStays,
    /// The steps of a transaction are done one by one, in sight of all.
    IntermediateRead,
    /// Snapshot isolation where more was promised.
    WriteSkew,
    /// A transaction reads some keys before others are written.
    ReadSkew,
    /// Read, then written without looking again.
    LostUpdate,
    /// A transaction does not see its own writes.
    OwnWritesUnseen,
    /// Two readers see two writes in two orders.
    LongFork,
    /// Two leaders accept writes for a while; one replica keeps what only it accepted.
    SplitBrain,
    /// A lock is given away while its holder still believes in it.
    LeaseForgotten,
    /// Tokens of a lock begin anew after a failover, so that an old holder is not fenced off.
    UnfencedHolder,
    /// A watch leaves out an event.
    SkippedEvent,
    /// A watch delivers two events in the wrong order.
    ReorderedEvents,
    /// The element that came last leaves the queue first.
    LastInFirstOut,
    /// Accounts may be overdrawn.
    Overdraft,
    /// A later append lands in front of an earlier one.
    BackdatedWrite,
    /// A read returns what nobody wrote.
    MadeUpValue,
    /// A read returns what is only going to be written.
    Prophecy,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::StaleRead,
        Self::LostOnFailover,
        Self::Duplicate,
        Self::DirtyRead,
        Self::FailedWriteStays,
        Self::IntermediateRead,
        Self::WriteSkew,
        Self::ReadSkew,
        Self::LostUpdate,
        Self::OwnWritesUnseen,
        Self::LongFork,
        Self::SplitBrain,
        Self::LeaseForgotten,
        Self::UnfencedHolder,
        Self::SkippedEvent,
        Self::ReorderedEvents,
        Self::LastInFirstOut,
        Self::Overdraft,
        Self::BackdatedWrite,
        Self::MadeUpValue,
        Self::Prophecy,
    ];

    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StaleRead => "stale-read",
            Self::LostOnFailover => "lost-on-failover",
            Self::Duplicate => "duplicate",
            Self::DirtyRead => "dirty-read",
            Self::FailedWriteStays => "failed-write-stays",
            Self::IntermediateRead => "intermediate-read",
            Self::WriteSkew => "write-skew",
            Self::ReadSkew => "read-skew",
            Self::LostUpdate => "lost-update",
            Self::OwnWritesUnseen => "own-writes-unseen",
            Self::LongFork => "long-fork",
            Self::SplitBrain => "split-brain",
            Self::LeaseForgotten => "lease-forgotten",
            Self::UnfencedHolder => "unfenced-holder",
            Self::SkippedEvent => "skipped-event",
            Self::ReorderedEvents => "reordered-events",
            Self::LastInFirstOut => "last-in-first-out",
            Self::Overdraft => "overdraft",
            Self::BackdatedWrite => "backdated-write",
            Self::MadeUpValue => "made-up-value",
            Self::Prophecy => "prophecy",
        }
    }
}
