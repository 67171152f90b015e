//! Which lie breaks which promise, and under which names a checker may tell it. Data; judges nothing.

use super::bug::Bug;
use crate::consistency::AnomalyKind as A;
use crate::consistency::account::queue::{Delivery, Order};
use crate::consistency::append::Claim as Isolation;
use crate::consistency::text::Claim;
use crate::workload::Kind;

/// One lie told to one workload, judged by one claim.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// The lie.
    pub bug: Bug,
    /// The workload.
    pub kind: Kind,
    /// What the store claims.
    pub claim: Claim,
    /// Each of these is a right name for it, and at least one of them must be told; the first one is the most telling.
    pub names: &'static [A],
}

const AT_LEAST: Claim = Claim::Delivery(Delivery::AtLeastOnce, Order::Any);
const EXACTLY: Claim = Claim::Delivery(Delivery::ExactlyOnce, Order::Any);
const FIFO: Claim = Claim::Delivery(Delivery::AtLeastOnce, Order::Fifo);
pub(super) const STRICT: Claim = Claim::Isolation(Isolation::StrictSerializable);
const SERIALIZABLE: Claim = Claim::Isolation(Isolation::Serializable);
const SNAPSHOT: Claim = Claim::Isolation(Isolation::SnapshotIsolation);
const REPEATABLE: Claim = Claim::Isolation(Isolation::RepeatableRead);
pub(super) const COMMITTED: Claim = Claim::Isolation(Isolation::ReadCommitted);
const UNCOMMITTED: Claim = Claim::Isolation(Isolation::ReadUncommitted);
pub(super) const SESSION: Claim = Claim::Isolation(Isolation::StrongSessionSerializable);
const LINEAR: Claim = Claim::Linearizable;

/// The claims by which the honest store is judged.
pub(super) const HONEST: [(Kind, Claim); 18] = [
    (Kind::Register, LINEAR),
    (Kind::Set, Claim::Durable),
    (Kind::Set, LINEAR),
    (Kind::Append, STRICT),
    (Kind::Append, SESSION),
    (Kind::Append, SERIALIZABLE),
    (Kind::Append, SNAPSHOT),
    (Kind::Append, REPEATABLE),
    (Kind::Append, COMMITTED),
    (Kind::Append, UNCOMMITTED),
    (Kind::Bank, Claim::ConservedTotal),
    (Kind::Queue, AT_LEAST),
    (Kind::Queue, EXACTLY),
    (Kind::Queue, FIFO),
    (Kind::Counter, LINEAR),
    (Kind::Lock, Claim::MutualExclusion),
    (Kind::Lock, Claim::Fencing),
    (Kind::Watch, Claim::OrderedDelivery),
];

const fn trial(bug: Bug, kind: Kind, claim: Claim, names: &'static [A]) -> Trial {
    Trial { bug, kind, claim, names }
}

/// Every lie with the workloads that must find it.
pub const TRIALS: &[Trial] = &[
    trial(Bug::StaleRead, Kind::Register, LINEAR, &[A::StaleRead]),
    trial(Bug::StaleRead, Kind::Set, LINEAR, &[A::StaleRead, A::NotLinearizable]),
    trial(Bug::StaleRead, Kind::Append, STRICT, &[A::GSingleRealtime]),
    trial(Bug::StaleRead, Kind::Append, SESSION, &[A::GSingleProcess]),
    trial(Bug::StaleRead, Kind::Counter, LINEAR, &[A::StaleRead, A::OutOfBounds, A::NotLinearizable]),
    trial(Bug::LostOnFailover, Kind::Register, LINEAR, &[A::LostWrite, A::StaleRead, A::LostUpdate]),
    trial(Bug::LostOnFailover, Kind::Set, Claim::Durable, &[A::LostWrite]),
    trial(Bug::LostOnFailover, Kind::Append, STRICT, &[A::IncompatibleOrder, A::GSingleRealtime, A::LostUpdate]),
    trial(Bug::LostOnFailover, Kind::Queue, AT_LEAST, &[A::LostWrite]),
    trial(Bug::LostOnFailover, Kind::Queue, EXACTLY, &[A::Duplicate, A::LostWrite]),
    trial(Bug::LostOnFailover, Kind::Counter, LINEAR, &[A::OutOfBounds, A::StaleRead, A::NotLinearizable]),
    trial(Bug::LostOnFailover, Kind::Lock, Claim::MutualExclusion, &[A::SplitLock]),
    trial(Bug::LostOnFailover, Kind::Lock, Claim::Fencing, &[A::StaleToken]),
    trial(Bug::LostOnFailover, Kind::Watch, Claim::OrderedDelivery, &[A::Divergence, A::Skipped, A::OutOfOrder]),
    trial(Bug::Duplicate, Kind::Set, Claim::Durable, &[A::Duplicate]),
    trial(Bug::Duplicate, Kind::Append, UNCOMMITTED, &[A::Duplicate]),
    trial(Bug::Duplicate, Kind::Queue, EXACTLY, &[A::Duplicate]),
    trial(Bug::Duplicate, Kind::Counter, LINEAR, &[A::OutOfBounds, A::NotLinearizable]),
    trial(Bug::Duplicate, Kind::Watch, Claim::OrderedDelivery, &[A::Duplicate]),
    trial(Bug::DirtyRead, Kind::Register, LINEAR, &[A::ReadOfFailed]),
    trial(Bug::DirtyRead, Kind::Set, Claim::Durable, &[A::ReadOfFailed]),
    trial(Bug::DirtyRead, Kind::Append, COMMITTED, &[A::G1a, A::IncompatibleOrder]),
    trial(Bug::DirtyRead, Kind::Counter, LINEAR, &[A::OutOfBounds, A::StaleRead, A::NotLinearizable]),
    // A client that gave up before its aborted write was answered does not know that it failed. What is left of such a lie is
    // a change at a revision that one watch saw and another one, which covers that revision, did not.
    trial(Bug::DirtyRead, Kind::Watch, Claim::OrderedDelivery, &[A::ReadOfFailed, A::Skipped]),
    trial(Bug::FailedWriteStays, Kind::Register, LINEAR, &[A::ReadOfFailed]),
    trial(Bug::FailedWriteStays, Kind::Set, Claim::Durable, &[A::ReadOfFailed]),
    trial(Bug::FailedWriteStays, Kind::Append, COMMITTED, &[A::G1a]),
    trial(Bug::FailedWriteStays, Kind::Queue, AT_LEAST, &[A::ReadOfFailed, A::Unexpected]),
    trial(Bug::FailedWriteStays, Kind::Counter, LINEAR, &[A::OutOfBounds, A::NotLinearizable]),
    trial(Bug::FailedWriteStays, Kind::Watch, Claim::OrderedDelivery, &[A::ReadOfFailed]),
    trial(Bug::IntermediateRead, Kind::Append, COMMITTED, &[A::G1b, A::G1c, A::G0]),
    trial(Bug::IntermediateRead, Kind::Append, UNCOMMITTED, &[A::G0]),
    trial(Bug::IntermediateRead, Kind::Bank, Claim::ConservedTotal, &[A::WrongTotal]),
    trial(Bug::WriteSkew, Kind::Append, SERIALIZABLE, &[A::G2Item]),
    trial(Bug::ReadSkew, Kind::Append, SNAPSHOT, &[A::GSingle, A::LostUpdate]),
    trial(Bug::ReadSkew, Kind::Bank, Claim::ConservedTotal, &[A::WrongTotal]),
    trial(Bug::LostUpdate, Kind::Register, LINEAR, &[A::LostUpdate, A::LostWrite, A::StaleRead]),
    trial(Bug::LostUpdate, Kind::Append, SNAPSHOT, &[A::LostUpdate, A::IncompatibleOrder]),
    trial(Bug::LostUpdate, Kind::Bank, Claim::ConservedTotal, &[A::WrongTotal]),
    trial(Bug::LostUpdate, Kind::Counter, LINEAR, &[A::OutOfBounds, A::StaleRead, A::NotLinearizable]),
    trial(Bug::OwnWritesUnseen, Kind::Append, REPEATABLE, &[A::Internal]),
    trial(Bug::LongFork, Kind::Append, SNAPSHOT, &[A::GNonadjacent, A::GSingle]),
    trial(Bug::SplitBrain, Kind::Register, LINEAR, &[A::LostWrite, A::StaleRead, A::LostUpdate, A::NotLinearizable]),
    trial(Bug::SplitBrain, Kind::Set, Claim::Durable, &[A::Divergence]),
    trial(Bug::SplitBrain, Kind::Append, COMMITTED, &[A::IncompatibleOrder]),
    trial(Bug::SplitBrain, Kind::Queue, EXACTLY, &[A::Duplicate, A::LostWrite]),
    trial(Bug::SplitBrain, Kind::Counter, LINEAR, &[A::OutOfBounds, A::StaleRead, A::NotLinearizable]),
    trial(Bug::SplitBrain, Kind::Lock, Claim::MutualExclusion, &[A::SplitLock]),
    trial(Bug::SplitBrain, Kind::Lock, Claim::Fencing, &[A::StaleToken]),
    trial(Bug::SplitBrain, Kind::Watch, Claim::OrderedDelivery, &[A::Divergence, A::Skipped]),
    trial(Bug::LeaseForgotten, Kind::Lock, Claim::MutualExclusion, &[A::SplitLock]),
    trial(Bug::UnfencedHolder, Kind::Lock, Claim::Fencing, &[A::StaleToken]),
    trial(Bug::SkippedEvent, Kind::Watch, Claim::OrderedDelivery, &[A::Skipped]),
    trial(Bug::ReorderedEvents, Kind::Watch, Claim::OrderedDelivery, &[A::OutOfOrder]),
    trial(Bug::LastInFirstOut, Kind::Queue, FIFO, &[A::OutOfOrder]),
    trial(Bug::Overdraft, Kind::Bank, Claim::ConservedTotal, &[A::NegativeBalance]),
    trial(Bug::BackdatedWrite, Kind::Append, STRICT, &[A::IncompatibleOrder, A::G0Realtime, A::G1cRealtime]),
    trial(Bug::MadeUpValue, Kind::Register, LINEAR, &[A::PhantomRead]),
    trial(Bug::MadeUpValue, Kind::Set, Claim::Durable, &[A::PhantomRead]),
    trial(Bug::MadeUpValue, Kind::Append, COMMITTED, &[A::PhantomRead]),
    trial(Bug::MadeUpValue, Kind::Bank, Claim::ConservedTotal, &[A::WrongTotal]),
    trial(Bug::MadeUpValue, Kind::Queue, AT_LEAST, &[A::Unexpected]),
    trial(Bug::MadeUpValue, Kind::Counter, LINEAR, &[A::OutOfBounds, A::NotLinearizable]),
    trial(Bug::MadeUpValue, Kind::Watch, Claim::OrderedDelivery, &[A::Unexpected]),
    // What the client was going to write may fail, or never be written.
    trial(Bug::Prophecy, Kind::Register, LINEAR, &[A::ReadFromTheFuture, A::ReadOfFailed, A::PhantomRead]),
    trial(Bug::Prophecy, Kind::Append, STRICT, &[A::G1cRealtime, A::IncompatibleOrder, A::PhantomRead, A::G1a]),
    trial(Bug::Prophecy, Kind::Set, Claim::Durable, &[A::ReadFromTheFuture, A::ReadOfFailed]),
    trial(Bug::Prophecy, Kind::Watch, Claim::OrderedDelivery, &[A::ReadFromTheFuture]),
];
