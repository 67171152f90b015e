//! The rules between a request and the store, the same for the API server and for controllers: names, UIDs,
//! timestamps, generations, defaults, finalizers, graceful deletion, events. Never speaks HTTP.

mod admission;
mod create;
mod custom;
mod decode;
mod defaults;
mod delete;
mod events;
mod json;
mod qos;
mod quantity;
mod strategy;
mod validate;
mod write;

pub use custom::{defined, served};
pub use decode::{defaulted, misfit};
pub use delete::DeleteOptions;
pub use events::Recorder;
pub use json::readable;
pub use strategy::Part;
