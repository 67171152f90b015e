//! `NetworkPolicy`s, `Ingress`es and their classes (pkg/apis/networking/validation).

use super::field::Field;
use super::{meta, words};

/// A `NetworkPolicy`.
pub(super) fn policy(policy: &Field<'_>) {
    let spec = policy.at("spec");
    meta::selector(&spec.at("podSelector"));
    for (direction, side) in [("ingress", "from"), ("egress", "to")] {
        for rule in spec.at(direction).items() {
            rule.at("ports").items().for_each(|one| port(&one));
            rule.at(side).items().for_each(|one| peer(&one));
        }
    }
    let types = spec.at("policyTypes");
    if types.len() > 2 {
        types.invalid("may not specify more than two policyTypes");
        return;
    }
    for kind in types.items() {
        kind.one_of(&["Egress", "Ingress"]);
    }
}

fn port(port: &Field<'_>) {
    port.at("protocol").one_of(&["SCTP", "TCP", "UDP"]);
    let (number, end) = (port.at("port"), port.at("endPort"));
    if number.value.is_string() {
        if end.is_set() {
            end.invalid("may not be specified when `port` is non-numeric");
        }
        number.text_by(words::port_name);
    } else if number.is_set() {
        number.between(1, 65535);
        if end.is_set() {
            if end.number() < number.number() {
                end.invalid("must be greater than or equal to `port`");
            }
            end.between(1, 65535);
        }
    } else if end.is_set() {
        end.invalid("may not be specified when `port` is not specified");
    }
}

fn peer(peer: &Field<'_>) {
    let selectors = ["podSelector", "namespaceSelector"].map(|field| peer.at(field));
    for selector in selectors.iter().filter(|selector| selector.is_set()) {
        meta::selector(selector);
    }
    let block = peer.at("ipBlock");
    let selects = selectors.iter().any(Field::is_set);
    if block.is_set() {
        ip_block(&block);
        if selects {
            peer.forbidden("may not specify both ipBlock and another peer");
        }
    } else if !selects {
        peer.required("must specify a peer");
    }
}

fn ip_block(block: &Field<'_>) {
    let cidr = block.at("cidr");
    if !cidr.is_given() {
        return;
    }
    cidr.text_by(words::cidr);
    let Some(outer) = words::cidr_parts(cidr.text()) else { return };
    for except in block.at("except").items() {
        except.text_by(words::cidr);
        if let Some(inner) = words::cidr_parts(except.text())
            && !words::is_strictly_within(inner, outer)
        {
            except.invalid("must be a strict subset of `cidr`");
        }
    }
}

/// An `Ingress`.
pub(super) fn ingress(ingress: &Field<'_>) {
    let spec = ingress.at("spec");
    let (rules, default) = (spec.at("rules"), spec.at("defaultBackend"));
    if rules.is_empty() && !default.is_set() {
        spec.invalid("either `defaultBackend` or `rules` must be specified");
    }
    if default.is_set() {
        backend(&default);
    }
    for rule in rules.items() {
        let host = rule.at("host");
        if host.text().parse::<std::net::IpAddr>().is_ok() {
            host.invalid("must be a DNS name, not an IP address");
        }
        host_name(&host);
        let http = rule.at("http");
        if http.is_set() && http.at("paths").is_empty() {
            http.at("paths").required("");
        }
        for one in http.at("paths").items() {
            path(&one);
        }
    }
    for tls in spec.at("tls").items() {
        tls.at("hosts").items().for_each(|host| host_name_of(&host));
        tls.at("secretName").text_by_if_any(words::subdomain);
    }
    let class = spec.at("ingressClassName");
    if class.is_set() {
        class.text_by(words::subdomain);
        let old = ingress.at("metadata").at("annotations").key("kubernetes.io/ingress.class");
        if old.is_set() && old.text() != class.text() {
            old.invalid("must match `ingressClassName` when both are specified");
        }
    }
}

fn host_name(host: &Field<'_>) {
    if !host.text().is_empty() {
        host_name_of(host);
    }
}

fn host_name_of(host: &Field<'_>) {
    if host.text().contains('*') {
        host.text_by(words::wildcard_subdomain);
    } else {
        host.text_by(words::subdomain);
    }
}

fn path(path: &Field<'_>) {
    let (kind, text) = (path.at("pathType"), path.at("path"));
    if !kind.is_set() {
        kind.required("pathType must be specified");
        return;
    }
    let absolute = text.text().starts_with('/');
    match kind.text() {
        "Exact" | "Prefix" => {
            if !absolute {
                text.invalid_value(text.text(), "must be an absolute path");
            }
            for bad in ["//", "/./", "/../", "%2f", "%2F"].into_iter().filter(|bad| text.text().contains(bad)) {
                text.invalid(&format!("must not contain '{bad}'"));
            }
            for bad in ["/..", "/."].into_iter().filter(|bad| text.text().ends_with(bad)) {
                text.invalid(&format!("cannot end with '{bad}'"));
            }
        }
        "ImplementationSpecific" => {
            if !text.text().is_empty() && !absolute {
                text.invalid("must be an absolute path");
            }
        }
        _ => kind.unsupported(&["Exact", "ImplementationSpecific", "Prefix"]),
    }
    backend(&path.at("backend"));
}

fn backend(backend: &Field<'_>) {
    let (service, resource) = (backend.at("service"), backend.at("resource"));
    match (service.is_set(), resource.is_set()) {
        (true, true) => backend.invalid_value("", "cannot set both resource and service backends"),
        (false, false) => backend.invalid_value("", "resource or service backend is required"),
        (false, true) => reference(&resource),
        (true, false) => {
            service.at("name").given_by(words::label);
            let (name, number) = (service.at("port").at("name"), service.at("port").at("number"));
            let numbered = number.number().is_some_and(|number| number != 0);
            match (name.text().is_empty(), numbered) {
                (false, true) => backend.invalid_value("", "cannot set both port name & port number"),
                (false, false) => name.text_by(words::port_name),
                (true, true) => number.between(1, 65535),
                (true, false) => backend.required("port name or number is required"),
            }
        }
    }
}

fn reference(reference: &Field<'_>) {
    if reference.at("apiGroup").is_set() {
        reference.at("apiGroup").text_by(words::subdomain);
    }
    reference.at("kind").given_by(words::path_segment);
    reference.at("name").given_by(words::path_segment);
}

/// An `IngressClass`.
pub(super) fn ingress_class(class: &Field<'_>) {
    let spec = class.at("spec");
    let controller = spec.at("controller");
    if controller.is_given() {
        if controller.text().len() > 250 {
            controller.too_long(250);
        }
        let sound = controller.text().split_once('/').is_some_and(|(host, path)| {
            words::subdomain(host).is_none() && !path.is_empty() && words::path_segment(path).is_none()
        }) || controller.text().split_once('/').is_some_and(|(host, path)| {
            words::subdomain(host).is_none() && path.split('/').all(|part| !part.is_empty())
        });
        if !sound {
            controller.invalid("must be a domain-prefixed path (such as \"acme.io/foo\")");
        }
    }
    let parameters = spec.at("parameters");
    if parameters.is_set() {
        reference(&parameters);
        let (scope, namespace) = (parameters.at("scope"), parameters.at("namespace"));
        if !scope.is_set() {
            scope.required("");
            return;
        }
        scope.one_of(&["Cluster", "Namespace"]);
        match scope.text() {
            "Namespace" if !namespace.is_set() => {
                namespace.required("`parameters.scope` is set to 'Namespace'");
            }
            "Namespace" => namespace.text_by(words::label),
            "Cluster" if namespace.is_set() => {
                namespace.forbidden("`parameters.scope` is set to 'Cluster'");
            }
            _ => {}
        }
    }
}
