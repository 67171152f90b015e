//! The operation that fits nowhere, with what it meets, as an anomaly.
//!
//! Decides nothing: the search has shown that there is no order.

use super::Dead;
use crate::check::{Model, Options};
use crate::history::{Completion, History, Operation, Value};
use crate::outcome::{Anomaly, AnomalyKind};
use crate::register::initial_hint;

const WITNESS_MAX: usize = 6;

/// `members` are the operations of the partition.
pub(super) fn explain(history: &History, model: Model, members: &[u32], dead: &Dead, options: &Options) -> Anomaly {
    let key = match model {
        Model::MultiRegister => None,
        _ => members.first().and_then(|&index| history.operations[index as usize].key_text()),
    };
    let prefix = key.as_ref().map_or(String::new(), |key| format!("{key}: "));
    let Some(at) = dead.at else {
        let sentence = format!("{prefix}no order of the operations explains what was seen");
        return Anomaly { kind: AnomalyKind::NotLinearizable, key, witness: Vec::new(), sentence };
    };
    let told = Told { history, members, at, states: &dead.states, operation: &history.operations[at as usize] };
    let (kind, witness, sentence) = told.by_model(model, options);
    Anomaly { kind, key, witness, sentence: format!("{prefix}{sentence}") }
}

struct Told<'a> {
    history: &'a History,
    members: &'a [u32],
    at: u32,
    states: &'a [String],
    operation: &'a Operation,
}

type Anyhow = (AnomalyKind, Vec<u32>, String);

impl<'a> Told<'a> {
    fn others(&self) -> impl Iterator<Item = (u32, &'a Operation)> + use<'a, '_> {
        self.members.iter().map(|&index| (index, &self.history.operations[index as usize]))
    }

    fn by_model(&self, model: Model, options: &Options) -> Anyhow {
        let stale = match model {
            Model::Register => self.stale_read(options),
            _ => None,
        };
        stale.unwrap_or_else(|| self.stuck())
    }

    /// A read of a register that no write explains, if few operations show it by themselves.
    ///
    /// Every write of the value either starts after the read is over or was overwritten for sure before the read began,
    /// by `over`, except for those in the witness.
    fn stale_read(&self, options: &Options) -> Option<Anyhow> {
        let read = self.operation;
        if read.set().is_some() || !read.is_certain() {
            return None;
        }
        let client = read.process;
        let value = read.found()?;
        let writers: Vec<_> = self.others().filter(|(_, other)| other.meant() == Some(value)).collect();
        let initial = options.initial.as_ref().unwrap_or(&Value::Nil) == value;
        let may = |other: &Operation| other.completion != Completion::Fail;
        if !initial && !writers.iter().any(|(_, other)| may(other)) {
            return Some(self.phantom(value, &writers, options));
        }
        if !initial && writers.iter().all(|(_, other)| !may(other) || other.call.at > read.finish()) {
            let (index, other) = writers.iter().find(|(_, other)| may(other))?;
            let sentence = format!(
                "client {client} read {value} and was done before client {} began to write {value}{}",
                other.process,
                initial_hint(options, value),
            );
            return Some((AnomalyKind::ReadFromTheFuture, vec![self.at, *index], sentence));
        }
        let over = self
            .others()
            .filter(|(_, other)| other.completion == Completion::Ok && other.finish() < read.call.at)
            .filter(|(_, other)| other.set().is_some_and(|set| set != value))
            .max_by_key(|(_, other)| other.call.at)?;
        let survives =
            |other: &Operation| may(other) && other.finish() > over.1.call.at && other.call.at < read.finish();
        let surviving: Vec<_> = writers.iter().filter(|(_, other)| survives(other)).map(|(index, _)| *index).collect();
        if !surviving.is_empty() {
            return None;
        }
        let sentence = format!(
            "client {client} read {value}, but client {} had already {} before that read began, and every write of {value} \
             was over before that or began after the read: a stale read",
            over.1.process,
            did(over.1),
        );
        Some((AnomalyKind::StaleRead, vec![self.at, over.0], sentence))
    }

    /// A read of a value that nobody wrote, or of which all writes failed: only one that was called by then is its source.
    fn phantom(&self, value: &Value, writers: &[(u32, &Operation)], options: &Options) -> Anyhow {
        let (read, client) = (self.operation, self.operation.process);
        let failed = writers.iter().find(|(_, other)| other.call.at < read.finish());
        let witness = [Some(self.at), failed.or(writers.first()).map(|(index, _)| *index)];
        let witness = witness.into_iter().flatten().collect();
        if failed.is_some() {
            let sentence = format!("client {client} read {value}, but the only writes of {value} failed for sure");
            return (AnomalyKind::ReadOfFailed, witness, sentence);
        }
        let why = match writers.first() {
            Some(_) => format!("before anybody called a write of {value}"),
            None => format!("but nobody wrote {value}"),
        };
        let hint = initial_hint(options, value);
        (AnomalyKind::PhantomRead, witness, format!("client {client} read {value}, {why}{hint}"))
    }

    /// The operation that had to take effect next and could not, and those that ran beside it or just before.
    fn stuck(&self) -> Anyhow {
        let operation = self.operation;
        let mut near: Vec<_> = self
            .others()
            .filter(|(index, other)| *index != self.at && other.counts())
            .filter(|(_, other)| other.call.at < operation.finish())
            .collect();
        near.sort_by_key(|(_, other)| std::cmp::Reverse(other.finish().min(operation.finish())));
        let mut witness = vec![self.at];
        witness.extend(near.iter().take(WITNESS_MAX - 1).map(|(index, _)| *index));
        let states = match self.states {
            [] => "no order of the operations so far explains this".to_owned(),
            [state] => format!("in every order of the operations so far it would have met {state}"),
            states => format!("in every order of the operations so far it would have met one of {}", states.join(", ")),
        };
        let sentence = format!("client {} {}, but {states}", operation.process, done(operation));
        (AnomalyKind::NotLinearizable, witness, sentence)
    }
}

fn did(operation: &Operation) -> String {
    match (&*operation.function, &operation.input) {
        ("cas", Value::List(pair)) if pair.len() == 2 => format!("changed {} to {}", pair[0], pair[1]),
        (_, value) => format!("written {value}"),
    }
}

fn done(operation: &Operation) -> String {
    let Operation { function, input, output, .. } = operation;
    match (&**function, operation.completion) {
        ("read", _) => format!("read {output}"),
        ("get", _) => format!("got `{output}`"),
        ("cas", Completion::Ok) => did(operation),
        ("cas", _) if operation.saw.is_some() => {
            format!("saw {} in a compare-and-set that failed", operation.found().unwrap_or(&Value::Nil))
        }
        ("cas", _) => format!("did not find the value of its compare-and-set {input}"),
        ("acquire", _) => "acquired the lock".to_owned(),
        ("release", _) => "released the lock".to_owned(),
        ("txn", Completion::Ok) if *output != Value::Nil => format!("did {output}"),
        (function, _) => format!("did {function} {input}"),
    }
}
