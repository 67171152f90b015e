//! Requests to judge a history from its text: formats, models and claims that fit, and budgets.

use super::*;
use crate::check::Nil;

fn word(model: Model, format: Format, text: &str) -> String {
    let request = Request { model, format, claim: None, options: Options::default() };
    match check_text(text.as_bytes(), &request, &|| false) {
        Ok(judged) => judged.word().to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_model_has_a_claim_and_says_nothing_of_a_history_in_which_nothing_completed() {
    for model in Model::ALL {
        let claims = Claim::of(model);
        for (word, claim) in &claims {
            assert_eq!(Claim::parse(model, word), Ok(*claim));
        }
        assert!(Claim::parse(model, "best-effort").is_err_and(|error| error.contains(claims[0].0)));
        for format in Format::ALL {
            assert_eq!(word(model, format, ""), "unknown", "{model} {}", format.word());
        }
    }
}

/// A clock that fails stands for any fault inside of a checker.
#[test]
fn a_checker_that_panics_knows_nothing() {
    for model in Model::ALL {
        let request = Request { model, format: Format::Native, claim: None, options: Options::default() };
        let judged = check_text(b"", &request, &|| panic!("the clock fell down")).expect("no fault of the history");
        let Outcome::Unknown(Budget::Evidence(why)) = judged.outcome else { panic!("{model}: {:?}", judged.outcome) };
        assert!(why.contains("the checker itself failed (the clock fell down)"), "{model}: {why}");
    }
    let history = History::default();
    let request = Request { model: Model::Bank, format: Format::Native, claim: None, options: Options::default() };
    assert!(matches!(check_history(&history, &request, &|| false), Ok(Outcome::Unknown(_))));
}

#[test]
fn options_that_a_model_does_not_use_are_refused() {
    let judged = |model, initial: Option<Value>, nil| {
        let options = Options { initial, nil, ..Options::default() };
        let request = Request { model, format: Format::Native, claim: None, options };
        check_text(b"", &request, &|| false).map_or_else(|error| error.to_string(), |_| "used".to_owned())
    };
    let list = || Some(Value::List([].into()));
    let refused = "the model queue has no initial value: leave --initial out; see `driftproof check --help`";
    assert_eq!(judged(Model::Queue, list(), Nil::Absent), refused);
    for model in [Model::Append, Model::Mutex, Model::Watch] {
        assert!(judged(model, list(), Nil::Absent).contains("has no initial value"), "{model}");
    }
    for model in [Model::Append, Model::Mutex, Model::Watch, Model::Queue, Model::Counter, Model::Bank] {
        assert!(judged(model, None, Nil::Wildcard).contains("nil has one meaning"), "{model}");
    }
    for model in [Model::Register, Model::Kv, Model::Set, Model::MultiRegister] {
        assert_eq!(judged(model, None, Nil::Wildcard), "used", "{model}");
    }
    let number = || Some(Value::Int(1));
    for model in [Model::Register, Model::MultiRegister, Model::Counter, Model::Bank] {
        assert_eq!(judged(model, number(), Nil::Absent), "used", "{model}");
    }
    assert!(judged(Model::Set, number(), Nil::Absent).contains("that of the model set is a list"));
    assert!(judged(Model::Kv, number(), Nil::Absent).contains("that of the model kv is a text"));
    assert!(judged(Model::Counter, list(), Nil::Absent).contains("that of the model counter is a whole number"));
}

#[test]
fn a_register_a_set_and_transactions_from_their_bytes() {
    let register = "INFO  jepsen.util - 0\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:ok\t:read\t1\n";
    assert_eq!(word(Model::Register, Format::JepsenLog, register), "violation");
    assert!(word(Model::Set, Format::JepsenLog, &register.replace(":read", ":cas")).contains("unknown function `cas`"));
    let set = "{:process 0, :type :invoke, :f :add, :value 1}{:process 0, :type :ok, :f :add, :value 1}";
    assert_eq!(word(Model::Set, Format::JepsenEdn, set), "unknown");
    let append = "{:process 0, :type :invoke, :f :txn, :value [[:append 1 1]]}\n\
                  {:process 1, :type :invoke, :f :txn, :value [[:append 1 1]]}\n";
    assert!(word(Model::Append, Format::Elle, append).starts_with("line 2, column 1: append of 1 to 1"));
    assert_eq!(word(Model::Append, Format::Elle, append.lines().next().expect("a line")), "unknown");
    let done =
        append.lines().next().expect("a line").to_owned() + "{:process 0, :type :ok, :f :txn, :value [[:append 1 1]]}";
    assert_eq!(word(Model::Append, Format::Elle, &done), "ok");
}

#[test]
fn a_budget_that_is_used_up_is_no_pass() {
    let options = Options { memory: Some(1), ..Options::default() };
    let request = Request { model: Model::Append, format: Format::Elle, claim: None, options };
    let text = b"{:process 0, :type :invoke, :f :txn, :value []}";
    let judged = check_text(text, &request, &|| false).expect("reads");
    assert_eq!(judged.outcome, Outcome::Unknown(Budget::Memory(1)));
    let request = Request { model: Model::Set, options: Options::default(), ..request };
    assert_eq!(check_text(b"", &request, &|| true).expect("reads").word(), "unknown");
}
