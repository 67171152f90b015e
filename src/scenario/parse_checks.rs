//! Reads what is measured: `[[probe]]`, `[[data]]`, `[[query]]` and `[[abort]]`.

use toml::de::DeValue;

use super::abort::five_seconds;
use super::checks::{
    FROM_CLUSTER, default_rate, five, one_second, root_path, set_name, set_read, set_replica_read, set_write,
    volume_name,
};
use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::parse::{one_of, pod_set, written};
use super::parse_store;
use super::read;
use super::reader::{Sink, Table, Value, suggestion, wrong_type};
use super::value::{ServicePort, Workload};
use super::{Abort, AbortVerdict, DataCheck, Probe, ProbeFrom, ProbeKind, Query, SetCheck, VolumeCheck};
use crate::workload::Kind;

/// More attempts or writes per second than this measure the tool, not the target.
const MAX_RATE: f64 = 1000.0;

pub(super) fn probe(mut table: Table<'_>) -> Probe {
    let kind = table.required("kind", read::word);
    let probe = Probe {
        name: table.required("name", read::title).unwrap_or_default(),
        kind: kind.unwrap_or(ProbeKind::Http),
        service: table.optional("service", read::service_port),
        url: table.optional("url", |value, sink| url(value, kind, sink)),
        from: from(&mut table),
        path: table.or("path", path, root_path()),
        status: table.list("status", status).unwrap_or_default(),
        rate: table.or("rate", rate, default_rate()),
        timeout: table.or("timeout", read::some_time, one_second()),
        control: table.or("control", read::flag, false),
    };
    one_of(&table, "service", "url");
    if table.has("url") && probe.from_pods().is_some() {
        let message = "`url` is reached from where Driftproof runs, `from` asks for a pod";
        let diagnostic = Diagnostic::new(Code::Conflict, table.span_of("from"), message);
        table.sink.push(diagnostic.other(table.span_of("url"), "`url` is here").help("probe a `service` instead"));
    }
    if kind == Some(ProbeKind::Tcp) {
        for key in ["path", "status"].into_iter().filter(|key| table.has(key)) {
            let message = format!("`{key}` has no effect on a `tcp` probe");
            table.sink.push(
                Diagnostic::new(Code::NoEffect, table.span_of(key), message)
                    .help("leave it out, or use kind = \"http\""),
            );
        }
    }
    table.finish();
    probe
}

/// `"cluster"`, or a set of pods.
fn from(table: &mut Table<'_>) -> Option<ProbeFrom> {
    let value = table.get("from")?;
    let word = match value.get_ref() {
        DeValue::String(word) => word.as_ref(),
        DeValue::Table(_) => {
            return Table::from_value(value, "`from`".to_owned(), table.sink).map(pod_set).map(ProbeFrom::Pods);
        }
        other => return table.sink.fail(wrong_type(value, "\"cluster\" or a table", other)),
    };
    if word == FROM_CLUSTER {
        return Some(ProbeFrom::Cluster);
    }
    let help = match (suggestion(word, &[FROM_CLUSTER]), word.parse::<Workload>()) {
        (Some(suggestion), _) => suggestion,
        (None, Ok(workload)) => format!("to probe from its pods write {{ workload = \"{workload}\" }}"),
        (None, Err(_)) => format!("write \"{FROM_CLUSTER}\", or name pods: {{ workload = \"deployment/client\" }}"),
    };
    let message = format!("`{word}` is not a place to probe from");
    table.sink.fail(Diagnostic::new(Code::UnknownWord, value.span(), message).help(help))
}

fn url(value: &Value<'_>, kind: Option<ProbeKind>, sink: &Sink) -> Option<String> {
    let text = read::filled(value, sink)?;
    let (right, help) = match kind {
        Some(ProbeKind::Http) => {
            let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
            (rest.is_some_and(|rest| !rest.is_empty()), "write it as \"https://shop.example/health\"")
        }
        Some(ProbeKind::Tcp) => {
            let port = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
            (port.is_some_and(|(host, port)| !host.is_empty() && port > 0), "write it as \"shop.example:443\"")
        }
        None => (true, ""),
    };
    if right && !text.contains(char::is_whitespace) {
        return Some(text);
    }
    sink.fail(Diagnostic::new(Code::Port, value.span(), format!("`{text}` cannot be reached")).help(help))
}

fn path(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let text = read::text(value, sink)?;
    if text.starts_with('/') && !text.contains(|char: char| char.is_whitespace() || char.is_control()) {
        return Some(text);
    }
    let diagnostic = Diagnostic::new(Code::Request, value.span(), format!("`{text}` is not a path"));
    sink.fail(diagnostic.help("paths begin with `/` and have no spaces"))
}

fn status(value: &Value<'_>, sink: &Sink) -> Option<u16> {
    let status = read::whole::<u16>(value, sink)?;
    if (100..=599).contains(&status) {
        return Some(status);
    }
    sink.fail(
        Diagnostic::new(Code::Range, value.span(), format!("{status} is not an HTTP status"))
            .help("these are 100 to 599"),
    )
}

fn rate(value: &Value<'_>, sink: &Sink) -> Option<f64> {
    read::rate(value, MAX_RATE, sink)
}

pub(super) fn data(mut table: Table<'_>) -> Option<DataCheck> {
    let Some(value) = table.get("kind") else {
        table.missing("kind");
        return None;
    };
    let Some(word) = written(Some(value)) else { return read::text(value, table.sink).and(None) };
    match (word, Kind::ALL.into_iter().find(|kind| kind.name() == word)) {
        ("set", _) if !table.has("store") => Some(DataCheck::Set(set(table))),
        ("volume", _) => Some(DataCheck::Volume(volume(table))),
        (_, Some(kind)) => {
            if !table.has("store") {
                table.missing("store");
            }
            parse_store::check(table, kind).map(|check| DataCheck::Store(Box::new(check)))
        }
        (other, None) => {
            let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).chain(["volume"]).collect();
            table.sink.fail(read::unknown_kind("kind of data check", other, value.span(), &kinds))
        }
    }
}

fn set(mut table: Table<'_>) -> SetCheck {
    let nowhere = || ServicePort { service: String::new(), namespace: None, port: String::new() };
    let check = SetCheck {
        name: table.or("name", read::title, set_name()),
        service: table.required("service", read::service_port).unwrap_or_else(nowhere),
        clients: table.or("clients", clients, five()),
        rate: table.or("rate", rate, default_rate()),
        write: table.or("write", write_request, set_write()),
        read: table.or("read", read_request, set_read()),
        replica_read: table.or("replica_read", read_request, set_replica_read()),
        timeout: table.or("timeout", read::some_time, one_second()),
    };
    table.finish();
    check
}

pub(super) fn clients(value: &Value<'_>, sink: &Sink) -> Option<u32> {
    let clients = read::whole::<u32>(value, sink)?;
    if (1..=1000).contains(&clients) {
        return Some(clients);
    }
    sink.fail(Diagnostic::new(Code::Range, value.span(), format!("{clients} clients")).help("choose 1 to 1000"))
}

fn write_request(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let request = request(value, &["PUT", "POST", "PATCH", "GET"], sink)?;
    if request.contains("{value}") {
        return Some(request);
    }
    let message = "the write does not say where its value goes";
    sink.fail(
        Diagnostic::new(Code::Request, value.span(), message)
            .help("put `{value}` into the path: \"PUT /set/driftproof/{value}\""),
    )
}

fn read_request(value: &Value<'_>, sink: &Sink) -> Option<String> {
    request(value, &["GET"], sink)
}

fn request(value: &Value<'_>, methods: &[&str], sink: &Sink) -> Option<String> {
    let text = read::text(value, sink)?;
    let parts = text.split_once(' ');
    let right = parts.is_some_and(|(method, path)| {
        methods.contains(&method)
            && path.starts_with('/')
            && !path.contains(|char: char| char.is_whitespace() || char.is_control())
    });
    if right {
        return Some(text);
    }
    let diagnostic = Diagnostic::new(Code::Request, value.span(), format!("`{text}` is not a request"));
    sink.fail(diagnostic.help(format!("write a method and a path: \"{} /path\"", methods[0])))
}

fn volume(mut table: Table<'_>) -> VolumeCheck {
    let check = VolumeCheck {
        name: table.or("name", read::title, volume_name()),
        path: table.required("path", path).unwrap_or_default(),
        write: table.optional("write", file),
    };
    table.finish();
    check
}

fn file(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let text = read::filled(value, sink)?;
    if !text.starts_with('/') && text.split('/').all(|part| !part.is_empty() && part != "..") {
        return Some(text);
    }
    let diagnostic =
        Diagnostic::new(Code::Request, value.span(), format!("`{text}` is not a file below the mount path"));
    sink.fail(diagnostic.help("write a relative path without `..`, such as \"canary.txt\""))
}

pub(super) fn query(mut table: Table<'_>) -> Query {
    let query = Query {
        name: table.required("name", read::title).unwrap_or_default(),
        expr: table.required("expr", read::filled).unwrap_or_default(),
        bound: table.required("bound", bound).unwrap_or_default(),
        step: table.optional("step", read::some_time),
    };
    table.finish();
    query
}

pub(super) fn abort(mut table: Table<'_>) -> Abort {
    let abort = Abort {
        probe: table.optional("probe", read::title),
        outage: table.optional("outage", read::some_time),
        query: table.optional("query", read::filled),
        bound: table.optional("bound", bound),
        every: table.or("every", read::some_time, five_seconds()),
        verdict: table.or("verdict", read::word, AbortVerdict::default()),
    };
    one_of(&table, "probe", "query");
    for (key, with) in [("probe", "outage"), ("query", "bound")] {
        if table.has(key) && !table.has(with) {
            table.missing(with);
        }
        if table.has(with) && !table.has(key) {
            let message = format!("`{with}` has no effect without `{key}`");
            table.sink.push(Diagnostic::new(Code::NoEffect, table.span_of(with), message).help("leave it out"));
        }
    }
    table.finish();
    abort
}

fn bound(value: &Value<'_>, sink: &Sink) -> Option<String> {
    const HELP: &str = "write a comparison and a number: \">= 0.99\", \"< 5\", \"== 0\"";
    let DeText(text) = DeText::of(value, sink, HELP)?;
    if is_bound(&text) {
        return Some(text);
    }
    sink.fail(Diagnostic::new(Code::Bound, value.span(), format!("`{text}` is not a bound")).help(HELP))
}

/// Text, with a hint for those who wrote a number.
struct DeText(String);

impl DeText {
    fn of(value: &Value<'_>, sink: &Sink, help: &str) -> Option<Self> {
        if value.get_ref().is_integer() || value.get_ref().is_float() {
            let message = "a bound needs a comparison";
            return sink.fail(Diagnostic::new(Code::Bound, value.span(), message).help(help));
        }
        read::text(value, sink).map(Self)
    }
}

fn is_bound(text: &str) -> bool {
    let text = text.trim();
    let number = ["<=", ">=", "==", "!=", "<", ">"].iter().find_map(|operator| text.strip_prefix(operator));
    number.and_then(|number| number.trim().parse::<f64>().ok()).is_some_and(f64::is_finite)
}
