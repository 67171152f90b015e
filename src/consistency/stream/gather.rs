//! Events of a register as numbers, the moment they are read: sixteen bytes for an operation and four for its key. Judges
//! nothing, and refuses what the general reader refuses, in the same words.

use std::sync::Arc;

use super::names::{Keys, Names};
use crate::allowance::{Meter, Stop};
use crate::check::{Nil, Options};
use crate::format::native::Line;
use crate::format::{EventType, Pairing, ReadError, Seen, Wrong, unknown_function};
use crate::history::{Call, Completion, Function, Value};
use crate::register::{Access, INITIAL, NEVER, NONE};
use crate::vacuity::Tally;

/// Functions of a register.
pub(super) const FUNCTIONS: [&str; 3] = ["read", "write", "cas"];

/// Events between two looks at how much is held.
const LOOK: u64 = 1 << 16;

/// The operations of a history so far.
pub(super) struct Gather {
    wildcard: bool,
    pairing: Pairing,
    functions: [Function; 3],
    pub(super) keys: Keys,
    /// The initial value has the number [`INITIAL`].
    pub(super) values: Names,
    /// One for each call. What says nothing neither reads nor writes. Moments count events, from 1.
    pub(super) accesses: Vec<Access>,
    /// The key of each.
    pub(super) of_key: Vec<u32>,
    /// An operation that shows that the history has times of its own.
    pub(super) timed: Option<u32>,
    /// The first call of something that is no function of a register.
    pub(super) strange: Option<ReadError>,
    /// Whether anything is known to have happened.
    pub(super) something: bool,
    /// Whether something is among them that only the general way can judge.
    pub(super) beyond: bool,
    /// What else is counted of them.
    pub(super) tally: Option<Tally>,
}

impl Gather {
    pub(super) fn new(options: &Options) -> Self {
        let mut values = Names::new();
        let initial = values.of(options.initial.as_ref().unwrap_or(&Value::Nil));
        debug_assert_eq!(initial, INITIAL, "the first of all values");
        Self {
            wildcard: options.nil == Nil::Wildcard,
            pairing: Pairing::default(),
            functions: FUNCTIONS.map(Arc::from),
            keys: Keys::default(),
            values,
            accesses: Vec::new(),
            of_key: Vec::new(),
            timed: None,
            strange: None,
            something: false,
            beyond: false,
            tally: None,
        }
    }

    /// How many events there were.
    pub(super) fn events(&self) -> u64 {
        self.pairing.events()
    }

    /// What there is to tell of how the events stand in the file.
    pub(super) fn notes(&self) -> Vec<String> {
        self.pairing.disorder().note().into_iter().collect()
    }

    /// One line of the file.
    pub(super) fn line(&mut self, number: u64, line: &str, meter: &Meter<'_>) -> Result<(), Stop> {
        if let Some(line) = Line::read(number, line)? {
            self.event(number, &line).map_err(|wrong| wrong.on(number, 1))?;
            if self.events().is_multiple_of(LOOK) {
                meter.hold(self.held())?;
            }
        }
        meter.spend(16)
    }

    /// Bytes held.
    pub(super) fn held(&self) -> u64 {
        self.accesses.capacity() as u64 * 16 + self.of_key.capacity() as u64 * 4 + self.values.held() + self.keys.held()
    }

    fn event(&mut self, number: u64, line: &Line<'_>) -> Result<(), Wrong> {
        let kind = line.kind()?;
        let place = self.pairing.place(Some(line.i), Some(line.t), number)?;
        // So many events have no moments of 32 bits.
        let moment = u32::try_from(self.events()).unwrap_or(NEVER);
        self.beyond |= moment >= NEVER - 2;
        let operation = match kind {
            EventType::Invoke => self.call(number, line, moment)?,
            EventType::End(completion) => self.end(line, completion, moment)?,
        };
        self.count(line, operation, kind, place);
        if line.i != line.t && self.timed.is_none() {
            self.timed = Some(operation);
        }
        Ok(())
    }

    fn count(&mut self, line: &Line<'_>, operation: u32, kind: EventType, place: Call) {
        let Some(tally) = &mut self.tally else { return };
        match kind {
            EventType::Invoke => {
                let name = self.keys.name(line.k.as_ref());
                tally.call(operation, place, &line.f, &[self.keys.value(name)], line.node.as_deref());
            }
            EventType::End(completion) => tally.end(operation, place, completion, line.node.as_deref()),
        }
    }

    fn call(&mut self, number: u64, line: &Line<'_>, moment: u32) -> Result<u32, Wrong> {
        let known = FUNCTIONS.iter().position(|function| **function == *line.f);
        let function = known.map_or_else(|| Arc::from(&*line.f), |known| Arc::clone(&self.functions[known]));
        let name = self.keys.name(line.k.as_ref());
        let operation = self.pairing.call(line.p, &function, self.keys.value(name), number)?;
        let (reads, writes) = match (known.map(|known| FUNCTIONS[known]), line.value()) {
            (Some("write"), value) => (NONE, self.values.number(value)),
            (Some("cas"), Seen::Whole(Value::List(pair))) if pair.len() == 2 => {
                (self.values.of(&pair[0]), self.values.of(&pair[1]))
            }
            (Some("read"), _) => (NONE, NONE),
            (Some(_), _) => {
                self.beyond = true;
                (NONE, NONE)
            }
            (None, _) => {
                let wrong = || unknown_function(&line.f, "register", &FUNCTIONS).on(number, 1);
                self.strange.get_or_insert_with(wrong);
                (NONE, NONE)
            }
        };
        self.accesses.push(Access { start: moment, finish: NEVER, reads, writes });
        self.of_key.push(self.keys.called(name));
        Ok(operation)
    }

    fn end(&mut self, line: &Line<'_>, completion: Completion, moment: u32) -> Result<u32, Wrong> {
        let name = self.keys.name(line.k.as_ref());
        let (key, saw) = (self.keys.value(name), line.saw.is_some());
        let open = self.pairing.end(line.p, Some(&line.f), key, completion, saw)?;
        self.something |= completion == Completion::Ok || line.saw.is_some();
        let found = match completion {
            Completion::Ok if &*open.function == "read" => Some(line.value()),
            Completion::Fail => line.saw.as_ref(),
            Completion::Ok | Completion::Info => None,
        };
        let found = found.filter(|found| !self.wildcard || **found != Seen::Nil).map(|found| self.values.number(found));
        let access = &mut self.accesses[open.operation as usize];
        match (completion, found) {
            (_, Some(value)) => *access = Access { finish: moment, reads: value, writes: NONE, ..*access },
            (Completion::Ok, None) => access.finish = moment,
            (Completion::Fail, None) => (access.reads, access.writes) = (NONE, NONE),
            (Completion::Info, None) => {}
        }
        Ok(open.operation)
    }
}
