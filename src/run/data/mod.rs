//! Checks that no data is lost: unique writes through a Service, histories of stores, and the content of volumes.

mod set;
mod store;
mod template;
mod volume;

pub(super) use set::{Writers, read_back};
pub(super) use store::{Stores, reachable};
pub(super) use volume::{mark, measure};

use crate::scenario::{Scenario, ServicePort};
use crate::world::Place;

/// The place of a Service port; its namespace is the target's unless written.
pub(super) fn service(port: &ServicePort, scenario: &Scenario) -> Place {
    Place::Service {
        namespace: port.namespace.clone().unwrap_or_else(|| scenario.target.namespace.clone()),
        name: port.service.clone(),
        port: port.port.clone(),
    }
}
