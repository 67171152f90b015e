//! The live side meets a server: the real command against the embedded cluster's API over HTTP, in real time.

mod agent;
mod faults;
mod lab;
mod leaving;
mod nodes;
mod outage;
mod records;
mod refused;
mod rights;
mod server;
mod stopped;
mod stores;
