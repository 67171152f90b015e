//! Claims and volumes over time.
