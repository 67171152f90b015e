//! What runs have left on a cluster, found from the cluster alone, and how it is taken back. Never touches an object that
//! does not carry the run's own mark, whatever a record says.

mod find;
mod mark;
mod trust;

use jiff::Timestamp;

use crate::evidence::Undo;
use crate::world::World;

use super::context::Context;
use super::faults::node_failure;
use super::undo;

/// What one run has left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// The run.
    pub run: String,
    /// What is known of it: scenario, target and start; empty without a record.
    pub about: String,
    /// Until when its lock says that it may be at work.
    pub locked_until: Option<Timestamp>,
    /// How it is taken back, in this order.
    pub undo: Vec<Undo>,
    /// What may be left in stores, which no cluster can tell: for people, with what removes it.
    pub written: Vec<String>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// By run.
    pub runs: Vec<Left>,
    /// Where it could not be looked, and why.
    pub blind: Vec<String>,
}

/// What became of one undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenBack {
    /// Done and verified.
    Done(String),
    /// It was not there any more.
    Absent(String),
    /// It is there and not this run's: left alone, and why.
    Foreign(String),
    /// Not done, and the command that does it.
    Failed(String),
}

/// Looks for what runs have left, in one namespace or in all, of one run or of all.
pub async fn survey(world: &World, namespace: Option<&str>, run: Option<&str>) -> Survey {
    find::survey(&Context::bare(world, run.unwrap_or("undo")), namespace, run).await
}

/// Takes back one thing that a run has left. `heal` is the command that brings a node back, typed by the person who asks.
pub async fn take_back(world: &World, left: &Left, undo: &Undo, heal: Option<&str>) -> TakenBack {
    let context = Context { allow_commands: heal.is_some(), ..Context::bare(world, &left.run) };
    let what = undo::describe(undo);
    let left_over = |reason: String| TakenBack::Failed(format!("{what}: {reason}; {}", undo::by_hand(undo)));
    match mark::of(&context, undo, left).await {
        Ok(mark::Mark::Absent) => TakenBack::Absent(what),
        Ok(mark::Mark::Foreign(why)) => TakenBack::Foreign(format!("{what}: {why}")),
        Ok(mark::Mark::Back(node)) => match node_failure::unmark(&context, &node).await {
            Ok(()) => TakenBack::Absent(what),
            Err(undo::Failure::Away(reason) | undo::Failure::Refused(reason)) => left_over(reason),
        },
        Ok(mark::Mark::Ours(uid)) => match completed(&context, undo, heal).await {
            Ok(undo) => match undo::apply_to(&context, &undo, uid.as_deref()).await {
                Ok(()) => TakenBack::Done(what),
                Err(reason) => TakenBack::Failed(reason),
            },
            Err(reason) => left_over(reason),
        },
        Err(reason) => left_over(reason),
    }
}

/// With what no record is asked for: the command that a person has typed, and the address that the Node itself has.
async fn completed(context: &Context, undo: &Undo, heal: Option<&str>) -> Result<Undo, String> {
    match (undo, heal) {
        (Undo::RestoreNode { node, mode, .. }, Some(heal)) => Ok(Undo::RestoreNode {
            node: node.clone(),
            ip: mark::address(context, node).await?,
            mode: *mode,
            command: Some(heal.to_owned()),
        }),
        _ => Ok(undo.clone()),
    }
}

/// What an undo is about, for people.
#[must_use]
pub fn describe(undo: &Undo) -> String {
    undo::describe(undo)
}
