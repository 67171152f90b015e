//! Numbers for values of lines that are gone a moment later: equal values get one number, in the order in which they are
//! first seen. Keeps whole numbers as numbers and texts as their bytes; never iterates its tables.

use std::collections::BTreeMap;

use crate::format::Seen;
use crate::history::Value;
use crate::intern::{NONE, Shelf, Wholes, number_of};

/// Values by number.
pub(super) struct Names {
    wholes: Wholes,
    texts: Shelf,
    /// The number of each text of the shelf.
    of_text: Vec<u32>,
    others: BTreeMap<Value, u32>,
    count: u32,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { wholes: Wholes::new(), texts: Shelf::new(), of_text: Vec::new(), others: BTreeMap::new(), count: 0 }
    }

    /// How many different values were seen.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// The number of a value, a new one if it was never seen.
    pub(super) fn number(&mut self, seen: &Seen<'_>) -> u32 {
        match seen {
            Seen::Nil => self.other(&Value::Nil),
            Seen::Int(whole) => self.whole(*whole),
            Seen::Text(text) => self.text(text),
            Seen::Whole(value) => self.of(value),
        }
    }

    /// The number of a value that is kept elsewhere.
    pub(super) fn of(&mut self, value: &Value) -> u32 {
        match value {
            Value::Int(whole) => self.whole(*whole),
            Value::Text(text) => self.text(text),
            Value::Nil | Value::Bool(_) | Value::Number(_) | Value::Keyword(_) | Value::List(_) | Value::Map(_) => {
                self.other(value)
            }
        }
    }

    /// Bytes held.
    pub(super) fn held(&self) -> u64 {
        self.wholes.held() + self.texts.held() + self.of_text.len() as u64 * 4 + self.others.len() as u64 * 128
    }

    fn whole(&mut self, whole: i64) -> u32 {
        if !Wholes::holds(whole) {
            return self.other(&Value::Int(whole));
        }
        let number = self.wholes.number(whole.cast_unsigned(), self.count);
        self.given(number)
    }

    fn text(&mut self, text: &str) -> u32 {
        let place = self.texts.number(text.as_bytes()) as usize;
        self.of_text.resize(self.of_text.len().max(place + 1), NONE);
        if self.of_text[place] == NONE {
            self.of_text[place] = self.count;
        }
        self.given(self.of_text[place])
    }

    fn other(&mut self, value: &Value) -> u32 {
        let number = match self.others.get(value) {
            Some(number) => *number,
            None => *self.others.entry(value.clone()).or_insert(self.count),
        };
        self.given(number)
    }

    fn given(&mut self, number: u32) -> u32 {
        if number == self.count {
            self.count = number_of(self.count as usize + 1);
        }
        number
    }
}

/// Keys by number, in the order in which they are first called.
#[derive(Default)]
pub(super) struct Keys {
    names: Option<Names>,
    /// By the number of their names.
    values: Vec<Value>,
    /// By the number of their names; `NONE` for one that was only answered.
    places: Vec<u32>,
    without: Option<u32>,
    count: u32,
}

impl Keys {
    /// The number of its name, if there is one.
    pub(super) fn name(&mut self, seen: Option<&Seen<'_>>) -> Option<u32> {
        let seen = seen?;
        let name = self.names.get_or_insert_with(Names::new).number(seen);
        if name as usize == self.values.len() {
            self.values.push(seen.clone().into_value());
            self.places.push(NONE);
        }
        Some(name)
    }

    /// The key of a name.
    pub(super) fn value(&self, name: Option<u32>) -> Option<&Value> {
        name.map(|name| &self.values[name as usize])
    }

    /// The number of a key that is called.
    pub(super) fn called(&mut self, name: Option<u32>) -> u32 {
        let place = match name {
            Some(name) => &mut self.places[name as usize],
            None => self.without.get_or_insert(NONE),
        };
        if *place == NONE {
            *place = self.count;
            self.count += 1;
        }
        *place
    }

    /// How many keys were called.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Bytes held.
    pub(super) fn held(&self) -> u64 {
        self.names.as_ref().map_or(0, Names::held) + self.values.len() as u64 * 64
    }
}
