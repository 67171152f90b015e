//! The quality-of-service class of a pod (`pkg/apis/core/v1/helper/qos`), and the little arithmetic that it needs.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// `Guaranteed`, `Burstable` or `BestEffort`; only CPU and memory count.
pub(super) fn qos_class(spec: &PodSpec) -> &'static str {
    let containers = spec.containers.iter().chain(spec.init_containers.iter().flatten());
    let all: Vec<ResourceRequirements> =
        containers.map(|container| container.resources.clone().unwrap_or_default()).collect();
    let amounts = |amounts: &Option<BTreeMap<String, Quantity>>| -> BTreeMap<&'static str, i128> {
        let given = |name| amounts.as_ref().and_then(|amounts| amounts.get(name)).and_then(|q| nanos(&q.0));
        ["cpu", "memory"].into_iter().filter_map(|name| Some((name, given(name)?))).filter(|(_, n)| *n > 0).collect()
    };
    if all.iter().all(|r| amounts(&r.requests).is_empty() && amounts(&r.limits).is_empty()) {
        return "BestEffort";
    }
    let guaranteed = all.iter().all(|resources| {
        let (requests, limits) = (amounts(&resources.requests), amounts(&resources.limits));
        limits.len() == 2 && requests == limits
    });
    if guaranteed { "Guaranteed" } else { "Burstable" }
}

/// A Kubernetes quantity in billionths; `None` when it is not one.
pub(super) fn nanos(text: &str) -> Option<i128> {
    const NANO: i128 = 1_000_000_000;
    let split = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let scale: i128 = match suffix {
        "n" => 1,
        "u" => 1_000,
        "m" => 1_000_000,
        "" => NANO,
        "k" => NANO * 1_000,
        "M" => NANO * 1_000_000,
        "G" => NANO * 1_000_000_000,
        "T" => NANO * 1_000_000_000_000,
        "P" => NANO * 1_000_000_000_000_000,
        "E" => NANO * 1_000_000_000_000_000_000,
        "Ki" => NANO << 10,
        "Mi" => NANO << 20,
        "Gi" => NANO << 30,
        "Ti" => NANO << 40,
        "Pi" => NANO << 50,
        "Ei" => NANO << 60,
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            // What is out of all bounds counts as the bound.
            match u32::try_from(power) {
                Ok(power) => NANO.saturating_mul(10_i128.saturating_pow(power.min(36))),
                Err(_) => NANO / 10_i128.saturating_pow(power.unsigned_abs().min(9)),
            }
        }
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let negative = whole.starts_with('-');
    let whole: i128 = if whole.trim_start_matches(['-', '+']).is_empty() && !fraction.is_empty() {
        0
    } else {
        let digits = whole.trim_start_matches(['-', '+']);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits.parse().unwrap_or(i128::MAX)
    };
    let mut total = whole.saturating_mul(scale);
    let mut unit = scale;
    for digit in fraction.chars() {
        unit /= 10;
        total = total.saturating_add(i128::from(digit.to_digit(10)?).saturating_mul(unit));
    }
    Some(if negative { -total } else { total })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn classes_follow_requests_and_limits() {
        let class = |resources: Value| {
            let spec = json!({ "containers": [{ "name": "a", "resources": resources }] });
            qos_class(&serde_json::from_value(spec).expect("a pod spec"))
        };
        let full = json!({ "cpu": "1", "memory": "1Gi" });
        assert_eq!(class(json!({})), "BestEffort");
        assert_eq!(class(json!({ "requests": { "cpu": "100m" } })), "Burstable");
        assert_eq!(class(json!({ "requests": full, "limits": full })), "Guaranteed");
        assert_eq!(class(json!({ "requests": { "cpu": "1000m", "memory": "1024Mi" }, "limits": full })), "Guaranteed");
        assert_eq!(class(json!({ "limits": { "nvidia.com/gpu": "1" } })), "BestEffort");
    }

    #[test]
    fn quantities_are_read() {
        for (text, wanted) in [
            ("1", Some(1_000_000_000)),
            ("100m", Some(100_000_000)),
            ("0.5", Some(500_000_000)),
            (".5", Some(500_000_000)),
            ("1Ki", Some(1024 * 1_000_000_000)),
            ("2e3", Some(2_000 * 1_000_000_000)),
            ("-1", Some(-1_000_000_000)),
            ("x", None),
            ("", None),
            ("1Zi", None),
        ] {
            assert_eq!(nanos(text), wanted, "{text}");
        }
    }
}
