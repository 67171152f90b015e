//! Whether the Services that probes and data checks use are there, with the ports that they name: what is not there is not
//! waited for as if it might become ready. Reads, and changes nothing.

use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use crate::scenario::{DataCheck, ServicePort};

use super::super::calls;
use super::super::context::Context;

/// A Service that an operator makes of what was just applied is waited for this long.
const MADE_WITHIN: Duration = Duration::from_secs(10);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits a moment for every Service.
///
/// # Errors
/// The first that is not there, or has no such port, and what may have been meant.
pub(in crate::run) async fn services(context: &Context) -> Result<(), String> {
    let scenario = &context.scenario;
    let probed = scenario.probes.iter().filter_map(|probe| probe.service.as_ref());
    let written = scenario.data.iter().filter_map(|check| match check {
        DataCheck::Set(set) => Some(&set.service),
        DataCheck::Store(check) => check.store.service.as_ref(),
        DataCheck::Volume(_) => None,
    });
    let deadline = context.clock().elapsed() + MADE_WITHIN;
    for port in probed.chain(written) {
        while let Err(missing) = look(context, port).await {
            if context.clock().elapsed() >= deadline {
                return Err(missing);
            }
            context.clock().sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Whether one is there. What cannot be read is taken to be: the steady state will tell.
async fn look(context: &Context, port: &ServicePort) -> Result<(), String> {
    let namespace = port.namespace.as_deref().unwrap_or(&context.scenario.target.namespace);
    let api: Api<Service> = Api::namespaced(context.client(), namespace);
    let what = format!("get service {namespace}/{}", port.service);
    match calls::patiently(context, &what, || api.get_opt(&port.service)).await {
        Ok(Some(service)) => has_port(&service, namespace, &port.port),
        Ok(None) => {
            let params = ListParams::default();
            let others = calls::attempt(context.clock(), api.list(&params)).await;
            let names: Vec<String> =
                others.map(|list| list.items.iter().map(ResourceExt::name_any).collect()).unwrap_or_default();
            let meant =
                nearest(&port.service, &names).map_or_else(String::new, |name| format!("; did you mean {name}?"));
            Err(format!("there is no Service {} in {namespace}{meant}", port.service))
        }
        Err(_) => Ok(()),
    }
}

fn has_port(service: &Service, namespace: &str, wanted: &str) -> Result<(), String> {
    let spec = service.spec.clone().unwrap_or_default();
    let ports = spec.ports.unwrap_or_default();
    let is = |port: &k8s_openapi::api::core::v1::ServicePort| {
        port.port.to_string() == wanted || port.name.as_deref() == Some(wanted)
    };
    if spec.type_.as_deref() == Some("ExternalName") || ports.iter().any(is) {
        return Ok(());
    }
    let known: Vec<String> = ports
        .iter()
        .map(|port| port.name.as_ref().map_or_else(|| port.port.to_string(), |name| format!("{} ({name})", port.port)))
        .collect();
    // The port of the pods is often taken for that of the Service.
    let of_pods = ports.iter().find(|port| port.target_port.as_ref().is_some_and(|target| same(target, wanted)));
    let meant = of_pods
        .map_or_else(String::new, |port| format!("; {wanted} is the port of its pods, did you mean {}?", port.port));
    let name = service.name_any();
    Err(format!("Service {name} in {namespace} has no port {wanted}, its ports are {}{meant}", known.join(", ")))
}

fn same(port: &IntOrString, text: &str) -> bool {
    match port {
        IntOrString::Int(number) => number.to_string() == text,
        IntOrString::String(name) => name == text,
    }
}

/// The name that is spelt most like it, when one is near.
fn nearest<'a>(written: &str, names: &'a [String]) -> Option<&'a str> {
    let distance = |name: &str| strsim::damerau_levenshtein(written, name);
    let near = names.iter().map(|name| (distance(name), name.as_str())).min()?;
    (near.0 <= (written.chars().count() / 3).clamp(1, 3)).then_some(near.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_and_its_port_are_named_when_they_are_not_there() {
        let service: Service = serde_json::from_value(serde_json::json!({
            "metadata": { "name": "web" },
            "spec": { "ports": [{ "port": 80, "name": "http", "targetPort": 8080 }] },
        }))
        .expect("a Service");
        for (port, wrong) in [
            ("80", ""),
            ("http", ""),
            ("81", "Service web in shop has no port 81, its ports are 80 (http)"),
            (
                "8080",
                "Service web in shop has no port 8080, its ports are 80 (http); 8080 is the port of its pods, did you mean 80?",
            ),
        ] {
            assert_eq!(has_port(&service, "shop", port).err().unwrap_or_default(), wrong, "{port}");
        }
        let names = ["cache".to_owned(), "web".to_owned()];
        assert_eq!((nearest("wbe", &names), nearest("orders", &names)), (Some("web"), None));
    }
}
