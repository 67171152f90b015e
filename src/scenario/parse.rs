//! TOML text → [`Scenario`] or all its mistakes at once. Reads table by table; what concerns several tables is
//! `check`'s work.

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::reader::{Sink, Table, Value};
use super::spans::Spans;
use super::value::{Selector, Workload};
use super::{Expect, Fixture, Guard, Phase, PhaseBudget, PodSet, Scenario, Steady, Target};
use super::{check, parse_checks, parse_cluster, parse_fault, read, syntax};

/// Reads a scenario. `name` is the file as the person named it; it only appears in the diagnostics.
///
/// # Errors
/// Every mistake that was found, in the order of the text.
pub fn parse(name: &str, text: &str) -> Result<Scenario, Vec<Diagnostic>> {
    let (scenario, diagnostics) = draft(name, text);
    if diagnostics.is_empty() { Ok(scenario) } else { Err(diagnostics) }
}

/// The same, with what could be read beside the mistakes, so that more of them can be found. It is fit for nothing else.
#[must_use]
pub fn draft(name: &str, text: &str) -> (Scenario, Vec<Diagnostic>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let sink = Sink::default();
    let scenario = root(document.get_ref(), &sink);
    let mut diagnostics = sink.into_inner();
    check::all(&scenario, Spans::new(document.get_ref()), &mut diagnostics);
    let mut diagnostics = with_syntax(diagnostics, &errors, text);
    finish(&mut diagnostics, name);
    (scenario, diagnostics)
}

/// Puts them in the order of the text, and names the file in each.
pub(super) fn finish(diagnostics: &mut [Diagnostic], name: &str) {
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.code, diagnostic.span.end));
    for diagnostic in diagnostics {
        name.clone_into(&mut diagnostic.file);
    }
}

/// Adds syntax errors. Around them the text was guessed at: what was found missing, or wrong in the same line, is no news.
fn with_syntax(mut found: Vec<Diagnostic>, errors: &[toml::de::Error], text: &str) -> Vec<Diagnostic> {
    let syntax = syntax::diagnostics(errors, text);
    if !syntax.is_empty() {
        let lines: Vec<usize> = syntax.iter().map(|error| error.line(text)).collect();
        found.retain(|diagnostic| !diagnostic.code.is_about_absence() && !lines.contains(&diagnostic.line(text)));
    }
    found.extend(syntax);
    found
}

fn root(document: &DeTable<'_>, sink: &Sink) -> Scenario {
    let mut table = Table::new(document, "the scenario".to_owned(), 0..0, sink);
    let scenario = Scenario {
        name: table.required("name", read::name).unwrap_or_default(),
        description: table.or("description", read::text, String::new()),
        tags: table.list("tags", tag).unwrap_or_default(),
        target: target(&mut table),
        fixture: table.table("fixture", "[fixture]").map(fixture).unwrap_or_default(),
        cluster: table.table("cluster", "[cluster]").map(parse_cluster::cluster).unwrap_or_default(),
        steady: table.table("steady", "[steady]").map(steady).unwrap_or_default(),
        probes: table.tables("probe").into_iter().map(parse_checks::probe).collect(),
        data: table.tables("data").into_iter().filter_map(parse_checks::data).collect(),
        queries: table.tables("query").into_iter().map(parse_checks::query).collect(),
        faults: table.tables("fault").into_iter().filter_map(parse_fault::fault).collect(),
        aborts: table.tables("abort").into_iter().map(parse_checks::abort).collect(),
        guard: table.table("guard", "[guard]").map(guard).unwrap_or_default(),
        expect: table.table("expect", "[expect]").map(expect).unwrap_or_default(),
    };
    table.finish();
    scenario
}

fn tag(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let tag = read::filled(value, sink)?;
    if tag.chars().any(|char| char.is_whitespace() || char == ',') {
        let message = format!("tag `{tag}` has a space or a comma in it");
        return sink.fail(Diagnostic::new(Code::Name, value.span(), message));
    }
    Some(tag)
}

fn target(root: &mut Table<'_>) -> Target {
    let absent = || Target { namespace: String::new(), workload: None, selector: None };
    if !root.has("target") {
        root.get("target");
        root.missing("target");
        return absent();
    }
    let Some(mut table) = root.table("target", "[target]") else { return absent() };
    let namespace = table.required("namespace", read::name).unwrap_or_default();
    let (workload, selector) = pods(&mut table);
    table.finish();
    Target { namespace, workload, selector }
}

/// A pod set of a fault or a probe.
pub(super) fn pod_set(mut table: Table<'_>) -> PodSet {
    let namespace = table.optional("namespace", read::name);
    let (workload, selector) = pods(&mut table);
    table.finish();
    PodSet { namespace, workload, selector }
}

fn pods(table: &mut Table<'_>) -> (Option<Workload>, Option<Selector>) {
    let pods = (table.optional("workload", read::workload), table.optional("selector", read::selector));
    one_of(table, "workload", "selector");
    pods
}

/// Exactly one of two keys must be written.
pub(super) fn one_of(table: &Table<'_>, first: &str, second: &str) {
    match (table.has(first), table.has(second)) {
        (true, true) => {
            let message = format!("{} has both `{first}` and `{second}`", table.name);
            let diagnostic = Diagnostic::new(Code::Conflict, table.span_of(second), message);
            table.sink.push(
                diagnostic.other(table.span_of(first), format!("`{first}` is here")).help("leave one of them out"),
            );
        }
        (false, false) => {
            let message = format!("{} has neither `{first}` nor `{second}`", table.name);
            let diagnostic = Diagnostic::new(Code::OneOf, table.span.clone(), message);
            table.sink.push(diagnostic.help("write one of them"));
        }
        (true, false) | (false, true) => {}
    }
}

fn fixture(mut table: Table<'_>) -> Fixture {
    let fixture = Fixture {
        manifests: table.list("manifests", read::filled).unwrap_or_default(),
        namespaces: table.list("namespaces", read::name).unwrap_or_default(),
        cluster_scoped: table.list("cluster_scoped", read::kind).unwrap_or_default(),
    };
    table.finish();
    fixture
}

fn steady(mut table: Table<'_>) -> Steady {
    let default = Steady::default();
    let steady = Steady {
        window: table.or("window", read::duration, default.window),
        timeout: table.or("timeout", read::some_time, default.timeout),
    };
    table.finish();
    steady
}

fn guard(mut table: Table<'_>) -> Guard {
    let default = Guard::default();
    let guard = Guard {
        max_pods: table.or("max_pods", read::percent, default.max_pods),
        max_namespace_pods: table.or("max_namespace_pods", read::percent, default.max_namespace_pods),
        max_nodes: table.or("max_nodes", read::percent, default.max_nodes),
        namespace_labels: table.map("namespace_labels", label_name, |value, _, sink| read::text(value, sink)),
        window: table.optional("window", read::window),
        allow: table.list("allow", read::word).unwrap_or_default(),
    };
    table.finish();
    guard
}

#[expect(clippy::unnecessary_wraps, reason = "keys of maps may be refused; a label's name is checked by the cluster")]
fn label_name(name: &str, _: std::ops::Range<usize>, _: &Sink) -> Option<String> {
    Some(name.to_owned())
}

fn expect(mut table: Table<'_>) -> Expect {
    let phase =
        table.map("phase", read::to_word::<Phase>, |value, _, sink| read::duration(value, sink).map(PhaseBudget));
    let expect = Expect {
        rto: table.optional("rto", read::some_time),
        rpo: table.optional("rpo", read::whole::<u64>),
        availability: table.optional("availability", read::percent),
        longest_outage: table.optional("longest_outage", read::duration),
        total_downtime: table.optional("total_downtime", read::duration),
        p99: table.optional("p99", read::some_time),
        phase,
        moved: table.optional("moved", read::whole::<u32>),
        same_after: table.list("same_after", read::word).unwrap_or_default(),
    };
    table.finish();
    expect
}

/// The text of a key, when it is text.
pub(super) fn written<'d>(value: Option<&'d Spanned<DeValue<'d>>>) -> Option<&'d str> {
    value.and_then(|value| value.get_ref().as_str())
}
