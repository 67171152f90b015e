//! The scheduler's rules as small tables.
