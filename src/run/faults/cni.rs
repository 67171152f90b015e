//! Which network plugin a cluster seems to have: told from the DaemonSets that carry plugins and from what plugins write
//! on nodes. A belief for people, never a fact that anything is decided by.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use super::super::calls;
use super::super::context::Context;
use super::super::wait::within;

/// Words in names and images of DaemonSets, and in annotations of nodes, with the plugin that they belong to. The first
/// one that matches counts.
const KNOWN: [(&str, &str); 15] = [
    ("cilium", "Cilium"),
    ("canal", "Canal (Flannel with Calico's policies)"),
    ("calico", "Calico"),
    ("flannel", "Flannel, which enforces no NetworkPolicies by itself"),
    ("kindnet", "kindnet"),
    ("kube-router", "kube-router"),
    ("weave", "Weave Net"),
    ("antrea", "Antrea"),
    ("ovnkube", "OVN-Kubernetes"),
    ("ovn-kubernetes", "OVN-Kubernetes"),
    ("k8s.ovn.org", "OVN-Kubernetes"),
    ("kube-ovn", "Kube-OVN"),
    ("aws-node", "Amazon VPC CNI, which enforces NetworkPolicies only when told to"),
    ("amazon-k8s-cni", "Amazon VPC CNI, which enforces NetworkPolicies only when told to"),
    ("azure-npm", "Azure NPM"),
];

/// The look takes at most so long.
const LOOK: Duration = Duration::from_secs(5);

/// What is believed, as a part of a sentence.
pub(super) async fn believed(context: &Context) -> String {
    let limit = humantime::format_duration(LOOK);
    let nothing = || format!("which network plugin the cluster has could not be seen within {limit}");
    within(context.clock(), LOOK, look(context)).await.unwrap_or_else(nothing)
}

async fn look(context: &Context) -> String {
    let mut found = BTreeSet::new();
    let looked = match daemon_sets(context).await {
        Ok(sets) => {
            found.extend(sets.iter().filter_map(of_daemon_set));
            ""
        }
        Err(reason) => reason,
    };
    let nodes: Api<Node> = Api::all(context.client());
    if let Ok(nodes) = nodes.list(&ListParams::default().limit(10)).await {
        found.extend(nodes.items.iter().filter_map(of_node));
    }
    if found.is_empty() {
        return format!("none of the network plugins that driftproof knows was recognised{looked}");
    }
    let found: Vec<String> = found.into_iter().collect();
    format!("the network plugin seems to be {}{looked}", found.join(" and "))
}

/// Those of the whole cluster, or of `kube-system` when no more may be seen. The look is optional: the run was not refused
/// for a missing right.
async fn daemon_sets(context: &Context) -> Result<Vec<DaemonSet>, &'static str> {
    let params = ListParams::default().limit(500);
    let all: Api<DaemonSet> = Api::all(context.client());
    if let Ok(list) = all.list(&params).await {
        return Ok(list.items);
    }
    let system: Api<DaemonSet> = Api::namespaced(context.client(), "kube-system");
    match system.list(&params).await {
        Ok(list) => Ok(list.items),
        Err(error) if calls::status(&error).is_some_and(|status| status.code == 403) => {
            Err(" (not allowed to look at DaemonSets in kube-system)")
        }
        Err(_) => Err(" (DaemonSets could not be listed)"),
    }
}

fn plugin(text: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(word, _)| text.contains(word)).map(|(_, plugin)| *plugin)
}

fn of_daemon_set(set: &DaemonSet) -> Option<String> {
    let containers = set.spec.iter().flat_map(|spec| spec.template.spec.iter()).flat_map(|spec| &spec.containers);
    let images = containers.filter_map(|container| container.image.as_deref());
    let plugin = std::iter::once(set.name_any().as_str()).chain(images).find_map(plugin)?;
    Some(format!("{plugin} (DaemonSet {}/{})", set.namespace().unwrap_or_default(), set.name_any()))
}

fn of_node(node: &Node) -> Option<String> {
    let (annotation, plugin) = node.annotations().keys().find_map(|key| Some((key, plugin(key)?)))?;
    Some(format!("{plugin} (annotation {annotation} of nodes)"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plugins_are_known_by_their_names_images_and_annotations() {
        let set = |name: &str, image: &str| {
            let spec = json!({ "containers": [{ "name": "c", "image": image }] });
            let object = json!({
                "metadata": { "name": name, "namespace": "kube-system" },
                "spec": { "selector": {}, "template": { "spec": spec } },
            });
            of_daemon_set(&serde_json::from_value(object).unwrap())
        };
        for (name, image, expected) in [
            ("cilium", "quay.io/cilium/cilium:v1", Some("Cilium (DaemonSet kube-system/cilium)")),
            ("canal", "calico/node:v3", Some("Canal (Flannel with Calico's policies) (DaemonSet kube-system/canal)")),
            ("net", "cloudnativelabs/kube-router:v2", Some("kube-router (DaemonSet kube-system/net)")),
            ("kube-proxy", "registry.k8s.io/kube-proxy:v1", None),
        ] {
            assert_eq!(set(name, image).as_deref(), expected, "{name}");
        }
        let node =
            json!({ "metadata": { "name": "n", "annotations": { "projectcalico.org/IPv4Address": "10.0.0.1" } } });
        let found = of_node(&serde_json::from_value(node).unwrap());
        assert_eq!(found.as_deref(), Some("Calico (annotation projectcalico.org/IPv4Address of nodes)"));
    }
}
