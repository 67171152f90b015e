//! Small histories with the rarest anomalies, which lies of a store reach once in some hundred runs or never: each is written down
//! here event by event. Data and its text; judges nothing.

use crate::consistency::format::native::Event;
use crate::consistency::text::Claim;
use crate::consistency::{AnomalyKind as A, Completion, Value};
use crate::workload::words;

use super::expected::{COMMITTED, SESSION, STRICT};

/// What a transaction does to a list.
#[derive(Clone, Copy, Debug)]
enum Step {
    Append(&'static str, i64),
    Read(&'static str, &'static [i64]),
}

use Step::{Append, Read};

/// A transaction: its process, when it is called and when it is acknowledged, and its steps. No two moments are the same.
type Txn = (u64, u64, u64, &'static [Step]);

/// A history of transactions on lists.
pub(super) struct Planted {
    /// What must be told.
    pub(super) name: A,
    /// What the store claims.
    pub(super) claim: Claim,
    txns: &'static [Txn],
}

/// Each with the reason why it is rare.
pub(super) const PLANTED: [Planted; 4] = [
    // A read that misses an open transaction, which somebody else has seen who misses what ended before that read: stores
    // that lose sight of others so seldom miss nothing simpler.
    Planted {
        name: A::GNonadjacentRealtime,
        claim: STRICT,
        txns: &[
            (0, 1, 12, &[Append("x", 1)]),
            (1, 2, 10, &[Read("x", &[1]), Read("y", &[])]),
            (2, 3, 5, &[Append("y", 1)]),
            (3, 6, 7, &[Read("x", &[])]),
            (4, 13, 14, &[Read("x", &[1]), Read("y", &[1])]),
        ],
    },
    // A read that misses an open transaction, which misses what ended before that read.
    Planted {
        name: A::G2ItemRealtime,
        claim: STRICT,
        txns: &[
            (0, 1, 8, &[Append("x", 1), Read("y", &[])]),
            (1, 2, 3, &[Append("y", 1)]),
            (2, 4, 5, &[Read("x", &[])]),
            (3, 10, 11, &[Read("x", &[1]), Read("y", &[1])]),
        ],
    },
    // A process that reads what it is itself going to write: a store would have to know it.
    Planted {
        name: A::G1cProcess,
        claim: SESSION,
        txns: &[(0, 1, 2, &[Read("x", &[1])]), (0, 3, 4, &[Append("x", 1)]), (1, 5, 6, &[Read("x", &[1])])],
    },
    // The two appends of one transaction the wrong way round: the store of the lies does them one by one.
    Planted {
        name: A::AppendOrder,
        claim: COMMITTED,
        txns: &[(0, 1, 2, &[Append("x", 1), Append("x", 2)]), (1, 3, 4, &[Read("x", &[2, 1])])],
    },
];

impl Planted {
    /// The history as a run writes it.
    pub(super) fn text(&self) -> String {
        let mut events: Vec<(u64, &Txn)> = self.txns.iter().flat_map(|txn| [(txn.1, txn), (txn.2, txn)]).collect();
        events.sort_by_key(|(moment, _)| *moment);
        let mut text = String::new();
        for (moment, txn) in events {
            let is_end = moment == txn.2;
            let value = words::list(txn.3.iter().map(|step| micro(*step, is_end)));
            let event = Event {
                index: moment,
                time: i64::try_from(moment).unwrap_or(i64::MAX),
                process: txn.0,
                completion: is_end.then_some(Completion::Ok),
                function: "txn",
                key: None,
                value: &value,
                node: None,
                saw: None,
            };
            event.write(&mut text);
        }
        text
    }
}

fn micro(step: Step, is_end: bool) -> Value {
    let text = |text: &str| Value::Text(text.into());
    let (word, key, value) = match step {
        Append(key, element) => ("append", key, Value::Int(element)),
        Read(key, seen) if is_end => ("r", key, words::list(seen.iter().map(|element| Value::Int(*element)))),
        Read(key, _) => ("r", key, Value::Nil),
    };
    words::list([text(word), text(key), value])
}
