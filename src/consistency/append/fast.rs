//! The short way from EDN to transactions, without a history in between. What it does not understand it leaves to the
//! reader that can say what is wrong: it returns nothing, and never guesses.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::builder::Builder;
use super::pieces::{Pieces, Source};
use super::scan::{Scan, word};
use super::{Completion, Micro, Transactions, What};
use crate::allowance::{Allowance, Meter};
use crate::format::Disorder;

/// Processes are looked up in a table below this.
const PROCESS_MAX: usize = 1 << 24;
const NONE: u32 = u32::MAX;
/// Pieces that the helper may be ahead.
const AHEAD: usize = 8;

const TYPE: u64 = word(b"type");
const PROCESS: u64 = word(b"process");
const INDEX: u64 = word(b"index");
const TIME: u64 = word(b"time");
const FUNCTION: u64 = word(b"f");
const VALUE: u64 = word(b"value");
const INVOKE: u64 = word(b"invoke");
const OK: u64 = word(b"ok");
const FAIL: u64 = word(b"fail");
const INFO: u64 = word(b"info");
const TXN: u64 = word(b"txn");
const APPEND: u64 = word(b"append");
const READ: u64 = word(b"r");

/// Transactions of a file of maps in Jepsen's or Elle's EDN; none if any event is not of the plain kind: whole numbers as
/// keys and elements, a call for each completion, and nothing unknown.
#[must_use]
pub fn read(source: &dyn Source) -> Option<Transactions> {
    read_within(source, &Allowance::unlimited().meter())
}

/// The same; nothing also when the time is over.
pub(crate) fn read_within(source: &dyn Source, meter: &Meter<'_>) -> Option<Transactions> {
    let pieces = Pieces::of(source)?;
    let (full, from_helper) = sync_channel::<Batch>(AHEAD);
    let (empty, spare) = sync_channel::<Batch>(AHEAD + 1);
    std::thread::scope(|scope| {
        let pieces = &pieces;
        scope.spawn(move || help(pieces, &full, &spare));
        let mut joiner = Joiner::default();
        join_all(pieces, &mut joiner, from_helper, &empty, meter)?;
        let mut made = joiner.builder.finish()?;
        made.notes.extend(joiner.disorder.note());
        Some(made)
    })
}

/// Whether the helper scans a piece: five of eight, since the other thread also joins.
fn is_helped(index: u64) -> bool {
    index % 8 > 2
}

/// Scans the helper's pieces; ends early where something is not plain, or when nobody listens any more. Batches that were
/// joined come back: fresh memory costs as much as what is done in it.
fn help(pieces: &Pieces<'_>, full: &SyncSender<Batch>, spare: &Receiver<Batch>) -> Option<()> {
    let mut buffer = Vec::new();
    for index in (0..pieces.count()).filter(|index| is_helped(*index)) {
        let mut batch = spare.try_recv().unwrap_or_default();
        batch.scan(pieces.piece(index, &mut buffer)?)?;
        full.send(batch).ok()?;
    }
    Some(())
}

/// Joins the events of all pieces in their order. Takes the receiver, so that a helper that is ahead ends when this does.
fn join_all(
    pieces: &Pieces<'_>,
    joiner: &mut Joiner,
    from_helper: Receiver<Batch>,
    empty: &SyncSender<Batch>,
    meter: &Meter<'_>,
) -> Option<()> {
    let (mut buffer, mut own) = (Vec::new(), Batch::default());
    for index in 0..pieces.count() {
        if is_helped(index) {
            let batch = from_helper.recv().ok()?;
            joiner.batch(&batch)?;
            // A helper that has enough of them needs no more.
            let _enough = empty.try_send(batch);
        } else {
            own.scan(pieces.piece(index, &mut buffer)?)?;
            joiner.batch(&own)?;
        }
        (!meter.is_over()).then_some(())?;
    }
    drop(from_helper);
    Some(())
}

/// Events of a part of the file.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) events: Vec<Event>,
    micros: Vec<Written>,
    elements: Vec<i64>,
}

impl Batch {
    /// The events of a piece, in the place of those before; nothing if some of it is not plain.
    pub(super) fn scan(&mut self, piece: &[u8]) -> Option<()> {
        let mut scan = Scan::new(piece);
        self.events.clear();
        self.micros.clear();
        self.elements.clear();
        while scan.passes(b'{') {
            self.event(&mut scan)?;
        }
        scan.at_end().then_some(())
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Type {
    #[default]
    Unknown,
    Invoke,
    End(Completion),
}

/// A micro-operation as it stands in the file.
#[derive(Clone, Copy, Debug)]
enum Written {
    Append {
        key: i64,
        value: i64,
    },
    /// It read elements up to this place of the event's; the ones before belong to earlier reads.
    Read {
        key: i64,
        until: usize,
    },
    Unread {
        key: i64,
    },
}

/// One event; its micro-operations are those of its batch that follow the ones of the event before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Event {
    pub(super) kind: Type,
    pub(super) process: Option<i64>,
    pub(super) index: Option<i64>,
    pub(super) time: Option<i64>,
    /// Whether a value was there and was no `nil`.
    value: bool,
    /// Where its micro-operations end.
    until: usize,
}

impl Batch {
    /// The rest of a map whose bracket has been read.
    fn event(&mut self, scan: &mut Scan<'_>) -> Option<()> {
        let mut event = Event::default();
        let mut seen = 0_u8;
        while !scan.passes(b'}') {
            let bit = match scan.keyword()? {
                TYPE => {
                    event.kind = kind(scan)?;
                    1
                }
                PROCESS => {
                    event.process = Some(scan.whole()?);
                    2
                }
                INDEX => {
                    event.index = Some(scan.whole()?);
                    4
                }
                TIME => {
                    event.time = Some(scan.whole()?);
                    8
                }
                FUNCTION => (scan.keyword()? == TXN).then_some(16)?,
                VALUE => {
                    event.value = self.value(scan)?;
                    32
                }
                _ => return None,
            };
            (seen & bit == 0).then(|| seen |= bit)?;
        }
        event.until = self.micros.len();
        self.events.push(event);
        Some(())
    }

    /// Whether there are micro-operations, even none.
    fn value(&mut self, scan: &mut Scan<'_>) -> Option<bool> {
        if !scan.passes(b'[') {
            // Jepsen says why an operation is indeterminate with a keyword.
            return scan.nil().or_else(|| scan.any_keyword()).map(|()| false);
        }
        while scan.passes(b'[') {
            let word = scan.keyword()?;
            let key = scan.whole()?;
            match word {
                APPEND => {
                    let value = scan.whole()?;
                    self.micros.push(Written::Append { key, value });
                }
                READ if scan.passes(b'[') => {
                    scan.wholes(&mut self.elements)?;
                    self.micros.push(Written::Read { key, until: self.elements.len() });
                }
                READ => {
                    scan.nil()?;
                    self.micros.push(Written::Unread { key });
                }
                _ => return None,
            }
            scan.expect(b']')?;
        }
        scan.expect(b']').map(|()| true)
    }
}

fn kind(scan: &mut Scan<'_>) -> Option<Type> {
    match scan.keyword()? {
        INVOKE => Some(Type::Invoke),
        OK => Some(Type::End(Completion::Ok)),
        FAIL => Some(Type::End(Completion::Fail)),
        INFO => Some(Type::End(Completion::Info)),
        _ => None,
    }
}

/// Joins events into transactions.
#[derive(Default)]
struct Joiner {
    builder: Builder,
    /// The transaction that each process waits for.
    open: Vec<u32>,
    events: u32,
    index: Option<i64>,
    time: Option<i64>,
    disorder: Disorder,
}

impl Joiner {
    fn batch(&mut self, batch: &Batch) -> Option<()> {
        let (mut micro, mut element) = (0, 0);
        for event in &batch.events {
            self.event(event, &batch.micros[micro..event.until], &batch.elements, &mut element)?;
            micro = event.until;
        }
        Some(())
    }

    /// `element` is where the lists of this event begin.
    fn event(&mut self, event: &Event, micros: &[Written], elements: &[i64], element: &mut usize) -> Option<()> {
        self.ordered(event)?;
        let process = usize::try_from(event.process?).ok().filter(|process| *process < PROCESS_MAX)?;
        if process >= self.open.len() {
            self.open.resize((process + 1).next_power_of_two(), NONE);
        }
        match event.kind {
            Type::Invoke if self.open[process] == NONE && event.value => {
                self.builder.begin(u32::try_from(process).ok()?, self.events);
                self.open[process] = self.builder.next() - 1;
                self.called(micros)?;
            }
            Type::Invoke | Type::Unknown => return None,
            Type::End(completion) => {
                let transaction = std::mem::replace(&mut self.open[process], NONE);
                (transaction != NONE).then_some(())?;
                self.builder.end(transaction, completion, self.events);
                match completion {
                    Completion::Ok if event.value => self.answered(micros, elements, element, transaction)?,
                    Completion::Ok => return None,
                    // What a failure says of its reads is left out, and so are the lists that belong to them.
                    Completion::Fail | Completion::Info => *element = last_element(micros).unwrap_or(*element),
                }
            }
        }
        self.events = self.events.checked_add(1)?;
        Some(())
    }

    fn ordered(&mut self, event: &Event) -> Option<()> {
        let forward = event.index.is_none_or(|index| index >= 0 && self.index.is_none_or(|last| index > last))
            && (event.index.is_some() || self.index.is_none());
        if let (Some(last), Some(time)) = (self.time, event.time)
            && time < last
        {
            self.disorder.add(last, time, 0);
        }
        self.index = event.index;
        self.time = event.time.max(self.time);
        forward.then_some(())
    }

    fn called(&mut self, micros: &[Written]) -> Option<()> {
        for micro in micros {
            let micro = match *micro {
                Written::Append { key, value } => Micro { key: self.builder.whole_key(key), what: What::Append, value },
                Written::Unread { key } => Micro { key: self.builder.whole_key(key), what: What::Unread, value: 0 },
                Written::Read { .. } => return None,
            };
            self.builder.push(micro);
        }
        Some(())
    }

    /// The micro-operations of an answer, which must be those of the call.
    fn answered(&mut self, micros: &[Written], elements: &[i64], from: &mut usize, transaction: u32) -> Option<()> {
        (micros.len() == self.builder.micro_count(transaction)).then_some(())?;
        for (at, micro) in micros.iter().enumerate() {
            let called = *self.builder.micro(transaction, at)?;
            match *micro {
                Written::Append { key, value } => {
                    let key = self.builder.whole_key(key);
                    (called == Micro { key, what: What::Append, value }).then_some(())?;
                }
                Written::Read { key, .. } | Written::Unread { key } => {
                    let until = if let Written::Read { until, .. } = *micro { until } else { *from };
                    let key = self.builder.whole_key(key);
                    ((called.key, called.what) == (key, What::Unread)).then_some(())?;
                    let read = self.builder.read(key, &elements[*from..until], transaction);
                    *self.builder.micro(transaction, at)? = read;
                    *from = until;
                }
            }
        }
        Some(())
    }
}

/// Where the lists of an event end, if it has any.
fn last_element(micros: &[Written]) -> Option<usize> {
    micros.iter().rev().find_map(|micro| match micro {
        Written::Read { until, .. } => Some(*until),
        Written::Append { .. } | Written::Unread { .. } => None,
    })
}
