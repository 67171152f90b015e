//! Numbers for keys: dense, in the order of their first appearance. Small whole numbers take the short way.

use std::collections::BTreeMap;

use crate::history::Value;

/// Keys below this are looked up in a table.
const TABLE_MAX: usize = 1 << 24;
const NONE: u32 = u32::MAX;

#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    names: Vec<Value>,
    table: Vec<u32>,
    others: BTreeMap<Value, u32>,
}

impl Keys {
    /// The number of a key that is a whole number.
    #[inline]
    pub(super) fn whole(&mut self, key: i64) -> u32 {
        match usize::try_from(key) {
            Ok(at) if at < self.table.len() && self.table[at] != NONE => self.table[at],
            Ok(at) if at < TABLE_MAX => {
                if at >= self.table.len() {
                    self.table.resize((at + 1).next_power_of_two(), NONE);
                }
                self.table[at] = self.named(Value::Int(key));
                self.table[at]
            }
            _ => self.other(&Value::Int(key)),
        }
    }

    pub(super) fn value(&mut self, key: &Value) -> u32 {
        if let Value::Int(key) = key { self.whole(*key) } else { self.other(key) }
    }

    fn other(&mut self, key: &Value) -> u32 {
        if let Some(number) = self.others.get(key) {
            return *number;
        }
        let number = self.named(key.clone());
        self.others.insert(key.clone(), number);
        number
    }

    fn named(&mut self, key: Value) -> u32 {
        self.names.push(key);
        u32::try_from(self.names.len() - 1).unwrap_or(NONE)
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn name(&self, key: u32) -> String {
        self.names[key as usize].to_string()
    }
}
