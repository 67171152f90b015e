//! Which command an action is, and what its answer means. Sends nothing.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value as Resp};

use crate::consistency::Value;
use crate::store::values;
use crate::workload::{Action, Micro, Outcome, words};

const CAS: &str = "local now = redis.call('GET', KEYS[1])
if now == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) return {1} end
return {0, now}";

/// `ARGV` is a pair for each step: empty for a read, else the element.
const APPEND: &str = "local seen = {}
for at, key in ipairs(KEYS) do
  if ARGV[at] == '' then seen[at] = redis.call('LRANGE', key, 0, -1)
  else redis.call('RPUSH', key, ARGV[at]) seen[at] = {} end
end
return seen";

const TRANSFER: &str = "local from = tonumber(redis.call('GET', KEYS[1]) or '0')
if from < tonumber(ARGV[1]) then return {0, tostring(from)} end
redis.call('DECRBY', KEYS[1], ARGV[1])
redis.call('INCRBY', KEYS[2], ARGV[1])
return {1}";

const DRAIN: &str = "local all = redis.call('LRANGE', KEYS[1], 0, -1)
redis.call('DEL', KEYS[1])
return all";

/// The token counts beside the lock, so that it grows though the lock comes and goes.
const ACQUIRE: &str = "if redis.call('EXISTS', KEYS[1]) == 1 then return {0} end
local token = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], token, 'PX', ARGV[1])
return {1, token}";

const RELEASE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) return {1} end
return {0}";

/// The command for an action. None for what Redis cannot do.
pub(super) fn command(action: &Action, lock_ttl: Duration) -> Option<Cmd> {
    let command = match action {
        Action::Read { key } | Action::Count { counter: key } => one("GET", key),
        Action::Write { key, value } => with("SET", key, *value),
        Action::Cas { key, from, to } => script(CAS, &[key], &[from.to_string(), to.to_string()]),
        Action::Add { set, element } => with("SADD", set, *element),
        Action::Members { set } => one("SMEMBERS", set),
        Action::Transact { steps } => {
            let keys: Vec<&str> = steps.iter().map(|step| step.key().as_ref()).collect();
            let element = |step: &Micro| match step {
                Micro::Read(_) => String::new(),
                Micro::Append(_, element) => element.to_string(),
            };
            script(APPEND, &keys, &steps.iter().map(element).collect::<Vec<_>>())
        }
        Action::OpenAccounts { accounts, balance } => {
            let mut command = redis::cmd("MSET");
            for account in accounts.iter() {
                command.arg(account.as_ref()).arg(*balance);
            }
            command
        }
        Action::Transfer { from, to, amount } => script(TRANSFER, &[from, to], &[amount.to_string()]),
        Action::Balances { accounts } => {
            let mut command = redis::cmd("MGET");
            for account in accounts.iter() {
                command.arg(account.as_ref());
            }
            command
        }
        Action::Enqueue { queue, element } => with("RPUSH", queue, *element),
        Action::Dequeue { queue } => one("LPOP", queue),
        Action::Drain { queue } => script(DRAIN, &[queue], &[]),
        Action::Increment { counter, by } => with("INCRBY", counter, *by),
        Action::Acquire { lock } => {
            script(ACQUIRE, &[lock, &token_key(lock)], &[lock_ttl.as_millis().max(1).to_string()])
        }
        Action::Release { lock, token } => script(RELEASE, &[lock], &[token.to_string()]),
        Action::Watch { .. } => return None,
    };
    Some(command)
}

fn token_key(lock: &str) -> String {
    format!("{lock}-token")
}

fn one(name: &str, key: &str) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(key);
    command
}

fn with(name: &str, key: &str, value: i64) -> Cmd {
    let mut command = one(name, key);
    command.arg(value);
    command
}

fn script(text: &str, keys: &[&str], arguments: &[String]) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(text).arg(keys.len()).arg(keys).arg(arguments);
    command
}

/// The outcome that an answer means.
pub(super) fn outcome(action: &Action, answer: &Resp) -> Outcome {
    let result = match action {
        Action::Read { .. } | Action::Dequeue { .. } => scalar(answer).map(Outcome::ok),
        Action::Count { .. } => scalar(answer).map(|value| Outcome::ok(or_zero(value))),
        Action::Members { .. } | Action::Drain { .. } => elements(answer).map(Outcome::ok),
        Action::Transact { steps } => transaction(steps, answer).map(Outcome::ok),
        Action::Balances { accounts } => balances(accounts, answer).map(Outcome::ok),
        Action::Write { .. } | Action::OpenAccounts { .. } => {
            (*answer == Resp::Okay).then(|| Outcome::ok(action.input()))
        }
        Action::Add { .. } | Action::Enqueue { .. } | Action::Increment { .. } => {
            matches!(answer, Resp::Int(_)).then(|| Outcome::ok(action.input()))
        }
        Action::Cas { .. } => decided(
            answer,
            |_| Some(action.input()),
            |found| Outcome { actual: Some(found.unwrap_or(Value::Nil)), ..Outcome::fail("the value is another one") },
        ),
        Action::Transfer { from, .. } => decided(
            answer,
            |_| Some(action.input()),
            |found| Outcome::fail(format!("{from} has only {}", found.unwrap_or(Value::Nil))),
        ),
        Action::Acquire { .. } => decided(answer, |token| token, |_| Outcome::fail("the lock is held")),
        Action::Release { .. } => decided(
            answer,
            |_| Some(action.input()),
            |_| Outcome::fail("the lock is not held under this token any more"),
        ),
        Action::Watch { .. } => None,
    };
    result.unwrap_or_else(|| Outcome::info("the answer has not the form that Redis documents"))
}

/// What our scripts return: 1 when they did it, 0 when not, and something to it.
fn decided(
    answer: &Resp,
    done: impl FnOnce(Option<Value>) -> Option<Value>,
    refused: impl FnOnce(Option<Value>) -> Outcome,
) -> Option<Outcome> {
    let Resp::Array(parts) = answer else { return None };
    let more = parts.get(1).and_then(scalar);
    match parts.first()? {
        Resp::Int(1) => done(more).map(Outcome::ok),
        Resp::Int(0) => Some(refused(more)),
        _ => None,
    }
}

fn scalar(answer: &Resp) -> Option<Value> {
    match answer {
        Resp::Nil => Some(Value::Nil),
        Resp::Int(number) => Some(Value::Int(*number)),
        Resp::BulkString(bytes) => Some(values::from_text(std::str::from_utf8(bytes).ok()?)),
        Resp::SimpleString(text) => Some(values::from_text(text)),
        _ => None,
    }
}

fn or_zero(value: Value) -> Value {
    if value == Value::Nil { Value::Int(0) } else { value }
}

fn elements(answer: &Resp) -> Option<Value> {
    match answer {
        Resp::Array(items) | Resp::Set(items) => items.iter().map(scalar).collect::<Option<_>>().map(Value::List),
        _ => None,
    }
}

fn transaction(steps: &[Micro], answer: &Resp) -> Option<Value> {
    let Resp::Array(seen) = answer else { return None };
    if seen.len() != steps.len() {
        return None;
    }
    let results = steps.iter().zip(seen).map(|(step, seen)| Some(words::micro(step, elements(seen)?)));
    Some(words::list(results.collect::<Option<Vec<_>>>()?))
}

fn balances(accounts: &[Arc<str>], answer: &Resp) -> Option<Value> {
    let Resp::Array(found) = answer else { return None };
    if found.len() != accounts.len() {
        return None;
    }
    let number = |found| match or_zero(scalar(found)?) {
        Value::Int(number) => Some(number),
        _ => None,
    };
    let pairs = accounts.iter().zip(found).map(|(name, found)| Some((name, number(found)?)));
    Some(words::balances(pairs.collect::<Option<Vec<_>>>()?))
}
