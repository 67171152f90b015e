//! Which model a history is of, from its functions and the shapes of their values. Says so where it cannot tell; judges nothing.

use std::collections::BTreeSet;

use super::check::Model;
use super::history::{Completion, History, Operation, Value};

/// The one model that knows all these operations.
///
/// # Errors
/// What the functions are and which models know them, where that is none or more than one.
pub fn guess_model(history: &History) -> Result<Model, String> {
    let functions: BTreeSet<&str> = history.operations.iter().map(|one| &*one.function).collect();
    let told = || functions.iter().copied().collect::<Vec<_>>().join(", ");
    let all = |known: &[&str]| functions.iter().all(|function| known.contains(function));
    let has = |function: &str| functions.contains(function);
    let several = |models: &str| Err(format!("{} may be of the models {models}: say --model", told()));
    if functions.is_empty() {
        return Err("an empty history is of no model: say --model".to_owned());
    }
    if all(&["txn"]) {
        return transactions(history);
    }
    if all(&["transfer", "read"]) && has("transfer") {
        return Ok(Model::Bank);
    }
    if all(&["enqueue", "dequeue", "drain"]) {
        return Ok(Model::Queue);
    }
    if all(&["acquire", "release", "write"]) && (has("acquire") || has("release")) {
        return Ok(Model::Mutex);
    }
    if all(&["write", "watch"]) && has("watch") {
        return Ok(Model::Watch);
    }
    if all(&["get", "put", "append"]) {
        return Ok(Model::Kv);
    }
    if all(&["add", "read"]) {
        let lists = reads(history).any(|value| matches!(value, Value::List(_)));
        return match (has("add"), lists, reads(history).any(|value| matches!(value, Value::Int(_)))) {
            (_, true, false) => Ok(Model::Set),
            (true, false, true) => Ok(Model::Counter),
            (true, false, false) => several("set and counter"),
            _ => several("register, set, counter and bank"),
        };
    }
    if all(&["read", "write", "cas"]) && (has("write") || has("cas")) {
        return Ok(Model::Register);
    }
    Err(format!("no model knows all of {}: say --model", told()))
}

/// What reads returned.
fn reads(history: &History) -> impl Iterator<Item = &Value> {
    let is_read = |one: &&Operation| &*one.function == "read" && one.completion == Completion::Ok;
    history.operations.iter().filter(is_read).map(|one| &one.output)
}

/// Transactions are of the model whose writes they have.
fn transactions(history: &History) -> Result<Model, String> {
    let mut words = BTreeSet::new();
    let (mut written, mut twice) = (BTreeSet::new(), false);
    for operation in &history.operations {
        let Value::List(micros) = &operation.input else { continue };
        for micro in micros.iter() {
            let Value::List(parts) = micro else { continue };
            let Some(word) = parts.first().and_then(Value::word).map(|word| word.trim_start_matches(':')) else {
                continue;
            };
            twice |= word == "w" && !written.insert(&parts[1..]);
            words.insert(word);
        }
    }
    match (words.contains("append"), words.contains("w")) {
        (true, false) => Ok(Model::Append),
        // Values that are written twice need a search.
        (false, true) if twice => Ok(Model::MultiRegister),
        (false, true) => Ok(Model::RwRegister),
        (true, true) => Err("transactions that append and write are of no model".to_owned()),
        (false, false) => {
            Err("transactions that only read may be of the models append, rw-register and multi-register: say --model"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Format, beginning};

    #[test]
    fn models_are_guessed_from_functions_and_values() {
        let event =
            |kind: &str, f: &str, value: &str| format!("{{:process 0, :type :{kind}, :f :{f}, :value {value}}}\n");
        let done = |f: &str, call: &str, end: &str| event("invoke", f, call) + &event("ok", f, end);
        let guessed = |text: &str| guess_model(&beginning(text.as_bytes(), Format::JepsenEdn));
        for (text, model) in [
            (done("write", "3", "3") + &done("read", "nil", "3"), Model::Register),
            (done("cas", "[3 4]", "[3 4]"), Model::Register),
            (done("add", "3", "3") + &done("read", "nil", "[3]"), Model::Set),
            (done("add", "3", "3") + &done("read", "nil", "3"), Model::Counter),
            (done("txn", "[[:append 1 2]]", "[[:append 1 2]]"), Model::Append),
            (done("txn", "[[:w 1 2]]", "[[:w 1 2]]"), Model::RwRegister),
            (done("txn", "[[:w 1 2] [:w 1 2]]", "[[:w 1 2] [:w 1 2]]"), Model::MultiRegister),
            (done("enqueue", "3", "3"), Model::Queue),
            (done("acquire", "nil", "nil") + &done("release", "nil", "nil"), Model::Mutex),
            (done("get", "nil", "\"x\"") + "{:process 0, :type :inv", Model::Kv),
            (done("read", "nil", "{:a 1}") + &done("transfer", "{:from 1}", "{:from 1}"), Model::Bank),
        ] {
            assert_eq!(guessed(&text), Ok(model), "{text}");
        }
        for text in [
            "",
            &done("read", "nil", "3"),
            &done("add", "3", "3"),
            &done("fly", "3", "3"),
            &done("txn", "[[:r 1 nil]]", "[[:r 1 nil]]"),
        ] {
            assert!(guessed(text).is_err_and(|error| error.contains("--model")), "{text}");
        }
    }
}
