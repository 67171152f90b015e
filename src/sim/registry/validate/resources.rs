//! Names and amounts of resources (`ValidateResourceRequirements` and its helpers in pkg/apis/core/validation).

use super::field::Field;
use super::words;
use crate::registry::qos::nanos;

const STANDARD: [&str; 20] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "storage",
    "requests.storage",
    "services.nodeports",
    "services.loadbalancers",
];

const WHOLE: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

fn is_huge(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// A resource that only Kubernetes itself may name.
fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// `nvidia.com/gpu` (`IsExtendedResourceName`).
pub(super) fn is_extended(name: &str) -> bool {
    !is_native(name) && !name.starts_with("requests.") && words::qualified(&format!("requests.{name}")).is_none()
}

fn is_whole(name: &str) -> bool {
    WHOLE.contains(&name) || is_extended(name)
}

/// Any resource's name.
pub(super) fn name(name: &str, field: &Field<'_>) -> bool {
    if let Some(wrong) = words::qualified(name) {
        field.invalid_value(name, &wrong);
        return false;
    }
    if !name.contains('/') && !STANDARD.contains(&name) && !is_huge(name) {
        field.invalid_value(name, "must be a standard resource type or fully qualified");
        return false;
    }
    true
}

/// A resource that a container may ask for.
pub(super) fn container_name(resource: &str, field: &Field<'_>) {
    if !name(resource, field) {
        return;
    }
    if !resource.contains('/') {
        if !matches!(resource, "cpu" | "memory" | "ephemeral-storage") && !is_huge(resource) {
            field.invalid_value(resource, "must be a standard resource for containers");
        }
    } else if !is_native(resource) && !is_extended(resource) {
        field.invalid_value(resource, "doesn't follow extended resource name standard");
    }
}

/// Whether more of a resource may be promised than there is (`IsOvercommitAllowed`).
pub(super) fn is_overcommitted(resource: &str) -> bool {
    is_native(resource) && !is_huge(resource)
}

/// The amount in billionths; what cannot be read is refused here, although the real server refuses it on reading.
pub(super) fn quantity(field: &Field<'_>) -> Option<i128> {
    let amount = nanos(field.text());
    if amount.is_none() {
        field.invalid("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
    }
    amount
}

/// An amount that may not be negative, and is whole where the resource is counted.
pub(super) fn amount(resource: &str, field: &Field<'_>) -> Option<i128> {
    let amount = quantity(field)?;
    if amount < 0 {
        field.invalid("must be greater than or equal to 0");
    }
    if is_whole(resource) && amount % 1_000_000_000 != 0 {
        field.invalid("must be an integer");
    }
    Some(amount)
}

/// What a container, or a whole pod, asks for and is limited to.
pub(super) fn requirements(resources: &Field<'_>, claims: &[&str]) {
    let (limits, requests) = (resources.at("limits"), resources.at("requests"));
    for (resource, field) in limits.entries() {
        container_name(resource, &field);
        if let Some(found) = amount(resource, &field) {
            huge_page(resource, found, &field);
        }
    }
    for (resource, field) in requests.entries() {
        container_name(resource, &field);
        let Some(asked) = amount(resource, &field) else { continue };
        huge_page(resource, asked, &field);
        let overcommits = is_native(resource) && !is_huge(resource);
        let limit = limits.key(resource);
        if limit.is_set() {
            let most = nanos(limit.text()).unwrap_or(asked);
            if asked != most && !overcommits {
                requests.invalid_value(field.text(), &format!("must be equal to {resource} limit of {}", limit.text()));
            } else if asked > most {
                let wrong = format!("must be less than or equal to {resource} limit of {}", limit.text());
                requests.invalid_value(field.text(), &wrong);
            }
        } else if !overcommits {
            limits.required("Limit must be set for non overcommitable resources");
        }
    }
    let any = |test: fn(&str) -> bool| {
        [&limits, &requests].into_iter().any(|side| side.entries().any(|(name, _)| test(name)))
    };
    if any(is_huge) && !any(|name| matches!(name, "cpu" | "memory")) {
        resources.forbidden("HugePages require cpu or memory");
    }
    let mut seen = Vec::new();
    for claim in resources.at("claims").items() {
        let name = claim.at("name");
        let pair = (name.text(), claim.at("request").text());
        if !name.is_given() {
            continue;
        }
        if seen.contains(&pair) {
            claim.duplicate();
        } else if !claims.contains(&name.text()) {
            name.not_found();
        }
        seen.push(pair);
    }
}

fn huge_page(resource: &str, amount: i128, field: &Field<'_>) {
    let Some(size) = resource.strip_prefix("hugepages-").and_then(nanos).filter(|size| *size > 0) else { return };
    if amount % size != 0 {
        field.invalid(&format!("{} is not positive integer multiple of {}", field.text(), size / 1_000_000_000));
    }
}
