//! `LimitRanger`: default requests and limits, and the bounds of containers, pods and claims
//! (`plugin/pkg/admission/limitranger`).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{LimitRange, LimitRangeItem};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde_json::{Value, json};

use super::resource_quota::{Amounts, amounts, pod_amounts};
use crate::api::error::ApiError;
use crate::registry::qos::nanos;
use crate::{Key, Kind, State};

impl State {
    fn limits<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a LimitRangeItem> {
        let ranges = self.store.in_namespace(Kind::LimitRange, namespace);
        ranges.flat_map(|(_, range)| range.typed::<LimitRange>().spec.iter().flat_map(|spec| &spec.limits))
    }

    /// Containers that say nothing get what the namespace's limit ranges say.
    pub(super) fn default_resources(&self, key: &Key, pod: &mut Value) {
        let (mut limits, mut requests) = (BTreeMap::new(), BTreeMap::new());
        for item in self.limits(&key.namespace).filter(|item| item.type_ == "Container") {
            limits.extend(item.default.iter().flatten());
            requests.extend(item.default_request.iter().flatten());
        }
        if limits.is_empty() && requests.is_empty() {
            return;
        }
        let mut notes = Vec::new();
        for (field, called) in [("containers", "container"), ("initContainers", "init container")] {
            for container in pod["spec"].get_mut(field).and_then(Value::as_array_mut).into_iter().flatten() {
                let name = container["name"].as_str().unwrap_or_default().to_owned();
                for (side, word, defaults) in [("requests", "request", &requests), ("limits", "limit", &limits)] {
                    let set = fill(&mut container["resources"], side, defaults);
                    if !set.is_empty() {
                        notes.push(format!("{} {word} for {called} {name}", set.join(", ")));
                    }
                }
            }
        }
        if !notes.is_empty() {
            let note = format!("LimitRanger plugin set: {}", notes.join("; "));
            pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"] = json!(note);
        }
    }

    /// Refuses what is outside of the namespace's bounds, all at once.
    pub(super) fn within_limits(&self, kind: Kind, key: &Key, value: &Value) -> Result<(), ApiError> {
        let mut wrong = Vec::new();
        for item in self.limits(&key.namespace) {
            match (kind, item.type_.as_str()) {
                (Kind::Pod, "Container") => {
                    for field in ["containers", "initContainers"] {
                        for container in value["spec"].get(field).and_then(Value::as_array).into_iter().flatten() {
                            let side = |side: &str| amounts(&container["resources"][side]);
                            bounds(item, &side("requests"), &side("limits"), &mut wrong);
                        }
                    }
                }
                (Kind::Pod, "Pod") => {
                    bounds(item, &pod_amounts(value, "requests"), &pod_amounts(value, "limits"), &mut wrong);
                }
                (Kind::PersistentVolumeClaim, "PersistentVolumeClaim") => {
                    let asked = amounts(&value["spec"]["resources"]["requests"]);
                    claim_bounds(item, &asked, &mut wrong);
                }
                _ => {}
            }
        }
        match wrong.as_slice() {
            [] => Ok(()),
            [one] => Err(ApiError::forbidden(kind, key, one)),
            many => Err(ApiError::forbidden(kind, key, &format!("[{}]", many.join(", ")))),
        }
    }
}

/// Sets what is absent; tells which.
fn fill(resources: &mut Value, side: &str, defaults: &BTreeMap<&String, &Quantity>) -> Vec<String> {
    let mut set = Vec::new();
    for (resource, amount) in defaults {
        let own = &mut resources[side][resource.as_str()];
        if own.is_null() {
            *own = json!(amount);
            set.push((*resource).clone());
        }
    }
    set
}

fn bounds(item: &LimitRangeItem, requests: &Amounts, limits: &Amounts, wrong: &mut Vec<String>) {
    let of = &item.type_;
    for (resource, least) in item.min.iter().flatten() {
        let (enforced, request, limit) = (read(least), requests.get(resource), limits.get(resource));
        let start = format!("minimum {resource} usage per {of} is {}", least.0);
        match (request, limit) {
            (None, _) => wrong.push(format!("{start}.  No request is specified")),
            (Some(request), _) if request.nanos < enforced => {
                wrong.push(format!("{start}, but request is {}", request.text));
            }
            (_, Some(limit)) if limit.nanos < enforced => wrong.push(format!("{start}, but limit is {}", limit.text)),
            _ => {}
        }
    }
    for (resource, most) in item.max.iter().flatten() {
        let (enforced, request, limit) = (read(most), requests.get(resource), limits.get(resource));
        let start = format!("maximum {resource} usage per {of} is {}", most.0);
        match (limit, request) {
            (None, _) => wrong.push(format!("{start}.  No limit is specified")),
            (Some(limit), _) if limit.nanos > enforced => wrong.push(format!("{start}, but limit is {}", limit.text)),
            (_, Some(request)) if request.nanos > enforced => {
                wrong.push(format!("{start}, but request is {}", request.text));
            }
            _ => {}
        }
    }
    for (resource, ratio) in item.max_limit_request_ratio.iter().flatten() {
        let start = format!("{resource} max limit to request ratio per {of} is {}", ratio.0);
        let known = |amounts: &Amounts| amounts.get(resource).map(|amount| amount.nanos).filter(|nanos| *nanos != 0);
        match (known(requests), known(limits)) {
            (None, _) => wrong.push(format!("{start}, but no request is specified or request is 0")),
            (_, None) => wrong.push(format!("{start}, but no limit is specified or limit is 0")),
            (Some(request), Some(limit)) => {
                let (found, allowed) = (limit as f64 / request as f64, read(ratio) as f64 / 1e9);
                if found > allowed {
                    wrong.push(format!("{start}, but provided ratio is {found:.6}"));
                }
            }
        }
    }
}

fn claim_bounds(item: &LimitRangeItem, asked: &Amounts, wrong: &mut Vec<String>) {
    let of = &item.type_;
    for (bounds, word) in [(&item.min, "minimum"), (&item.max, "maximum")] {
        for (resource, bound) in bounds.iter().flatten() {
            let start = format!("{word} {resource} usage per {of} is {}", bound.0);
            match asked.get(resource) {
                None => wrong.push(format!("{start}.  No request is specified")),
                Some(amount) => {
                    let outside =
                        if word == "minimum" { amount.nanos < read(bound) } else { amount.nanos > read(bound) };
                    if outside {
                        wrong.push(format!("{start}, but request is {}", amount.text));
                    }
                }
            }
        }
    }
}

fn read(quantity: &Quantity) -> i128 {
    nanos(&quantity.0).unwrap_or(0)
}
