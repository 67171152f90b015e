//! Puts transactions together, event by event, from whatever reader. Judges nothing.

use std::collections::BTreeMap;

use super::{Completion, Micro, Transactions, Value, What};

/// Collects transactions; lists that are read are compared at once, so that they need not be kept.
#[derive(Default)]
pub(super) struct Builder {
    made: Transactions,
    words: BTreeMap<Value, i64>,
}

impl Builder {
    #[inline]
    pub(super) fn whole_key(&mut self, key: i64) -> u32 {
        let number = self.made.keys.whole(key);
        self.grow();
        number
    }

    pub(super) fn key(&mut self, key: &Value) -> u32 {
        let number = self.made.keys.value(key);
        self.grow();
        number
    }

    fn grow(&mut self) {
        if self.made.longest.len() < self.made.keys.len() {
            self.made.longest.push(Vec::new());
            self.made.longest_reader.push(u32::MAX);
        }
    }

    /// A number for an element that need not be one.
    pub(super) fn element(&mut self, value: &Value) -> i64 {
        if let Value::Int(whole) = value {
            return *whole;
        }
        if let Some(known) = self.words.get(value) {
            return *known;
        }
        let number = i64::MIN + i64::try_from(self.made.words.len()).unwrap_or(0);
        self.made.words.push(value.clone());
        self.words.insert(value.clone(), number);
        number
    }

    /// What the history does not tell: calls, processes.
    pub(super) fn lacking(&mut self, calls: bool, processes: bool) {
        (self.made.untimed, self.made.unnamed) = (calls, processes);
    }

    pub(super) fn next(&self) -> u32 {
        u32::try_from(self.made.len()).unwrap_or(u32::MAX)
    }

    /// A transaction begins, of a process below the number of transactions or so; its micro-operations follow.
    pub(super) fn begin(&mut self, process: u32, call: u32) {
        self.made.starts.push(u32::try_from(self.made.micros.len()).unwrap_or(u32::MAX));
        self.made.completions.push(Completion::Info);
        self.made.processes.push(process);
        self.made.calls.push(call);
        self.made.ends.push(u32::MAX);
    }

    #[inline]
    pub(super) fn push(&mut self, micro: Micro) {
        self.made.micros.push(micro);
    }

    /// A transaction ends. Ends come in their order, or `sort_ends` is called at last.
    pub(super) fn end(&mut self, transaction: u32, completion: Completion, end: u32) {
        self.made.completions[transaction as usize] = completion;
        if completion != Completion::Info {
            self.made.ends[transaction as usize] = end;
            self.made.ended.push(transaction);
        }
    }

    /// Puts those that ended into the order of their ends, and says it.
    pub(super) fn sort_ends(&mut self) -> Vec<u32> {
        let ends = &self.made.ends;
        self.made.ended.sort_unstable_by_key(|transaction| ends[*transaction as usize]);
        self.made.ended.clone()
    }

    /// Micro-operation number `at` of a transaction, to be filled in when its answer is read.
    #[inline]
    pub(super) fn micro(&mut self, transaction: u32, at: usize) -> Option<&mut Micro> {
        let start = self.made.starts[transaction as usize] as usize;
        let end = self.made.starts.get(transaction as usize + 1).map_or(self.made.micros.len(), |end| *end as usize);
        self.made.micros[start..end].get_mut(at)
    }

    pub(super) fn micro_count(&self, transaction: u32) -> usize {
        let start = self.made.starts[transaction as usize] as usize;
        self.made.starts.get(transaction as usize + 1).map_or(self.made.micros.len(), |end| *end as usize) - start
    }

    /// What a read of this list is: a beginning of the longest list of its key, which it may become, or an odd one.
    #[inline]
    pub(super) fn read(&mut self, key: u32, list: &[i64], reader: u32) -> Micro {
        let longest = &mut self.made.longest[key as usize];
        let shared = longest.len().min(list.len());
        if longest[..shared] == list[..shared] {
            if list.len() > shared {
                longest.extend_from_slice(&list[shared..]);
                self.made.longest_reader[key as usize] = reader;
            } else if list.is_empty() && self.made.longest_reader[key as usize] == u32::MAX {
                self.made.longest_reader[key as usize] = reader;
            }
            return Micro { key, what: What::Read, value: i64::try_from(list.len()).unwrap_or(i64::MAX) };
        }
        self.made.odd.push(list.to_vec());
        Micro { key, what: What::Odd, value: i64::try_from(self.made.odd.len() - 1).unwrap_or(i64::MAX) }
    }

    /// None if there are more micro-operations than can be numbered.
    pub(super) fn finish(mut self) -> Option<Transactions> {
        let last = u32::try_from(self.made.micros.len()).ok()?;
        // Graph nodes keep three bits for the kinds of edges, and there are up to four for a transaction.
        if self.made.len() >= 1 << 26 {
            return None;
        }
        self.made.starts.push(last);
        Some(self.made)
    }
}
