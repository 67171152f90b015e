//! The live side meets a server: the real command against the embedded cluster's API over HTTP, in real time.

mod faults;
mod lab;
mod refused;
mod stopped;
