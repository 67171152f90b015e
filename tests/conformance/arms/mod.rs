//! The two clusters. Nothing here knows a case.

pub(crate) mod embedded;
pub(crate) mod testbed;
