//! The embedded cluster: a Kubernetes API in memory with the controllers, nodes, volumes and network behind it,
//! on paused tokio time. Knows Kubernetes; knows nothing of faults or verdicts and imports nothing of ours.
//!
//! It is a discrete-event simulation. [`State`] holds everything behind one lock; [`engine`] pops timed
//! [`Event`]s and hands each to the room that owns it; a room changes the [`store`], and every change is shown to
//! all rooms (`on_change`), which only enqueue more events. The API server ([`api`]) is one more writer to the store.

pub mod api;
pub mod apps;
pub mod cluster;
#[cfg(test)]
mod cluster_tests;
pub mod controllers;
pub mod engine;
pub mod kind;
pub mod kubelet;
mod labels;
pub mod network;
pub mod nodes;
pub mod registry;
pub mod scheduler;
pub mod settings;
pub mod state;
pub mod storage;
pub mod store;

pub use cluster::Cluster;
pub use engine::Event;
pub use kind::Kind;
pub use settings::{NodeSpec, Settings, Timings};
pub use state::State;
pub use store::{Change, ChangeType, Key, Object, Store};
