//! Claims and volumes.
