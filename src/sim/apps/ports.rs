//! On which ports a container listens. `ports` of a container are informational in Kubernetes, so that what else names a
//! port counts as well: its probes, its hooks, and, for a container that declares none, the Services that select the pod.
//! A Service that names another port than the declared ones finds nobody there, as its author would on a real cluster.

use k8s_openapi::api::core::v1::{Container, LifecycleHandler, PodSpec, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// The ports that a container declares.
pub(super) fn declared(container: &Container) -> Vec<u16> {
    container.ports.iter().flatten().filter_map(|port| u16::try_from(port.container_port).ok()).collect()
}

/// The ports that a container listens on whatever Services say: declared, or named by a number in its own probes and
/// hooks while no other container of the pod declares it.
pub(super) fn of(container: &Container, pod: &PodSpec) -> Vec<u16> {
    let mut ports = declared(container);
    for port in named_by_probes(container).into_iter().chain(named_by_hooks(container)) {
        let others = || pod.containers.iter().chain(pod.init_containers.iter().flatten());
        let taken = others().any(|other| other.name != container.name && declared(other).contains(&port));
        if !taken && !ports.contains(&port) {
            ports.push(port);
        }
    }
    ports
}

/// Whether a container listens on the target ports of Services: the first one of the pod that declares no port.
pub(super) fn serves_services(container: &Container, pod: &PodSpec) -> bool {
    let first = pod.containers.iter().find(|known| declared(known).is_empty());
    first.is_some_and(|first| first.name == container.name)
}

fn named_by_probes(container: &Container) -> Vec<u16> {
    let probes = [&container.startup_probe, &container.readiness_probe, &container.liveness_probe];
    probes.into_iter().flatten().filter_map(port_of_probe).collect()
}

fn port_of_probe(probe: &Probe) -> Option<u16> {
    if let Some(grpc) = &probe.grpc {
        return u16::try_from(grpc.port).ok();
    }
    let get = probe.http_get.as_ref().map(|get| (&get.host, &get.port));
    let (host, port) = get.or_else(|| probe.tcp_socket.as_ref().map(|socket| (&socket.host, &socket.port)))?;
    own_port(host.as_deref(), port)
}

fn named_by_hooks(container: &Container) -> Vec<u16> {
    let hooks = container.lifecycle.iter().flat_map(|lifecycle| [&lifecycle.post_start, &lifecycle.pre_stop]);
    let port =
        |hook: &LifecycleHandler| hook.http_get.as_ref().and_then(|get| own_port(get.host.as_deref(), &get.port));
    hooks.flatten().filter_map(port).collect()
}

/// A port by its number, unless another host is meant.
fn own_port(host: Option<&str>, port: &IntOrString) -> Option<u16> {
    if !is_own_host(host) {
        return None;
    }
    match port {
        IntOrString::Int(number) => u16::try_from(*number).ok(),
        IntOrString::String(text) => text.parse().ok(),
    }
}

/// Whether the host of a probe or a hook is the pod itself.
pub(crate) fn is_own_host(host: Option<&str>) -> bool {
    matches!(host, None | Some("" | "localhost" | "127.0.0.1" | "::1"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn spec(containers: Value) -> PodSpec {
        serde_json::from_value(json!({ "containers": containers })).expect("a spec")
    }

    #[test]
    fn probes_and_hooks_name_ports_as_well() {
        let get = |port: Value| json!({ "httpGet": { "port": port } });
        for (container, expected) in [
            (json!({}), vec![]),
            (json!({ "ports": [{ "containerPort": 80 }], "readinessProbe": get(json!(15021)) }), vec![80, 15021]),
            (
                json!({ "livenessProbe": { "tcpSocket": { "port": 5432 } }, "readinessProbe": get(json!(80)) }),
                vec![80, 5432],
            ),
            (json!({ "startupProbe": { "grpc": { "port": 9000 } } }), vec![9000]),
            (
                json!({ "lifecycle": { "preStop": get(json!(8081)), "postStart": get(json!("8082")) } }),
                vec![8082, 8081],
            ),
            (json!({ "readinessProbe": get(json!("http")) }), vec![]),
            (json!({ "readinessProbe": { "httpGet": { "host": "10.1.1.1", "port": 80 } } }), vec![]),
        ] {
            let mut main = json!({ "name": "main" });
            json_patch::merge(&mut main, &container);
            let pod = spec(json!([main]));
            assert_eq!(of(&pod.containers[0], &pod), expected, "{container}");
        }
    }

    #[test]
    fn a_port_belongs_to_the_container_that_declares_it() {
        let probe = json!({ "tcpSocket": { "port": 80 } });
        let pod = spec(json!([
            { "name": "proxy", "readinessProbe": probe },
            { "name": "web", "ports": [{ "containerPort": 80 }] },
        ]));
        assert_eq!(of(&pod.containers[0], &pod), [0_u16; 0]);
        assert!(serves_services(&pod.containers[0], &pod) && !serves_services(&pod.containers[1], &pod));
    }
}
