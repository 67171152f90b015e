//! What a store promises. A workload puts one promise to the test, so that a weaker store is judged by its own word.
//! Says what a claim is called and which workloads can refute it; never judges a history.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;

/// A promise about concurrent operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// Transactions take effect one after the other, in an order that respects real time.
    StrictSerializable,
    /// Operations of one object take effect at one moment between call and answer.
    Linearizable,
    /// Transactions take effect as if one after the other.
    Serializable,
    /// Transactions read one snapshot, and of two that write the same object one fails.
    SnapshotIsolation,
    /// What a transaction read once stays so for it.
    RepeatableRead,
    /// Nothing is read that is not committed.
    ReadCommitted,
    /// What was acknowledged is there after everything has healed, on every replica.
    Durable,
    /// What was acknowledged is delivered, possibly more than once.
    AtLeastOnce,
    /// What was acknowledged is delivered once.
    ExactlyOnce,
    /// At most one client holds the lock.
    MutualExclusion,
    /// Each holder's token is above all before it.
    Fencing,
    /// The total of all accounts never changes. A snapshot is enough for that; read committed is not.
    ConservedTotal,
    /// Every change is delivered once, in order, without a gap.
    OrderedDelivery,
}

impl Claim {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::StrictSerializable,
        Self::Linearizable,
        Self::Serializable,
        Self::SnapshotIsolation,
        Self::RepeatableRead,
        Self::ReadCommitted,
        Self::Durable,
        Self::AtLeastOnce,
        Self::ExactlyOnce,
        Self::MutualExclusion,
        Self::Fencing,
        Self::ConservedTotal,
        Self::OrderedDelivery,
    ];

    /// Its name in scenarios and reports, and the word of the checkers for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StrictSerializable => "strict-serializable",
            Self::Linearizable => "linearizable",
            Self::Serializable => "serializable",
            Self::SnapshotIsolation => "snapshot-isolation",
            Self::RepeatableRead => "repeatable-read",
            Self::ReadCommitted => "read-committed",
            Self::Durable => "durable",
            Self::AtLeastOnce => "at-least-once",
            Self::ExactlyOnce => "exactly-once",
            Self::MutualExclusion => "mutual-exclusion",
            Self::Fencing => "fencing",
            Self::ConservedTotal => "conserved-total",
            Self::OrderedDelivery => "ordered-delivery",
        }
    }
}

impl Kind {
    /// The claims that it can put to the test; the first is tested unless another is named.
    #[must_use]
    pub fn claims(self) -> &'static [Claim] {
        match self {
            Self::Register | Self::Counter => &[Claim::Linearizable],
            // A set that is read everywhere tells what was lost; a linearizable one must show each add at once.
            Self::Set => &[Claim::Durable, Claim::Linearizable],
            Self::Append => &[
                Claim::StrictSerializable,
                Claim::Serializable,
                Claim::SnapshotIsolation,
                Claim::RepeatableRead,
                Claim::ReadCommitted,
            ],
            Self::Bank => &[Claim::ConservedTotal],
            Self::Queue => &[Claim::AtLeastOnce, Claim::ExactlyOnce],
            Self::Lock => &[Claim::MutualExclusion, Claim::Fencing],
            Self::Watch => &[Claim::OrderedDelivery],
        }
    }

    /// The claim that it tests unless another is named.
    #[must_use]
    pub fn claim(self) -> Claim {
        match self {
            Self::Register | Self::Counter => Claim::Linearizable,
            Self::Set => Claim::Durable,
            Self::Append => Claim::StrictSerializable,
            Self::Bank => Claim::ConservedTotal,
            Self::Queue => Claim::AtLeastOnce,
            Self::Lock => Claim::MutualExclusion,
            Self::Watch => Claim::OrderedDelivery,
        }
    }
}
