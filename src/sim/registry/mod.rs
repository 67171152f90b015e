//! The rules between a request and the store, the same for the API server and for controllers: names, UIDs,
//! timestamps, generations, defaults, finalizers, graceful deletion, events. Never speaks HTTP.

mod events;
mod write;

pub use events::Recorder;
pub use write::DeleteOptions;
