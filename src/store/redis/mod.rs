//! Redis, alone, with replicas, or watched over by Sentinel. What is more than one command is one Lua script, which Redis
//! runs as a whole. Never retries, and follows no redirection.
//!
//! Requests for any endpoint go to the primary: the one that Sentinel names, else the first that says of itself that it
//! is one. A client stays with a primary until the connection breaks or the primary says that it is none.

mod classify;
mod client;
mod commands;
mod link;
mod primary;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::Endpoint;

pub use client::Redis;

/// How to speak to Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisOptions {
    /// Password, when one is needed.
    pub password: Option<String>,
    /// After each write, how many replicas to wait for.
    pub wait: Option<Wait>,
    /// Who knows the primary.
    pub sentinel: Option<Sentinel>,
    /// How long a lock outlives a holder who says nothing.
    pub lock_ttl: Duration,
}

/// `WAIT`: how many replicas must have a write, and for how long to wait for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// How many.
    pub replicas: u32,
    /// How long. Whole milliseconds.
    pub timeout: Duration,
}

/// The Sentinels of a primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentinel {
    /// Where they are.
    pub endpoints: Vec<Endpoint>,
    /// What they call the primary.
    pub master: String,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self { password: None, wait: None, sentinel: None, lock_ttl: Duration::from_secs(30) }
    }
}
