//! Addresses of Services.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::api::error::{ApiError, Cause};
use crate::{Key, Kind, State};

/// Cluster IPs are `10.96.0.0/16`; the first 256 are left for what asks for a fixed address, such as the DNS Service.
const SERVICE_NETWORK: [u8; 2] = [10, 96];
const FIRST_FREE: u32 = 256;

/// Ports that a node may listen on for Services.
const NODE_PORTS: (i64, i64) = (30_000, 32_767);

/// Fills in the families of a cluster that has IPv4 alone, and refuses what it cannot give (`initIPFamilyFields`).
fn families(key: &Key, service: &mut Value) -> Result<(), ApiError> {
    let refuse = |field: &str, value: &Value, wrong: &str| {
        Err(ApiError::invalid(Kind::Service, &key.name, &[Cause::invalid(field, value, wrong)]))
    };
    let policy = service["spec"]["ipFamilyPolicy"].clone();
    if policy == "RequireDualStack" {
        let selects = service.pointer("/spec/selector").and_then(Value::as_object).is_some_and(|all| !all.is_empty());
        if service.pointer("/spec/clusterIP") != Some(&json!("None")) || selects {
            return refuse("spec.ipFamilyPolicy", &policy, "this cluster is not configured for dual-stack services");
        }
    }
    let given = service["spec"]["ipFamilies"].as_array().cloned().unwrap_or_default();
    for (index, family) in given.iter().enumerate() {
        if family == "IPv6" {
            return refuse(&format!("spec.ipFamilies[{index}]"), family, "not configured on this cluster");
        }
    }
    if given.is_empty() {
        service["spec"]["ipFamilies"] = json!(["IPv4"]);
    }
    if policy.as_str().is_none_or(str::is_empty) {
        service["spec"]["ipFamilyPolicy"] = json!("SingleStack");
    }
    Ok(())
}

impl State {
    /// Gives a Service its cluster IP, or checks the one that it asks for.
    pub(super) fn allocate_cluster_ip(&mut self, key: &Key, service: &mut Value) -> Result<(), ApiError> {
        if service.pointer("/spec/type") == Some(&json!("ExternalName")) {
            if let Some(ip) =
                service.pointer("/spec/clusterIP").filter(|ip| ip.as_str().is_some_and(|ip| !ip.is_empty())).cloned()
            {
                // Validation says what is wrong with it.
                service["spec"]["clusterIPs"] = json!([ip]);
            }
            return Ok(());
        }
        let wanted = service.pointer("/spec/clusterIP").and_then(Value::as_str).unwrap_or_default().to_owned();
        families(key, service)?;
        if wanted.is_empty()
            && service.pointer("/spec/clusterIPs").and_then(Value::as_array).is_some_and(|all| !all.is_empty())
        {
            // Validation says what is wrong with it.
            return Ok(());
        }
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
        if service.pointer("/spec/clusterIPs").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            service["spec"]["clusterIPs"] = json!([ip]);
        }
        self.allocate_node_ports(key, service)
    }

    /// Checks the node ports that a Service asks for. What it does not ask for stays unset: nothing here listens on nodes.
    fn allocate_node_ports(&self, key: &Key, service: &Value) -> Result<(), ApiError> {
        for (index, port) in service["spec"]["ports"].as_array().into_iter().flatten().enumerate() {
            let Some(number) = port["nodePort"].as_i64().filter(|number| *number != 0) else { continue };
            let taken = |(_, other): (&Key, &std::sync::Arc<crate::Object>)| {
                other.value()["spec"]["ports"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|theirs| theirs["nodePort"] == port["nodePort"] && theirs["protocol"] == port["protocol"])
            };
            let wrong = if !(NODE_PORTS.0..=NODE_PORTS.1).contains(&number) {
                "provided port is not in the valid range. The range of valid ports is 30000-32767"
            } else if self.store.all(Kind::Service).any(taken) {
                "provided port is already allocated"
            } else {
                continue;
            };
            let cause = Cause::invalid(format!("spec.ports[{index}].nodePort"), &port["nodePort"], wrong);
            return Err(ApiError::invalid(Kind::Service, &key.name, &[cause]));
        }
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
}
