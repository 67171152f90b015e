//! What a scenario names and its fixture should hold: the target, Services and their ports. A fixture that brings no workload
//! is taken for an addition to what a cluster has already, and says nothing.

use serde_json::Value;

use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::reader::listed;
use super::scope::{Scopes, objects};
use super::spans::Spans;
use super::{DataCheck, Scenario, ServicePort, Workload, WorkloadKind};

/// The kinds that a target may be of.
const WORKLOADS: [(&str, WorkloadKind); 3] = [
    ("Deployment", WorkloadKind::Deployment),
    ("StatefulSet", WorkloadKind::StatefulSet),
    ("DaemonSet", WorkloadKind::DaemonSet),
];

/// Adds what is named and not there.
pub(super) fn check<'a>(
    scenario: &Scenario,
    scopes: &Scopes<'_>,
    manifests: impl Iterator<Item = &'a Value>,
    spans: Spans<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let objects: Vec<&Value> = manifests.flat_map(objects).collect();
    let fixture = Held { scenario, scopes, objects };
    if !fixture.workloads().any(|_| true) {
        return;
    }
    if let Some(workload) = &scenario.target.workload {
        fixture.workload(workload, "target/workload", spans, found);
    }
    for (index, probe) in scenario.probes.iter().enumerate() {
        if let Some(service) = &probe.service {
            fixture.service(service, &format!("probe/{index}/service"), spans, found);
        }
    }
    for (index, data) in scenario.data.iter().enumerate() {
        if let DataCheck::Set(set) = data {
            fixture.service(&set.service, &format!("data/{index}/service"), spans, found);
        }
    }
}

struct Held<'a> {
    scenario: &'a Scenario,
    scopes: &'a Scopes<'a>,
    objects: Vec<&'a Value>,
}

impl Held<'_> {
    fn of(&self, kind: &'static str, namespace: &str) -> Vec<(&str, &Value)> {
        let here = self
            .objects
            .iter()
            .filter(|object| object["kind"] == kind && self.scopes.namespace(object) == Some(namespace));
        here.filter_map(|object| Some((object.pointer("/metadata/name")?.as_str()?, *object))).collect()
    }

    fn workloads(&self) -> impl Iterator<Item = String> {
        WORKLOADS.into_iter().flat_map(|(kind, _)| {
            let all = self.of(kind, &self.scenario.target.namespace);
            all.into_iter().map(|(name, _)| format!("{}/{name}", kind.to_lowercase())).collect::<Vec<_>>()
        })
    }

    fn workload(&self, wanted: &Workload, place: &str, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
        let known: Vec<String> = self.workloads().collect();
        let wanted = wanted.to_string();
        if !known.contains(&wanted) {
            let message = format!("there is no {wanted} in the fixture");
            let words: Vec<&str> = known.iter().map(String::as_str).collect();
            let diagnostic = Diagnostic::new(Code::NotInFixture, spans.of(place), message);
            found.push(diagnostic.help(format!("the fixture has {}", listed(&words))));
        }
    }

    fn service(&self, wanted: &ServicePort, place: &str, spans: Spans<'_>, found: &mut Vec<Diagnostic>) {
        let own = &self.scenario.target.namespace;
        let namespace = wanted.namespace.as_ref().unwrap_or(own);
        let services = self.of("Service", namespace);
        // Another namespace's Services may be a cluster's own.
        if namespace != own && services.is_empty() {
            return;
        }
        let Some((_, service)) = services.iter().find(|(name, _)| *name == wanted.service) else {
            let message = format!("there is no Service `{}` in the fixture", wanted.service);
            let words: Vec<&str> = services.iter().map(|(name, _)| *name).collect();
            let help = if words.is_empty() {
                "the fixture has no Service in this namespace".to_owned()
            } else {
                format!("the fixture has {}", listed(&words))
            };
            found.push(Diagnostic::new(Code::NotInFixture, spans.of(place), message).help(help));
            return;
        };
        let ports = service.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten();
        let known: Vec<String> = ports
            .flat_map(|port| {
                [port["port"].as_i64().map(|number| number.to_string()), port["name"].as_str().map(str::to_owned)]
            })
            .flatten()
            .collect();
        if !known.contains(&wanted.port) {
            let message = format!("Service `{}` has no port `{}`", wanted.service, wanted.port);
            let words: Vec<&str> = known.iter().map(String::as_str).collect();
            let diagnostic = Diagnostic::new(Code::NotInFixture, spans.of(place), message);
            found.push(diagnostic.help(format!("it has {}", listed(&words))));
        }
    }
}
