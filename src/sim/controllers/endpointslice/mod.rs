//! EndpointSlices: the pods behind each Service with a selector, at most 100 to a slice.
//! Never sends a packet; proxies follow the slices on their own.

mod endpoint;
mod members;
mod reconcile;
#[cfg(test)]
mod tests;

pub(super) use members::{Members, node_changed};
pub(super) use reconcile::sync;
