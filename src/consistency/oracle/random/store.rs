//! A store that keeps its promise, one operation at a time.

use std::collections::{BTreeMap, VecDeque};

use super::{is_unique, list, operation, small, word};
use crate::check::Model;
use crate::differential::Dice;
use crate::history::{Call, Completion, Operation, Value};
use crate::oracle::Subject;
use crate::text::Claim;

/// What it remembers, for whichever model.
pub(super) struct Store {
    pub(super) subject: Subject,
    /// Whether a lock gives out tokens.
    pub(super) tokens: bool,
    /// Whether a lock is given to whoever asks for it, and a queue gives out any element, also twice.
    sloppy: bool,
    /// Whether every value is sent once.
    unique: bool,
    fresh: i64,
    value: Value,
    words: String,
    elements: Vec<Value>,
    number: i64,
    /// Who holds the lock, with the token.
    holder: Option<(u64, i64)>,
    /// What each process believes to hold.
    believed: BTreeMap<u64, Value>,
    queue: VecDeque<Value>,
    accounts: [i64; 2],
    changes: Vec<(i64, &'static str, Value)>,
    registers: [Value; 2],
}

impl Store {
    pub(super) fn new(dice: &mut Dice, subject: Subject) -> Self {
        Self {
            subject,
            tokens: subject.claim == Claim::Fencing || dice.below(2) == 0,
            sloppy: (subject.claim == Claim::MutualExclusion || subject.model == Model::Queue) && dice.below(3) == 0,
            unique: is_unique(subject) || dice.below(2) == 0,
            fresh: 0,
            value: Value::Nil,
            words: String::new(),
            elements: Vec::new(),
            number: 0,
            holder: None,
            believed: BTreeMap::new(),
            queue: VecDeque::new(),
            accounts: [3, 2],
            changes: Vec::new(),
            registers: [Value::Nil, Value::Nil],
        }
    }

    /// Begins with something; what to say of it.
    pub(super) fn fill(&mut self, model: Model) -> Option<Value> {
        match model {
            Model::Register => self.value = Value::Int(1),
            Model::Kv => "a".clone_into(&mut self.words),
            Model::Set => self.elements = vec![Value::Int(101), Value::Int(102)],
            Model::Counter => self.number = 2,
            Model::MultiRegister => self.registers = [Value::Int(1), Value::Int(1)],
            Model::Bank => {}
            Model::Append | Model::RwRegister | Model::Queue | Model::Mutex | Model::Watch => return None,
        }
        Some(match model {
            Model::Kv => word("a"),
            Model::Set => list(self.elements.clone()),
            Model::Counter => Value::Int(2),
            Model::Bank => Value::Int(5),
            _ => Value::Int(1),
        })
    }

    fn value(&mut self, dice: &mut Dice) -> Value {
        self.fresh += 1;
        Value::Int(if self.unique { self.fresh } else { small(dice, 3) })
    }

    /// What a client asks next.
    pub(super) fn ask(&mut self, dice: &mut Dice, call: Call, process: u64) -> Operation {
        let three = dice.below(3);
        let make = |function: &str, input: Value| operation(function, None, input, call, process);
        match (self.subject.model, three) {
            (Model::Register, 0) => make("write", self.value(dice)),
            (Model::Register, 1) => {
                let from = if dice.below(3) == 0 { self.value.clone() } else { Value::Int(small(dice, 4)) };
                make("cas", list([from, self.value(dice)]))
            }
            (Model::Kv, 0) => make("get", Value::Nil),
            (Model::Kv, kind) => make(
                ["append", "put"][usize::from(kind == 1)],
                word(["a", "b", ""][usize::try_from(dice.below(3)).unwrap_or(0)]),
            ),
            (Model::Set, 0 | 1) => make("add", self.value(dice)),
            (Model::Counter, 0 | 1) => {
                let amount = if self.unique { 1 + small(dice, 4) } else { small(dice, 7) - 3 };
                make("add", Value::Int(amount))
            }
            (Model::Mutex, _) => self.ask_lock(dice, call, process),
            (Model::Queue, 0) => make("enqueue", self.value(dice)),
            (Model::Queue, 1) => make("dequeue", Value::Nil),
            (Model::Queue, _) => make("drain", Value::Nil),
            (Model::Bank, 0) => make("transfer", Value::Int(small(dice, 4))),
            (Model::Watch, 0 | 1) => {
                let key = word(["p/a", "p/b", "q"][usize::try_from(dice.below(3)).unwrap_or(0)]);
                operation("write", Some(key), self.value(dice), call, process)
            }
            (Model::Watch, _) => {
                let prefix =
                    [None, Some(word("p/")), Some(word("q"))][usize::try_from(dice.below(3)).unwrap_or(0)].clone();
                operation("watch", prefix, Value::Int(small(dice, 3)), call, process)
            }
            (Model::MultiRegister, _) => {
                let micros: Vec<Value> = (0..=dice.below(2)).map(|_| self.access(dice)).collect();
                make("txn", list(micros))
            }
            _ => make("read", Value::Nil),
        }
    }

    /// What tells the most in the end.
    pub(super) fn last(&mut self, dice: &mut Dice, call: Call, process: u64) -> Operation {
        match self.subject.model {
            Model::Queue => operation("drain", None, Value::Nil, call, process),
            Model::Watch => operation("watch", None, Value::Int(0), call, process),
            Model::Kv => operation("get", None, Value::Nil, call, process),
            Model::Mutex | Model::MultiRegister => self.ask(dice, call, process),
            _ => operation("read", None, Value::Nil, call, process),
        }
    }

    fn access(&mut self, dice: &mut Dice) -> Value {
        let register = Value::Int(small(dice, 2));
        let writes = dice.below(2) == 0;
        let value = if writes { self.value(dice) } else { Value::Nil };
        list([word(if writes { "w" } else { "r" }), register, value])
    }

    fn ask_lock(&mut self, dice: &mut Dice, call: Call, process: u64) -> Operation {
        let held = self.believed.get(&process).cloned();
        let guarded = self.subject.claim == Claim::Fencing && dice.below(3) == 0;
        match held {
            Some(token) if guarded && self.tokens => {
                operation("write", None, list([token, Value::Int(7)]), call, process)
            }
            Some(token) if dice.below(3) > 0 => {
                self.believed.remove(&process);
                let named = self.tokens && self.subject.claim != Claim::Linearizable && dice.below(4) > 0;
                operation("release", None, if named { token } else { Value::Nil }, call, process)
            }
            _ => operation("acquire", None, Value::Nil, call, process),
        }
    }

    /// Takes effect: sets the output and the completion.
    pub(super) fn act(&mut self, dice: &mut Dice, one: &mut Operation) {
        let input = one.input.clone();
        match (self.subject.model, &*one.function) {
            (Model::Register, "read") => one.output = self.value.clone(),
            (Model::Register, "cas") => self.compare(dice, one),
            (Model::Register, _) => self.value = input,
            (Model::Kv, "get") => one.output = word(&self.words),
            (Model::Kv, function) => {
                let Value::Text(more) = input else { return };
                self.words = if function == "put" { more.to_string() } else { format!("{}{more}", self.words) };
            }
            (Model::Set, "add") if !self.elements.contains(&input) => self.elements.push(input),
            (Model::Set, "read") => one.output = list(self.elements.clone()),
            (Model::Counter, "read") => one.output = Value::Int(self.number),
            (Model::Counter, _) => self.number += crate::oracle::objects::whole(&input),
            (Model::Mutex, _) => self.lock(one),
            (Model::Queue, "enqueue") => self.queue.push_back(input),
            (Model::Queue, "dequeue") => one.output = self.dequeue(dice),
            (Model::Queue, _) => one.output = list(self.queue.drain(..)),
            (Model::Bank, "read") => {
                let [first, second] = self.accounts.map(Value::Int);
                one.output = Value::Map([(Value::Int(0), first), (Value::Int(1), second)].into());
            }
            (Model::Bank, _) => {
                let amount = crate::oracle::objects::whole(&input);
                let fits = amount <= self.accounts[0] || self.subject.claim == Claim::ConservedTotalOverdraft;
                if fits {
                    self.accounts = [self.accounts[0] - amount, self.accounts[1] + amount];
                }
            }
            (Model::Watch, "write") => self.write(dice, one),
            (Model::Watch, _) => one.output = self.events(dice, one),
            (Model::MultiRegister, _) => self.transact(one),
            _ => {}
        }
    }

    fn dequeue(&mut self, dice: &mut Dice) -> Value {
        if !self.sloppy || self.queue.is_empty() {
            return self.queue.pop_front().unwrap_or(Value::Nil);
        }
        let place = usize::try_from(dice.below(self.queue.len() as u64)).unwrap_or(0);
        if dice.below(2) == 0 { self.queue[place].clone() } else { self.queue.remove(place).unwrap_or(Value::Nil) }
    }

    fn compare(&mut self, dice: &mut Dice, one: &mut Operation) {
        let Value::List(pair) = &one.input else { return };
        if self.value == pair[0] {
            self.value = pair[1].clone();
        } else {
            one.completion = Completion::Fail;
            one.saw = (dice.below(2) == 0).then(|| Box::new(self.value.clone()));
        }
    }

    fn lock(&mut self, one: &mut Operation) {
        match (&*one.function, self.holder) {
            ("acquire", holder) if holder.is_none() || self.sloppy => {
                self.fresh += 1;
                self.holder = Some((one.process, self.fresh));
                let shown = self.tokens && self.subject.claim != Claim::Linearizable;
                one.output = if shown { Value::Int(self.fresh) } else { Value::Nil };
                self.believed.insert(one.process, one.output.clone());
            }
            ("release", Some((process, _))) if process == one.process => self.holder = None,
            ("acquire" | "release", _) => one.completion = Completion::Fail,
            _ => {}
        }
    }

    fn write(&mut self, dice: &mut Dice, one: &Operation) {
        let Some(Value::Text(key)) = &one.key else { return };
        let key = ["p/a", "p/b", "q"].into_iter().find(|known| *known == &**key).unwrap_or("q");
        let next = self.changes.last().map_or(0, |(revision, ..)| *revision) + 1;
        self.changes.push((next, key, one.input.clone()));
        if dice.below(3) == 0 {
            self.changes.push((next + 1, key, Value::Nil));
        }
    }

    fn events(&self, dice: &mut Dice, one: &Operation) -> Value {
        let prefix = if let Some(Value::Text(prefix)) = &one.key { prefix } else { "" };
        let after = crate::oracle::objects::whole(&one.input);
        let last = self.changes.last().map_or(0, |(revision, ..)| *revision) - small(dice, 2);
        let seen = self
            .changes
            .iter()
            .filter(|(revision, key, _)| *revision > after && *revision <= last && key.starts_with(prefix));
        list(seen.map(|(revision, key, value)| list([Value::Int(*revision), word(key), value.clone()])))
    }

    fn transact(&mut self, one: &mut Operation) {
        let micros = crate::oracle::objects::items(&one.input).into_iter().map(|micro| {
            let parts = crate::oracle::objects::items(&micro);
            let place = usize::from(parts[1] == Value::Int(1));
            if parts[0] == word("w") {
                self.registers[place] = parts[2].clone();
                return micro;
            }
            list([parts[0].clone(), parts[1].clone(), self.registers[place].clone()])
        });
        one.output = list(micros.collect::<Vec<_>>());
    }
}
