//! Services and endpoints (`ValidateServiceCreate` and `ValidateEndpoints` in pkg/apis/core/validation, pkg/apis/discovery/validation).

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::containers::port as port_or_name;
use super::field::Field;
use super::{meta, words};

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

/// A Service.
pub(super) fn service(service: &Field<'_>) {
    let spec = service.at("spec");
    let kind = spec.at("type").text();
    let headless = spec.at("clusterIPs").items().next().is_some_and(|ip| ip.text() == "None");
    let ports = spec.at("ports");
    spec.at("type").one_of_required(&["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
    if ports.is_empty() && !headless && kind != "ExternalName" {
        ports.required("");
    }
    if headless && matches!(kind, "LoadBalancer" | "NodePort") {
        let wrong = format!("may not be set to 'None' for {kind} services");
        for ip in spec.at("clusterIPs").items().take(1) {
            ip.invalid(&wrong);
        }
    }
    if kind == "ExternalName" {
        for field in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            let field = spec.at(field);
            if field.is_set() && (!field.value.is_array() || !field.is_empty()) {
                field.forbidden("may not be set for ExternalName services");
            }
        }
        let name = spec.at("externalName");
        let text = name.text().strip_suffix('.').unwrap_or(name.text());
        if text.is_empty() {
            name.required("");
        } else if let Some(wrong) = words::subdomain(text) {
            name.invalid_value(text, &wrong);
        }
    } else {
        addresses(&spec);
    }
    all_ports(&ports, kind);
    meta::labels(&spec.at("selector"));
    affinity(&spec);
    for ip in spec.at("externalIPs").items() {
        match words::address(ip.text()) {
            Some(wrong) => ip.invalid(&wrong),
            None => reachable(&ip),
        }
    }
    balancer(&spec, kind);
    traffic(&spec, kind);
}

fn addresses(spec: &Field<'_>) {
    let (one, all) = (spec.at("clusterIP"), spec.at("clusterIPs"));
    let first = all.items().next().map(|ip| ip.text().to_owned());
    match (one.text().is_empty(), first) {
        (false, None) => all.required(""),
        (false, Some(first)) if first != one.text() => all.invalid("first value must match `clusterIP`"),
        (true, Some(_)) => all.invalid("must be empty when `clusterIP` is not specified"),
        _ => {}
    }
    let mut seen = BTreeSet::new();
    for family in spec.at("ipFamilies").items() {
        family.one_of(&["IPv4", "IPv6"]);
        if !seen.insert(family.text()) {
            family.duplicate();
        }
    }
    spec.at("ipFamilyPolicy").one_of(&["PreferDualStack", "RequireDualStack", "SingleStack"]);
    for (index, ip) in all.items().enumerate() {
        if index == 0 && ip.text() == "None" {
            if all.len() > 1 {
                all.invalid("'None' must be the first and only value");
            }
            continue;
        }
        ip.text_by(words::address);
    }
    if all.len() > 2 {
        all.invalid("may only hold up to 2 values");
    }
}

fn all_ports(ports: &Field<'_>, kind: &str) {
    let (mut names, mut numbers, mut nodes) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for port in ports.items() {
        let (name, protocol) = (port.at("name"), port.at("protocol"));
        if name.text().is_empty() {
            if ports.len() > 1 {
                name.required("");
            }
        } else {
            name.text_by(words::label);
            if !names.insert(name.text()) {
                name.duplicate();
            }
        }
        let number = port.at("port").number().unwrap_or(0);
        if !(1..=65535).contains(&number) {
            port.at("port").invalid("must be between 1 and 65535, inclusive");
        }
        protocol.one_of_required(&PROTOCOLS);
        port_or_name(&port.at("targetPort"));
        if port.at("appProtocol").is_set() {
            port.at("appProtocol").text_by(words::qualified);
        }
        if !numbers.insert((number, protocol.text())) {
            port.duplicate();
        }
        let node = port.at("nodePort");
        if let Some(number) = node.number().filter(|number| *number != 0) {
            if kind == "ClusterIP" {
                node.forbidden("may not be used when `type` is 'ClusterIP'");
            }
            if !nodes.insert((number, protocol.text())) {
                node.duplicate();
            }
        }
    }
}

fn affinity(spec: &Field<'_>) {
    let (kind, config) = (spec.at("sessionAffinity"), spec.at("sessionAffinityConfig"));
    kind.one_of_required(&["ClientIP", "None"]);
    if kind.text() == "None" && config.is_set() {
        config.forbidden("must not be set when session affinity is None");
    }
    if kind.text() == "ClientIP" {
        let timeout = config.at("clientIP").at("timeoutSeconds");
        if timeout.number().is_none_or(|seconds| !(1..=86400).contains(&seconds)) {
            timeout.invalid("must be greater than 0 and less than 86400");
        }
    }
}

fn balancer(spec: &Field<'_>, kind: &str) {
    let is_balancer = kind == "LoadBalancer";
    let ranges = spec.at("loadBalancerSourceRanges");
    if !ranges.is_empty() {
        if !is_balancer {
            spec.at("LoadBalancerSourceRanges").forbidden("may only be used when `type` is 'LoadBalancer'");
        }
        for range in ranges.items() {
            range.text_by(|text| words::cidr(text.trim()));
        }
    }
    for field in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
        if spec.at(field).is_set() && !is_balancer {
            spec.at(field).forbidden("may only be used when `type` is 'LoadBalancer'");
        }
    }
    if spec.at("loadBalancerClass").is_set() && is_balancer {
        spec.at("loadBalancerClass").text_by(words::qualified);
    }
}

fn traffic(spec: &Field<'_>, kind: &str) {
    let external = spec.at("externalTrafficPolicy");
    let is_external =
        matches!(kind, "LoadBalancer" | "NodePort") || (kind == "ClusterIP" && !spec.at("externalIPs").is_empty());
    if is_external {
        external.one_of_required(&["Cluster", "Local"]);
    } else if !external.text().is_empty() {
        external.invalid("may only be set for externally-accessible services");
    }
    let check = spec.at("healthCheckNodePort");
    if check.number().is_some_and(|port| port != 0) && !(kind == "LoadBalancer" && external.text() == "Local") {
        check.invalid("may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
    }
    if check.number().is_some_and(|port| port != 0) {
        check.between(1, 65535);
    }
    let internal = spec.at("internalTrafficPolicy");
    if internal.is_set() {
        internal.one_of(&["Cluster", "Local"]);
    }
    spec.at("trafficDistribution").one_of(&["PreferClose", "PreferSameNode", "PreferSameZone"]);
}

/// An address that others can send to (`ValidateEndpointIP`).
fn reachable(field: &Field<'_>) {
    let Ok(ip) = field.text().parse::<IpAddr>() else { return };
    if ip.is_unspecified() {
        field.invalid(&format!("may not be unspecified ({ip})"));
    }
    if ip.is_loopback() {
        field.invalid("may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    let (link_local, link_local_multicast) = match ip {
        IpAddr::V4(ip) => (ip.is_link_local(), ip.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(ip) => (ip.segments()[0] & 0xffc0 == 0xfe80, ip.segments()[0] == 0xff02),
    };
    if link_local {
        field.invalid("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if link_local_multicast {
        field.invalid("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }
}

/// Endpoints, as they were before slices.
pub(super) fn endpoints(endpoints: &Field<'_>) {
    for subset in endpoints.at("subsets").items() {
        let lists = ["addresses", "notReadyAddresses"].map(|list| subset.at(list));
        if lists.iter().all(Field::is_empty) {
            subset.required("must specify `addresses` or `notReadyAddresses`");
        }
        for address in lists.iter().flat_map(Field::items) {
            address.at("ip").text_by(words::address);
            address.at("hostname").text_by_if_any(words::label);
            if address.at("nodeName").is_set() {
                address.at("nodeName").text_by(words::subdomain);
            }
            reachable(&address.at("ip"));
        }
        let ports = subset.at("ports");
        for port in ports.items() {
            if ports.len() > 1 && port.at("name").text().is_empty() {
                port.at("name").required("");
            }
            port.at("name").text_by_if_any(words::label);
            if port.at("port").number().is_none_or(|number| !(1..=65535).contains(&number)) {
                port.at("port").invalid("must be between 1 and 65535, inclusive");
            }
            port.at("protocol").one_of(&PROTOCOLS);
            if port.at("appProtocol").is_set() {
                port.at("appProtocol").text_by(words::qualified);
            }
        }
    }
}

/// An `EndpointSlice`.
pub(super) fn slice(slice: &Field<'_>) {
    let family = slice.at("addressType");
    family.one_of_required(&["FQDN", "IPv4", "IPv6"]);
    let endpoints = slice.at("endpoints");
    if endpoints.len() > 1000 {
        endpoints.too_many(1000);
    }
    for endpoint in endpoints.items() {
        let addresses = endpoint.at("addresses");
        if addresses.is_empty() {
            addresses.required("must contain at least 1 address");
        }
        if addresses.len() > 100 {
            addresses.too_many(100);
        }
        for address in addresses.items() {
            match family.text() {
                "IPv4" if address.text().parse::<std::net::Ipv4Addr>().is_err() => {
                    address.invalid("must be a valid IPv4 address");
                }
                "IPv6" if address.text().parse::<std::net::Ipv6Addr>().is_err() => {
                    address.invalid("must be a valid IPv6 address");
                }
                "IPv4" | "IPv6" => reachable(&address),
                "FQDN" => address.text_by(words::subdomain),
                _ => {}
            }
        }
        if endpoint.at("nodeName").is_set() {
            endpoint.at("nodeName").text_by(words::subdomain);
        }
        if endpoint.at("hostname").is_set() {
            endpoint.at("hostname").text_by(words::label);
        }
    }
    let ports = slice.at("ports");
    let mut names = BTreeSet::new();
    for port in ports.items() {
        let name = port.at("name");
        name.text_by_if_any(words::label);
        if !names.insert(name.text()) {
            name.duplicate();
        }
        port.at("protocol").one_of_required(&PROTOCOLS);
        if port.at("appProtocol").is_set() {
            port.at("appProtocol").text_by(words::qualified);
        }
    }
}
