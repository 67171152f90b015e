//! The state that `same_after` compares, as lines that a person can read. Contents of `ConfigMaps` and Secrets appear as
//! numbers only: see [`super::contents`].

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{ConfigMap, PodSpec, Secret};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use crate::evidence::{Event, Snapshot, When};
use crate::plan::{MANAGED_BY, MANAGER, RUN, label};
use crate::scenario::{Aspect, WorkloadKind};

use super::calls;
use super::context::Context;
use super::observe::{Picture, PodState};

/// Subject to state.
type Lines = BTreeMap<String, String>;

/// Records the aspects that the scenario compares.
pub(super) async fn take(context: &Context, when: When) {
    let mut aspects = BTreeMap::new();
    for aspect in &context.scenario.expect.same_after {
        match read(context, *aspect).await {
            Ok(lines) => {
                aspects.insert(*aspect, lines);
            }
            Err(reason) => {
                let word = serde_json::to_value(aspect).ok();
                let word = word.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
                context.recorder.gap(format!("snapshot of {word}: {reason}"), false);
            }
        }
    }
    if !context.scenario.expect.same_after.is_empty() {
        context.recorder.note(Event::Snapshot(Box::new(Snapshot { when, aspects })));
    }
}

async fn read(context: &Context, aspect: Aspect) -> Result<Lines, String> {
    let board = &context.board;
    match aspect {
        Aspect::Replicas => Ok(board.look(|picture| one(context, picture.strong.len().to_string()))),
        Aspect::Spread => Ok(board.look(|picture| one(context, most(picture, |state| state.seen.node.clone())))),
        Aspect::Zones => {
            let zone = |picture: &Picture, state: &PodState| {
                picture.nodes.get(&state.seen.node).map(|node| node.zone.clone()).unwrap_or_default()
            };
            Ok(board.look(|picture| {
                let zones: BTreeSet<String> = strong(picture).map(|state| zone(picture, state)).collect();
                one(context, zones.len().to_string())
            }))
        }
        Aspect::Images => Ok(board.look(images)),
        Aspect::Spec => spec(context).await,
        Aspect::Config => config(context).await,
        Aspect::Budgets => budgets(context).await,
        Aspect::Nodes => Ok(board.look(nodes)),
        Aspect::Leftovers => leftovers(context).await,
    }
}

fn one(context: &Context, state: String) -> Lines {
    Lines::from([(context.target(), state)])
}

fn strong(picture: &Picture) -> impl Iterator<Item = &PodState> {
    picture.target_pods().filter(|state| picture.strong.contains(&state.seen.uid))
}

/// The largest number of pods in one place.
fn most(picture: &Picture, place: impl Fn(&PodState) -> String) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for state in strong(picture) {
        *counts.entry(place(state)).or_default() += 1;
    }
    counts.into_values().max().unwrap_or_default().to_string()
}

/// Digests of the running images by container; more than one when the pods differ.
fn images(picture: &Picture) -> Lines {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for container in strong(picture).flat_map(|state| &state.seen.containers) {
        found.entry(container.name.clone()).or_default().insert(container.image_id.clone());
    }
    let line = |ids: BTreeSet<String>| ids.into_iter().collect::<Vec<_>>().join(", ");
    found.into_iter().map(|(name, ids)| (name, line(ids))).collect()
}

fn nodes(picture: &Picture) -> Lines {
    let line = |node: &crate::evidence::NodeSeen| {
        let cordon = if node.cordoned { "cordoned" } else { "schedulable" };
        std::iter::once(cordon.to_owned()).chain(node.taints.iter().cloned()).collect::<Vec<_>>().join(", ")
    };
    picture.nodes.values().map(|node| (node.name.clone(), line(node))).collect()
}

/// Which content the workload's spec is, as the API server has it.
async fn spec(context: &Context) -> Result<Lines, String> {
    let target = &context.scenario.target;
    let Some(workload) = &target.workload else {
        return Err("the target is a selector, which has no spec".to_owned());
    };
    let (version, kind) = match workload.kind {
        WorkloadKind::Deployment => ("apps/v1", "Deployment"),
        WorkloadKind::StatefulSet => ("apps/v1", "StatefulSet"),
        WorkloadKind::DaemonSet => ("apps/v1", "DaemonSet"),
        WorkloadKind::Pod => ("v1", "Pod"),
    };
    let api = super::fixtures::api(context.client(), version, kind, &target.namespace);
    let object = calls::patiently(context, "get the target", || api.get(&workload.name))
        .await
        .map_err(|error| calls::text(&error))?;
    Ok(one(context, context.contents.number("spec", &object.data["spec"])))
}

/// Which contents are what the target's pods take from `ConfigMaps` and Secrets.
async fn config(context: &Context) -> Result<Lines, String> {
    let namespace = &context.scenario.target.namespace;
    let used = context.board.look(|picture| {
        let mut used = Used::default();
        for spec in picture.target_pods().filter_map(|state| state.pod.spec.as_ref()) {
            used.add(spec);
        }
        used
    });
    let mut lines = Lines::new();
    let maps: Api<ConfigMap> = Api::namespaced(context.client(), namespace);
    for name in &used.maps {
        let map = calls::patiently(context, "get a ConfigMap", || maps.get_opt(name))
            .await
            .map_err(|error| calls::text(&error))?;
        let subject = format!("ConfigMap {name}");
        let number = |map: ConfigMap| context.contents.number(&subject, &(map.data, map.binary_data));
        let state = map.map_or("absent".to_owned(), number);
        lines.insert(subject, state);
    }
    let secrets: Api<Secret> = Api::namespaced(context.client(), namespace);
    for name in &used.secrets {
        let secret = calls::patiently(context, "get a Secret", || secrets.get_opt(name))
            .await
            .map_err(|error| calls::text(&error))?;
        let subject = format!("Secret {name}");
        let number = |secret: Secret| context.contents.number(&subject, &secret.data);
        let state = secret.map_or("absent".to_owned(), number);
        lines.insert(subject, state);
    }
    Ok(lines)
}

/// Names of `ConfigMaps` and Secrets that pods refer to.
#[derive(Debug, Default)]
struct Used {
    maps: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

impl Used {
    fn add(&mut self, spec: &PodSpec) {
        for volume in spec.volumes.iter().flatten() {
            self.maps.extend(volume.config_map.as_ref().map(|map| map.name.clone()));
            self.secrets.extend(volume.secret.as_ref().and_then(|secret| secret.secret_name.clone()));
            for source in volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten()) {
                self.maps.extend(source.config_map.as_ref().map(|map| map.name.clone()));
                self.secrets.extend(source.secret.as_ref().map(|secret| secret.name.clone()));
            }
        }
        for container in spec.containers.iter().chain(spec.init_containers.iter().flatten()) {
            for source in container.env_from.iter().flatten() {
                self.maps.extend(source.config_map_ref.as_ref().map(|map| map.name.clone()));
                self.secrets.extend(source.secret_ref.as_ref().map(|secret| secret.name.clone()));
            }
            for source in container.env.iter().flatten().filter_map(|env| env.value_from.as_ref()) {
                self.maps.extend(source.config_map_key_ref.as_ref().map(|map| map.name.clone()));
                self.secrets.extend(source.secret_key_ref.as_ref().map(|secret| secret.name.clone()));
            }
        }
        // The cluster's own certificate bundle is in every pod and rotates by itself.
        self.maps.remove("kube-root-ca.crt");
    }
}

async fn budgets(context: &Context) -> Result<Lines, String> {
    let api: Api<PodDisruptionBudget> = Api::namespaced(context.client(), &context.scenario.target.namespace);
    let params = ListParams::default();
    let budgets =
        calls::patiently(context, "list budgets", || api.list(&params)).await.map_err(|error| calls::text(&error))?;
    let line = |budget: PodDisruptionBudget| {
        let status = budget.status.unwrap_or_default();
        let wanted = serde_json::to_string(&budget.spec).unwrap_or_default();
        format!("{} disruptions allowed, {wanted}", status.disruptions_allowed.unwrap_or(0))
    };
    Ok(budgets.items.into_iter().map(|budget| (budget.name_any(), line(budget))).collect())
}

/// Objects of this run that are there: none, before and after.
async fn leftovers(context: &Context) -> Result<Lines, String> {
    let mut lines = Lines::new();
    let ours = format!("{MANAGED_BY}={MANAGER},{RUN}={}", label(&context.run));
    let namespaces: BTreeSet<String> = context
        .board
        .look(Picture::namespaces)
        .into_iter()
        .chain([context.scenario.target.namespace.clone()])
        .collect();
    for namespace in namespaces {
        let api: Api<NetworkPolicy> = Api::namespaced(context.client(), &namespace);
        let params = ListParams::default().labels(&ours);
        let policies = calls::patiently(context, "list policies", || api.list(&params))
            .await
            .map_err(|error| calls::text(&error))?;
        for policy in policies.items {
            lines.insert(format!("NetworkPolicy {namespace}/{}", policy.name_any()), "left behind".to_owned());
        }
    }
    Ok(lines)
}
