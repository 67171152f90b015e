//! Whether the target is at full strength with every probe answered, from when on, and what is missing if not.

mod rule;
mod services;
mod settled;
mod watcher;

pub(super) use rule::{judge, strength, understaffed};
pub(super) use services::services;
pub(super) use settled::settled;
pub(super) use watcher::Watcher;
