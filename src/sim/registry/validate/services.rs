//! Service, NetworkPolicy and PersistentVolumeClaim.

use serde_json::{Value, json};

use crate::api::error::Cause;
use crate::registry::qos::nanos;

use super::pods::one_of;
use super::{items, text};

/// Checks a Service.
pub(super) fn service(value: &Value, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    let known = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    one_of(spec, "type", "spec", &known, causes);
    one_of(spec, "sessionAffinity", "spec", &["ClientIP", "None"], causes);
    if text(spec, "/type") == "ExternalName" {
        return;
    }
    let headless = text(spec, "/clusterIP") == "None";
    let ports: Vec<(usize, &Value)> = items(spec, "ports").collect();
    if ports.is_empty() && !headless {
        causes.push(Cause::required("spec.ports", ""));
    }
    for (index, port) in &ports {
        port_number(&port["port"], format!("spec.ports[{index}].port"), causes);
        if port["targetPort"].is_number() {
            port_number(&port["targetPort"], format!("spec.ports[{index}].targetPort"), causes);
        }
        if ports.len() > 1 && text(port, "/name").is_empty() {
            causes.push(Cause::required(format!("spec.ports[{index}].name"), ""));
        }
        one_of(port, "protocol", &format!("spec.ports[{index}]"), &["SCTP", "TCP", "UDP"], causes);
        let same = |other: &Value| (&other["port"], &other["protocol"]) == (&port["port"], &port["protocol"]);
        if ports[..*index].iter().any(|(_, other)| same(other)) {
            let value = json!({ "protocol": port["protocol"], "port": port["port"] });
            causes.push(Cause::duplicate(format!("spec.ports[{index}]"), &value));
        }
    }
}

fn port_number(number: &Value, field: String, causes: &mut Vec<Cause>) {
    if number.as_i64().is_none_or(|number| !(1..=65535).contains(&number)) {
        causes.push(Cause::invalid(field, number, "must be between 1 and 65535, inclusive"));
    }
}

/// Checks a NetworkPolicy.
pub(super) fn policy(value: &Value, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    for (index, kind) in items(spec, "policyTypes") {
        if kind != "Ingress" && kind != "Egress" {
            causes.push(Cause::unsupported(format!("spec.policyTypes[{index}]"), kind, &["Egress", "Ingress"]));
        }
    }
    for (direction, side) in [("ingress", "from"), ("egress", "to")] {
        for (index, rule) in items(spec, direction) {
            for (at, peer) in items(rule, side) {
                check_peer(peer, &format!("spec.{direction}[{index}].{side}[{at}]"), causes);
            }
            for (at, port) in items(rule, "ports") {
                check_port(port, &format!("spec.{direction}[{index}].ports[{at}]"), causes);
            }
        }
    }
}

fn check_peer(peer: &Value, path: &str, causes: &mut Vec<Cause>) {
    let set = |field: &str| peer.get(field).is_some_and(|value| !value.is_null());
    let (pods, namespaces, block) = (set("podSelector"), set("namespaceSelector"), set("ipBlock"));
    if !pods && !namespaces && !block {
        causes.push(Cause::required(path, "must specify a peer"));
    }
    if block && (pods || namespaces) {
        causes.push(Cause::forbidden(path, "may not specify both ipBlock and another peer"));
    }
    if block {
        let cidrs = std::iter::once(("cidr".to_owned(), &peer["ipBlock"]["cidr"]));
        let except = items(&peer["ipBlock"], "except").map(|(index, cidr)| (format!("except[{index}]"), cidr));
        for (field, cidr) in cidrs.chain(except) {
            if !is_cidr(cidr.as_str().unwrap_or_default()) {
                let detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
                causes.push(Cause::invalid(format!("{path}.ipBlock.{field}"), cidr, detail));
            }
        }
    }
}

fn is_cidr(text: &str) -> bool {
    text.split_once('/').is_some_and(|(ip, bits)| match (ip.parse::<std::net::IpAddr>(), bits.parse::<u8>()) {
        (Ok(std::net::IpAddr::V4(_)), Ok(bits)) => bits <= 32,
        (Ok(std::net::IpAddr::V6(_)), Ok(bits)) => bits <= 128,
        _ => false,
    })
}

fn check_port(port: &Value, path: &str, causes: &mut Vec<Cause>) {
    if port["port"].is_number() {
        port_number(&port["port"], format!("{path}.port"), causes);
    }
    let Some(end) = port.get("endPort").and_then(Value::as_i64) else { return };
    match port.get("port") {
        None | Some(Value::Null) => {
            causes.push(Cause::invalid(
                format!("{path}.endPort"),
                &json!(end),
                "may not be specified when `port` is not specified",
            ));
        }
        Some(Value::Number(first)) if first.as_i64().is_some_and(|first| end < first) => {
            causes.push(Cause::invalid(
                format!("{path}.endPort"),
                &json!(end),
                "must be greater than or equal to `port`",
            ));
        }
        Some(Value::String(_)) => {
            let detail = "may not be specified when `port` is non-numeric";
            causes.push(Cause::invalid(format!("{path}.endPort"), &json!(end), detail));
        }
        Some(_) => {}
    }
}

/// Checks a PersistentVolumeClaim.
pub(super) fn claim(value: &Value, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    if items(spec, "accessModes").next().is_none() {
        causes.push(Cause::required("spec.accessModes", "at least 1 access mode is required"));
    }
    for (_, mode) in items(spec, "accessModes") {
        let known = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
        if !mode.as_str().is_some_and(|mode| known.contains(&mode)) {
            causes.push(Cause::unsupported("spec.accessModes", mode, &known));
        }
    }
    let storage = spec.pointer("/resources/requests/storage").and_then(Value::as_str);
    match storage.map(nanos) {
        None => causes.push(Cause::required("spec.resources[storage]", "")),
        Some(Some(amount)) if amount > 0 => {}
        Some(_) => {
            causes.push(Cause::invalid("spec.resources[storage]", &json!(storage), "must be greater than zero"));
        }
    }
}
