//! Small histories, all of a kind or random ones, and the comparison of every engine with the trial of all orders.
//!
//! Used by the tests and, for a long time, by the bench. Judges nothing itself.

use crate::{
    Call, Completion, Engine, FailedCas, History, Model, Nil, Operation, Options, Outcome, Value, check, verify,
};

/// A small generator (SplitMix64): the same numbers everywhere.
pub struct Dice(pub u64);

impl Dice {
    /// Below `sides`.
    pub fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// What kind of histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The model.
    pub model: Model,
    /// Whether every write has a value of its own.
    pub unique: bool,
    /// Whether failed compare-and-sets say something.
    pub failed_cas: FailedCas,
    /// What a read of nil says.
    pub nil: Nil,
}

impl Kind {
    /// The plain kind of a model.
    #[must_use]
    pub const fn of(model: Model) -> Self {
        Self { model, unique: false, failed_cas: FailedCas::Excluded, nil: Nil::Absent }
    }
}

/// All kinds that are compared.
pub const KINDS: [Kind; 9] = [
    Kind { unique: true, ..Kind::of(Model::Register) },
    Kind { unique: true, nil: Nil::Wildcard, ..Kind::of(Model::Register) },
    Kind::of(Model::Register),
    Kind { nil: Nil::Wildcard, ..Kind::of(Model::Register) },
    Kind { failed_cas: FailedCas::Observed, ..Kind::of(Model::Register) },
    Kind::of(Model::Kv),
    Kind::of(Model::Mutex),
    Kind::of(Model::Set),
    Kind::of(Model::MultiRegister),
];

/// An operation between its call and its end.
struct Running {
    index: usize,
    applied: bool,
}

/// A random history of `length` operations by at most `clients` at once: a correct object, with lies now and then.
pub fn random(dice: &mut Dice, kind: Kind, length: usize, clients: u64) -> History {
    let lies = [0, 0, 5, 20][usize::try_from(dice.below(4)).unwrap_or(0)];
    let indeterminate = [0, 10, 30][usize::try_from(dice.below(3)).unwrap_or(0)];
    recorded(dice, kind, length, clients, [lies, indeterminate])
}

/// The same with the percentages of lies and of indeterminate operations.
pub fn recorded(dice: &mut Dice, kind: Kind, length: usize, clients: u64, percent: [u64; 2]) -> History {
    let [lies, indeterminate] = percent;
    let mut history = History::default();
    let mut state = initial(kind.model);
    let mut running: Vec<Running> = Vec::new();
    let (mut moment, mut fresh) = (0, 0);
    while history.operations.len() < length || !running.is_empty() {
        moment += 1 + dice.below(2);
        let choice = dice.below(clients);
        let place = usize::try_from(choice).unwrap_or(0);
        if place >= running.len() {
            if history.operations.len() < length {
                running.push(Running { index: history.operations.len(), applied: false });
                history.operations.push(asked(dice, kind, &mut fresh, moment, choice));
            }
            continue;
        }
        let operation = &mut history.operations[running[place].index];
        if !running[place].applied && dice.percent(50) {
            act(kind, &mut state, operation);
            running[place].applied = true;
            continue;
        }
        let done = running.swap_remove(place);
        if dice.percent(indeterminate) {
            operation.completion = Completion::Info;
            operation.output = Value::Nil;
            operation.saw = None;
            operation.end = dice.percent(50).then_some(at(moment));
            continue;
        }
        if !done.applied {
            act(kind, &mut state, operation);
        }
        operation.end = Some(at(moment));
        if dice.percent(lies) {
            lie(dice, kind, operation);
        }
        // Not every store says what it found.
        if operation.saw.is_some() && dice.percent(50) {
            operation.saw = None;
        }
    }
    history
}

fn at(moment: u64) -> Call {
    Call { at: moment, time: i64::try_from(moment).unwrap_or(i64::MAX), line: 0 }
}

fn initial(model: Model) -> Value {
    match model {
        Model::Kv => Value::Text("".into()),
        Model::Mutex => Value::Bool(false),
        Model::Set => Value::List([].into()),
        Model::MultiRegister => Value::List([Value::Nil, Value::Nil].into()),
        _ => Value::Nil,
    }
}

fn value(dice: &mut Dice, kind: Kind, fresh: &mut i64) -> Value {
    if kind.unique {
        *fresh += 1;
        return Value::Int(*fresh);
    }
    Value::Int(i64::try_from(dice.below(3)).unwrap_or(0))
}

fn some_value(dice: &mut Dice, kind: Kind, fresh: i64) -> Value {
    let sides = if kind.unique { fresh.unsigned_abs() + 2 } else { 4 };
    match dice.below(sides) {
        0 => Value::Nil,
        number => Value::Int(i64::try_from(number).unwrap_or(0) - i64::from(!kind.unique)),
    }
}

fn micro(word: &str, key: u64, value: Value) -> Value {
    Value::List([Value::Text(word.into()), Value::Int(i64::try_from(key).unwrap_or(0)), value].into())
}

fn asked(dice: &mut Dice, kind: Kind, fresh: &mut i64, moment: u64, process: u64) -> Operation {
    let letter = |dice: &mut Dice| Value::Text(["a", "b", ""][usize::try_from(dice.below(3)).unwrap_or(0)].into());
    let (function, input) = match (kind.model, dice.below(3)) {
        (Model::Register, 0) => ("write", value(dice, kind, fresh)),
        (Model::Register, 1) => {
            let from = some_value(dice, kind, *fresh);
            ("cas", Value::List([from, value(dice, kind, fresh)].into()))
        }
        (Model::Kv, 0) => ("get", Value::Nil),
        (Model::Kv, 1) => ("put", letter(dice)),
        (Model::Kv, _) => ("append", letter(dice)),
        (Model::Mutex, _) => (["acquire", "release"][usize::try_from(dice.below(2)).unwrap_or(0)], Value::Nil),
        (Model::Set, 0) => ("add", value(dice, kind, fresh)),
        (Model::MultiRegister, _) => {
            let count = 1 + dice.below(2);
            let micros = (0..count).map(|_| match dice.below(2) {
                0 => micro("r", dice.below(2), Value::Nil),
                _ => micro("w", dice.below(2), value(dice, kind, fresh)),
            });
            ("txn", Value::List(micros.collect()))
        }
        _ => ("read", Value::Nil),
    };
    Operation {
        process,
        function: function.into(),
        key: None,
        input,
        output: Value::Nil,
        completion: Completion::Ok,
        saw: None,
        call: at(moment),
        end: None,
        node: None,
    }
}

/// Applies the operation as a correct object would: sets its output and completion.
fn act(kind: Kind, state: &mut Value, operation: &mut Operation) {
    let input = operation.input.clone();
    match (kind.model, &*operation.function, &input) {
        (Model::Register | Model::Set, "read", _) | (Model::Kv, "get", _) => operation.output = state.clone(),
        (Model::Register, "cas", Value::List(pair)) if *state == pair[0] => *state = pair[1].clone(),
        (Model::Register, "cas", _) => {
            operation.completion = Completion::Fail;
            operation.saw = Some(Box::new(state.clone()));
        }
        (Model::Kv, "append", more) => *state = Value::Text(format!("{}{}", words(state), words(more)).into()),
        (Model::Mutex, function, _) => {
            let acquires = function == "acquire";
            if *state == Value::Bool(acquires) {
                operation.completion = Completion::Fail;
            }
            *state = Value::Bool(acquires);
        }
        (Model::Set, "add", element) => {
            let Value::List(elements) = &*state else { return };
            if !elements.contains(element) {
                *state = Value::List(elements.iter().chain([element]).cloned().collect());
            }
        }
        (Model::MultiRegister, _, Value::List(micros)) => {
            let Value::List(registers) = &*state else { return };
            let mut registers = registers.to_vec();
            operation.output = Value::List(micros.iter().map(|micro| touch(&mut registers, micro)).collect());
            *state = Value::List(registers.into());
        }
        (_, _, value) => *state = value.clone(),
    }
}

fn touch(registers: &mut [Value], access: &Value) -> Value {
    let Value::List(parts) = access else { return Value::Nil };
    let Value::Int(key) = parts[1] else { return Value::Nil };
    let register = &mut registers[usize::try_from(key).unwrap_or(0)];
    if words(&parts[0]) == "w" {
        *register = parts[2].clone();
        return access.clone();
    }
    micro("r", key.unsigned_abs(), register.clone())
}

fn words(value: &Value) -> &str {
    if let Value::Text(text) = value { text } else { "" }
}

/// Makes the answer another one, perhaps.
fn lie(dice: &mut Dice, kind: Kind, operation: &mut Operation) {
    match (kind.model, &*operation.function) {
        (Model::Register, "read") => operation.output = some_value(dice, kind, 5),
        (Model::Register, _) if operation.saw.is_some() && dice.percent(50) => {
            operation.saw = Some(Box::new(some_value(dice, kind, 5)));
        }
        (Model::Kv, "get") => operation.output = Value::Text("ab".into()),
        (Model::Set, "read") => operation.output = Value::List([Value::Int(1)].into()),
        (Model::MultiRegister, _) => operation.output = Value::List([micro("r", 0, Value::Int(1))].into()),
        _ if operation.completion == Completion::Fail => {
            operation.completion = Completion::Ok;
            operation.saw = None;
        }
        _ => operation.completion = Completion::Fail,
    }
}

/// Which histories [`every`] makes.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// How many operations.
    pub length: usize,
    /// With compare-and-sets.
    pub cas: bool,
    /// Each operation with an effect also without an end.
    pub indeterminate: bool,
    /// Also requirements of a value that nobody writes.
    pub phantom: bool,
}

/// Every history of some operations on a register, each write of a value of its own: all orders of calls and ends, all choices
/// of which operations write, and all values that the others can require. Calls `each` with every one.
pub fn every(shape: Shape, each: &mut dyn FnMut(&History)) {
    for writers in 0_u32..1 << shape.length {
        extend(&mut History::default(), &mut Vec::new(), (shape, writers), 1, each);
    }
}

fn extend(
    history: &mut History,
    running: &mut Vec<usize>,
    (shape, writers): (Shape, u32),
    moment: u64,
    each: &mut dyn FnMut(&History),
) {
    if history.operations.len() == shape.length && running.is_empty() {
        each(history);
        return;
    }
    for place in 0..running.len() {
        let index = running.remove(place);
        history.operations[index].end = Some(at(moment));
        extend(history, running, (shape, writers), moment + 1, each);
        running.insert(place, index);
    }
    if history.operations.len() == shape.length {
        return;
    }
    let index = history.operations.len();
    for (function, input, output, saw) in choices(index, shape, writers) {
        history.operations.push(Operation {
            process: index as u64,
            function: function.into(),
            key: None,
            input,
            output,
            // What requires a value and sets none is a read, or a compare-and-set that failed and saw it.
            completion: if saw.is_some() { Completion::Fail } else { Completion::Ok },
            saw: saw.map(Box::new),
            call: at(moment),
            end: None,
            node: None,
        });
        running.push(index);
        extend(history, running, (shape, writers), moment + 1, each);
        running.pop();
        if shape.indeterminate && writers >> index & 1 == 1 {
            history.operations[index].completion = Completion::Info;
            extend(history, running, (shape, writers), moment + 1, each);
        }
        history.operations.pop();
    }
}

/// The operation writes the value of its own index plus one, or requires any that is written (or is initial).
fn choices(index: usize, shape: Shape, writers: u32) -> Vec<(&'static str, Value, Value, Option<Value>)> {
    let number = |index: usize| Value::Int(i64::try_from(index).unwrap_or(0) + 1);
    let written = (0..shape.length).filter(|&other| writers >> other & 1 == 1 && other != index).map(number);
    let required = written.chain([Value::Nil]).chain(shape.phantom.then_some(Value::Int(99)));
    if writers >> index & 1 == 0 {
        let failed = || Value::List([Value::Int(98), number(index)].into());
        return required
            .map(|value| match index % 2 {
                1 if shape.cas => ("cas", failed(), Value::Nil, Some(value)),
                _ => ("read", Value::Nil, value, None),
            })
            .collect();
    }
    let cas =
        required.filter(|_| shape.cas).map(|from| ("cas", Value::List([from, number(index)].into()), Value::Nil, None));
    cas.chain([("write", number(index), Value::Nil, None)]).collect()
}

/// Compares the engines on one history; true if it can be explained.
///
/// # Errors
///
/// What disagreed, with the history.
pub fn compare(history: &History, kind: Kind, engines: &[Engine]) -> Result<bool, String> {
    let options = Options { failed_cas: kind.failed_cas, nil: kind.nil, ..Options::default() };
    let truth = verify::explainable(history, kind.model, &options, u64::MAX).unwrap_or(false);
    for &engine in engines {
        let options = Options { engine, ..options.clone() };
        let outcome = check(history, kind.model, &options, &|| false);
        let said = match &outcome {
            Outcome::Ok(_) => true,
            Outcome::Violation(_) => false,
            Outcome::Unknown(budget) => return Err(format!("{engine:?}: {budget:?}\n{}", shown(history))),
        };
        if said != truth {
            return Err(format!("{engine:?} said {outcome:?}, the truth is {truth}:\n{}", shown(history)));
        }
        if let Err(refusal) = verify::verify(history, kind.model, &options, &outcome) {
            return Err(format!("{engine:?} said {outcome:?}: {refusal}:\n{}", shown(history)));
        }
    }
    Ok(truth)
}

/// One line for each operation.
fn shown(history: &History) -> String {
    let line = |(index, operation): (usize, &Operation)| {
        let Operation { function, input, output, completion, saw, call, end, .. } = operation;
        let end = end.map_or(String::new(), |end| end.at.to_string());
        format!("{index}: [{}, {end}] {function} {input} gave {output}: {completion:?} {saw:?}\n", call.at)
    };
    history.operations.iter().enumerate().map(line).collect()
}

/// All ways to decide.
pub const ENGINES: [Engine; 3] = [Engine::Auto, Engine::Frontier, Engine::Depth];
