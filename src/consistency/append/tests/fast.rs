//! The short way to transactions against the long one: whatever it accepts, the long one accepts and reads the same.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::append::{Transactions, analyse, read_fast};
use crate::format::{self, Format};

/// Events of four processes, well formed; every third with an index, every second with a time.
fn events() -> impl Strategy<Value = String> {
    let micro = (0_u8..2, 0_i64..3, prop::collection::vec(1_i64..6, 0..4));
    let event = (0_usize..4, 0_u8..6, prop::collection::vec(micro, 0..3));
    (prop::collection::vec(event, 1..12), 0_u8..6).prop_map(|(events, style)| {
        let mut open: [Option<String>; 4] = [const { None }; 4];
        let mut element = 0;
        let mut text = String::new();
        for (number, (process, kind, micros)) in events.into_iter().enumerate() {
            let (kind, value) = if let Some(answer) = open[process].take() {
                match kind {
                    0 => ("info", "nil".to_owned()),
                    1 => ("fail", ":conflict".to_owned()),
                    _ => ("ok", answer),
                }
            } else {
                let (mut call, mut answer) = (String::new(), String::new());
                for (what, key, list) in micros {
                    if what == 0 {
                        element += 1;
                        let _ = write!(call, "[:append {key} {element}] ");
                        let _ = write!(answer, "[:append {key} {element}] ");
                    } else {
                        let _ = write!(call, "[:r {key} nil] ");
                        let list: Vec<String> = list.iter().map(ToString::to_string).collect();
                        let _ = write!(answer, "[:r {key} [{}]] ", list.join(" "));
                    }
                }
                open[process] = Some(format!("[{answer}]"));
                ("invoke", format!("[{call}]"))
            };
            let index = if style % 3 == 0 { format!(":index {number}, ") } else { String::new() };
            let time = if style % 2 == 0 { format!(", :time {}", number * 7) } else { String::new() };
            let _ = writeln!(text, "{{{index}:type :{kind}, :f :txn, :value {value}, :process {process}{time}}}");
        }
        if style == 5 { format!("[{text}]") } else { text }
    })
}

/// Both ways, if the short one accepts.
fn agree(text: &[u8]) -> Result<bool, TestCaseError> {
    let Some(fast) = read_fast(&text) else { return Ok(false) };
    let history = format::read(text, Format::JepsenEdn);
    prop_assert!(history.is_ok(), "{history:?}");
    let slow = Transactions::from_history(&history.expect("just looked"));
    prop_assert!(slow.is_ok(), "{slow:?}");
    let slow = slow.expect("just looked");
    prop_assert_eq!(fast.len(), slow.len());
    match (analyse(&fast), analyse(&slow)) {
        (Ok(fast), Ok(slow)) => prop_assert_eq!(fast.anomalies, slow.anomalies),
        (fast, slow) => prop_assert_eq!(fast.err(), slow.err()),
    }
    Ok(true)
}

proptest! {
    #[test]
    fn plain_events_are_read_alike(text in events()) {
        prop_assert!(agree(text.as_bytes())?, "not accepted: {text}");
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_long_way(text in events(), changes in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..3, any::<u8>()), 1..4)) {
        let mut bytes = text.into_bytes();
        for (place, change, byte) in changes {
            let at = place.index(bytes.len());
            let byte = if byte < 128 { b"[]{}: 019nrk-,"[usize::from(byte) % 14] } else { byte };
            match change {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => {}
            }
        }
        agree(&bytes)?;
    }
}

/// What shows an anomaly is found in the text again, with its lines and moments.
#[test]
fn witnesses_come_back_from_the_text() {
    let text = "\n[{:process 3, :type :invoke, :f :txn, :value [[:append 7 1]]}\n\n\
                {:process 4, :type :invoke, :f :txn, :value [[:r 7 nil]]} {:process 5, :type :invoke, :f :txn, :value []}\n\
                {:process 3, :type :ok, :f :txn,\n :value [[:append 7 1]]}\n{:process 5, :type :ok, :f :txn, :value []}\n\
                {:process 4, :type :ok, :f :txn, :value [[:r 7 [1]]]}]\n";
    let wanted = [0, 1].into_iter().collect();
    let history = super::super::recall(&text.as_bytes(), &wanted).expect("found");
    let whole = format::read(text.as_bytes(), Format::Elle).expect("reads");
    assert_eq!(history.operations, whole.operations[..2]);
    assert_eq!(history.operations.iter().map(|one| one.call.line).collect::<Vec<_>>(), [2, 4]);
    let request = crate::Request {
        model: crate::Model::Append,
        format: Format::Elle,
        claim: None,
        options: crate::Options::default(),
    };
    let broken = text.replace("[[:r 7 [1]]]", "[[:r 7 [1 9]]]");
    let judged = crate::check_text(broken.as_bytes(), &request, &|| false).expect("reads");
    assert_eq!(judged.part.as_deref(), Some(&[1][..]));
    assert_eq!(judged.history.expect("a part").operations[0].process, 4);
}
