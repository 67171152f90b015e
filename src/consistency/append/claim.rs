//! The isolation levels that a store can claim, and the anomalies that each forbids. Finds no anomaly itself.

use crate::outcome::AnomalyKind;

/// What a store promises of its transactions, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim {
    /// Serializable, in an order that agrees with real time.
    StrictSerializable,
    /// Serializable, in an order that agrees with the order of each process.
    StrongSessionSerializable,
    /// As if one transaction ran after the other.
    Serializable,
    /// Snapshot isolation whose snapshots agree with real time.
    StrongSnapshotIsolation,
    /// Each transaction reads one snapshot; of two that write one key at once, one fails. Write skew is allowed.
    SnapshotIsolation,
    /// What was read does not change until the transaction ends (Adya's PL-2.99; all our reads are by key).
    RepeatableRead,
    /// Nothing is read that was not committed, or not finally written.
    ReadCommitted,
    /// Writes are not mixed.
    ReadUncommitted,
}

impl Claim {
    /// Every claim, the strongest first.
    pub const ALL: [Self; 8] = [
        Self::StrictSerializable,
        Self::StrongSessionSerializable,
        Self::Serializable,
        Self::StrongSnapshotIsolation,
        Self::SnapshotIsolation,
        Self::RepeatableRead,
        Self::ReadCommitted,
        Self::ReadUncommitted,
    ];

    /// Its word on the command line and in scenarios.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::StrictSerializable => "strict-serializable",
            Self::StrongSessionSerializable => "strong-session-serializable",
            Self::Serializable => "serializable",
            Self::StrongSnapshotIsolation => "strong-snapshot-isolation",
            Self::SnapshotIsolation => "snapshot-isolation",
            Self::RepeatableRead => "repeatable-read",
            Self::ReadCommitted => "read-committed",
            Self::ReadUncommitted => "read-uncommitted",
        }
    }

    /// The claim of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|claim| claim.word() == word)
    }

    /// Whether one such anomaly breaks the claim.
    #[must_use]
    pub fn forbids(self, kind: AnomalyKind) -> bool {
        weakest(kind).is_some_and(|broken| broken.contains(&self))
    }
}

/// The claims that an anomaly breaks; none for anomalies of other models.
fn weakest(kind: AnomalyKind) -> Option<&'static [Claim]> {
    use AnomalyKind as Kind;
    use Claim as C;
    const EVERY: &[Claim] = &Claim::ALL;
    const COMMITTED: &[Claim] = EVERY.split_at(7).0;
    const REPEATABLE: &[Claim] = EVERY.split_at(6).0;
    const SNAPSHOT: &[Claim] = &[
        C::StrictSerializable,
        C::StrongSessionSerializable,
        C::Serializable,
        C::StrongSnapshotIsolation,
        C::SnapshotIsolation,
        C::RepeatableRead,
    ];
    const SERIAL: &[Claim] = &[C::StrictSerializable, C::StrongSessionSerializable, C::Serializable, C::RepeatableRead];
    const SESSION: &[Claim] = &[C::StrictSerializable, C::StrongSessionSerializable, C::StrongSnapshotIsolation];
    const SESSION_SERIAL: &[Claim] = &[C::StrictSerializable, C::StrongSessionSerializable];
    const REALTIME: &[Claim] = &[C::StrictSerializable, C::StrongSnapshotIsolation];
    const REALTIME_SERIAL: &[Claim] = &[C::StrictSerializable];
    match kind {
        Kind::G0 | Kind::Duplicate => Some(EVERY),
        Kind::G1a | Kind::G1b | Kind::G1c | Kind::AppendOrder | Kind::IncompatibleOrder | Kind::PhantomRead => {
            Some(COMMITTED)
        }
        Kind::Internal => Some(REPEATABLE),
        Kind::LostUpdate | Kind::GSingle | Kind::GNonadjacent => Some(SNAPSHOT),
        Kind::G2Item => Some(SERIAL),
        Kind::G0Process | Kind::G1cProcess | Kind::GSingleProcess | Kind::GNonadjacentProcess => Some(SESSION),
        Kind::G2ItemProcess => Some(SESSION_SERIAL),
        Kind::G0Realtime | Kind::G1cRealtime | Kind::GSingleRealtime | Kind::GNonadjacentRealtime => Some(REALTIME),
        Kind::G2ItemRealtime => Some(REALTIME_SERIAL),
        Kind::StaleRead
        | Kind::ReadOfFailed
        | Kind::ReadFromTheFuture
        | Kind::LostWrite
        | Kind::NotLinearizable
        | Kind::Divergence
        | Kind::WrongTotal
        | Kind::NegativeBalance
        | Kind::OutOfBounds
        | Kind::SplitLock
        | Kind::StaleToken
        | Kind::Unexpected
        | Kind::OutOfOrder
        | Kind::Skipped => None,
    }
}
