//! Reads `[[fault]]`: what is common to all kinds, then each kind by its own keys.

use std::time::Duration;

use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::other_tools;
use super::parse::{pod_set, written};
use super::read::{self, is_port};
use super::reader::{Sink, Table, Value};
use super::{
    CommandPair, Count, Disk, EtcdMemberReplace, FailureMode, Fault, FaultKind, NetworkPartition, NodeChoice,
    NodeDrain, NodeFailure, PodKill,
};

/// More repeats than this are a mistake.
const MAX_TIMES: u32 = 1000;

const KINDS: [&str; 5] = ["pod-kill", "network-partition", "node-drain", "node-failure", "etcd-member-replace"];

pub(super) fn fault(mut table: Table<'_>) -> Option<Fault> {
    let name = table.optional("name", read::title);
    let at = table.or("at", read::duration, Duration::ZERO);
    let hold = table.optional("hold", read::duration);
    let every = table.optional("every", read::some_time);
    let times = table.optional("times", times);
    let kind = kind(&mut table);
    timing(&table, kind.as_ref(), times, hold);
    never_held(&table, kind.as_ref());
    if let Some(kind) = kind {
        let word = kind.word();
        table.finish_with(|key, value| other_tools::key(word, key, value));
        let (hold, times) = (hold.unwrap_or_default(), times.unwrap_or(1));
        return Some(Fault { name, at, hold, every, times, kind });
    }
    None
}

fn times(value: &Value<'_>, sink: &Sink) -> Option<u32> {
    let times = read::whole::<u32>(value, sink)?;
    if (1..=MAX_TIMES).contains(&times) {
        return Some(times);
    }
    let help = format!("choose 1 to {MAX_TIMES}");
    sink.fail(Diagnostic::new(Code::Range, value.span(), format!("{times} times")).help(help))
}

fn kind(table: &mut Table<'_>) -> Option<FaultKind> {
    let Some(value) = table.get("kind") else {
        let help = format!("the kinds are {}", super::reader::listed(&KINDS));
        let message = "[[fault]] has no `kind`";
        table
            .sink
            .push(Diagnostic::new(Code::MissingKey, table.span.clone(), message).label("`kind` is missing").help(help));
        return None;
    };
    match written(Some(value)) {
        Some("pod-kill") => Some(FaultKind::PodKill(pod_kill(table))),
        Some("network-partition") => Some(FaultKind::NetworkPartition(network_partition(table))),
        Some("node-drain") => Some(FaultKind::NodeDrain(node_drain(table))),
        Some("node-failure") => Some(FaultKind::NodeFailure(node_failure(table))),
        Some("etcd-member-replace") => Some(FaultKind::EtcdMemberReplace(etcd_member_replace(table))),
        Some(other) => {
            let unknown = read::unknown_kind("kind of fault", other, value.span(), &KINDS);
            table.sink.fail(match other_tools::kind(other) {
                Some(hint) => unknown.help(format!("{hint}; the kinds are {}", super::reader::listed(&KINDS))),
                None => unknown,
            })
        }
        None => read::text(value, table.sink).and(None),
    }
}

/// `every` and `times` go together, and a fault that must be proven while it holds must hold.
fn timing(table: &Table<'_>, kind: Option<&FaultKind>, times: Option<u32>, hold: Option<Duration>) {
    let report = |key: &str, message: &str, help: &str| {
        table.sink.push(Diagnostic::new(Code::Timing, table.span_of(key), message).help(help));
    };
    match (table.has("every"), table.has("times")) {
        (true, false) => report("every", "`every` without `times` repeats nothing", "say how often: `times = 3`"),
        (false, true) if times != Some(1) => {
            report(
                "times",
                "`times` without `every` would inject all at once",
                "say at which interval: `every = \"30s\"`",
            );
        }
        (false, _) | (true, true) => {}
    }
    let must_hold = match kind {
        Some(FaultKind::NetworkPartition(_) | FaultKind::NodeFailure(_) | FaultKind::EtcdMemberReplace(_)) => true,
        Some(FaultKind::PodKill(_) | FaultKind::NodeDrain(_)) | None => false,
    };
    if must_hold && (hold == Some(Duration::ZERO) || !table.has("hold")) {
        report("hold", "this fault would be healed before it is proven", "say how long it holds: `hold = \"30s\"`");
    }
}

/// A key that does nothing is a misunderstanding.
fn never_held(table: &Table<'_>, kind: Option<&FaultKind>) {
    if table.has("hold") && matches!(kind, Some(FaultKind::PodKill(_))) {
        let message = "a kill is not held: what owns the pod replaces it at once";
        let diagnostic = Diagnostic::new(Code::NoEffect, table.span_of("hold"), message);
        table
            .sink
            .push(diagnostic.help("leave it out; to kill again and again write `every = \"10s\"` and `times = 6`"));
    }
}

fn pod_kill(table: &mut Table<'_>) -> PodKill {
    let default = PodKill::default();
    let kill = PodKill {
        pods: table.table("pods", "`pods`").map(pod_set),
        count: table.or("count", read::count, default.count),
        pick: table.or("pick", read::word, default.pick),
        ordinal: table.optional("ordinal", read::whole::<u32>),
        role: table.optional("role", read::filled),
        node: table.optional("node", read::node_name),
        grace: table.optional("grace", read::duration),
        force: table.or("force", read::flag, false),
        include_not_running: table.or("include_not_running", read::flag, false),
    };
    if kill.force && table.has("grace") {
        let message = "a forced deletion has no grace period";
        let diagnostic = Diagnostic::new(Code::Conflict, table.span_of("grace"), message);
        table.sink.push(diagnostic.other(table.span_of("force"), "forced here").help("leave one of them out"));
    }
    kill
}

fn network_partition(table: &mut Table<'_>) -> NetworkPartition {
    let default = NetworkPartition::default();
    let partition = NetworkPartition {
        pods: table.table("pods", "`pods`").map(pod_set),
        from: table.table("from", "`from`").map(pod_set),
        direction: table.or("direction", read::word, default.direction),
        except_ports: table.list("except_ports", except_port).unwrap_or_default(),
        include_dns: table.or("include_dns", read::flag, false),
    };
    if partition.from.is_some() && partition.from == partition.pods {
        let message = "these pods would be cut off from themselves";
        let diagnostic = Diagnostic::new(Code::Conflict, table.span_of("from"), message);
        table.sink.push(diagnostic.other(table.span_of("pods"), "the same pods").help("name two groups"));
    }
    partition
}

fn except_port(value: &Value<'_>, sink: &Sink) -> Option<String> {
    const HELP: &str = "write it as \"9090\", \"53/UDP\" or \"metrics\"";
    if value.get_ref().is_integer() {
        return sink.fail(super::reader::wrong_type(value, "a port in quotes", value.get_ref()).help(HELP));
    }
    let text = read::text(value, sink)?;
    let (port, protocol) = text.split_once('/').unwrap_or((&text, "TCP"));
    if is_port(port) && matches!(protocol, "TCP" | "UDP" | "SCTP") {
        return Some(text);
    }
    sink.fail(Diagnostic::new(Code::Port, value.span(), format!("`{text}` is not a port")).help(HELP))
}

fn node_drain(table: &mut Table<'_>) -> NodeDrain {
    let default = NodeDrain::default();
    NodeDrain {
        node: table.table("node", "`node`").map(node_choice).unwrap_or_default(),
        timeout: table.or("timeout", read::some_time, default.timeout),
        delete_emptydir_data: table.or("delete_emptydir_data", read::flag, default.delete_emptydir_data),
        force: table.or("force", read::flag, default.force),
    }
}

fn node_failure(table: &mut Table<'_>) -> NodeFailure {
    let default = NodeFailure::default();
    let failure = NodeFailure {
        node: table.table("node", "`node`").map(node_choice).unwrap_or_default(),
        mode: table.or("mode", read::word, default.mode),
        command: table.table("command", "`command`").map(command),
    };
    if failure.mode == FailureMode::Taint && failure.command.is_some() {
        let diagnostic = Diagnostic::new(
            Code::Conflict,
            table.span_of("command"),
            "a taint is set through the API, not by a command",
        );
        table.sink.push(diagnostic.other(table.span_of("mode"), "a taint here").help("leave one of them out"));
    }
    failure
}

fn etcd_member_replace(table: &mut Table<'_>) -> EtcdMemberReplace {
    let default = EtcdMemberReplace::default();
    let replace = EtcdMemberReplace {
        disk: table.or("disk", read::word, default.disk),
        ordinal: table.optional("ordinal", read::whole::<u32>),
        port: table.or("port", read::filled, default.port),
        timeout: table.or("timeout", read::some_time, default.timeout),
    };
    if replace.disk == Disk::Kept && replace.ordinal.is_some() {
        let message = "the member that moves is the one with the lowest ordinal";
        let diagnostic = Diagnostic::new(Code::NoEffect, table.span_of("ordinal"), message);
        table.sink.push(diagnostic.help("leave it out, or add `disk = \"lost\"`"));
    }
    replace
}

fn command(mut table: Table<'_>) -> CommandPair {
    let pair = CommandPair {
        inject: table.required("inject", read::filled).unwrap_or_default(),
        heal: table.required("heal", read::filled).unwrap_or_default(),
    };
    table.finish();
    pair
}

fn node_choice(mut table: Table<'_>) -> NodeChoice {
    let choice = NodeChoice {
        name: table.optional("name", read::node_name),
        zone: table.optional("zone", read::filled),
        selector: table.optional("selector", read::selector),
        of: table.optional("of", read::word),
        role: table.optional("role", read::filled),
        ordinal: table.optional("ordinal", read::whole::<u32>),
        whole_zone: table.or("whole_zone", read::flag, false),
        count: table.optional("count", read::count),
    };
    if !table.has("of") {
        for key in ["role", "ordinal"].into_iter().filter(|key| table.has(key)) {
            let message = format!("`{key}` chooses among the target's pods, but the node is not chosen by these");
            table.sink.push(Diagnostic::new(Code::NoEffect, table.span_of(key), message).help("add `of = \"target\"`"));
        }
    }
    if table.has("name") && choice.count.is_some_and(|count| count != Count::Exactly(1) && count != Count::All) {
        let message = "a name is one node";
        let diagnostic = Diagnostic::new(Code::Conflict, table.span_of("count"), message);
        table.sink.push(diagnostic.other(table.span_of("name"), "one node is named here").help("leave `count` out"));
    }
    table.finish();
    choice
}
