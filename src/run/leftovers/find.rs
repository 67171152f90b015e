//! Finds what runs have left: by their records, by the label of every object that we create, by what we write on nodes.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Node, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::jiff::Timestamp;
use k8s_openapi::serde::de::DeserializeOwned;
use kube::api::{Api, ListParams};
use kube::{Client, Resource, ResourceExt};
use serde_json::json;

use crate::evidence::Undo;
use crate::plan::{self, MANAGED_BY, MANAGER, RUN, TAINT_KEY};

use super::super::context::Context;
use super::super::faults::CORDONED_BY;
use super::super::record::{self, CREATED, HEADER, RECORD};
use super::super::{calls, lock};
use super::{Left, Survey, mark, trust};

/// What is known of one run while looking.
#[derive(Default)]
struct Found {
    about: String,
    /// Namespaces of its locks, and until when each is held.
    locked: Vec<(String, Timestamp)>,
    /// Undo of faults, in the order in which they were injected.
    faults: Vec<Undo>,
    /// Undo of what was created, in that order.
    created: Vec<Undo>,
    /// Objects with our label.
    objects: Vec<Undo>,
    /// Namespaces that were created.
    namespaces: Vec<Undo>,
    locks: Vec<Undo>,
    written: Vec<String>,
    /// The last that go.
    records: Vec<Undo>,
}

/// Looks everywhere.
pub(super) async fn survey(context: &Context, namespace: Option<&str>, run: Option<&str>) -> Survey {
    let (mut runs, mut blind) = (BTreeMap::<String, Found>::new(), Vec::new());
    let client = context.client();
    note(&mut blind, "ConfigMaps", list::<ConfigMap>(context, &client, namespace).await, |map| {
        read_record(&mut runs, &map)
    });
    note(&mut blind, "NetworkPolicies", list::<NetworkPolicy>(context, &client, namespace).await, |policy| {
        let (namespace, name) = (policy.namespace().unwrap_or_default(), policy.name_any());
        of(&mut runs, policy.labels()).objects.push(Undo::DeleteNetworkPolicy { namespace, name });
        Ok(())
    });
    note(&mut blind, "Jobs", list::<Job>(context, &client, namespace).await, |job| {
        of(&mut runs, job.labels()).objects.push(deleted("batch/v1", "Job", &job));
        Ok(())
    });
    note(&mut blind, "Pods", list::<Pod>(context, &client, namespace).await, |pod| {
        // A Job's pods end with it.
        if plan::controller(&pod.metadata).is_none() {
            of(&mut runs, pod.labels()).objects.push(deleted("v1", "Pod", &pod));
        }
        Ok(())
    });
    note(&mut blind, "Leases", list::<Lease>(context, &client, namespace).await, |lease| {
        let found = of(&mut runs, lease.labels());
        found.locked.extend(lock::held_until(&lease).map(|until| (lease.namespace().unwrap_or_default(), until)));
        found.locks.push(deleted("coordination.k8s.io/v1", "Lease", &lease));
        Ok(())
    });
    if namespace.is_none() {
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let params = ours();
        let namespaces = calls::patiently(context, "list namespaces", || namespaces.list(&params)).await;
        let namespaces = namespaces.map(|list| list.items).map_err(|error| calls::text(&error));
        note(&mut blind, "Namespaces", namespaces, |namespace| {
            of(&mut runs, namespace.labels()).namespaces.push(deleted("v1", "Namespace", &namespace));
            Ok(())
        });
    }
    let nodes: Api<Node> = Api::all(client);
    let every = ListParams::default();
    let nodes = calls::patiently(context, "list nodes", || nodes.list(&every)).await;
    note(&mut blind, "Nodes", nodes.map(|list| list.items).map_err(|error| calls::text(&error)), |node| {
        read_node(&mut runs, &node);
        Ok(())
    });
    let wanted = |name: &str| run.is_none_or(|run| run == name || plan::label(run) == name);
    let runs = runs.into_iter().filter(|(name, _)| wanted(name)).map(|(name, found)| found.left(name)).collect();
    Survey { runs, blind }
}

fn note<K>(
    blind: &mut Vec<String>,
    what: &str,
    listed: Result<Vec<K>, String>,
    mut take: impl FnMut(K) -> Result<(), String>,
) {
    match listed {
        Ok(objects) => blind.extend(objects.into_iter().filter_map(|object| take(object).err())),
        Err(reason) => blind.push(format!("{what} could not be listed: {reason}")),
    }
}

async fn list<K>(context: &Context, client: &Client, namespace: Option<&str>) -> Result<Vec<K>, String>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let api: Api<K> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let params = ours();
    let list = calls::patiently(context, "list what is ours", || api.list(&params)).await;
    list.map(|list| list.items).map_err(|error| calls::text(&error))
}

/// What carries the mark of any run.
fn ours() -> ListParams {
    ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER},{RUN}"))
}

fn of<'a>(runs: &'a mut BTreeMap<String, Found>, labels: &BTreeMap<String, String>) -> &'a mut Found {
    runs.entry(labels.get(RUN).cloned().unwrap_or_default()).or_default()
}

fn deleted<K: Resource<DynamicType = ()>>(api_version: &str, kind: &str, object: &K) -> Undo {
    Undo::DeleteObject {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
    }
}

fn read_record(runs: &mut BTreeMap<String, Found>, map: &ConfigMap) -> Result<(), String> {
    if !map.labels().contains_key(RECORD) {
        return Ok(());
    }
    let place = format!("{}/{}", map.namespace().unwrap_or_default(), map.name_any());
    let wrong = |why: String| format!("the record ConfigMap {place} cannot be read: {why}");
    let data = map.data.clone().unwrap_or_default();
    let header = data.get(HEADER).ok_or_else(|| wrong(format!("it has no entry {HEADER}")))?;
    let head = record::header(header).map_err(wrong)?;
    let found = of(runs, map.labels());
    found.about = format!("{} on {}, begun {}", head.scenario, head.target, head.started);
    found.written = head.written;
    let home = map.namespace().unwrap_or_default();
    let entries = |text: &str| -> Result<Vec<Undo>, String> {
        let entries = record::read(text)?;
        if entries.len() > trust::UNDO_MAX {
            return Err(format!("it names {} objects, and no run makes more than {}", entries.len(), trust::UNDO_MAX));
        }
        entries.into_iter().map(|undo| trust::checked(undo, &home)).collect()
    };
    // Step names begin with their number, so that this is the order of the injections.
    let mut steps: Vec<(&String, &String)> = data.iter().filter(|(key, _)| *key != HEADER && *key != CREATED).collect();
    steps.sort_by_key(|(step, _)| step.split('-').next().and_then(|number| number.parse::<u32>().ok()));
    for (_, undo) in steps {
        found.faults.extend(entries(undo).map_err(wrong)?);
    }
    found.created.extend(data.get(CREATED).map_or(Ok(Vec::new()), |text| entries(text)).map_err(wrong)?);
    found.records.push(deleted("v1", "ConfigMap", map));
    Ok(())
}

fn read_node(runs: &mut BTreeMap<String, Found>, node: &Node) {
    if let Some(run) = node.annotations().get(CORDONED_BY).and_then(|by| mark::run_of(&json!(by), '/')) {
        runs.entry(run).or_default().objects.push(Undo::Uncordon { node: node.name_any() });
    }
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten()).filter(|taint| taint.key == TAINT_KEY);
    for taint in taints {
        let value = taint.value.clone().unwrap_or_default();
        let Some(run) = mark::run_of(&json!(value), '.') else { continue };
        let undo = Undo::RemoveTaint { node: node.name_any(), key: TAINT_KEY.to_owned(), value };
        runs.entry(run).or_default().objects.push(undo);
    }
}

impl Found {
    /// Faults first, the last one first; then what was created, and the lock and the record in the end. What is named twice
    /// is taken back once, by the undo that knows more: an agent's Job is ended, not just deleted.
    fn left(self, run: String) -> Left {
        let ended: Vec<(String, String)> = self.faults.iter().filter_map(job).collect();
        let objects = self.objects.into_iter().filter(|undo| !job(undo).is_some_and(|job| ended.contains(&job)));
        // A Lease elsewhere says nothing of a run whose record lies here: tenants can write Leases.
        let home = |namespace: &String| {
            let records = &self.records;
            let lies =
                |record: &Undo| matches!(record, Undo::DeleteObject { namespace: home, .. } if home == namespace);
            records.is_empty() || records.iter().any(lies)
        };
        let locked = self.locked.iter().filter(|(namespace, _)| home(namespace)).map(|(_, until)| *until);
        let locked_until = locked.max();
        let mut undo: Vec<Undo> = Vec::new();
        let created = self.created.into_iter().rev().chain(self.namespaces);
        let last = self.locks.into_iter().chain(self.records);
        for one in self.faults.into_iter().rev().chain(objects).chain(created).chain(last) {
            if !undo.contains(&one) {
                undo.push(one);
            }
        }
        let Self { about, written, .. } = self;
        Left { run, about, locked_until, undo, written }
    }
}

/// The Job that an undo is about.
fn job(undo: &Undo) -> Option<(String, String)> {
    match undo {
        Undo::EndNodeAgent { namespace, job, .. } => Some((namespace.clone(), job.clone())),
        Undo::DeleteObject { kind, namespace, name, .. } if kind == "Job" => Some((namespace.clone(), name.clone())),
        _ => None,
    }
}
