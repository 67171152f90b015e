//! Addresses of Services.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::api::error::{ApiError, Cause};
use crate::{Key, Kind, State};

/// Cluster IPs are `10.96.0.0/16`; the first 256 are left for what asks for a fixed address, such as the DNS Service.
const SERVICE_NETWORK: [u8; 2] = [10, 96];
const FIRST_FREE: u32 = 256;

impl State {
    /// Gives a Service its cluster IP, or checks the one that it asks for.
    pub(super) fn allocate_cluster_ip(&mut self, key: &Key, service: &mut Value) -> Result<(), ApiError> {
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
}
