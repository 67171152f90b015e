//! A register whose writes are all different: linearizable or not in linear time (plus a sort), with a proof either way.
//!
//! Never searches: a history in which one value is written twice is refused with the reason ([`Unsuitable`]).
//!
//! # The problem
//!
//! Each operation is an interval `[start, finish]` of distinct moments. `write v` sets the state, `read v` requires it,
//! `cas a→b` requires `a` and sets `b`. A history is *linearizable* if its operations can be put in one line such that
//! (1) `x` stands before `y` whenever `x.finish < y.start` (real time) and (2) running the line from the initial value
//! satisfies every requirement (legality). Each value is written at most once; the initial value counts as written by an
//! operation that starts and finishes at moment 0, before all others, and is written by nothing else.
//!
//! # Operations that need not have happened
//!
//! Operations that failed, and reads without an answer, are left out: they have no effect and no requirement. A
//! compare-and-set that failed *and says which value it found instead* is a read of that value, of which the call and the
//! answer are known: the store compared at one moment between them, found `v` and changed nothing, so that the operation
//! requires `v`, sets nothing, and finishes when it was answered. That is all that is used of a read from here on. An
//! *indeterminate* write or compare-and-set has `finish = ∞`: it may take effect at any moment after its start, or never.
//! Let `E` (exists) be the least set that holds every write and compare-and-set that is known to have happened, and with a
//! read of `v`, or a compare-and-set from `v` that is in `E`, also the writer of `v`.
//!
//! *Only `E` matters.* Every member of `E` stands in every line: what is known to have happened does; and a requirement of
//! `v` is met only behind the writer of `v`, the only one (induction over the least set). Conversely take a legal line and
//! strike out everything that is not in `E`. Let an operation that remains require `v`. In the line, the last writer
//! before it wrote `v`, hence is the only writer of `v` (or the initial value), and is in `E` by definition, so it
//! remains and is still the last. Legality and real time survive. So the history is linearizable iff the reads and
//! `E` alone are, all of which must now stand in the line. A member of `E` with `finish = ∞` never forces anything behind
//! it in real time, and that is just what (1) says with `∞`. ∎
//!
//! From here on every operation must stand in the line, and if some required value has no writer the answer is *no*.
//!
//! # Blocks
//!
//! If two compare-and-sets of `E` require the same `a`, the answer is *no*: between them somebody must write `a` again, and
//! there is one writer of `a` only. Otherwise values form chains: `b` follows `a` when `cas a→b` is in `E`; each value has
//! at most one successor, and at most one predecessor as it has one writer. A chain without a first value is a ring of
//! compare-and-sets, each of which must stand behind the one before it: *no*. So each chain `v₀, v₁, …, v_k` starts with
//! a plain write (or the initial value). Its **block** is the sequence of *stages*
//! `{writer v₀}, {reads of v₀}, {cas v₀→v₁}, {reads of v₁}, …, {reads of v_k}`.
//! Without compare-and-set a block is a write with the reads of its value: a *cluster* in the words of Gibbons and Korach
//! (1997), whose *zones*, as Golab, Li and Shah (2011) use them, this generalises.
//!
//! *In a legal line each block stands as one piece, stage after stage.* A stage requires what the nearest writer stage
//! before it wrote, so it stands behind that writer, the only one; and no other writer stands between, or the state would
//! be another. So the line is cut by its writers; behind each writer of `v` there are exactly the reads of `v`, up to the
//! next writer; if `cas v→w` is in `E`, the next writer is that one, since it requires `v` and stands behind all reads of `v`
//! (a read of `v` behind it would need a second write of `v`). *Conversely a line of whole blocks, each stage after stage, the
//! block of the initial value first, is legal*: the first stage of a block requires nothing, each later one what the block
//! itself has just written. (That the block of the initial value is first costs nothing: its writer finishes at 0.)
//!
//! So the history is linearizable iff the blocks can be ordered such that the line respects real time, that is:
//!
//! * **inside a block**: no operation of a later stage finishes before one of an earlier stage starts. With `s` the greatest
//!   start of all stages so far, the least finish of the next stage must not be below `s`. (Inside a stage of reads, order
//!   by start: `x.finish < y.start` implies `x.start < y.start`.)
//! * **between blocks** `A ≠ B`: let `f` be the least finish and `s` the greatest start in a block. Some operation of `A`
//!   finishes before some operation of `B` starts iff `A.f < B.s`; then `A` must stand before `B`. Write `A → B`.
//!   Real time asks for nothing else, since whole blocks are pieces.
//!
//! # The order
//!
//! So the question is whether the relation `→` can be extended to a line. If `A → B` and `B → A` it cannot: the answer is
//! *no*, and the four operations that realise `A.f < B.s` and `B.f < A.s` show it. **Otherwise sorting by `m = min(f, s)`
//! is such a line**: let `A` stand before `B` in it, `A.m < B.m` (the moments are distinct: each `m` is an end of an operation of
//! its own block; a write and a read of one block never share an end), and suppose `B → A`, that is `B.f < A.s`. Then
//! `A.m < B.m ≤ B.f < A.s`, so `A.m` is not `A.s`, so `A.f = A.m < B.m ≤ B.s`: `A → B` as well, which was excluded. ∎
//!
//! One sweep decides: blocks by `m`, and the running maximum of `s`; a block whose `f` is below it stands in a pair
//! `A → B → A` by the same three lines, otherwise the order is the certificate. The sort is by a moment: one pass over a
//! table when the moments are dense, `O(n log n)` otherwise.

mod blocks;
mod compact;
mod explain;
mod flaw;
mod order;
#[cfg(test)]
mod tests;

pub use blocks::judge;
pub(crate) use compact::bytes;
pub use compact::{check_key, compact};
pub(crate) use explain::{WITNESS_MAX, explain, initial_hint};

pub use super::intern::NONE;

/// The finish of an operation that may take effect at any time after its start.
pub const NEVER: u32 = u32::MAX;

/// The number of the initial value.
pub const INITIAL: u32 = 0;

/// One operation on one register, small enough that a recorder can keep ten million of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Moment of the call, from 1 (0 is when the initial value was written). No two ends share a moment.
    pub start: u32,
    /// Moment of the completion; [`NEVER`] for an indeterminate one.
    pub finish: u32,
    /// The value that it requires (a read, a compare-and-set), by number; [`NONE`] for a write.
    pub reads: u32,
    /// The value that it sets (a write, a compare-and-set), by number; [`NONE`] for a read.
    pub writes: u32,
}

/// The operations of one register: those that failed, and reads without an answer, are not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compact {
    /// In the order of their starts. A compare-and-set that failed and says what it saw is a read.
    pub accesses: Vec<Access>,
    /// Numbers of values are below this; [`INITIAL`] is the initial value.
    pub values: u32,
}

/// What [`judge`] found. Operations are indices into [`Compact::accesses`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Linearizable, in this order. Operations that are left out did not happen.
    Linearizable(Vec<u32>),
    /// Not linearizable.
    Broken(Flaw),
}

/// Why a register is not linearizable. Operations are indices into [`Compact::accesses`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It requires a value that nothing wrote.
    NobodyWrote {
        /// The operation.
        reader: u32,
    },
    /// Two compare-and-sets succeeded from one value that was written once.
    TwoFrom {
        /// The one called first.
        first: u32,
        /// The other.
        second: u32,
    },
    /// Compare-and-sets of which each needs the one before, around.
    Ring {
        /// All of them, in that order.
        members: Vec<u32>,
    },
    /// In one block, `later` finished before `earlier` started, though the values say that `earlier` came first.
    Inside {
        /// It must come first.
        earlier: u32,
        /// It was over before.
        later: u32,
        /// The writers from the value of `earlier` to that of `later`, both included ([`NONE`] is the initial value).
        chain: Vec<u32>,
    },
    /// Two blocks of which each must come before the other.
    Between {
        /// `finished` (in the stale block) was over before `started` (in the other) began.
        there: Before,
        /// And back: its `started` is the operation that saw a stale value.
        back: Before,
    },
}

/// One step of real time between two blocks, with the writers that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// This operation was over ([`NONE`]: the writing of the initial value)
    pub finished: u32,
    /// before this one began.
    pub started: u32,
    /// The writers of the block of `started`, from the value of its `started` to that of the `finished` of the other step, in
    /// the order of the block ([`NONE`] is the initial value).
    pub chain: Vec<u32>,
}

/// Why the history cannot be judged by this algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsuitable {
    /// Two operations wrote one value.
    WrittenTwice {
        /// The one called first; [`NONE`] if it is the initial value.
        first: u32,
        /// The other.
        second: u32,
    },
    /// The operation starts before its predecessor does, or does not finish after its start.
    Disordered {
        /// Its index.
        at: u32,
    },
}
