//! Reads `[[data]]` with a `store`: a workload, what it runs on, and what is claimed.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::de::DeValue;

use super::checks::one_second;
use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::parse::one_of;
use super::parse_checks::clients;
use super::read;
use super::reader::{Sink, Table, Value, listed, wrong_type};
use super::store::{ClientsFrom, HttpCall, NamedEndpoint, Store, StoreCheck, fifty, five_clients, three};
use crate::workload::{Claim, Kind, ReadFrom, StoreKind, Verb, can_run};

/// More keys than this are never contended.
const MOST_KEYS: u32 = 10_000;
/// Recording is never the bottleneck below this.
const MOST_RATE: f64 = 50_000.0;

pub(super) fn check(mut table: Table<'_>, kind: Kind) -> Option<StoreCheck> {
    let name = table.optional("name", read::title);
    let claim = table.optional("claim", read::word::<Claim>);
    if let Some(claim) = claim.filter(|claim| !kind.claims().contains(claim)) {
        let words: Vec<&str> = kind.claims().iter().map(|claim| claim.name()).collect();
        let message = format!("the workload `{}` cannot refute the claim `{}`", kind.name(), claim.name());
        let diagnostic = Diagnostic::new(Code::Capability, table.span_of("claim"), message);
        table.sink.push(diagnostic.help(format!("it tests {}", listed(&words))));
    }
    let from = table.optional("from", read::word::<ClientsFrom>);
    let check = StoreCheck {
        kind,
        name,
        claim,
        from,
        clients: table.or("clients", clients, five_clients()),
        keys: table.or("keys", |value, sink| keys(value, kind, sink), three()),
        rate: table.or("rate", rate, fifty()),
        timeout: table.or("timeout", read::some_time, one_second()),
        read_from: table.or("read_from", read::word::<ReadFrom>, ReadFrom::default()),
        mix: mix(&mut table, kind),
        store: table.table("store", "`store`").and_then(|store| self::store(store, kind))?,
    };
    if from.is_some() && check.store.kind == StoreKind::Command {
        let message = "a `command` store runs where Driftproof runs, and not inside the cluster";
        let diagnostic = Diagnostic::new(Code::Conflict, table.span_of("from"), message);
        table.sink.push(diagnostic.help("leave `from` out, or use a store that Driftproof speaks to itself"));
    }
    table.finish();
    Some(check)
}

fn rate(value: &Value<'_>, sink: &Sink) -> Option<f64> {
    read::rate(value, MOST_RATE, sink)
}

fn keys(value: &Value<'_>, kind: Kind, sink: &Sink) -> Option<u32> {
    let keys = read::whole::<u32>(value, sink)?;
    let least = if kind == Kind::Bank { 2 } else { 1 };
    if (least..=MOST_KEYS).contains(&keys) {
        return Some(keys);
    }
    let diagnostic = Diagnostic::new(Code::Range, value.span(), format!("{keys} keys"));
    sink.fail(diagnostic.help(format!("choose {least} to {MOST_KEYS}")))
}

/// The weights of the functions that the workload has.
fn mix(table: &mut Table<'_>, kind: Kind) -> BTreeMap<Verb, u32> {
    let words: Vec<&str> = kind.verbs().iter().map(|(verb, _)| verb.name()).collect();
    let span = table.span_of("mix");
    let mix = table.map(
        "mix",
        |word, span, sink| match kind.verbs().iter().find(|(verb, _)| verb.name() == word) {
            Some((verb, _)) => Some(*verb),
            None => sink.fail(read::unknown_kind("function of this workload", word, span, &words)),
        },
        |value, _, sink| read::whole::<u32>(value, sink),
    );
    if !mix.is_empty() && mix.values().all(|weight| *weight == 0) {
        let diagnostic = Diagnostic::new(Code::Range, span, "nothing would ever be chosen");
        table.sink.push(diagnostic.help("give at least one function a weight above 0"));
    }
    mix
}

fn store(mut table: Table<'_>, workload: Kind) -> Option<Store> {
    let kind = table.required("kind", read::word::<StoreKind>)?;
    if let Err(refusal) = can_run(kind, workload) {
        let message = format!("{} cannot run the workload `{}`: {}", kind.name(), workload.name(), refusal.why);
        let help = format!("use `{}`, or a `command` store with a program of your own", refusal.instead.name());
        table.sink.push(Diagnostic::new(Code::Capability, table.span_of("kind"), message).help(help));
    }
    let mut store = Store::of(kind);
    // A program is told where its store is; a forwarded port is of no use to it.
    if kind != StoreKind::Command {
        store.service = table.optional("service", read::service_port);
    }
    if kind != StoreKind::Kv {
        store.endpoints = table.list("endpoints", endpoint).unwrap_or_default();
    }
    match kind {
        StoreKind::Kv => {
            if !table.has("service") {
                table.missing("service");
            }
        }
        // A program may find its store by itself.
        StoreKind::Command => {}
        StoreKind::Etcd | StoreKind::Redis | StoreKind::Postgres | StoreKind::Http => {
            one_of(&table, "service", "endpoints");
        }
    }
    options(&mut table, &mut store, workload);
    table.finish();
    Some(store)
}

/// What only one kind of store has.
fn options(table: &mut Table<'_>, store: &mut Store, workload: Kind) {
    match store.kind {
        StoreKind::Kv => {}
        StoreKind::Etcd => store.reads = table.optional("reads", read::word),
        StoreKind::Redis => {
            store.wait = table.optional("wait", read::whole);
            store.wait_timeout = table.optional("wait_timeout", milliseconds);
            store.sentinels = table.list("sentinels", endpoint).unwrap_or_default();
            store.master = table.optional("master", read::filled);
            store.password_env = table.optional("password_env", read::filled);
            together(table, "wait_timeout", "wait");
            together(table, "master", "sentinels");
            together(table, "sentinels", "master");
        }
        StoreKind::Postgres => {
            store.user = table.optional("user", read::filled);
            store.database = table.optional("database", read::filled);
            store.isolation = table.optional("isolation", read::word);
            store.update = table.optional("update", read::word);
            store.password_env = table.optional("password_env", read::filled);
        }
        StoreKind::Http => http(table, store, workload),
        StoreKind::Command => store.command = table.list("command", read::filled).unwrap_or_default(),
    }
    if store.kind == StoreKind::Command && store.command.is_empty() {
        table.missing("command");
    }
}

/// A key that means nothing without another.
fn together(table: &Table<'_>, key: &str, needs: &str) {
    if table.has(key) && !table.has(needs) {
        let message = format!("`{key}` has no effect without `{needs}`");
        let diagnostic = Diagnostic::new(Code::NoEffect, table.span_of(key), message);
        table.sink.push(diagnostic.help(format!("write `{needs}`, too, or leave `{key}` out")));
    }
}

fn milliseconds(value: &Value<'_>, sink: &Sink) -> Option<Duration> {
    let duration = read::some_time(value, sink)?;
    if duration.subsec_nanos() % 1_000_000 == 0 {
        return Some(duration);
    }
    let diagnostic = Diagnostic::new(Code::Range, value.span(), "Redis counts whole milliseconds");
    sink.fail(diagnostic.help("write it as \"100ms\""))
}

fn endpoint(value: &Value<'_>, sink: &Sink) -> Option<NamedEndpoint> {
    let text = read::text(value, sink)?;
    let help = "write a name and where it is: \"db-0=10.0.0.7:6379\"";
    let wrong = |message: String| sink.push(Diagnostic::new(Code::Port, value.span(), message).help(help));
    text.parse().map_err(wrong).ok()
}

/// The templates that the workload needs.
fn http(table: &mut Table<'_>, store: &mut Store, workload: Kind) {
    store.headers = table.map("headers", |name, _, _| Some(name.to_owned()), |value, _, sink| read::text(value, sink));
    let needed: &[&str] = match workload {
        Kind::Set => {
            store.add = call(table, "add");
            store.members = call(table, "members");
            store.local_members = call(table, "local_members");
            &["add", "members"]
        }
        Kind::Register | Kind::Append | Kind::Bank | Kind::Queue | Kind::Counter | Kind::Lock | Kind::Watch => {
            store.read = call(table, "read");
            store.write = call(table, "write");
            store.cas = call(table, "cas");
            &["read", "write"]
        }
    };
    for key in needed.iter().filter(|key| !table.has(key)) {
        table.missing(key);
    }
}

fn call(table: &mut Table<'_>, key: &'static str) -> Option<HttpCall> {
    let mut call = table.table(key, &format!("`{key}`"))?;
    let request = call.required("request", request);
    let read = HttpCall {
        request: request.unwrap_or_default(),
        body: call.optional("body", template),
        value: call.or("value", pointer, String::new()),
        definite: call.list("definite", refusal).unwrap_or_default(),
        absent: call.list("absent", refusal).unwrap_or_default(),
        actual: call.optional("actual", pointer),
    };
    call.finish();
    Some(read)
}

fn request(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let text = template(value, sink)?;
    let right = text.split_once(' ').is_some_and(|(method, path)| {
        method.bytes().all(|byte| byte.is_ascii_uppercase())
            && path.starts_with('/')
            && !path.contains(|char: char| char.is_whitespace() || char.is_control())
    });
    if right {
        return Some(text);
    }
    let diagnostic = Diagnostic::new(Code::Request, value.span(), format!("`{text}` is not a request"));
    sink.fail(diagnostic.help("write a method and a path: \"GET /kv/{key}\""))
}

/// The places that a template may have.
const PLACES: [&str; 4] = ["key", "value", "from", "to"];

fn template(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let text = read::text(value, sink)?;
    let named = text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name));
    let letters = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
    match named.filter(letters).find(|name| !PLACES.contains(name)) {
        None => Some(text.clone()),
        Some(name) => sink.fail(read::unknown_kind("place in a request", name, value.span(), &PLACES)),
    }
}

fn pointer(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let text = read::text(value, sink)?;
    if text.is_empty() || text.starts_with('/') {
        return Some(text);
    }
    let diagnostic = Diagnostic::new(Code::Request, value.span(), format!("`{text}` is not a JSON pointer"));
    sink.fail(diagnostic.help(format!("write \"/{text}\", or \"\" for the whole answer")))
}

fn refusal(value: &Value<'_>, sink: &Sink) -> Option<u16> {
    if !value.get_ref().is_integer() {
        let found: &DeValue<'_> = value.get_ref();
        return sink.fail(wrong_type(value, "an HTTP status", found));
    }
    let status = read::whole::<u16>(value, sink)?;
    if (400..=499).contains(&status) {
        return Some(status);
    }
    let message = format!("{status} does not say for certain that nothing happened");
    sink.fail(Diagnostic::new(Code::Range, value.span(), message).help("only statuses from 400 to 499 can"))
}
