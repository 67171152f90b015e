//! Numbers for values: equal values get one number, in the order in which they are first seen.
//!
//! Never iterates its table, so its order cannot leak into an answer.

use super::history::Value;

/// No number: nothing is ever given it.
pub const NONE: u32 = u32::MAX;

/// Open addressing over borrowed values; a power of two of slots, at most half of them used. Whole numbers, the most frequent
/// values by far, have tables of their own: by the value itself where those are dense, as generators make them.
pub(crate) struct Interner<'a> {
    wholes: Wholes,
    slots: Vec<u32>,
    used: usize,
    values: Vec<&'a Value>,
}

impl<'a> Interner<'a> {
    pub(crate) fn new() -> Self {
        Self { wholes: Wholes::new(), slots: vec![NONE; 16], used: 0, values: Vec::new() }
    }

    /// The number of a value, a new one if it was never seen.
    pub(crate) fn number(&mut self, value: &'a Value) -> u32 {
        let next = number_of(self.values.len());
        let number = match value {
            Value::Int(whole) if Wholes::holds(*whole) => self.wholes.number(whole.cast_unsigned(), next),
            _ => self.other(value, next),
        };
        if number == next {
            self.values.push(value);
        }
        number
    }

    fn other(&mut self, value: &Value, next: u32) -> u32 {
        let mask = self.slots.len() - 1;
        let mut slot = slot_of(hash(value), mask);
        while self.slots[slot] != NONE {
            let number = self.slots[slot];
            if self.values[number as usize] == value {
                return number;
            }
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = next;
        self.used += 1;
        if self.used * 2 > self.slots.len() {
            self.grow(value, next);
        }
        next
    }

    /// How many different values were seen.
    pub(crate) fn len(&self) -> u32 {
        number_of(self.values.len())
    }

    /// The values by their numbers.
    pub(crate) fn values(&self) -> &[&'a Value] {
        &self.values
    }

    /// `newest` has a slot and is not yet among the values.
    fn grow(&mut self, newest: &Value, next: u32) {
        let mask = self.slots.len() * 4 - 1;
        let mut slots = vec![NONE; mask + 1];
        for &number in self.slots.iter().filter(|&&number| number != NONE) {
            let value = if number == next { newest } else { self.values[number as usize] };
            let mut slot = slot_of(hash(value), mask);
            while slots[slot] != NONE {
                slot = (slot + 1) & mask;
            }
            slots[slot] = number;
        }
        self.slots = slots;
    }
}

/// Numbers of whole numbers: by the value itself where those are dense, by a table of their hashes elsewhere.
pub(crate) struct Wholes {
    dense: Vec<u32>,
    sparse: Numbers,
}

impl Wholes {
    pub(crate) fn new() -> Self {
        Self { dense: Vec::new(), sparse: Numbers::new() }
    }

    /// Whether it can be here: -1 is the key that the table of sparse ones cannot hold.
    pub(crate) fn holds(whole: i64) -> bool {
        whole != -1
    }

    /// The number of a whole number; `next`, the count of all that have numbers, if it had none.
    pub(crate) fn number(&mut self, whole: u64, next: u32) -> u32 {
        let limit = next as usize * 4 + 256;
        let Some(place) = usize::try_from(whole).ok().filter(|&place| place < limit.max(self.dense.len())) else {
            return self.sparse.get_or_insert(whole, next);
        };
        if place >= self.dense.len() {
            self.dense.resize(limit, NONE);
        }
        if self.dense[place] == NONE {
            // It may have been sparse when there were fewer.
            self.dense[place] = self.sparse.get(whole).unwrap_or(next);
        }
        self.dense[place]
    }

    pub(crate) fn held(&self) -> u64 {
        self.dense.len() as u64 * 4 + self.sparse.bytes()
    }
}

/// An index as the 32-bit number that everything here uses.
///
/// # Panics
///
/// With 2³² − 1 or more things of one kind: such a history does not fit into memory as a [`History`](super::History).
pub(crate) fn number_of(index: usize) -> u32 {
    let number = u32::try_from(index).expect("fewer than 2^32 operations and values");
    assert!(number < NONE - 1, "fewer than 2^32 - 2 operations and values");
    number
}

/// Mixes one word into a hash.
pub(crate) fn mix(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ word) * u128::from(0x9E37_79B9_7F4A_7C15_u64 | 1);
    #[expect(clippy::cast_possible_truncation, reason = "both halves of the product are used")]
    let folded = (product as u64) ^ ((product >> 64) as u64);
    folded.wrapping_add(0x2545_F491_4F6C_DD1D)
}

pub(crate) fn slot_of(hash: u64, mask: usize) -> usize {
    ((hash >> 7) as usize) & mask
}

pub(crate) fn hash_bytes(mut hash: u64, bytes: &[u8]) -> u64 {
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = mix(hash, u64::from_le_bytes(word));
    }
    mix(hash, bytes.len() as u64)
}

fn hash(value: &Value) -> u64 {
    match value {
        Value::Nil => 1,
        Value::Bool(value) => mix(2, u64::from(*value)),
        Value::Int(value) => mix(3, value.cast_unsigned()),
        Value::Text(text) => hash_bytes(4, text.as_bytes()),
        Value::Number(number) => hash_bytes(7, number.as_bytes()),
        Value::Keyword(word) => hash_bytes(8, word.as_bytes()),
        Value::List(values) => values.iter().fold(5, |sum, value| mix(sum, hash(value))),
        Value::Map(entries) => entries.iter().fold(6, |sum, (key, value)| mix(mix(sum, hash(key)), hash(value))),
    }
}

/// A map from 64-bit keys to numbers; `u64::MAX` is not a key.
pub(crate) struct Numbers {
    slots: Vec<(u64, u32)>,
    used: usize,
}

impl Numbers {
    pub(crate) fn new() -> Self {
        Self { slots: vec![(u64::MAX, NONE); 16], used: 0 }
    }

    fn find(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = slot_of(mix(0, key), mask);
        while self.slots[slot].0 != key && self.slots[slot].0 != u64::MAX {
            slot = (slot + 1) & mask;
        }
        slot
    }

    pub(crate) fn get(&self, key: u64) -> Option<u32> {
        let (found, number) = self.slots[self.find(key)];
        (found == key).then_some(number)
    }

    /// The number of a key; `next` if it had none, which it has from now on.
    pub(crate) fn get_or_insert(&mut self, key: u64, next: u32) -> u32 {
        let slot = self.find(key);
        let (found, number) = self.slots[slot];
        if found == key {
            return number;
        }
        if self.used * 2 >= self.slots.len() {
            self.insert(key, next);
        } else {
            self.slots[slot] = (key, next);
            self.used += 1;
        }
        next
    }

    pub(crate) fn insert(&mut self, key: u64, number: u32) {
        if self.used * 2 >= self.slots.len() {
            let grown = vec![(u64::MAX, NONE); self.slots.len() * 4];
            for (key, number) in std::mem::replace(&mut self.slots, grown) {
                if key != u64::MAX {
                    let slot = self.find(key);
                    self.slots[slot] = (key, number);
                }
            }
        }
        let slot = self.find(key);
        self.used += usize::from(self.slots[slot].0 == u64::MAX);
        self.slots[slot] = (key, number);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.slots.len() as u64 * 16
    }

    /// Bytes that it holds at most after one more step: a table that grows is there twice for a moment.
    pub(crate) fn soon(&self) -> u64 {
        if (self.used + STEP) * 2 >= self.slots.len() { self.bytes() * 5 } else { self.bytes() }
    }
}

/// More entries than one step of a search makes.
const STEP: usize = 1024;

/// Bytes that a vector holds at most after one more step: one that grows is there twice for a moment.
pub(crate) fn soon(length: usize, capacity: usize, size: usize) -> u64 {
    soon_with(0, length, capacity, size)
}

/// The same after so many entries more.
pub(crate) fn soon_with(more: usize, length: usize, capacity: usize, size: usize) -> u64 {
    let needed = length + more + STEP;
    let entries = if needed > capacity { capacity + needed.max(capacity * 2) } else { capacity };
    (entries * size) as u64
}

/// Byte strings by number: equal ones have one number.
pub(crate) struct Shelf {
    slots: Vec<u32>,
    ends: Vec<usize>,
    bytes: Vec<u8>,
}

impl Shelf {
    pub(crate) fn new() -> Self {
        Self { slots: vec![NONE; 16], ends: Vec::new(), bytes: Vec::new() }
    }

    pub(crate) fn get(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.bytes[start..self.ends[number]]
    }

    pub(crate) fn number(&mut self, bytes: &[u8]) -> u32 {
        let mask = self.slots.len() - 1;
        let mut slot = slot_of(hash_bytes(0, bytes), mask);
        while self.slots[slot] != NONE {
            if self.get(self.slots[slot]) == bytes {
                return self.slots[slot];
            }
            slot = (slot + 1) & mask;
        }
        let number = number_of(self.ends.len());
        self.slots[slot] = number;
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
        if self.ends.len() * 2 > self.slots.len() {
            self.grow();
        }
        number
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 4 - 1;
        let mut slots = vec![NONE; mask + 1];
        for number in 0..number_of(self.ends.len()) {
            let mut slot = slot_of(hash_bytes(0, self.get(number)), mask);
            while slots[slot] != NONE {
                slot = (slot + 1) & mask;
            }
            slots[slot] = number;
        }
        self.slots = slots;
    }

    pub(crate) fn held(&self) -> u64 {
        (self.bytes.len() + self.ends.len() * 8 + self.slots.len() * 4) as u64
    }
}
