//! The rules between a request and the store, the same for the API server and for controllers: names, UIDs,
//! timestamps, generations, defaults, finalizers, graceful deletion, events. Never speaks HTTP.

mod admission;
mod create;
mod decode;
mod defaults;
mod delete;
mod events;
mod qos;
mod strategy;
mod validate;
mod write;

pub use decode::{defaulted, unknown_fields};
pub use delete::DeleteOptions;
pub use events::Recorder;
pub use strategy::Part;
