//! A mutex: `acquire` requires that it is free, `release` that it is held. State 1 is held.
//!
//! Does not ask who releases: after an unknown outcome a client goes on under another name.

use super::{Codes, History, Machine, Steps, required, unknown};

/// The machine of a mutex; by code, whether it acquires.
pub(crate) struct Mutex {
    acquires: Vec<bool>,
}

impl Machine for Mutex {
    fn initial(&self) -> u32 {
        0
    }

    fn step(&mut self, state: u32, code: u32) -> Option<u32> {
        let (before, after) = if self.acquires[code as usize] { (0, 1) } else { (1, 0) };
        (state == before).then_some(after)
    }

    fn is_blind(&self, _code: u32) -> bool {
        false
    }

    fn shown(&self, state: u32) -> Option<String> {
        Some((if state == 0 { "free" } else { "held" }).to_owned())
    }

    fn soon(&self) -> u64 {
        0
    }
}

/// The operations of one key.
pub(crate) fn mutex(history: &History, members: &[u32]) -> Result<(Mutex, Steps), String> {
    let mut codes = Codes::new();
    for &index in members {
        let operation = &history.operations[index as usize];
        let acquires = match &*operation.function {
            "acquire" => true,
            "release" => false,
            _ => return Err(unknown("mutex", index, operation)),
        };
        let Some(required) = required(operation) else { continue };
        codes.add(index, required, u64::from(acquires), acquires, false);
    }
    Ok((Mutex { acquires: codes.effects }, codes.steps))
}
