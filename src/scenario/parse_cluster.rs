//! Reads `[cluster]`: the embedded cluster.

use std::collections::BTreeMap;

use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::read;
use super::reader::{Sink, Table, Value};
use super::selector::{is_dns_name, label_key, label_value};
use super::{Cluster, Enforcement, NodeOverride, Timings};

/// More nodes than this are a mistake, or would take minutes.
const MAX_NODES: u32 = 5000;

pub(super) fn cluster(mut table: Table<'_>) -> Cluster {
    let default = Cluster::default();
    let cluster = Cluster {
        nodes: table.or("nodes", nodes, default.nodes),
        zones: zones(&mut table).unwrap_or(default.zones),
        capacity: quantities(&mut table, "capacity"),
        node: table.map("node", node_key, |value, name, sink| {
            Table::from_value(value, format!("[cluster.node.{name}]"), sink).map(node)
        }),
        network_policies: table.or("network_policies", read::word, Enforcement::default()),
        images_preloaded: table.or("images_preloaded", read::flag, default.images_preloaded),
        timings: table.table("timings", "[cluster.timings]").map(timings).unwrap_or_default(),
    };
    table.finish();
    cluster
}

fn nodes(value: &Value<'_>, sink: &Sink) -> Option<u32> {
    let nodes = read::whole::<u32>(value, sink)?;
    if (1..=MAX_NODES).contains(&nodes) {
        return Some(nodes);
    }
    let message = format!("a cluster of {nodes} nodes");
    sink.fail(Diagnostic::new(Code::Range, value.span(), message).help(format!("choose 1 to {MAX_NODES} nodes")))
}

fn zones(table: &mut Table<'_>) -> Option<Vec<String>> {
    let written = table.list("zones", zone)?;
    if written.is_empty() {
        let diagnostic = Diagnostic::new(Code::Range, table.span_of("zones"), "a cluster without zones");
        table.sink.push(diagnostic.help("name one at least, or leave the key out for three"));
        return None;
    }
    Some(written)
}

fn zone(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let zone = read::filled(value, sink)?;
    label_value(&zone).map_err(|message| sink.push(Diagnostic::new(Code::Selector, value.span(), message))).ok()
}

fn node_key(name: &str, span: std::ops::Range<usize>, sink: &Sink) -> Option<String> {
    if is_dns_name(name) {
        return Some(name.to_owned());
    }
    sink.fail(Diagnostic::new(Code::Name, span, format!("`{name}` is not the name of a node")))
}

fn node(mut table: Table<'_>) -> NodeOverride {
    let node = NodeOverride {
        zone: table.optional("zone", zone),
        labels: labels(&mut table),
        taints: table.list("taints", taint).unwrap_or_default(),
        capacity: quantities(&mut table, "capacity"),
    };
    table.finish();
    node
}

fn labels(table: &mut Table<'_>) -> BTreeMap<String, String> {
    table.map(
        "labels",
        |key, span, sink| {
            label_key(key).map_err(|message| sink.push(Diagnostic::new(Code::Selector, span, message))).ok()
        },
        |value, _, sink| {
            let text = read::text(value, sink)?;
            label_value(&text).map_err(|message| sink.push(Diagnostic::new(Code::Selector, value.span(), message))).ok()
        },
    )
}

fn taint(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let text = read::text(value, sink)?;
    if is_taint(&text) {
        return Some(text);
    }
    let diagnostic = Diagnostic::new(Code::Taint, value.span(), format!("`{text}` is not a taint"));
    sink.fail(
        diagnostic
            .help("write `key=value:Effect` or `key:Effect`; effects are NoSchedule, PreferNoSchedule and NoExecute"),
    )
}

fn is_taint(text: &str) -> bool {
    let Some((label, effect)) = text.rsplit_once(':') else { return false };
    let (key, value) = label.split_once('=').unwrap_or((label, ""));
    matches!(effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute")
        && label_key(key).is_ok()
        && label_value(value).is_ok()
}

fn quantities(table: &mut Table<'_>, key: &'static str) -> BTreeMap<String, String> {
    table.map(
        key,
        |name, span, sink| {
            label_key(name)
                .map_err(|_| {
                    let message = format!("`{name}` is not a resource such as `cpu` or `nvidia.com/gpu`");
                    sink.push(Diagnostic::new(Code::Quantity, span, message));
                })
                .ok()
        },
        |value, _, sink| quantity(value, sink),
    )
}

fn quantity(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let text = read::text(value, sink)?;
    if is_quantity(&text) {
        return Some(text);
    }
    let diagnostic = Diagnostic::new(Code::Quantity, value.span(), format!("`{text}` is not a quantity"));
    sink.fail(diagnostic.help("write it as Kubernetes does: \"4\", \"500m\", \"16Gi\""))
}

/// A quantity of bytes, more than none.
fn bytes(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let text = read::text(value, sink)?;
    match super::quantity(&text) {
        Ok(bytes) if bytes > 0 => Some(text),
        Ok(_) => sink.fail(Diagnostic::new(Code::Range, value.span(), "this must be more than 0 bytes")),
        Err(message) => {
            let help = "write bytes as Kubernetes does: \"100Mi\", \"2Gi\"";
            sink.fail(Diagnostic::new(Code::Quantity, value.span(), message).help(help))
        }
    }
}

/// Kubernetes' quantities that are not negative: digits, perhaps a fraction, and a suffix or an exponent.
fn is_quantity(text: &str) -> bool {
    const SUFFIXES: [&str; 15] = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi"];
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let whole_and_part = number.split_once('.').unwrap_or((number, ""));
    let is_number = number.bytes().any(|byte| byte.is_ascii_digit()) && !whole_and_part.1.contains('.');
    let exponent = suffix.strip_prefix(['e', 'E']).is_some_and(|rest| rest.parse::<i8>().is_ok());
    is_number && (exponent || SUFFIXES.contains(&suffix) || suffix == "Ei")
}

fn timings(mut table: Table<'_>) -> Timings {
    let timings = Timings {
        node_monitor_grace_period: table.optional("node_monitor_grace_period", read::some_time),
        node_monitor_period: table.optional("node_monitor_period", read::some_time),
        lease_renew_interval: table.optional("lease_renew_interval", read::some_time),
        default_toleration: table.optional("default_toleration", read::duration),
        volume_attach: table.optional("volume_attach", read::duration),
        volume_detach: table.optional("volume_detach", read::duration),
        volume_mount: table.optional("volume_mount", read::duration),
        force_detach_after: table.optional("force_detach_after", read::duration),
        container_start: table.optional("container_start", read::duration),
        app_start: table.optional("app_start", read::duration),
        app_stop: table.optional("app_stop", read::duration),
        boot: table.optional("boot", read::duration),
        image_size: table.optional("image_size", bytes),
        pull_bandwidth: table.optional("pull_bandwidth", bytes),
    };
    table.finish();
    timings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_follow_kubernetes() {
        for (text, expected) in [
            ("4", true),
            ("0.5", true),
            (".5", true),
            ("500m", true),
            ("16Gi", true),
            ("1e3", true),
            ("1E", true),
            ("", false),
            ("Gi", false),
            ("1.2.3", false),
            ("-1", false),
            ("16GB", false),
            ("16 Gi", false),
        ] {
            assert_eq!(is_quantity(text), expected, "{text}");
        }
    }

    #[test]
    fn taints_follow_kubectl() {
        for (text, expected) in [
            ("gpu=true:NoSchedule", true),
            ("node.kubernetes.io/out-of-service=nodeshutdown:NoExecute", true),
            ("dedicated:NoExecute", true),
            ("dedicated", false),
            ("gpu=true:NoSched", false),
            (":NoSchedule", false),
        ] {
            assert_eq!(is_taint(text), expected, "{text}");
        }
    }
}
