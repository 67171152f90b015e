//! Admission of new objects: what depends on other objects or on the cluster's settings.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::api::error::{ApiError, Cause};
use crate::{Key, Kind, State};

/// Cluster IPs are `10.96.0.0/16`; the first 256 are left for what asks for a fixed address, such as the DNS Service.
const SERVICE_NETWORK: [u8; 2] = [10, 96];
const FIRST_FREE: u32 = 256;

/// Classes that every cluster has, also without their objects.
const SYSTEM_PRIORITIES: [(&str, i64); 2] =
    [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];

const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

impl State {
    /// Completes a new object in place, after its kind's defaults.
    pub(super) fn admission(&mut self, kind: Kind, key: &Key, value: &mut Value) -> Result<(), ApiError> {
        match kind {
            Kind::Pod => {
                self.tolerate_failing_nodes(value);
                self.prioritise(key, value)
            }
            Kind::Service => self.allocate_cluster_ip(key, value),
            Kind::PersistentVolumeClaim => {
                self.default_storage_class(value);
                Ok(())
            }
            Kind::Namespace => {
                value["spec"]["finalizers"] = json!(["kubernetes"]);
                Ok(())
            }
            Kind::Node
            | Kind::ConfigMap
            | Kind::Secret
            | Kind::ServiceAccount
            | Kind::PersistentVolume
            | Kind::Event
            | Kind::Deployment
            | Kind::ReplicaSet
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::ControllerRevision
            | Kind::Job
            | Kind::PodDisruptionBudget
            | Kind::EndpointSlice
            | Kind::NetworkPolicy
            | Kind::StorageClass
            | Kind::VolumeAttachment
            | Kind::Lease
            | Kind::PriorityClass
            | Kind::Role
            | Kind::RoleBinding
            | Kind::ClusterRole
            | Kind::ClusterRoleBinding => Ok(()),
        }
    }

    /// `DefaultTolerationSeconds`: unless the pod says otherwise it stays on a failing node for this long.
    fn tolerate_failing_nodes(&self, pod: &mut Value) {
        let seconds = self.settings.timings.default_toleration_seconds;
        let mut tolerations = pod["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
        for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let tolerated = tolerations.iter().any(|toleration| {
                let text = |field: &str| toleration.get(field).and_then(Value::as_str).unwrap_or_default();
                (text("key") == taint || text("key").is_empty())
                    && (text("effect") == "NoExecute" || text("effect").is_empty())
            });
            if !tolerated {
                tolerations.push(json!({
                    "key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds,
                }));
            }
        }
        if !tolerations.is_empty() {
            pod["spec"]["tolerations"] = json!(tolerations);
        }
    }

    /// `Priority`: the number of the pod's class, of the global default, or 0.
    fn prioritise(&self, key: &Key, pod: &mut Value) -> Result<(), ApiError> {
        let name = pod.pointer("/spec/priorityClassName").and_then(Value::as_str).unwrap_or_default().to_owned();
        let policy = |class: &Value| class["preemptionPolicy"].as_str().unwrap_or("PreemptLowerPriority").to_owned();
        let (priority, policy) = if name.is_empty() {
            let default =
                self.store.all(Kind::PriorityClass).find(|(_, class)| class.value()["globalDefault"] == json!(true));
            if let Some((class_key, class)) = default {
                pod["spec"]["priorityClassName"] = json!(class_key.name);
                (class.value()["value"].as_i64().unwrap_or(0), policy(class.value()))
            } else {
                (0, policy(&Value::Null))
            }
        } else if let Some(class) = self.store.get(Kind::PriorityClass, &Key::cluster(name.as_str())) {
            (class.value()["value"].as_i64().unwrap_or(0), policy(class.value()))
        } else if let Some((_, priority)) = SYSTEM_PRIORITIES.iter().find(|(known, _)| *known == name) {
            (*priority, policy(&Value::Null))
        } else {
            return Err(ApiError::forbidden(Kind::Pod, key, &format!("no PriorityClass with name {name} was found")));
        };
        pod["spec"]["priority"] = json!(priority);
        if pod.pointer("/spec/preemptionPolicy").is_none() {
            pod["spec"]["preemptionPolicy"] = json!(policy);
        }
        Ok(())
    }

    fn allocate_cluster_ip(&mut self, key: &Key, service: &mut Value) -> Result<(), ApiError> {
        if service.pointer("/spec/type") == Some(&json!("ExternalName")) {
            return Ok(());
        }
        let wanted = service.pointer("/spec/clusterIP").and_then(Value::as_str).unwrap_or_default().to_owned();
        let ip = match wanted.as_str() {
            "None" => "None".to_owned(),
            "" => self.free_cluster_ip(),
            fixed => {
                let octets = fixed.parse::<Ipv4Addr>().map(|ip| ip.octets()).ok();
                if octets.is_none_or(|octets| octets[..2] != SERVICE_NETWORK) {
                    let detail = "failed to allocate IP: the provided IP is not in the valid range. The range of valid \
                                  IPs is 10.96.0.0/16";
                    let cause = Cause::invalid("spec.clusterIPs", &json!([fixed]), detail);
                    return Err(ApiError::invalid(Kind::Service, &key.name, &[cause]));
                }
                if self.cluster_ip_taken(fixed) {
                    let detail = "failed to allocate IP: provided IP is already allocated";
                    let cause = Cause::invalid("spec.clusterIPs", &json!([fixed]), detail);
                    return Err(ApiError::invalid(Kind::Service, &key.name, &[cause]));
                }
                fixed.to_owned()
            }
        };
        service["spec"]["clusterIP"] = json!(ip);
        service["spec"]["clusterIPs"] = json!([ip]);
        service["spec"]["ipFamilies"] = json!(["IPv4"]);
        service["spec"]["ipFamilyPolicy"] = json!("SingleStack");
        Ok(())
    }

    fn free_cluster_ip(&self) -> String {
        let mut next = FIRST_FREE;
        let taken: std::collections::BTreeSet<&str> =
            self.store.all(Kind::Service).map(|(_, service)| service.text("/spec/clusterIP")).collect();
        loop {
            let [_, _, third, fourth] = next.to_be_bytes();
            let ip = format!("{}.{}.{third}.{fourth}", SERVICE_NETWORK[0], SERVICE_NETWORK[1]);
            if !taken.contains(ip.as_str()) {
                return ip;
            }
            next += 1;
        }
    }

    fn cluster_ip_taken(&self, ip: &str) -> bool {
        self.store.all(Kind::Service).any(|(_, service)| service.text("/spec/clusterIP") == ip)
    }

    /// `DefaultStorageClass`: a claim that names no class gets the default one.
    fn default_storage_class(&self, claim: &mut Value) {
        if claim.pointer("/spec/storageClassName").is_some() {
            return;
        }
        let mut classes = self.store.all(Kind::StorageClass);
        if let Some((class, _)) = classes.find(|(_, class)| class.annotation(DEFAULT_CLASS) == Some("true")) {
            claim["spec"]["storageClassName"] = json!(class.name);
        }
    }
}
