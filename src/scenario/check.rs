//! What concerns several parts of a scenario: names that are used twice, objectives that contradict each other or for
//! which nothing is measured, nodes and zones that the embedded cluster does not have.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use humantime::format_duration;

use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::reader::suggestion;
use super::spans::Spans;
use super::{Cluster, DataCheck, Expect, Fault, FaultKind, NodeChoice, PodKill, Scenario, Workload, WorkloadKind};
use crate::workload::Kind;

/// Adds what is found. What could not be read has its default here, so a setting that is not written is never reported.
pub(super) fn all(scenario: &Scenario, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
    names(scenario, spans, found);
    faults(scenario, spans, found);
    contradictions(&scenario.expect, spans, found);
    unmeasured(scenario, spans, found);
    late(scenario, spans, found);
    aborts(scenario, spans, found);
    if spans.has("cluster") {
        places(scenario, spans, found);
    }
}

fn names(scenario: &Scenario, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
    let data = scenario.data.iter().map(|check| match check {
        DataCheck::Set(set) => set.name.as_str(),
        DataCheck::Volume(volume) => volume.name.as_str(),
        DataCheck::Store(check) => check.name(),
    });
    unique("probe", scenario.probes.iter().map(|probe| probe.name.as_str()), spans, found);
    unique("data", data, spans, found);
    unique("query", scenario.queries.iter().map(|query| query.name.as_str()), spans, found);
}

fn unique<'a>(room: &str, names: impl Iterator<Item = &'a str>, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, name) in names.enumerate().filter(|(_, name)| !name.is_empty()) {
        let at = |index: usize| spans.of(&format!("{room}/{index}/name"));
        if let Some(before) = first.insert(name, index) {
            let message = format!("two [[{room}]] have the name `{name}`");
            let diagnostic = Diagnostic::new(Code::Duplicate, at(index), message);
            found.push(diagnostic.other(at(before), "first used here").help("give each a `name` of its own"));
        }
    }
}

/// An abort condition is on a probe that there is.
fn aborts(scenario: &Scenario, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
    let names: Vec<&str> = scenario.probes.iter().map(|probe| probe.name.as_str()).collect();
    for (index, abort) in scenario.aborts.iter().enumerate() {
        let Some(name) = abort.probe.as_deref().filter(|name| !names.contains(name)) else { continue };
        let message = format!("there is no [[probe]] `{name}`");
        let diagnostic = Diagnostic::new(Code::Unmeasured, spans.of(&format!("abort/{index}/probe")), message);
        let help = suggestion(name, &names).unwrap_or_else(|| "name a probe of this scenario".to_owned());
        found.push(diagnostic.help(help));
    }
}

fn faults(scenario: &Scenario, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
    let span = spans.of("fault");
    let misread = spans.has("fault") && found.iter().any(|other| other.span == span);
    if scenario.faults.is_empty() && !spans.has("fault/0") && !misread {
        let diagnostic = Diagnostic::new(Code::NoFault, span, "nothing is injected");
        found.push(diagnostic.help("a scenario needs at least one [[fault]]"));
    }
    for (index, fault) in read_faults(scenario, spans) {
        repeat(fault, index, spans, found);
        let target = scenario.target.workload.as_ref();
        match &fault.kind {
            FaultKind::PodKill(kill) => ordinal(kill, target, index, spans, found),
            FaultKind::EtcdMemberReplace(_) => members(target, index, spans, found),
            FaultKind::NetworkPartition(_) | FaultKind::NodeDrain(_) | FaultKind::NodeFailure(_) => {}
        }
    }
}

/// The faults with their index in the text. When one could not be read, the others would be blamed for its place.
fn read_faults<'a>(scenario: &'a Scenario, spans: Spans<'_>) -> impl Iterator<Item = (usize, &'a Fault)> {
    let all_read = !spans.has(&format!("fault/{}", scenario.faults.len()));
    scenario.faults.iter().enumerate().filter(move |_| all_read)
}

fn repeat(fault: &Fault, index: usize, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
    let Some(every) = fault.every else { return };
    let is_healed = match fault.kind {
        FaultKind::PodKill(_) => false,
        FaultKind::NetworkPartition(_)
        | FaultKind::NodeDrain(_)
        | FaultKind::NodeFailure(_)
        | FaultKind::EtcdMemberReplace(_) => true,
    };
    if is_healed && fault.times > 1 && every < fault.hold {
        let message = format!(
            "it would be injected again after {}, before it is healed after {}",
            format_duration(every),
            format_duration(fault.hold)
        );
        let diagnostic = Diagnostic::new(Code::Timing, spans.of(&format!("fault/{index}/every")), message);
        let hold = spans.of(&format!("fault/{index}/hold"));
        found.push(diagnostic.other(hold, "held so long").help("make `every` longer than `hold`"));
    }
}

fn ordinal(kill: &PodKill, target: Option<&Workload>, index: usize, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
    let workload = match &kill.pods {
        Some(pods) => pods.workload.as_ref(),
        None => target,
    };
    let Some(workload) = workload.filter(|workload| workload.kind != WorkloadKind::StatefulSet) else { return };
    if kill.ordinal.is_some() {
        let message = format!("pods of {workload} have no ordinal");
        let diagnostic = Diagnostic::new(Code::NoEffect, spans.of(&format!("fault/{index}/ordinal")), message);
        found.push(diagnostic.help("only a StatefulSet numbers its pods"));
    }
}

/// A member is replaced by changing the StatefulSet that runs it.
fn members(target: Option<&Workload>, index: usize, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
    if target.is_some_and(|workload| workload.kind == WorkloadKind::StatefulSet) {
        return;
    }
    let span = spans.of(&format!("fault/{index}/kind"));
    let message = "members are replaced in a StatefulSet, and the target is none";
    let mut diagnostic = Diagnostic::new(Code::Conflict, span, message);
    for key in ["target/workload", "target/selector"].into_iter().filter(|key| spans.has(key)) {
        diagnostic = diagnostic.other(spans.of(key), "the target");
    }
    found.push(diagnostic.help("name it: `workload = \"statefulset/etcd\"`"));
}

fn contradictions(expect: &Expect, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
    if let (Some(longest), Some(total)) = (expect.longest_outage, expect.total_downtime)
        && longest > total
    {
        let message = format!(
            "one outage may last {}, but all together only {}",
            format_duration(longest),
            format_duration(total)
        );
        let diagnostic = Diagnostic::new(Code::Contradiction, spans.of("expect/longest_outage"), message);
        let total = spans.of("expect/total_downtime");
        found.push(diagnostic.other(total, "the sum of all outages").help("the longest outage is part of the total"));
    }
    let Some(rto) = expect.rto else { return };
    for (phase, budget) in expect.phase.iter().filter(|(_, budget)| budget.0 > rto) {
        let message = format!(
            "phase {} may take {}, but the whole recovery only {}",
            phase.word(),
            format_duration(budget.0),
            format_duration(rto)
        );
        let at = spans.of(&format!("expect/phase/{}", phase.word()));
        let diagnostic = Diagnostic::new(Code::Contradiction, at, message);
        found.push(diagnostic.other(spans.of("expect/rto"), "the whole recovery").help("a phase is part of the RTO"));
    }
}

/// Objectives that would always be inconclusive, since nothing is measured for them.
fn unmeasured(scenario: &Scenario, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
    let mut report = |key: &str, message: &str, help: &str| {
        let diagnostic = Diagnostic::new(Code::Unmeasured, spans.of(&format!("expect/{key}")), message);
        found.push(diagnostic.help(help));
    };
    let counted = scenario.probes.iter().any(|probe| !probe.control);
    if !counted {
        let there = spans.has("probe/0");
        let none = if there { "every [[probe]] is a control" } else { "there is no [[probe]]" };
        let message = format!("this is measured by probes, but {none}");
        for key in ["availability", "longest_outage", "total_downtime", "p99", "phase/serving"] {
            if spans.has(&format!("expect/{key}")) {
                report(key, &message, "add a [[probe]] of the service");
            }
        }
        let cuts = |fault: &Fault| matches!(fault.kind, FaultKind::NetworkPartition(_));
        if spans.has("expect/rto") && scenario.faults.iter().any(cuts) {
            let message = format!(
                "nothing would show when a partition is overcome: pods stay Ready, since their own node asks them, and {none}"
            );
            report("rto", &message, "add a [[probe]] of the service");
        }
    }
    let writes = scenario.data.iter().any(|check| match check {
        DataCheck::Set(_) => true,
        DataCheck::Store(check) => check.kind == Kind::Set,
        DataCheck::Volume(_) => false,
    });
    let all_read = !spans.has(&format!("data/{}", scenario.data.len()));
    if spans.has("expect/rpo") && !writes && all_read {
        let message = "lost writes are counted by a data check of kind `set`, but there is none";
        report("rpo", message, "add a [[data]] with kind = \"set\"");
    }
    let bare_pod = scenario.target.workload.as_ref().filter(|workload| workload.kind == WorkloadKind::Pod);
    if let (Some(moved), Some(pod)) = (scenario.expect.moved, bare_pod)
        && moved > 0
    {
        report("moved", &format!("nothing would replace {pod}, so it cannot move"), "target the workload that owns it");
    }
}

/// Bounds that no run could break, since it gives up before.
fn late(scenario: &Scenario, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
    let Some(p99) = scenario.expect.p99 else { return };
    let longest = scenario.probes.iter().map(|probe| probe.timeout).max();
    if let Some(timeout) = longest.filter(|timeout| *timeout < p99 && *timeout > Duration::ZERO) {
        let message = format!(
            "no answer can take {}: every probe gives up after {}",
            format_duration(p99),
            format_duration(timeout)
        );
        let diagnostic = Diagnostic::new(Code::Contradiction, spans.of("expect/p99"), message);
        found.push(diagnostic.help("lower `p99`, or raise the probes' `timeout`"));
    }
}

/// Only when `[cluster]` is written: a scenario for live clusters may name their nodes.
fn places(scenario: &Scenario, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
    let cluster = &scenario.cluster;
    let nodes: BTreeSet<String> = (1..=cluster.nodes).map(|number| format!("worker-{number}")).collect();
    let zones: BTreeSet<String> = cluster.zones.iter().cloned().collect();
    for (name, node) in &cluster.node {
        unknown("node", name, &nodes, spans.of(&format!("cluster/node/{name}")), found);
        if let Some(zone) = &node.zone {
            unknown("zone", zone, &zones, spans.of(&format!("cluster/node/{name}/zone")), found);
        }
    }
    repeated_zones(cluster, spans, found);
    for (index, fault) in read_faults(scenario, spans) {
        let choice: Option<&NodeChoice> = match &fault.kind {
            FaultKind::PodKill(kill) => {
                if let Some(name) = &kill.node {
                    unknown("node", name, &nodes, spans.of(&format!("fault/{index}/node")), found);
                }
                None
            }
            FaultKind::NetworkPartition(_) | FaultKind::EtcdMemberReplace(_) => None,
            FaultKind::NodeDrain(drain) => Some(&drain.node),
            FaultKind::NodeFailure(failure) => Some(&failure.node),
        };
        let Some(choice) = choice else { continue };
        if let Some(name) = &choice.name {
            unknown("node", name, &nodes, spans.of(&format!("fault/{index}/node/name")), found);
        }
        if let Some(zone) = &choice.zone {
            unknown("zone", zone, &zones, spans.of(&format!("fault/{index}/node/zone")), found);
        }
    }
}

fn repeated_zones(cluster: &Cluster, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
    for (index, zone) in cluster.zones.iter().enumerate() {
        if let Some(before) = cluster.zones[..index].iter().position(|other| other == zone) {
            let at = |index: usize| spans.of(&format!("cluster/zones/{index}"));
            let diagnostic = Diagnostic::new(Code::Duplicate, at(index), format!("zone `{zone}` is named twice"));
            found.push(diagnostic.other(at(before), "first named here"));
        }
    }
}

fn unknown(
    noun: &str,
    name: &str,
    known: &BTreeSet<String>,
    span: std::ops::Range<usize>,
    found: &mut Vec<Diagnostic>,
) {
    if known.contains(name) {
        return;
    }
    let words: Vec<&str> = known.iter().map(String::as_str).collect();
    let few = match words.as_slice() {
        [first, .., last] if words.len() > 5 => format!("its {noun}s are `{first}` to `{last}`"),
        words => format!("its {noun}s are {}", super::reader::listed(words)),
    };
    // Numbered nodes all look alike: `worker-5` did not mean `worker-1`.
    let help = if noun == "zone" { suggestion(name, &words).unwrap_or(few) } else { few };
    let message = format!("the embedded cluster has no {noun} `{name}`");
    found.push(Diagnostic::new(Code::UnknownPlace, span, message).help(help));
}
