//! Each format read, each kind of bad input refused with its place, and no bytes that panic.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::allowance::{Allowance, Stop};
use crate::history::{Call, Completion, Operation, Value};

fn refused(format: Format, text: &str) -> String {
    read(text.as_bytes(), format).expect_err("refused").to_string()
}

#[test]
fn the_same_history_in_every_format() {
    let edn = "[{:process 0, :type :invoke, :f :write, :value 1} ; a comment\n #_{:process 9}\n \
               #jepsen.history.Op{:process 0, :type :ok, :f :write, :value 1, :extra #inst \"2020\"}\n\
               {:process :nemesis, :type :info, :f :start, :value nil}\n\
               {:process 1, :type :invoke, :f :read, :value nil}\n{:process 1 :type :ok :f :read :value 1}]";
    let json = r#"{"process":0,"type":"invoke","f":"write","value":1}
        {"process":0,"type":"ok","f":"write","value":1} {"process":"nemesis","type":"info","f":"start"}
        {"process":1,"type":"invoke","f":"read","value":null} {"process":1,"type":"ok","f":"read","value":1}"#;
    let log = "INFO  jepsen.util - 0\t:invoke\t:write\t1\nINFO  jepsen.util - 0   :ok   :write\t1\n\
               INFO  jepsen.util - :nemesis :info :start nil\n\
               INFO  jepsen.util - 1\t:invoke\t:read\tnil\nINFO  jepsen.util - 1\t:ok\t:read\t1\n";
    for (format, text) in [(Format::JepsenEdn, edn), (Format::JepsenJson, json), (Format::JepsenLog, log)] {
        let history = read(text.as_bytes(), format).unwrap_or_else(|error| panic!("{}: {error}", format.word()));
        let told: Vec<String> = history
            .operations
            .iter()
            .map(|one| format!("{} {} {} {} {:?}", one.process, one.function, one.input, one.output, one.completion))
            .collect();
        assert_eq!(told, ["0 write 1 1 Ok", "1 read nil 1 Ok"], "{}", format.word());
    }
}

#[test]
fn an_array_of_json_events_keeps_their_lines() {
    let text =
        "[\n{\"process\":0,\"type\":\"invoke\",\"f\":\"read\"},\n{\"process\":0,\"type\":\"okay\",\"f\":\"read\"}]";
    let error = refused(Format::JepsenJson, text);
    assert!(error.starts_with("line 3, column 1: unknown type `okay`"), "{error}");
}

#[test]
fn independent_keys_are_split_off() {
    let text = "{:process 0, :type :invoke, :f :write, :value [7 1]}{:process 0, :type :ok, :f :write, :value [7 1]}\
                {:process 1, :type :invoke, :f :read, :value [7 nil]}{:process 1, :type :ok, :f :read, :value [7 1]}\
                {:process 1, :type :invoke, :f :cas, :value [7 [1 2]]}";
    let history = read(text.as_bytes(), Format::JepsenEdn).expect("reads");
    assert!(history.operations.iter().all(|one| one.key == Some(Value::Int(7))));
    assert_eq!(history.operations[1].output, Value::Int(1));
    assert_eq!(history.operations[2].input, Value::List([Value::Int(1), Value::Int(2)].into()));
}

#[test]
fn elle_may_leave_out_the_calls() {
    let text =
        "{:process 0, :type :ok, :value [[:append :x 1] [:r :y [1]]]}{:process 2, :type :ok, :value [[:r :x [1 2]]]}";
    let history = read(text.as_bytes(), Format::Elle).expect("reads");
    assert_eq!(history.operations.len(), 2);
    assert_eq!(history.operations[1].call.at, 0);
    assert!(read(text.as_bytes(), Format::JepsenEdn).is_err());
    let json = r#"{"process":0,"type":"invoke","f":"txn","value":[["append",1,1]]}"#;
    assert_eq!(read(json.as_bytes(), Format::Elle).expect("reads").operations.len(), 1);
}

#[test]
fn every_scalar_of_edn() {
    let text = r#"[nil true -7 +7 42N 1.5M 1e9 1/2 99999999999999999999 "a\n\"\u0041" \a \newline \u0041 :k sym/bol #{1} (2) {:a 1} ##NaN #t 5]"#;
    let value = edn::value(&mut Lexer::new(text)).expect("reads").expect("one");
    assert_eq!(
        value.to_string(),
        "[nil true -7 7 42 1.5M 1e9 1/2 99999999999999999999 a\n\"A a \n A k sym/bol [1] [2] {a 1} NaN 5]"
    );
}

#[test]
fn bad_lines_of_our_own_are_refused_with_their_place() {
    let call = r#"{"i":0,"t":5,"p":1,"type":"invoke","f":"read"}"#;
    let with = |second: &str| format!("{call}\n{second}\n");
    let cases = [
        (with(r#"{"i":1,"t":6,"p":1,"type":"ok","f":"re"#), "line 2, column 38: the event is cut off"),
        (with(r#"{"i":1,"t":6,"p":1,"type":"okay","f":"read"}"#), "line 2, column 1: unknown type `okay`"),
        (with(r#"{"i":1,"t":6,"p":2,"type":"ok","f":"read"}"#), "line 2, column 1: an answer to nothing: process 2"),
        (
            with(r#"{"i":1,"t":6,"p":1,"type":"invoke","f":"cas"}"#),
            "line 2, column 1: process 1 calls `cas` while its `read` of line 1",
        ),
        (with(r#"{"i":1,"t":4,"p":1,"type":"ok","f":"read"}"#), "line 2, column 1: time goes backwards, from 5 to 4"),
        (with(r#"{"i":0,"t":6,"p":1,"type":"ok","f":"read"}"#), "line 2, column 1: index 0 after index 0"),
        (with(r#"{"i":-1,"t":6,"p":1,"type":"ok","f":"read"}"#), "line 2, column 1: index -1 is negative"),
        (
            with(r#"{"i":1,"t":6,"p":1,"type":"ok","f":"write"}"#),
            "line 2, column 1: process 1 is answered about `write`",
        ),
        (with(r#"{"i":1,"t":6,"p":1,"type":"ok"}"#), "line 2, column 31: missing field `f`"),
        (with(r#"{"i":"1"}"#), "line 2, column 8: invalid type: string \"1\", expected i64"),
        (with("what"), "line 2, column 1: expected value"),
    ];
    for (text, expected) in cases {
        let error = refused(Format::Native, &text);
        assert!(error.starts_with(expected), "{error}\n  expected {expected}");
        assert!(error.contains("; "), "no advice: {error}");
    }
}

#[test]
fn bad_edn_is_refused_with_its_place() {
    let cases = [
        ("{:process 0, :type :invoke, :f :read", "line 1, column 1: an event that does not end"),
        ("{:process 0, :type :invoke, :f :read}\n{:process 0, :type :okay}", "line 2, column 20: unknown type `okay`"),
        ("[{:process 0, :type :invoke, :f :read}", "line 1, column 39: the vector of events does not end"),
        ("{:process 0 :type}", "line 1, column 18: a closing } that was never opened"),
        ("{:process 0, :type :ok, :f :read}", "line 1, column 1: an answer to nothing"),
        ("{:process 0, :f :read}", "line 1, column 1: an event without a type"),
        ("{:type :invoke, :f :read}", "line 1, column 1: an event without a process"),
        ("{:process 0, :type :invoke}", "line 1, column 1: a call without a function"),
        ("{:process -1, :type :invoke}", "line 1, column 11: process -1 is negative"),
        ("{:type :ok :type :ok}", "line 1, column 12: the field :type twice"),
        ("{:value \"x}", "line 1, column 9: a text that does not end"),
        ("{:value 1x}", "line 1, column 9: `1x` is no number"),
        ("12", "line 1, column 1: something that is no event"),
    ];
    for (text, expected) in cases {
        let error = refused(Format::JepsenEdn, text);
        assert!(error.starts_with(expected), "{error}\n  expected {expected}");
    }
    assert!(refused(Format::Elle, &format!("{{:value {}", "[".repeat(100_000))).contains("nested deeper"));
}

#[test]
fn a_log_that_is_cut_off_is_refused() {
    let whole = "INFO  jepsen.util - 0\t:invoke\t:write\t1\n";
    for cut in [
        "INFO  jepsen.util - 0\t:ok\t:write",
        "INFO  jepsen.util - 0\t:o",
        "INFO  jeps",
        "INFO  jepsen.util - x :ok :read 1",
    ] {
        let error = refused(Format::JepsenLog, &format!("{whole}{cut}"));
        assert!(error.starts_with("line 2"), "{error}");
    }
    assert!(read(format!("INFO  other - hello\n{whole}").as_bytes(), Format::JepsenLog).is_ok());
}

#[test]
fn what_a_failed_compare_and_set_saw() {
    let line = |i: u64, kind: &str, more: &str| {
        format!("{{\"i\":{i},\"t\":{i},\"p\":0,\"type\":\"{kind}\",\"f\":\"cas\",\"k\":\"k\",\"v\":[1,2]{more}}}\n")
    };
    let read = |kind: &str, more: &str| read((line(0, "invoke", "") + &line(1, kind, more)).as_bytes(), Format::Native);
    let saw = |more: &str| read("fail", more).expect("reads").operations[0].saw.as_deref().cloned();
    assert_eq!(saw(",\"saw\":7"), Some(Value::Int(7)));
    assert_eq!(saw(",\"saw\":null"), Some(Value::Nil), "nothing was there");
    assert_eq!(saw(""), None);
    for kind in ["ok", "info", "invoke"] {
        assert!(read(kind, ",\"saw\":7").is_err(), "{kind}");
    }
    let history = read("fail", ",\"saw\":7").expect("reads");
    let written = native::write(&history);
    assert!(written.ends_with("\"saw\":7}\n"), "{written}");
    assert_eq!(super::read(written.as_bytes(), Format::Native), Ok(history));
}

#[test]
fn words_and_unique_values_are_claims_that_are_checked() {
    let text = "{:process 0, :type :invoke, :f :add, :value 1}\n{:process 1, :type :invoke, :f :add, :value 1}";
    let history = read(text.as_bytes(), Format::JepsenEdn).expect("reads");
    let twice = unique_inputs(&history, "add", &Allowance::unlimited().meter());
    let Err(Stop::Input(error)) = twice else { panic!("{twice:?}") };
    let error = error.to_string();
    assert!(error.starts_with("line 2, column 1: add of `1` for the second time, after line 1"), "{error}");
    let error = known_functions(&history, "register", &["read", "write"]).expect_err("unknown").to_string();
    assert!(error.contains("unknown function `add`; the model register knows read, write"), "{error}");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        ".{0,6}".prop_map(|text| Value::Text(Arc::from(text))),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| Value::List(items.into())),
            prop::collection::btree_map(".{0,3}", inner, 0..4).prop_map(|map| Value::Map(
                map.into_iter().map(|(key, value)| (Value::Text(Arc::from(key)), value)).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic_any_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for format in Format::ALL {
            let _ = read(&bytes, format);
        }
    }

    #[test]
    fn no_near_miss_panics_any_reader(text in r#"([\[\]{}()#_:;,"\\ \n0-9-]|:process|:type|:invoke|:ok|:f|:value|"i"|nil|jepsen\.util - |é){0,60}"#) {
        for format in Format::ALL {
            let _ = read(text.as_bytes(), format);
        }
    }

    #[test]
    fn what_we_write_we_read(values in prop::collection::vec((value(), value(), 0_u8..4), 0..8)) {
        let mut operations = Vec::new();
        for (number, (input, output, end)) in (0_u64..).zip(values) {
            let completion = [Completion::Ok, Completion::Fail, Completion::Info, Completion::Info][usize::from(end)];
            let at = |at: u64| Call { at, time: i64::try_from(at).unwrap() * 3, line: at + 1 };
            operations.push(Operation {
                process: number,
                function: Arc::from("write"),
                key: (end > 0).then(|| input.clone()),
                input,
                output: if completion == Completion::Ok { output } else { Value::Nil },
                completion,
                saw: None,
                call: at(number * 2),
                end: Some(at(number * 2 + 1)),
                node: (end > 1).then(|| Arc::from("db-1")),
            });
        }
        let history = History { operations };
        prop_assert_eq!(read(write(&history).as_bytes(), Format::Native).expect("reads"), history);
    }
}

use native::write;
