//! Where a place is found from inside the cluster: a Service by its DNS name, a pod by its address. Ports that have a
//! name are looked up.

use k8s_openapi::api::core::v1::{Pod, Service};
use kube::Api;

use crate::world::{Place, causes};

/// `host:port`, or a URL as it was given.
pub(super) async fn of(client: &kube::Client, to: &Place) -> Result<String, String> {
    match to {
        Place::Url(url) => Ok(url.clone()),
        Place::Service { namespace, name, port } => {
            let port = match port.parse::<u16>() {
                Ok(port) => i32::from(port),
                Err(_) => service_port(client, namespace, name, port).await?,
            };
            Ok(format!("{name}.{namespace}.svc:{port}"))
        }
        Place::Pod { namespace, name, port } => {
            let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
            let pod = api.get(name).await.map_err(|error| format!("pod {namespace}/{name}: {}", causes(&error)))?;
            let ip = pod.status.as_ref().and_then(|status| status.pod_ip.clone()).filter(|ip| !ip.is_empty());
            let ip = ip.ok_or_else(|| format!("pod {namespace}/{name} has no address"))?;
            let port = match port.parse::<u16>() {
                Ok(port) => i32::from(port),
                Err(_) => pod_port(&pod, port).ok_or_else(|| format!("pod {namespace}/{name} has no port {port}"))?,
            };
            Ok(if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") })
        }
    }
}

/// The URL of an address that is none yet.
pub(super) fn url(address: &str) -> String {
    if address.contains("://") { address.to_owned() } else { format!("http://{address}") }
}

async fn service_port(client: &kube::Client, namespace: &str, name: &str, port: &str) -> Result<i32, String> {
    let api: Api<Service> = Api::namespaced(client.clone(), namespace);
    let service = api.get(name).await.map_err(|error| format!("Service {namespace}/{name}: {}", causes(&error)))?;
    let mut ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    let found = ports.find(|known| known.name.as_deref() == Some(port));
    found.map(|port| port.port).ok_or_else(|| format!("Service {namespace}/{name} has no port {port}"))
}

fn pod_port(pod: &Pod, port: &str) -> Option<i32> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
    ports.find(|known| known.name.as_deref() == Some(port)).map(|port| port.container_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_stays_and_an_address_becomes_one() {
        assert_eq!(url("https://shop.example/x"), "https://shop.example/x");
        assert_eq!(url("web.shop.svc:80"), "http://web.shop.svc:80");
    }
}
