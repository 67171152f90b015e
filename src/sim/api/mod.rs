//! The API server: HTTP requests in, Kubernetes answers out, as a tower `Service` for `kube::Client::new`.
//! Never decides what an object means: rules for objects are `registry`'s, behaviour is the controllers'.

mod access;
mod apply;
mod ask;
mod discovery;
pub mod error;
mod evict;
mod fields;
mod fieldset;
mod handle;
mod list;
mod managed;
mod patch;
mod proxy;
mod query;
mod remove;
mod route;
mod scale;
mod schema;
pub(crate) mod selector;
mod service;
mod strategic;
mod watch;
mod write;

#[cfg(test)]
mod tests;

pub use ask::ask;
pub use service::{AnswerBody, ApiServer};

/// The user that every request is made by.
const USER: &str = "kubernetes-admin";
