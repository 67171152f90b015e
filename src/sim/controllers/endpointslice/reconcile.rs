//! Brings a Service's slices in line with its pods, changing only slices in which something differs.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};
use serde_json::{Value, json};

use super::members::{self, Member};
use crate::controllers::pod::key_of;
use crate::controllers::queue::TryAgain;
use crate::controllers::{control, index};
use crate::registry::DeleteOptions;
use crate::{Key, Kind, Object, State};

/// `--max-endpoints-per-slice`.
const MAX_ENDPOINTS: usize = 100;
const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";
const HEADLESS: &str = "service.kubernetes.io/headless";

/// A slice to be: the one that is there, or a new one, and what it shall hold.
struct Draft {
    existing: Option<Arc<Object>>,
    endpoints: Vec<Arc<Endpoint>>,
}

/// Reconciles the slices of one Service.
pub(in crate::controllers) fn sync(state: &mut State, key: &Key) -> Result<(), TryAgain> {
    let Some(service) = state.store.get(Kind::Service, key).cloned().filter(|service| is_ours(service)) else {
        members::forget(state, key);
        return Ok(());
    };
    let Some(spec) = service.typed::<Service>().spec.as_ref() else { return Ok(()) };
    let groups = group(members::of(state, key, &service, spec));
    let existing = existing_slices(state, key);
    let drafts = draft(groups, existing);
    let mut failed = false;
    for (ports, draft) in drafts {
        failed |= store(state, &service, spec, &ports, draft).is_err();
    }
    if failed { Err(TryAgain) } else { Ok(()) }
}

/// Whether a Service has its endpoints made here: it has a selector and is neither going nor a mere name.
fn is_ours(service: &Object) -> bool {
    let spec = service.typed::<Service>().spec.as_ref();
    let selects = spec.and_then(|spec| spec.selector.as_ref()).is_some_and(|labels| !labels.is_empty());
    selects && !service.is_terminating() && spec.and_then(|spec| spec.type_.as_deref()) != Some("ExternalName")
}

/// Ports as JSON text, so that they can be compared and ordered.
type PortsKey = String;

fn ports_key(ports: &[EndpointPort]) -> PortsKey {
    json!(ports).to_string()
}

/// Ports, and the endpoints that answer under them.
type Group = (Arc<Vec<EndpointPort>>, Vec<Arc<Endpoint>>);

/// Endpoints by the ports under which they answer: named ports may differ between pods.
fn group(members: Vec<Member>) -> BTreeMap<PortsKey, Group> {
    let mut groups: BTreeMap<PortsKey, Group> = BTreeMap::new();
    let mut last: Option<(Arc<Vec<EndpointPort>>, PortsKey)> = None;
    for member in members {
        // Nearly always all pods have the same ports: then the key is made once.
        let text = match &last {
            Some((known, text)) if *known == member.ports => text,
            Some(_) | None => &last.insert((member.ports.clone(), ports_key(&member.ports))).1,
        };
        match groups.get_mut(text) {
            Some((_, endpoints)) => endpoints.push(member.endpoint),
            None => drop(groups.insert(text.clone(), (member.ports, vec![member.endpoint]))),
        }
    }
    if groups.is_empty() {
        // A Service without pods has one empty slice, so that clients see that it is looked after.
        groups.insert(ports_key(&[]), Group::default());
    }
    groups
}

fn existing_slices(state: &State, service: &Key) -> Vec<Arc<Object>> {
    let slices = index::slices_of(state, service);
    slices.into_iter().filter(|slice| slice.label(MANAGED_BY) == Some(MANAGER) && !slice.is_terminating()).collect()
}

/// Assigns endpoints to slices: each stays where it is; new ones fill up; an empty slice is reused or dropped.
fn draft(groups: BTreeMap<PortsKey, Group>, existing: Vec<Arc<Object>>) -> Vec<(Arc<Vec<EndpointPort>>, Draft)> {
    let mut by_ports: BTreeMap<PortsKey, Vec<Arc<Object>>> = BTreeMap::new();
    let mut spare = Vec::new();
    for slice in existing {
        let ports = ports_key(slice.typed::<EndpointSlice>().ports.as_deref().unwrap_or_default());
        if groups.contains_key(&ports) { by_ports.entry(ports).or_default().push(slice) } else { spare.push(slice) }
    }
    let mut drafts = Vec::new();
    for (ports_key, (ports, endpoints)) in groups {
        let mine = by_ports.remove(&ports_key).unwrap_or_default();
        for draft in fill(mine, &endpoints) {
            drafts.push((ports.clone(), draft));
        }
    }
    // A slice that lost its ports takes the place of one that would have to be created.
    for (_, draft) in drafts.iter_mut().filter(|(_, draft)| draft.existing.is_none()) {
        draft.existing = spare.pop();
    }
    drafts.extend(
        spare.into_iter().map(|slice| (Arc::default(), Draft { existing: Some(slice), endpoints: Vec::new() })),
    );
    drafts
}

fn uid(endpoint: &Endpoint) -> &str {
    endpoint.target_ref.as_ref().and_then(|target| target.uid.as_deref()).unwrap_or_default()
}

fn fill(slices: Vec<Arc<Object>>, endpoints: &[Arc<Endpoint>]) -> Vec<Draft> {
    let mut wanted: BTreeMap<&str, &Arc<Endpoint>> =
        endpoints.iter().map(|endpoint| (uid(endpoint), endpoint)).collect();
    let mut drafts: Vec<Draft> = Vec::new();
    for slice in slices {
        let present = slice.typed::<EndpointSlice>().endpoints.iter().flatten();
        let kept = present.filter_map(|endpoint| wanted.remove(uid(endpoint)).cloned()).collect();
        drafts.push(Draft { existing: Some(slice), endpoints: kept });
    }
    for endpoint in wanted.into_values() {
        match drafts.iter_mut().find(|draft| draft.endpoints.len() < MAX_ENDPOINTS) {
            Some(draft) => draft.endpoints.push(endpoint.clone()),
            None => drafts.push(Draft { existing: None, endpoints: vec![endpoint.clone()] }),
        }
    }
    if drafts.is_empty() {
        drafts.push(Draft { existing: None, endpoints: Vec::new() });
    }
    drafts
}

fn labels(service: &Object, spec: &ServiceSpec) -> Value {
    let mut labels = service.at("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
    labels[SERVICE_NAME] = json!(service.text("/metadata/name"));
    labels[MANAGED_BY] = json!(MANAGER);
    if spec.cluster_ip.as_deref() == Some("None") {
        labels[HEADLESS] = json!("");
    }
    labels
}

/// Whether a slice already is what it shall be; an empty one is not settled yet, for it may have to go.
fn is_same(slice: &Object, ports: &[EndpointPort], endpoints: &[Arc<Endpoint>], labels: &Value) -> bool {
    let typed = slice.typed::<EndpointSlice>();
    !endpoints.is_empty()
        && typed.endpoints.iter().flatten().eq(endpoints.iter().map(|endpoint| &**endpoint))
        && typed.ports.as_deref().unwrap_or_default() == ports
        && slice.at("/metadata/labels") == Some(labels)
}

/// Endpoints as JSON, taken from the slice where it has them just so: they are in the order in which it holds them.
fn encoded(slice: &Object, known: Vec<Value>, endpoints: &[Arc<Endpoint>]) -> Value {
    let mut known = slice.typed::<EndpointSlice>().endpoints.iter().flatten().zip(known);
    let encoded = endpoints.iter().map(|endpoint| {
        let same = known.find(|(typed, _)| uid(typed) == uid(endpoint)).filter(|(typed, _)| **typed == **endpoint);
        same.map_or_else(|| json!(**endpoint), |(_, encoded)| encoded)
    });
    encoded.collect()
}

fn store(
    state: &mut State,
    service: &Object,
    spec: &ServiceSpec,
    ports: &[EndpointPort],
    draft: Draft,
) -> Result<(), TryAgain> {
    let key = key_of(service);
    let labels = labels(service, spec);
    if draft.existing.as_ref().is_some_and(|slice| is_same(slice, ports, &draft.endpoints, &labels)) {
        return Ok(());
    }
    let ports = if ports.is_empty() { Value::Null } else { json!(ports) };
    if let Some(slice) = draft.existing {
        let slice_key = key_of(&slice);
        if draft.endpoints.is_empty() && index::slices_of(state, &key).len() > 1 {
            let _ = state.delete(Kind::EndpointSlice, &slice_key, &DeleteOptions::default());
            return Ok(());
        }
        let stored = state.modify_value(Kind::EndpointSlice, &slice_key, |value| {
            let known = match value["endpoints"].take() {
                Value::Array(known) => known,
                _ => Vec::new(),
            };
            value["endpoints"] = encoded(&slice, known, &draft.endpoints);
            value["metadata"]["labels"] = labels;
            match value.as_object_mut() {
                Some(object) if ports.is_null() => drop(object.remove("ports")),
                Some(object) => drop(object.insert("ports".to_owned(), ports)),
                None => {}
            }
        });
        return stored.map(drop).map_err(|_| TryAgain);
    }
    let mut slice = json!({
        "metadata": {
            "generateName": format!("{}-", key.name), "namespace": key.namespace, "labels": labels,
            "ownerReferences": [control::controller_reference(Kind::Service, service)],
        },
        "addressType": "IPv4", "endpoints": draft.endpoints.iter().map(|endpoint| json!(**endpoint)).collect::<Value>(),
    });
    if !ports.is_null() {
        slice["ports"] = ports;
    }
    match state.create(Kind::EndpointSlice, slice) {
        Ok(_) => Ok(()),
        Err(error) => {
            let message = format!(
                "Failed to update endpoint slices for service {}/{}: {}",
                key.namespace, key.name, error.message
            );
            state.event(
                Kind::Service,
                &key,
                "Warning",
                "FailedToUpdateEndpointSlices",
                "endpoint-slice-controller",
                &message,
            );
            Err(TryAgain)
        }
    }
}
