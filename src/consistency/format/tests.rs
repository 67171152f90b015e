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
        "[nil true -7 7 42 1.5M 1000000000.0 1/2 99999999999999999999 a\n\"A a \n A :k sym/bol [1] [2] {:a 1} NaN 5]"
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
fn logs_of_every_year_and_the_history_of_a_store() {
    let old = "INFO  jepsen.util - 4\t:invoke\t:write\t7\nINFO  jepsen.util - 4\t:ok\t:write\t7\n";
    let of_2017 = old.replace("INFO  jepsen.util - ", "INFO [2017-03-02 11:22:33,004] jepsen worker 4 - jepsen.util ");
    let of_today =
        old.replace("INFO  jepsen.util - ", "2026-03-02 11:22:33,004{GMT}\tINFO\t[jepsen worker 4] jepsen.util: ");
    let of_store = old.replace("INFO  jepsen.util - ", "");
    let more =
        format!(":nemesis\t:info\t:start\tnil\n{of_store}4\t:invoke\t:read\tnil\n4\t:info\t:read\tnil\t:timeout\n");
    let read = |text: &str| read(text.as_bytes(), Format::JepsenLog).unwrap_or_else(|error| panic!("{text}: {error}"));
    for text in [&of_2017, &of_today, &of_store, &more] {
        let history = read(text);
        assert_eq!(history.operations[0].completion, Completion::Ok, "{text}");
        assert_eq!(history.operations[0].output, Value::Int(7), "{text}");
        assert_eq!(detect(text.as_bytes()), Ok(Format::JepsenLog), "{text}");
    }
    assert_eq!(read(&more).operations[1].completion, Completion::Info);
}

#[test]
fn stamps_that_disagree_with_the_order_are_told() {
    let noted = |stamp: i64| {
        let text = format!(
            "{{:process 0, :type :invoke, :f :write, :value 3, :time 5000}}\n\
             {{:process 1, :type :invoke, :f :read, :time {stamp}}}\n{{:process 0, :type :ok, :f :write, :value 3, :time 9000}}"
        );
        let allowance = Allowance::unlimited();
        let read = read_within(text.as_bytes(), Format::JepsenEdn, Keys::Known, &allowance.meter());
        read.unwrap_or_else(|stop| panic!("{stop:?}")).notes
    };
    assert!(noted(5000).is_empty());
    let [note] = noted(3000).try_into().expect("one");
    assert!(
        note.starts_with("note: the stamp of 1 event is before that of an earlier event, by up to 2.000 µs (line 2)"),
        "{note}"
    );
    let [warning] = noted(-3_000_000_000).try_into().expect("one");
    assert!(warning.starts_with("warning: ") && warning.contains("by up to 3.000 s"), "{warning}");
}

#[test]
fn transactions_need_no_processes_while_one_is_open_at_a_time() {
    let one = "{:index 0 :type :invoke :value [[:append 4 1]]}{:index 1 :type :ok :value [[:append 4 1]]}\
               {:index 2 :type :invoke :value [[:r 4 nil]]}{:index 3 :type :ok :value [[:r 4 [1]]]}";
    let history = read(one.as_bytes(), Format::Elle).expect("reads");
    assert!(history.operations.len() == 2 && history.operations.iter().all(Operation::is_unnamed));
    let both = "{:type :invoke :value [[:append 4 1]]}\n{:type :invoke :value [[:r 4 nil]]}";
    assert!(
        refused(Format::Elle, both).starts_with("line 2, column 1: a call without a process while another one is open")
    );
    assert!(refused(Format::JepsenEdn, &one.replace(":value", ":f :txn :value")).contains("without a process"));
}

#[test]
fn equal_values_are_equal_however_they_are_written() {
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    assert_eq!(json(r#"{"b":[1,2.0],"a":1e0}"#), json(r#"{"a":1,"b":[1.0,2]}"#));
    assert_eq!(json("1.50"), json("15e-1"));
    assert_eq!(json("-0.0"), json("0"));
    assert_ne!(json("1.5"), json("\"1.5\""));
    assert_ne!(json("99999999999999999999"), json("\"99999999999999999999\""));
    assert_ne!(json("[1,2]"), json("[2,1]"));
    let edn = |text: &str| read_value(text).expect("EDN");
    assert_eq!(edn("#{3 1 2}"), edn("#{2 3 1}"));
    assert_eq!(edn("{:b 1, :a #{2 1}}"), edn("{:a #{1 2}, :b 1}"));
    assert_eq!(edn("1.50"), edn("+15e-1"));
    for (one, other) in [(":a", "\"a\""), ("1.5", "\"1.5\""), ("1", "1.0"), ("1/2", "0.5"), ("[1 2]", "[2 1]")] {
        assert_ne!(edn(one), edn(other), "{one} and {other}");
        assert_ne!(edn(one).to_string(), edn(other).to_string(), "people see that they differ");
    }
    assert!(read_value("{:a 1, :a 2}").is_err());
}

#[test]
fn keys_in_tuples_are_taken_where_nothing_else_is_possible_and_refused_where_it_is() {
    let event = |kind: &str, f: &str, value: &str| format!("{{:process 3, :type :{kind}, :f :{f}, :value {value}}}\n");
    let done = |f: &str, call: &str, end: &str| event("invoke", f, call) + &event("ok", f, end);
    let keys = |text: &str, keys| {
        let history = read_with(text.as_bytes(), Format::JepsenEdn, keys).map_err(|error| error.to_string())?;
        Ok::<_, String>(history.operations.iter().map(|one| one.key.clone()).collect::<Vec<_>>())
    };
    let key = |number| Some(Value::Int(number));
    let lock = done("acquire", "[4 nil]", "[4 nil]") + &done("release", "[4 nil]", "[4 nil]");
    assert_eq!(keys(&lock, Keys::Known), Ok(vec![key(4), key(4)]));
    let queue = done("enqueue", "[5 9]", "[5 9]") + &done("dequeue", "[5 nil]", "[5 9]");
    assert_eq!(keys(&queue, Keys::Known), Ok(vec![key(5), key(5)]));
    let register = done("write", "[6 9]", "[6 9]") + &done("cas", "[6 [9 8]]", "[6 [9 8]]");
    let refused = keys(&register, Keys::Known).expect_err("either");
    assert!(
        refused.starts_with("line 1, column 1: every value is a pair, like [6 9]") && refused.contains("--keys tuple"),
        "{refused}"
    );
    assert_eq!(keys(&register, Keys::Tuple), Ok(vec![key(6), key(6)]));
    assert_eq!(keys(&register, Keys::None), Ok(vec![None, None]));
    assert_eq!(keys(&done("cas", "[9 8]", "[9 8]"), Keys::Known), Ok(vec![None]));
    let mixed = register + &done("write", "7", "7");
    assert_eq!(keys(&mixed, Keys::Known), Ok(vec![None; 3]));
    assert!(keys(&mixed, Keys::Tuple).expect_err("no pair").starts_with("line 5, column 1: write of 7"));
}

#[test]
fn formats_are_known_from_their_first_bytes() {
    for (text, format) in [
        ("", Format::Native),
        (r#"{"i":0,"t":1,"p":0,"type":"invoke","f":"read"}"#, Format::Native),
        (r#"[{"process":0,"type":"invoke","f":"read","value":null}, {"proc"#, Format::JepsenJson),
        (r#"{"index":0,"process":0,"type":"ok","f":"txn","value":[["append",1,1]]}"#, Format::Elle),
        (r#"{"type":"ok","value":[["r","x",[1]]]}"#, Format::Elle),
        ("; a comment {\n[{:process 0, :type :invoke, :f :read}", Format::JepsenEdn),
        ("#jepsen.history.Op{:process 0, :type :invoke, :f :cas, :value [1 2]}", Format::JepsenEdn),
        ("{:index 0 :type :invoke :value [[:append 1 1]]}", Format::Elle),
        ("{:process 0, :type :invoke, :f :txn, :value nil}", Format::Elle),
        ("{:process 0, :type :invoke, :f :get, :key \"7\", :value nil}", Format::PorcupineKv),
    ] {
        assert_eq!(detect(text.as_bytes()), Ok(format), "{text}");
    }
    for text in [
        "hello",
        "<xml/>",
        "12",
        "\u{1f}\u{8b}",
        r#"{"params":{},"info":"","data":[]}"#,
        r#"[{"ClientId":1,"Input":{},"Call":1,"Output":{},"Return":2}]"#,
    ] {
        let refused = detect(text.as_bytes()).expect_err(text);
        assert!(refused.contains("--format") || refused.contains("looks like"), "{refused}");
    }
    assert!(detect(&[0xff, 0xfe]).is_err());
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
